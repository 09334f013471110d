"""`/_s2mock/readers`: how many read sessions follow at the tail of a stream."""

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final

from s2mock.control.request import ControlRequest, count_of, seconds_of, stream_of
from s2mock.control.response import ControlResponse, Refused
from s2mock.control.route import ControlRoute
from s2mock.registry.places import Place
from s2mock.registry.values.errors import S2Error, StreamNotFound
from s2mock.registry.values.names import BasinName, StreamName
from s2mock.runtime.conversation import Step
from s2mock.runtime.notifier import Pending

if TYPE_CHECKING:
    from s2mock.control.hosted_account import DirectReads


def read_readers(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return the number of read sessions at the tail; with `wait`, once there are `count`."""
    query = request.query(("basin", "stream", "count", "wait"))
    wait = seconds_of(query)
    count = count_of(query, wait)
    basin, name = stream_of(query)
    reads = request.mock._of_account  # noqa: SLF001  # made for this

    def readers() -> int:
        place = Place(BasinName(basin), StreamName(name))
        try:
            return reads.stream(place).readers
        except StreamNotFound:
            if wait is None or not _creates_on_read(reads, basin):
                raise
            return 0

    try:
        if wait is not None:
            yield from Pending(
                request.engine.sessions.followed,
                lambda: True if readers() >= count else None,
                lambda: (
                    f"{readers()} of {count} read sessions followed at the tail of stream {name!r} "
                    f"in {basin!r} within {wait:g} s"
                ),
                wait,
            ).steps()
        return ControlResponse(200, {"readers": readers()})
    except S2Error as error:
        status = error.status if error.status in (404, 409) else 400
        raise Refused(status, error.message) from None


def _creates_on_read(reads: "DirectReads", basin: str) -> bool:
    """True if the basin exists and creates streams on read (reference: control_plane §5.9)."""
    try:
        return reads.basin(Place(basin)).config.create_stream_on_read
    except S2Error:
        return False


ROUTES: Final = (ControlRoute("GET", "/readers", read_readers),)
