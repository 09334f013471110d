"""What S2 has and the reference server does not serve. Source: reference: control_plane §6."""

from typing import NoReturn

from s2mock.api.requests import S2Request, Wanted
from s2mock.registry.unserved import Unserved


def unserved(name: str, basin: str | None = None, stream: str | None = None) -> Wanted:
    """That operation, which is refused when it is carried out."""
    return Unserved(name, basin, stream), _carried_out


def _carried_out(request: S2Request, _: object) -> NoReturn:
    raise AssertionError(f"{request.operation} was carried out")
