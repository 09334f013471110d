"""What S2 has and the reference server does not serve. Source: reference: control_plane §6."""

from s2mock.api.requests import Answering, S2Request
from s2mock.registry.unserved import Unserved


def refuse(
    request: S2Request, name: str, basin: str | None = None, stream: str | None = None
) -> Answering:
    """Ask for that operation. Raises `NotImplementedByS2`."""
    yield from request.perform(Unserved(name, basin, stream))
    raise AssertionError(f"{name} was carried out")
