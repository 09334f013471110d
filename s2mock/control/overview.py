"""The streams of an account in few words: where each stands, and what of it is not as usual."""

from typing import Any, Final

from s2mock.control.account_view import CapturedView, see
from s2mock.control.answers import Answer
from s2mock.control.request import ControlRequest, whole_of
from s2mock.json_bodies.control_plane import (
    basin_config_to_json,
    basin_info_to_json,
    stream_config_to_json,
)
from s2mock.registry.log.log import LogState
from s2mock.registry.state import BasinState, StreamState
from s2mock.registry.values.config import SYSTEM_DEFAULTS, BasinConfig
from s2mock.runtime.conversation import RunInThread

_EMPTY: Final = LogState()
_LIMIT: Final = 1000
_STREAM_DEFAULTS: Final = stream_config_to_json(SYSTEM_DEFAULTS)
_BASIN_DEFAULTS: Final = basin_config_to_json(BasinConfig())


def read_streams(asked: ControlRequest) -> Any:
    """All basins, and the streams whose names hold a text, up to a limit."""
    query = asked.query(("contains", "limit"))
    limit = whole_of(query, "limit", _LIMIT)
    return Answer(
        200,
        (
            yield RunInThread(
                lambda: overview(see(asked.mock.account.engine), query.get("contains", ""), limit)
            )
        ),
    )


def overview(seen: CapturedView, contains: str = "", limit: int | None = None) -> dict[str, Any]:
    """The same of what was seen; `count` is how many streams there are of that kind."""
    basins = sorted(seen.state.basins.values(), key=lambda basin: basin.name)
    found = [
        (basin.name, stream)
        for basin in basins
        for stream in sorted(basin.streams.values(), key=lambda stream: stream.name)
        if contains in stream.name or contains in basin.name
    ]
    return {
        "basins": [_basin_form(basin) for basin in basins],
        "streams": [_stream_form(name, stream, seen) for name, stream in found[:limit]],
        "count": len(found),
    }


def _basin_form(basin: BasinState) -> dict[str, Any]:
    config = basin_config_to_json(basin.config)
    return {
        **basin_info_to_json(basin.info),
        "streams": len(basin.streams),
        "config": _other(config, _BASIN_DEFAULTS),
    }


def _stream_form(basin: str, stream: StreamState, seen: CapturedView) -> dict[str, Any]:
    log = stream.log or _EMPTY
    return {
        "basin": basin,
        "name": stream.name,
        "is_deleting": stream.deleted_at is not None,
        "tail": log.tail._asdict(),
        "trim_point": min(log.trim_point, log.tail.seq_num),
        "fencing_token": log.fencing_token,
        "readers": seen.readers.get(stream.incarnation, 0),
        "cipher": stream.cipher,
        "config": _other(stream_config_to_json(stream.config), _STREAM_DEFAULTS),
    }


def _other(config: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """What differs from the default."""
    return {name: value for name, value in config.items() if value != defaults[name]}
