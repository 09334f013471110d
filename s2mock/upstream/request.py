"""A request as it is forwarded: as it came, but for what belongs to one connection."""

from typing import Any, Final, NamedTuple

from s2mock.runtime.environ import Fields, fields_of
from s2mock.upstream.address import UpstreamAddress

# Header fields of one connection (RFC 9110, section 7.6.1), and what s2mock has answered itself: it
# has read the body by the time at which it forwards the request.
_HOP: Final = frozenset(
    (
        "connection",
        "expect",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
# The token that a client brings is for the mock; the upstream gets its own.
_OF_THE_MOCK: Final = "authorization"
_OF_A_BASIN: Final = ".b."
_LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]", "0.0.0.0")  # noqa: S104  # only compared


class ForwardedRequest(NamedTuple):
    """A request for the upstream. Header names are in lower case."""

    method: str
    target: str
    fields: Fields
    """The header fields, with `host` and without those of one connection."""
    is_http2: bool
    """True if it is sent by HTTP/2."""
    has_body: bool
    """True if a body follows its head, perhaps an empty one."""

    @property
    def length(self) -> str | None:
        """The announced length of the body, as text; None without one."""
        return next((value for name, value in self.fields if name == "content-length"), None)


def forwarded_fields(
    environ: dict[str, Any], address: UpstreamAddress, token: str | None
) -> list[tuple[str, str]]:
    """Return the header fields of a request for the upstream, with the upstream's own token."""
    sent: Fields | None = environ.get("s2mock.fields")
    if sent is None:
        sent = fields_of(environ)
    dropped = _HOP
    for name, value in sent:
        if name == "connection":
            dropped |= {option.strip().lower() for option in value.split(",")}
    is_chunked = any(name == "transfer-encoding" for name, _ in sent)
    fields = []
    for name, value in sent:
        if name == "host":
            # A server with a certificate refuses requests for other names (RFC 9110, section 7.4).
            # The hosted service takes the basin from the host of a request without `s2-basin`.
            is_other = address.is_secure and _OF_A_BASIN not in value
            is_replaced = is_other or _names_the_mock(value)
            fields.append((name, address.authority if is_replaced else value))
        elif name == "te" and value == "trailers" and environ["SERVER_PROTOCOL"] == "HTTP/2":
            fields.append((name, value))
        elif name in dropped or name == _OF_THE_MOCK or (is_chunked and name == "content-length"):
            continue
        else:
            fields.append((name, value))
    if token is not None:
        fields.append((_OF_THE_MOCK, f"Bearer {token}"))
    return fields


def _names_the_mock(host: str) -> bool:
    """True if a `Host` is an address of this machine, by which a client reaches the mock."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host) in _LOCAL_HOSTS
