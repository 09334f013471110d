"""The parser of HTTP/1 request heads.

It accepts and refuses the same heads as the reference server (reference: control_plane §1.5): a
method is any token, a line may end with a bare LF, a folded value is refused.
"""

import re
from typing import Final

MAX_HEADERS: Final = 100
# Bytes of an incomplete head that the reference server buffers at most.
_MAX_BYTES = 8192 + 100 * 4096
_MAX_TARGET_BYTES = 65534
_MAX_NAME_BYTES = 65535
# A length above this is too large (431), and one above 64 bits malformed (400).
_MAX_LENGTH = 2**64 - 3
# An incomplete head is checked after each read only up to this size.
_SHORT_BYTES = 2048

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_VALUE = r"[^\x00-\x08\x0a-\x1f\x7f]"
_REQUEST_LINE = re.compile(rf"({_TOKEN}++) ([^\x00-\x20\x7f]++) HTTP/1\.([01])\r?\n")
_LINE = rf"{_TOKEN}++:{_VALUE}*+\r?\n"
_ALL_LINES = re.compile(rf"(?:{_LINE})*+\r?\n")
_FIELD = re.compile(r"([^:\r\n]+):[ \t]*([^\r\n]*)")
_END = re.compile(rb"\n\r?\n")

# The forms of a target, without the characters that a request line refuses.
_ORIGIN = re.compile(r'(/[^?#<>`]*)(?:\?([^#"<>]*))?(?:#.*)?')
_AUTHORITY_CHARS = re.compile(r"[^\x00-\x20\x7f\"#%/<>?\\^`{|}]+")

# Few heads need these, so they are compiled on first use: the compiler takes half a millisecond.
_LINES = rf"(?:{_LINE})*+"
_PART_OF_REQUEST_LINE = (
    rf"{_TOKEN}*+(?: [^\x00-\x20\x7f]*+(?: "
    r"(?:H|HT|HTT|HTTP|HTTP/|HTTP/1|HTTP/1\.|HTTP/1\.[01]\r?)?)?)?"
)
_PART_OF_LINE = rf"\r?|{_TOKEN}++(?::{_VALUE}*+\r?)?"
_ABSOLUTE = r"[A-Za-z0-9+\-.]{1,64}://([^/?#]+)(.*)"


