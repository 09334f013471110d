"""`/v1/locations`: where basins can be.

As with the reference server, every request is checked and none is carried out.
Source: reference: control_plane §6.3.
"""

from typing import NoReturn

from s2mock.api.requests import Answering, S2Request
from s2mock.registry.errors import NotImplementedByS2


def list_locations(_: S2Request) -> NoReturn:
    """All locations."""
    raise NotImplementedByS2


def get_default_location(_: S2Request) -> NoReturn:
    """The location of basins that name none."""
    raise NotImplementedByS2


def set_default_location(request: S2Request) -> Answering:
    """Choose the location of basins that name none; the body is a bare JSON string."""
    yield from request.json_body("set_default_location")
    raise NotImplementedByS2
