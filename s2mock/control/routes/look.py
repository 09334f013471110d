"""`/_s2mock/look`: basins, streams, records and tokens as the handles of a test see them.

An `incarnation` names one of all basins or streams that have had a name. S2's errors are sent as S2
sends them; 410 says that a reset or restore has ended the basin or stream.
"""

from collections.abc import Callable, Generator
from typing import Any, Final

from s2mock.api.wire.json_records import record_to_json
from s2mock.control.direct_calls import IDENTITY
from s2mock.control.request import (
    ControlRequest,
    ControlRoute,
    count_of,
    required_of,
    seconds_of,
    stream_of,
    whole_of,
)
from s2mock.control.response import ControlResponse
from s2mock.json_bodies.tokens import token_info_to_json
from s2mock.json_bodies.views import basin_view_to_json, stream_view_to_json
from s2mock.registry.places import Place
from s2mock.registry.values.errors import S2Error, StaleHandle
from s2mock.runtime.conversation import RunInThread, Step


def look_at_basin(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return a basin's description and configuration."""
    query = request.query(("basin", "incarnation"))
    place = Place(required_of(query, "basin"), None, whole_of(query, "incarnation"))
    try:
        document = yield from _ask(
            request, lambda: basin_view_to_json(request.hosted.reads.basin(place))
        )
    except (S2Error, StaleHandle) as error:
        return _refused(error)
    return ControlResponse(200, document)


def look_at_stream(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return a stream's state; with `wait`, once `readers` sessions follow at its tail."""
    names = ("basin", "stream", "incarnation", "basin_incarnation", "readers", "wait")
    query = request.query(names)
    wait = seconds_of(query)
    readers = count_of(query, wait, "readers")
    reads, place = request.hosted.reads, _place_of(query)
    within = whole_of(query, "basin_incarnation")
    parent = None if within is None else Place(place.basin, None, within)
    try:
        if wait is not None:
            yield from reads.readers_pending(place, readers, wait).steps()
        document = yield from _ask(
            request, lambda: stream_view_to_json(reads.stream(place, parent))
        )
        return ControlResponse(200, document)
    except (S2Error, StaleHandle) as error:
        return _refused(error)


def look_at_records(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return all records of a stream; with `wait`, once there are `count` of them."""
    query = request.query(("basin", "stream", "incarnation", "count", "wait"))
    wait = seconds_of(query)
    count = count_of(query, wait)
    reads, place = request.hosted.reads, _place_of(query)
    try:
        if wait is not None:
            records = yield from reads.records_pending(place, count, wait).steps()
        else:
            records = yield from _ask(request, lambda: reads.records(place))
    except (S2Error, StaleHandle) as error:
        return _refused(error)

    def serialize() -> dict[str, Any]:
        return {"records": list(map(record_to_json, records))}

    return ControlResponse(200, (yield RunInThread(serialize)))


def look_at_token(request: ControlRequest) -> ControlResponse:
    """Return the access token whose secret is in the header `s2mock-incarnation`."""
    query = request.query(("id",))
    secret = request.environ.get(IDENTITY, "")
    try:
        info = request.hosted.reads.token(required_of(query, "id"), secret)
    except S2Error as error:
        return _refused(error)
    return ControlResponse(200, token_info_to_json(info))


def _ask(request: ControlRequest, read: Callable[[], Any]) -> Generator[Step, Any, Any]:
    """Return what a read of the account returns; in a thread where it asks an upstream."""
    if request.hosted.is_in_front_of_upstream:
        return (yield RunInThread(read))
    return read()


def _place_of(query: dict[str, Any]) -> Place:
    return Place(*stream_of(query), whole_of(query, "incarnation"))


def _refused(error: S2Error | StaleHandle) -> ControlResponse:
    if isinstance(error, StaleHandle):
        return ControlResponse(410, {"code": "gone", "message": str(error)})
    return ControlResponse(error.status, error.body())


ROUTES: Final = (
    ControlRoute("GET", "/look/basin", look_at_basin),
    ControlRoute("GET", "/look/stream", look_at_stream),
    ControlRoute("GET", "/look/records", look_at_records),
    ControlRoute("GET", "/look/token", look_at_token),
)
