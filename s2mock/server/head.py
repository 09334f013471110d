"""The head of an HTTP/1 request: what is taken, and what is refused.

The rules are the reference server's, whose parser is neither stricter nor laxer than others but
itself (reference: control_plane §1.5): a method is any token, a line may end with a bare LF, a
folded value is refused.
"""

import re
from typing import Final

MAX_HEADERS: Final = 100
# What the reference server buffers at most while a head is not complete.
_MAX_BYTES = 8192 + 100 * 4096
_MAX_TARGET_BYTES = 65534
_MAX_NAME_BYTES = 65535
# A length over this is taken as too large, and over 64 bits as none.
_MAX_LENGTH = 2**64 - 3
# A head that comes byte by byte is looked at each time only while it is short.
_SHORT_BYTES = 2048

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_VALUE = r"[^\x00-\x08\x0a-\x1f\x7f]"
_REQUEST_LINE = re.compile(rf"({_TOKEN}++) ([^\x00-\x20\x7f]++) HTTP/1\.([01])\r?\n")
_LINE = rf"{_TOKEN}++:{_VALUE}*+\r?\n"
_LINES = re.compile(rf"(?:{_LINE})*+")
_ALL_LINES = re.compile(rf"(?:{_LINE})*+\r?\n")
_FIELD = re.compile(r"([^:\r\n]+):[ \t]*([^\r\n]*)")
_END = re.compile(rb"\n\r?\n")
_PART_OF_REQUEST_LINE = re.compile(
    rf"{_TOKEN}*+(?: [^\x00-\x20\x7f]*+(?: "
    r"(?:H|HT|HTT|HTTP|HTTP/|HTTP/1|HTTP/1\.|HTTP/1\.[01]\r?)?)?)?"
)
_PART_OF_LINE = re.compile(rf"\r?|{_TOKEN}++(?::{_VALUE}*+\r?)?")

# The forms of a target, without what a request line refuses anyway.
_ORIGIN = re.compile(r'(/[^?#<>`]*)(?:\?([^#"<>]*))?(?:#.*)?')
_ABSOLUTE = re.compile(r"[A-Za-z0-9+\-.]{1,64}://([^/?#]+)(.*)")
_AUTHORITY_CHARS = re.compile(r"[^\x00-\x20\x7f\"#%/<>?\\^`{|}]+")


class RefusedError(Exception):
    """The request is none. Answered with `status`, an empty body, and the end of the connection."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Head:
    """The head of a request."""

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
        """Of the body in bytes, where it is not chunked."""


class HeadReader:
    """Finds heads in the bytes of a connection."""

    __slots__ = ("_looked_at", "_searched")

    def __init__(self) -> None:
        self._searched = 0
        self._looked_at = 0

    def next_head(self, buffer: bytearray) -> Head | None:
        """Take the next head out of the buffer; None if it is not complete.

        Raises `RefusedError`, possibly before it is complete.
        """
        while buffer and buffer[0] in b"\r\n":
            # Empty lines before a request are nothing.
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
        return _parse(text)

    def _check_part(self, buffer: bytearray) -> None:
        """Refuse what can become no head, however it goes on."""
        size = len(buffer)
        if size > _MAX_BYTES:
            raise RefusedError(431)
        if size > _SHORT_BYTES and size < 2 * self._looked_at:
            return
        self._looked_at = size
        text = buffer.decode("latin-1")
        line = _REQUEST_LINE.match(text)
        if line is None:
            if _PART_OF_REQUEST_LINE.fullmatch(text) is None:
                raise RefusedError(400)
            return
        whole = _LINES.match(text, line.end())
        end = whole.end() if whole else line.end()
        if _PART_OF_LINE.fullmatch(text, end) is None:
            raise _refusal(text, line.end(), end)


def _parse(text: str) -> Head:
    line = _REQUEST_LINE.match(text)
    if line is None:
        raise RefusedError(400)
    start = line.end()
    if _ALL_LINES.fullmatch(text, start) is None:
        lines = _LINES.match(text, start)
        raise _refusal(text, start, lines.end() if lines else start)
    fields = _FIELD.findall(text, start)
    if len(fields) > MAX_HEADERS or (
        len(text) > _MAX_NAME_BYTES and any(len(name) > _MAX_NAME_BYTES for name, _ in fields)
    ):
        raise RefusedError(431)
    method, target, minor = line.groups()
    head = Head(method, target, minor == "1")
    head.fields = fields
    _apply_fields(head)
    return head


def _refusal(text: str, start: int, end: int) -> RefusedError:
    """What a fault in the headers is answered with: too many of them count before it."""
    return RefusedError(431 if text.count("\n", start, end) > MAX_HEADERS else 400)


def _apply_fields(head: Head) -> None:
    """What the headers say about the body and the connection."""
    lengths: list[str] = []
    codings: list[str] = []
    for index, (cased_name, padded_value) in enumerate(head.fields):
        name, value = cased_name.lower(), padded_value.rstrip(" \t")
        head.fields[index] = (name, value)
        if name == "content-length":
            lengths.append(value)
            if not codings:
                # Behind a coding it does not count, whatever it is.
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
        # Two lengths: one of them may be there to smuggle a request in.
        head.keeps_alive &= not lengths


def _apply_connection(head: Head, value: str) -> None:
    options = {option.strip().lower() for option in value.split(",")}
    if head.keeps_alive:
        head.keeps_alive = "close" not in options
    else:
        head.keeps_alive = "keep-alive" in options


def _apply_length(head: Head, value: str, *, is_first: bool) -> None:
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
    """The target without scheme and authority, its path, and its query.

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
        absolute = _ABSOLUTE.fullmatch(target)
        if not is_authority(absolute[1] if absolute else target):
            raise RefusedError(400)
        if absolute is None:
            # An authority alone has no path.
            return target, "", ""
        target = absolute[2]
        if not target.startswith("/"):
            target = f"/{target}"
    elif target[0] == "*":
        # Nothing is found there, whatever follows.
        return target, "*", ""
    origin = _ORIGIN.fullmatch(target)
    if origin is None:
        raise RefusedError(400)
    return target, origin[1], origin[2] or ""


def is_authority(text: str) -> bool:
    """Whether the reference server takes it for the authority of a URI."""
    user, at, host = text.rpartition("@")
    is_bracketed = host.startswith("[")
    port = host.rpartition("]")[2] if is_bracketed else host
    return (
        bool(host or not at)
        and _AUTHORITY_CHARS.fullmatch(user.replace("%", "") + host) is not None
        and host.count("[") == host.count("]") == is_bracketed
        and port.count(":") <= 1
    )
