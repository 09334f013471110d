"""The address of an upstream, as its users write it."""

import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

_PLACE: Final = "{basin}"
_ENDPOINT: Final = re.compile(r"https?://[^/@?#{}]*\{basin\}[^/@?#{}:]*(:\d{1,5})?/?")
_PORTS: Final = {"http": 80, "https": 443}


class UpstreamAddress(NamedTuple):
    """The address of an upstream: an s2-lite, or the hosted service."""

    scheme: str
    host: str
    port: int

    @property
    def is_secure(self) -> bool:
        """True if it is reached over TLS."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """The host and the port, as in a `Host` header: without the port that the scheme has."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"{self.scheme}://{self.authority}"


class BasinEndpoint(NamedTuple):
    """The address of each basin of an upstream that takes the basin from the host."""

    template: str
    """A URL with `{basin}` in its host."""

    def address_of(self, basin: str) -> UpstreamAddress:
        """Return the address of a basin."""
        return parse_address(self.template.replace(_PLACE, basin))


def parse_endpoint(template: object, option: str = "upstream_basin_endpoint") -> BasinEndpoint:
    """Return the endpoint that a URL with `{basin}` names, which `option` has.

    Raises `TypeError`, `ValueError`.
    """
    expected = (
        f"{option} must be a URL with {{basin}} in its host, such as https://{{basin}}.b.s2.dev, "
        f"not {template!r}"
    )
    if not isinstance(template, str):
        raise TypeError(expected)
    if not _ENDPOINT.fullmatch(template):
        raise ValueError(expected)
    return BasinEndpoint(template.rstrip("/"))


def parse_address(url: object) -> UpstreamAddress:
    """Return the address in a URL. Raises `TypeError`, `ValueError`."""
    expected = "upstream must be a URL such as http://127.0.0.1:8080"
    if not isinstance(url, str):
        raise TypeError(f"{expected}, not {url!r}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"{expected}, not {url!r}") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"{expected}, not {url!r}")
    if parts.username is not None or parts.password is not None:
        # The text is not repeated: it holds a password.
        raise ValueError(
            f"{expected}, without a user: an access token is named by upstream_token_env"
        )
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"{expected}, without a path, not {url!r}: S2's API begins at /v1")
    return UpstreamAddress(parts.scheme, parts.hostname, port or _PORTS[parts.scheme])
