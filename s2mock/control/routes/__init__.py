"""All routes below `/_s2mock`, each resource in a module of its own, and the index of them."""

import json
from pathlib import Path
from typing import Final

from s2mock.control.request import PREFIX, ControlRequest, ControlRoute
from s2mock.control.response import ControlResponse
from s2mock.control.routes import (
    accounts,
    campaigns,
    clock,
    faults_and_holds,
    journal,
    look,
    page,
    snapshots,
    status,
    streams,
    timeline,
)

_DESCRIPTION: Final = Path(__file__).parent.parent / "openapi.json"


def read_index(request: ControlRequest) -> ControlResponse:
    """Return the list of all routes."""
    from importlib.metadata import version

    request.query()
    return ControlResponse(
        200,
        {
            "name": "s2mock",
            "version": version("s2mock"),
            "description": f"{PREFIX}/openapi.json",
            "serves": [*map(str, ROUTES), f"* {PREFIX}/v1/... as S2, unseen by the powers"],
        },
    )


def read_description(request: ControlRequest) -> ControlResponse:
    """Return the OpenAPI description of all routes."""
    request.query()
    return ControlResponse(200, json.loads(_DESCRIPTION.read_text("utf-8")))


ROUTES: Final = (
    ControlRoute("GET", "", read_index),
    ControlRoute("GET", "/openapi.json", read_description),
    *page.ROUTES,
    *accounts.ROUTES,
    *faults_and_holds.ROUTES,
    *journal.ROUTES,
    *timeline.ROUTES,
    *status.ROUTES,
    *streams.ROUTES,
    *clock.ROUTES,
    *look.ROUTES,
    *snapshots.ROUTES,
    *campaigns.ROUTES,
)
