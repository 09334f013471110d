"""`/_s2mock/look`: basins, streams, records and tokens as the handles of a test see them.

An `incarnation` names one of all basins or streams that have had a name. S2's errors are sent as S2
sends them; 410 says that a reset or restore has ended the basin or stream.
"""

import json
from collections.abc import Generator
from typing import Any

from s2mock.api.codec import INCARNATION, record_to_json
from s2mock.control.answers import Answer, Refused
from s2mock.control.request import ControlRequest, count_of, seconds_of, whole_of
from s2mock.handles.backends.backend import Place, StreamView
from s2mock.handles.backends.in_process import EngineBackend
from s2mock.json_bodies.control_plane import (
    basin_config_to_json,
    basin_info_to_json,
    stream_config_to_json,
    stream_info_to_json,
)
from s2mock.json_bodies.tokens import token_info_to_json
from s2mock.registry.values.errors import S2Error, StaleHandle
from s2mock.runtime.conversation import RunInThread, Step


def look_at_basin(asked: ControlRequest) -> Answer:
    """Answer with a basin's description and configuration."""
    query = asked.query(("basin", "incarnation"))
    place = Place(_required(query, "basin"), None, whole_of(query, "incarnation"))
    try:
        view = _backend(asked).basin(place)
    except (S2Error, StaleHandle) as error:
        return _refused(error)
    return Answer(
        200,
        {
            "incarnation": view.incarnation,
            "info": basin_info_to_json(view.info),
            "config": basin_config_to_json(view.config),
        },
    )


def look_at_stream(asked: ControlRequest) -> Generator[Step, Any, Answer]:
    """Answer with a stream's state; with `wait`, when `readers` sessions follow at its tail."""
    query = asked.query(("basin", "stream", "incarnation", "basin_incarnation", "readers", "wait"))
    wait = seconds_of(query)
    readers = count_of(query, wait, "readers")
    backend, place = _backend(asked), _stream_of(query)
    within = whole_of(query, "basin_incarnation")
    parent = None if within is None else Place(place.basin, None, within)
    try:
        if wait is not None:
            yield from backend.readers_pending(place, readers, wait).steps()
        return Answer(200, _stream_to_json(backend.stream(place, parent)))
    except (S2Error, StaleHandle) as error:
        return _refused(error)


def look_at_records(asked: ControlRequest) -> Generator[Step, Any, Answer]:
    """Answer with all records of a stream; with `wait`, when there are `count` of them."""
    query = asked.query(("basin", "stream", "incarnation", "count", "wait"))
    wait = seconds_of(query)
    count = count_of(query, wait)
    backend, place = _backend(asked), _stream_of(query)
    try:
        if wait is not None:
            records = yield from backend.records_pending(place, count, wait).steps()
        else:
            records = backend.records(place)
    except (S2Error, StaleHandle) as error:
        return _refused(error)
    return Answer(200, (yield RunInThread(lambda: {"records": list(map(record_to_json, records))})))


def look_at_token(asked: ControlRequest) -> Answer:
    """Answer with the access token whose secret is in the header `s2mock-incarnation`."""
    query = asked.query(("id",))
    secret = asked.environ.get(f"HTTP_{INCARNATION.upper().replace('-', '_')}", "")
    try:
        info = _backend(asked).token(_required(query, "id"), secret)
    except S2Error as error:
        return _refused(error)
    return Answer(200, token_info_to_json(info))


def _backend(asked: ControlRequest) -> EngineBackend:
    return EngineBackend(asked.mock.account.engine)


def _stream_of(query: dict[str, Any]) -> Place:
    return Place(
        _required(query, "basin"), _required(query, "stream"), whole_of(query, "incarnation")
    )


def _required(query: dict[str, Any], name: str) -> str:
    if name not in query:
        raise Refused(400, f"the parameter {name!r} is missing")
    value: str = query[name]
    return value


def _stream_to_json(view: StreamView) -> dict[str, Any]:
    return {
        "incarnation": view.incarnation,
        "basin_incarnation": view.basin_incarnation,
        "info": json.loads(stream_info_to_json(view.info)),
        "config": stream_config_to_json(view.config),
        "fencing_token": view.fencing_token,
        "tail": view.tail._asdict(),
        "readers": view.readers,
    }


def _refused(error: S2Error | StaleHandle) -> Answer:
    if isinstance(error, StaleHandle):
        return Answer(410, {"code": "gone", "message": str(error)})
    return Answer(error.status, error.body())
