"""`/health`, and its old name `/ping`: whether the server answers."""

from s2mock.api.requests import S2Request
from s2mock.api.responses import S2Response


def health(_: S2Request) -> S2Response:
    """Always well."""
    return S2Response(200, [("content-type", "text/plain; charset=utf-8")], b"OK")
