"""`/v1/locations`: where basins can be.

As with the reference server, every request is checked and none is carried out.
Source: reference: control_plane §6.3.
"""

from s2mock.api.requests import Answering, S2Request
from s2mock.api.unserved import refuse


def list_locations(request: S2Request) -> Answering:
    """All locations."""
    return (yield from refuse(request, "list-locations"))


def get_default_location(request: S2Request) -> Answering:
    """The location of basins that name none."""
    return (yield from refuse(request, "get-default-location"))


def set_default_location(request: S2Request) -> Answering:
    """Choose the location of basins that name none; the body is a bare JSON string."""
    yield from request.json_body("set_default_location")
    return (yield from refuse(request, "set-default-location"))
