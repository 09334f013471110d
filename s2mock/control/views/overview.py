"""The basins and streams of an account as JSON: the tail of each, and its unusual settings."""

from typing import Any, Final

from s2mock.control.views.account_view import CapturedView
from s2mock.json_bodies.control_plane import (
    basin_config_to_json,
    basin_info_to_json,
    stream_config_to_json,
)
from s2mock.registry.log.log import LogState
from s2mock.registry.state import BasinState, StreamState
from s2mock.registry.values.config import SYSTEM_DEFAULTS, BasinConfig

_EMPTY: Final = LogState()
_STREAM_DEFAULTS: Final = stream_config_to_json(SYSTEM_DEFAULTS)
_BASIN_DEFAULTS: Final = basin_config_to_json(BasinConfig())


def overview_to_json(
    view: CapturedView, contains: str = "", limit: int | None = None
) -> dict[str, Any]:
    """Return all basins, and the streams whose name or basin contains the text, up to the limit.

    `count` is the number of such streams without the limit.
    """
    basins = sorted(view.state.basins.values(), key=lambda basin: basin.name)
    found = [
        (basin.name, stream)
        for basin in basins
        for stream in sorted(basin.streams.values(), key=lambda stream: stream.name)
        if contains in stream.name or contains in basin.name
    ]
    return {
        "basins": [_basin_to_json(basin) for basin in basins],
        "streams": [_stream_to_json(name, stream, view) for name, stream in found[:limit]],
        "count": len(found),
    }


def _basin_to_json(basin: BasinState) -> dict[str, Any]:
    config = basin_config_to_json(basin.config)
    return {
        **basin_info_to_json(basin.info),
        "streams": len(basin.streams),
        "config": _not_default(config, _BASIN_DEFAULTS),
    }


def _stream_to_json(basin: str, stream: StreamState, view: CapturedView) -> dict[str, Any]:
    log = stream.log or _EMPTY
    return {
        "basin": basin,
        "name": stream.name,
        "is_deleting": stream.deleted_at is not None,
        "tail": log.tail._asdict(),
        "trim_point": min(log.trim_point, log.tail.seq_num),
        "fencing_token": log.fencing_token,
        "readers": view.readers.get(stream.incarnation, 0),
        "cipher": stream.cipher,
        "config": _not_default(stream_config_to_json(stream.config), _STREAM_DEFAULTS),
    }


def _not_default(config: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a configuration that differ from the default."""
    return {name: value for name, value in config.items() if value != defaults[name]}