class RefusedError(Exception):
    """A malformed request. The response is `status`, an empty body, and the connection's end."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class RequestHead:
    """The request line and the fields of an HTTP/1 request."""

    __slots__ = (
        "expects_continue",
        "fields",
        "is_chunked",
        "is_http_1_1",
        "keeps_alive",
        "length",
        "method",
        "path",
        "query",
        "target",
    )

    target: str
    path: str
    query: str

    def __init__(self, method: str, target: str, is_http_1_1: bool) -> None:
        self.method: str = method
        self.is_http_1_1: bool = is_http_1_1
        self.target, self.path, self.query = split_target(target)
        self.fields: list[tuple[str, str]] = []
        self.keeps_alive: bool = is_http_1_1
        self.expects_continue: bool = False
        self.is_chunked: bool = False
        self.length: int = 0
        """Length of the body in bytes, unless it is chunked."""


class HeadReader:
    """The search for request heads in the bytes of a connection."""

    __slots__ = ("_looked_at", "_searched", "_seen", "_text")

    def __init__(self) -> None:
        self._searched = 0
        self._looked_at = 0
        # The latest head, since many clients send the same one again and again.
        self._text = ""
        self._seen: RequestHead

    def next_head(self, buffer: bytearray) -> RequestHead | None:
        """Take the next head out of the buffer; None if it is not complete. Do not change it.

        Raises `RefusedError`, possibly before it is complete.
        """
        while buffer and buffer[0] in b"\r\n":
            # Empty lines before a request are ignored.
            if buffer.startswith(b"\r\n"):
                del buffer[:2]
            elif buffer[0] == 0x0A:
                del buffer[:1]
            elif len(buffer) == 1:
                return None
            else:
                raise RefusedError(400)
        found = _END.search(buffer, max(self._searched - 2, 0))
        if found is None:
            self._searched = len(buffer)
            self._check_part(buffer)
            return None
        text = buffer[: found.end()].decode("latin-1")
        del buffer[: found.end()]
        self._searched = self._looked_at = 0
        if text != self._text:
            self._seen, self._text = _parse(text), text
        return self._seen

    def _check_part(self, buffer: bytearray) -> None:
        """Raise `RefusedError` if no continuation makes the bytes a valid head."""
        size = len(buffer)
        if size > _MAX_BYTES:
            raise RefusedError(431)
        if size > _SHORT_BYTES and size < 2 * self._looked_at:
            return
        self._looked_at = size
        text = buffer.decode("latin-1")
        line = _REQUEST_LINE.match(text)
        if line is None:
            if re.fullmatch(_PART_OF_REQUEST_LINE, text) is None:
                raise RefusedError(400)
            return
        whole = re.compile(_LINES).match(text, line.end())
        end = whole.end() if whole else line.end()
        if re.compile(_PART_OF_LINE).fullmatch(text, end) is None:
            raise _refusal(text, line.end(), end)


def _parse(text: str) -> RequestHead:
    line = _REQUEST_LINE.match(text)
    if line is None:
        raise RefusedError(400)
    start = line.end()
    if _ALL_LINES.fullmatch(text, start) is None:
        lines = re.compile(_LINES).match(text, start)
        raise _refusal(text, start, lines.end() if lines else start)
    fields = _FIELD.findall(text, start)
    if len(fields) > MAX_HEADERS or (
        len(text) > _MAX_NAME_BYTES and any(len(name) > _MAX_NAME_BYTES for name, _ in fields)
    ):
        raise RefusedError(431)
    method, target, minor = line.groups()
    head = RequestHead(method, target, minor == "1")
    head.fields = fields
    _apply_fields(head)
    return head


def _refusal(text: str, start: int, end: int) -> RefusedError:
    """Return the error for a fault in the headers; too many headers take precedence."""
    return RefusedError(431 if text.count("\n", start, end) > MAX_HEADERS else 400)


def _apply_fields(head: RequestHead) -> None:
    """Set the attributes that follow from the headers."""
    lengths: list[str] = []
    codings: list[str] = []
    for index, (cased_name, padded_value) in enumerate(head.fields):
        name, value = cased_name.lower(), padded_value.rstrip(" \t")
        head.fields[index] = (name, value)
        if name == "content-length":
            lengths.append(value)
            if not codings:
                # A length after a coding is ignored.
                _apply_length(head, value, is_first=len(lengths) == 1)
        elif name == "transfer-encoding":
            codings.append(value.rpartition(",")[2].strip().lower())
        elif name == "connection":
            _apply_connection(head, value)
        elif name == "expect":
            head.expects_continue |= head.is_http_1_1 and value.lower() == "100-continue"
    if codings:
        if codings[-1] != "chunked" or not head.is_http_1_1:
            raise RefusedError(400)
        head.is_chunked = True
        # A coding beside a length may hide a smuggled request.
        head.keeps_alive &= not lengths


def _apply_connection(head: RequestHead, value: str) -> None:
    options = {option.strip().lower() for option in value.split(",")}
    if head.keeps_alive:
        head.keeps_alive = "close" not in options
    else:
        head.keeps_alive = "keep-alive" in options


def _apply_length(head: RequestHead, value: str, *, is_first: bool) -> None:
    length = _length(value)
    if not is_first and length != head.length:
        raise RefusedError(400)
    head.length = length


def _length(value: str) -> int:
    if not (value.isascii() and value.isdigit()) or len(value.lstrip("0")) > 20:
        raise RefusedError(400)
    length = int(value)
    if length > _MAX_LENGTH:
        raise RefusedError(431 if length < 2**64 else 400)
    return length


def split_target(target: str) -> tuple[str, str, str]:
    """Return the target without scheme and authority, its path, and its query.

    Raises `RefusedError`.
    """
    if len(target) > _MAX_TARGET_BYTES:
        raise RefusedError(414)
    if not target.isascii():
        try:
            target.encode("latin-1").decode()
        except UnicodeDecodeError:
            raise RefusedError(400) from None
    if target[0] not in "/*":
        absolute = re.fullmatch(_ABSOLUTE, target)
        if not is_authority(absolute[1] if absolute else target):
            raise RefusedError(400)
        if absolute is None:
            # An authority alone has no path.
            return target, "", ""
        target = absolute[2]
        if not target.startswith("/"):
            target = f"/{target}"
    elif target[0] == "*":
        # No resource has this path, so the rest does not matter.
        return target, "*", ""
    origin = _ORIGIN.fullmatch(target)
    if origin is None:
        raise RefusedError(400)
    return target, origin[1], origin[2] or ""


def is_authority(text: str) -> bool:
    """True if the reference server accepts the text as the authority of a URI."""
    user, at, host = text.rpartition("@")
    is_bracketed = host.startswith("[")
    port = host.rpartition("]")[2] if is_bracketed else host
    return (
        bool(host or not at)
        and _AUTHORITY_CHARS.fullmatch(user.replace("%", "") + host) is not None
        and host.count("[") == host.count("]") == is_bracketed
        and port.count(":") <= 1
    )
