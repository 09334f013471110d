"""`/_s2mock` and `/_s2mock/openapi.json`: the list of all routes, and their description."""

import json
from pathlib import Path
from typing import Final

from s2mock.control.request import ControlRequest
from s2mock.control.response import ControlResponse
from s2mock.control.route import PREFIX, ControlRoute

_DESCRIPTION: Final = Path(__file__).parent.parent / "openapi.json"


def with_index(others: tuple[ControlRoute, ...]) -> tuple[ControlRoute, ...]:
    """Return the routes of the index and the description, and the others behind them."""

    def read_index(request: ControlRequest) -> ControlResponse:
        from importlib.metadata import version

        request.query()
        return ControlResponse(
            200,
            {
                "name": "s2mock",
                "version": version("s2mock"),
                "description": f"{PREFIX}/openapi.json",
                "serves": [*map(str, routes), f"* {PREFIX}/v1/... as S2, unseen by the powers"],
            },
        )

    routes = (
        ControlRoute("GET", "", read_index),
        ControlRoute("GET", "/openapi.json", read_description),
        *others,
    )
    return routes


def read_description(request: ControlRequest) -> ControlResponse:
    """Return the OpenAPI description of all routes."""
    request.query()
    return ControlResponse(200, json.loads(_DESCRIPTION.read_text("utf-8")))
