"""CORS for the control API: for pages of the origins of `--control-origin`, and no others."""

from collections.abc import Generator
from typing import Any, Final

from s2mock.control.guard import TOKEN_HEADER
from s2mock.runtime.conversation import READ, Conversation, Head, Step, relay

_METHODS: Final = "GET, POST, PUT, PATCH, DELETE"
_HEADERS: Final = (
    f"accept, authorization, content-type, s2-basin, s2-format, {TOKEN_HEADER.lower()}"
)
# Seconds for which a browser need not ask again.
_MAX_AGE: Final = "600"


def answer_preflight(environ: dict[str, Any]) -> Conversation:
    """Tell a browser that its page may send the request that it asks about."""
    while (yield READ):
        pass
    headers = [
        *_allowed(environ),
        ("access-control-allow-methods", _METHODS),
        ("access-control-allow-headers", _HEADERS),
        ("access-control-max-age", _MAX_AGE),
    ]
    # A page that came over a network asks this before it uses this machine.
    if environ.get("HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK") == "true":
        headers.append(("access-control-allow-private-network", "true"))
    yield Head(204, headers, b"")


def is_preflight(environ: dict[str, Any]) -> bool:
    """True if a browser asks whether its page may send another request."""
    method: str = environ["REQUEST_METHOD"]
    return method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ


def let_page_read(environ: dict[str, Any], conversation: Conversation) -> Conversation:
    """Add the headers with which the browser lets its page read the response."""
    allowed = [*_allowed(environ), ("access-control-expose-headers", "*")]

    def change(step: Step) -> Generator[Step, Any, Any] | None:
        return _send(step, allowed) if type(step) is Head else None

    return relay(conversation, change)


def _send(head: Head, allowed: list[tuple[str, str]]) -> Generator[Step, Any, Any]:
    names = {name for name, _ in allowed}
    kept = [field for field in head.headers if field[0].lower() not in names]
    return (yield Head(head.status, [*kept, *allowed], head.body))


def _allowed(environ: dict[str, Any]) -> list[tuple[str, str]]:
    return [("access-control-allow-origin", environ["HTTP_ORIGIN"]), ("vary", "origin")]
