"""`/_s2mock/streams` and `readers`: the basins and streams, a stream's history and its readers."""

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final, cast

from s2mock.control.hosted_account import HostedAccount
from s2mock.control.request import (
    ControlRequest,
    ControlRoute,
    count_of,
    seconds_of,
    stream_of,
    whole_of,
)
from s2mock.control.response import ControlResponse, Refused
from s2mock.control.views.account_view import CapturedView, capture
from s2mock.control.views.overview import overview_to_json
from s2mock.control.views.stream_history import DEFAULT_COUNT, history_to_json
from s2mock.registry.places import Place
from s2mock.registry.values.errors import S2Error
from s2mock.registry.values.names import BasinName, StreamName
from s2mock.runtime.conversation import RunInThread, Step

if TYPE_CHECKING:
    from s2mock.control.views.upstream_view import UpstreamReads

_LIMIT: Final = 1000
_MAX_COUNT: Final = 10_000


def capture_all(hosted: HostedAccount) -> CapturedView:
    """Return the state of an account, in front of an upstream as that tells it.

    It may wait for an upstream. Raises `Refused`, `UpstreamUnreachable`.
    """
    if not hosted.is_in_front_of_upstream:
        return capture(hosted.engine)
    from s2mock.control.views.upstream_view import capture_listed  # loaded late: rarely used

    try:
        return capture_listed(hosted.engine, cast("UpstreamReads", hosted.reads))
    except S2Error as error:
        raise Refused(error.status, error.message) from None


def read_streams(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return all basins, and the streams whose names contain a text, up to a limit."""
    query = request.query(("contains", "limit"))
    limit = whole_of(query, "limit", _LIMIT)

    def serialize() -> dict[str, Any]:
        view = capture_all(request.hosted)
        return overview_to_json(view, query.get("contains", ""), limit)

    return ControlResponse(200, (yield RunInThread(serialize)))


def read_records(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return the records of a stream, the removed ones too, with the exchange that made each."""
    query = request.query(("basin", "stream", "before", "count"))
    basin, stream = stream_of(query)
    before = whole_of(query, "before")
    count = count_of(query, 0.0) if "count" in query else DEFAULT_COUNT
    if count > _MAX_COUNT:
        raise Refused(400, f"count must be at most {_MAX_COUNT}, not {count}")

    def serialize() -> dict[str, Any]:
        hosted = request.hosted
        # The journal first: what it has was applied when the state is captured.
        exchanges = hosted.powers.journal.since(0)
        if hosted.is_in_front_of_upstream:
            from s2mock.control.views.upstream_view import capture_stream  # as above

            reads = cast("UpstreamReads", hosted.reads)
            view = capture_stream(hosted.engine, reads, basin, stream, before, count)
        else:
            view = capture(hosted.engine)
        return history_to_json(view, exchanges, basin, stream, before, count)

    # No such stream is no error: a reset may have removed it. The list of lifetimes is then empty.
    return ControlResponse(200, (yield RunInThread(serialize)))


def read_readers(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return the number of read sessions at the tail; with `wait`, once there are `count`."""
    query = request.query(("basin", "stream", "count", "wait"))
    wait = seconds_of(query)
    count = count_of(query, wait)
    basin, name = stream_of(query)
    reads = request.hosted.reads
    try:
        place = Place(BasinName(basin), StreamName(name))
        if wait is not None:
            yield from reads.readers_pending(place, count, wait).steps()
        return ControlResponse(200, {"readers": reads.stream(place).readers})
    except S2Error as error:
        status = error.status if error.status in (404, 409) else 400
        raise Refused(status, error.message) from None


ROUTES: Final = (
    ControlRoute("GET", "/streams", read_streams),
    ControlRoute("GET", "/streams/records", read_records),
    ControlRoute("GET", "/readers", read_readers),
)
