"""Access to `/_s2mock`: for a test on this machine, and for no page of another site in a browser.

A request must come from a loopback peer and name a loopback host, or carry the control token. A
page of another site can send requests through a browser on this machine: such a request has an
`Origin` or a `Sec-Fetch-Site` that shows it, or the `Host` of that site.
"""

import ipaddress
from collections.abc import Collection
from typing import Any, Final

TOKEN_HEADER: Final = "S2Mock-Control-Token"


def objection(
    environ: dict[str, Any],
    token: str | None,
    origins: Collection[str] = (),
    *,
    is_page: bool = False,
) -> str | None:
    """Return why the request is refused, or None if it is not.

    `token` is the control token of the server. A page of one of the `origins` must send it. A
    browser that opens the server's own page sends none. So that page, which has no data in it, is
    served without one: it asks for the token, and sends it from then on.
    """
    origin = environ.get("HTTP_ORIGIN")
    host = environ.get("HTTP_HOST", "")
    if is_origin_of(environ, origins):
        if environ.get("HTTP_S2MOCK_CONTROL_TOKEN") is None:
            return f"a page of {origin} must send {TOKEN_HEADER}, with the token of --control-token"
        return _token_objection(environ, token)
    own = f"{environ.get('wsgi.url_scheme', 'http')}://{host}"
    if origin is not None and origin.lower() != own.lower():
        return f"the Origin {origin!r} is another than this server's, {own}"
    site = environ.get("HTTP_SEC_FETCH_SITE", "none")
    if site not in ("none", "same-origin"):
        return f"a browser sends this for a page of another origin (Sec-Fetch-Site: {site})"
    sent = environ.get("HTTP_S2MOCK_CONTROL_TOKEN")
    if is_page and token is not None and sent is None:
        return None
    if token is not None and sent is not None:
        return _token_objection(environ, token)
    way = (
        f"send {TOKEN_HEADER}, with the token of --control-token"
        if token is not None
        else f"start the server with --control-token, and send it in {TOKEN_HEADER}"
    )
    peer = environ.get("REMOTE_ADDR", "")
    if not is_loopback(peer):
        return f"the request comes from {peer or 'nowhere'}, which is not this machine: {way}"
    if not is_loopback_host(host):
        return f"the Host {host!r} is no name or address of this machine's loopback: {way}"
    return None


def is_origin_of(environ: dict[str, Any], origins: Collection[str]) -> bool:
    """True if a page of one of these origins sends the request."""
    return bool(origins) and environ.get("HTTP_ORIGIN", "").lower() in origins


def _token_objection(environ: dict[str, Any], token: str | None) -> str | None:
    import hmac  # loaded late: it takes time, and few servers have a token

    sent: str = environ["HTTP_S2MOCK_CONTROL_TOKEN"]
    if token is not None and hmac.compare_digest(sent.encode(), token.encode()):
        return None
    return f"{TOKEN_HEADER} is not the token that the server was started with"


def is_loopback_host(host: str) -> bool:
    """True if a `Host` header is localhost, a name below it, or a loopback address."""
    name, port = host, ""
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
        if port and not port.startswith(":"):
            return False
        port = port[1:]
    elif ":" in host:
        name, _, port = host.partition(":")
    if port and not (port.isascii() and port.isdigit()):
        return False
    name = name.lower().removesuffix(".")
    return name == "localhost" or name.endswith(".localhost") or is_loopback(name)


def is_loopback(address: str) -> bool:
    """True if the address is one that only this machine can reach."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)
