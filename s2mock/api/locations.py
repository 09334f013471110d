"""`/v1/locations`: where basins can be.

As with the reference server, every request is checked and none is carried out.
Source: reference: control_plane §6.3.
"""

from s2mock.api.requests import Asking, S2Request, Wanted
from s2mock.api.unserved import unserved


def list_locations(_: S2Request) -> Wanted:
    """All locations."""
    return unserved("list-locations")


def get_default_location(_: S2Request) -> Wanted:
    """The location of basins that name none."""
    return unserved("get-default-location")


def set_default_location(request: S2Request) -> Asking[Wanted]:
    """Choose the location of basins that name none; the body is a bare JSON string."""
    yield from request.json_body("set_default_location")
    return unserved("set-default-location")
