"""`/v1/locations`: where basins can be.

Sources: reference: account_services §3, control_plane §6.3.
"""

from typing import Any

from s2mock.api.requests import Asking, HandlerResult, S2Request
from s2mock.api.responses import S2Response, json_response
from s2mock.registry.rules.locations import GetDefaultLocation, ListLocations, SetDefaultLocation
from s2mock.registry.state import Location


def list_locations(_: S2Request) -> HandlerResult:
    """All locations, as a bare array."""
    return ListLocations(), _listed


def get_default_location(_: S2Request) -> HandlerResult:
    """The location of basins that name none."""
    return GetDefaultLocation(), _described


def set_default_location(request: S2Request) -> Asking[HandlerResult]:
    """Choose the location of basins that name none; the body is a bare JSON string."""
    return SetDefaultLocation((yield from request.json_body())), _described


def _listed(_: S2Request, locations: tuple[Location, ...]) -> S2Response:
    return json_response(200, list(map(_document, locations)))


def _described(_: S2Request, location: Location) -> S2Response:
    return json_response(200, _document(location))


def _document(location: Location) -> dict[str, Any]:
    return {**location._asdict(), "storage_classes": list(location.storage_classes)}
