"""JSON of basins and streams as the handles of a test see them, for `/_s2mock/look`."""

import json
from typing import Any

from s2mock.json_bodies.control_plane import (
    basin_config,
    basin_config_to_json,
    basin_info,
    basin_info_to_json,
    stream_config,
    stream_config_to_json,
    stream_info,
    stream_info_to_json,
)
from s2mock.registry.places import BasinView, StreamView
from s2mock.registry.values.positions import StreamPosition


def basin_view_to_json(view: BasinView) -> dict[str, Any]:
    """Return a basin's incarnation, description and configuration as JSON."""
    return {
        **view._asdict(),
        "info": basin_info_to_json(view.info),
        "config": basin_config_to_json(view.config),
    }


def basin_view(document: dict[str, Any]) -> BasinView:
    """Return the view of a basin that a document describes."""
    info, config = basin_info(document["info"]), basin_config(document["config"])
    return BasinView(**{**document, "info": info, "config": config})


def stream_view_to_json(view: StreamView) -> dict[str, Any]:
    """Return a stream's incarnations, description, configuration and state as JSON."""
    return {
        **view._asdict(),
        "info": json.loads(stream_info_to_json(view.info)),
        "config": stream_config_to_json(view.config),
        "tail": view.tail._asdict(),
    }


def stream_view(document: dict[str, Any]) -> StreamView:
    """Return the view of a stream that a document describes."""
    info, config = stream_info(document["info"]), stream_config(document["config"])
    tail = StreamPosition(**document["tail"])
    return StreamView(**{**document, "info": info, "config": config, "tail": tail})
