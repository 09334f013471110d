"""The head of an HTTP/1 response as bytes, framed as the reference server frames it."""

import time
from collections.abc import Iterable

from s2mock.runtime.status_phrases import STATUS_PHRASES

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# Statuses of answers that never have a body.
BODYLESS = frozenset((204, 304))


class _Date:
    """The date header of responses, formatted once a second."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def __call__(self) -> str:
        second = int(time.time())
        if second != self._second:
            at = time.gmtime(second)
            self._text = (
                f"{_DAYS[at.tm_wday]}, {at.tm_mday:02} {_MONTHS[at.tm_mon - 1]} {at.tm_year}"
                f" {at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} GMT"
            )
            self._second = second
        return self._text


date: _Date = _Date()
"""The date of now by the wall clock, as in a `date` header."""


def head_bytes(
    status: int, headers: Iterable[tuple[str, str]], *, is_http_1_1: bool, connection: str | None
) -> bytes:
    """Return a status line and headers, `date` included, with the empty line after them."""
    version = "1.1" if is_http_1_1 else "1.0"
    parts = [f"HTTP/{version} {status} {STATUS_PHRASES.get(status, '<none>')}\r\n"]
    parts += [f"{name}: {value}\r\n" for name, value in headers]
    if connection:
        parts.append(f"connection: {connection}\r\n")
    parts.append(f"date: {date()}\r\n\r\n")
    return "".join(parts).encode("latin-1")


def refusal(status: int) -> bytes:
    """Return the response to bytes that are not a request. The connection ends with it."""
    empty = [("connection", "close"), ("content-length", "0")]
    return head_bytes(status, empty, is_http_1_1=True, connection=None)
