"""Header lists of HTTP/2: those of requests are checked, those of responses encoded.

The reference server decides which faults end the stream and which the connection.
"""

import re
from collections.abc import Iterable
from typing import Final

from s2mock.server.frames import PROTOCOL_ERROR, FrameError
from s2mock.server.head import RefusedError, is_authority, split_target
from s2mock.server.hpack_decoder import FIELD_COST

MAX_LIST_BYTES: Final = 16 * 1024

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_METHOD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NOT_IN_A_TARGET = re.compile(r"[\x00-\x20\x7f]")
_STATUS = re.compile(rb"[1-9][0-9]{2}")
_SCHEME = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]*")
_VALUE = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*")
_PSEUDO = (b":method", b":path", b":scheme", b":authority", b":status", b":protocol")
# Fields of one connection, which HTTP/2 does not allow (RFC 9113 §8.2.2).
_CONNECTION_NAMES = frozenset(
    ("connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade")
)

# Decoded text of fields that have passed the checks before.
_CHECKED: Final[dict[tuple[bytes, bytes], tuple[str, str]]] = {}
_MAX_REMEMBERED = 1000
_MAX_REMEMBERED_BYTES = 256

Fields = Iterable[tuple[bytes, bytes]]


class H2RequestHead:
    """The header list of an HTTP/2 request."""

    __slots__ = ("fields", "length", "method", "path", "query", "size", "target")

    def __init__(self) -> None:
        self.method: str = ""
        self.target: str = ""
        self.path: str = ""
        self.query: str = ""
        self.fields: list[tuple[str, str]] = []
        self.length: int | None = None
        """Announced length of the body in bytes, or None."""
        self.size: int = 0
        """Size of the list, as SETTINGS_MAX_HEADER_LIST_SIZE counts it."""

    @property
    def is_too_long(self) -> bool:
        """True if the list is longer than announced, by the count of the reference server."""
        return self.size >= MAX_LIST_BYTES


def parse_request(fields: Fields, stream: int) -> H2RequestHead:
    """Return the head of a request, checked, from its header list. Raises `FrameError`."""
    request = H2RequestHead()
    pseudo: dict[bytes, bytes] = {}
    is_malformed = False
    for field in fields:
        name, value = field
        request.size += len(name) + len(value) + FIELD_COST
        known = _CHECKED.get(field)
        if known is None:
            if name[:1] == b":":
                _check_pseudo(name, value)
                is_malformed |= name in pseudo or name == b":status" or bool(request.fields)
                pseudo[name] = value
                continue
            known = _checked(name, value)
        request.fields.append(known)
    if request.is_too_long:
        return request
    is_malformed |= _apply(request)
    if is_malformed or not _apply_pseudo(request, pseudo):
        raise FrameError(PROTOCOL_ERROR, stream)
    return request


def check_trailers(fields: Fields) -> None:
    """Check the header list of trailers. Raises `FrameError`."""
    for name, value in fields:
        if name[:1] == b":":
            _check_pseudo(name, value)
        else:
            _checked(name, value)


def _check_pseudo(name: bytes, value: bytes) -> None:
    """Raise `FrameError` for a fault that ends the connection; other faults end the stream."""
    is_right = name in _PSEUDO
    if name == b":method":
        is_right = _METHOD.fullmatch(value) is not None
    elif name == b":status":
        is_right = _STATUS.fullmatch(value) is not None
    if is_right and not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError:
            is_right = False
    if not is_right:
        raise FrameError(PROTOCOL_ERROR)


def _checked(name: bytes, value: bytes) -> tuple[str, str]:
    if _NAME.fullmatch(name) is None or _VALUE.fullmatch(value) is None:
        raise FrameError(PROTOCOL_ERROR)
    checked = name.decode("latin-1"), value.decode("latin-1")
    if len(_CHECKED) < _MAX_REMEMBERED and len(name) + len(value) <= _MAX_REMEMBERED_BYTES:
        _CHECKED[name, value] = checked
    return checked


def _apply(request: H2RequestHead) -> bool:
    """Take the length of the body from the fields; return True if they are malformed."""
    for name, value in request.fields:
        if name == "content-length":
            # The reference server takes an empty one for 0.
            if value and not (value.isascii() and value.isdigit() and len(value) <= 19):
                return True
            request.length = int(value or "0")
        elif name in _CONNECTION_NAMES or (name == "te" and value != "trailers"):
            return True
    return False


def _apply_pseudo(request: H2RequestHead, pseudo: dict[bytes, bytes]) -> bool:
    """Take method and target from the pseudo fields; return True if they make a request."""
    request.method = pseudo.get(b":method", b"").decode()
    if not request.method or b":protocol" in pseudo:
        return False
    if request.method == "CONNECT":
        return b":scheme" not in pseudo and b":path" not in pseudo
    if _SCHEME.fullmatch(pseudo.get(b":scheme", b"")) is None:
        return False
    authority = pseudo.get(b":authority")
    if authority is not None:
        text = authority.decode("latin-1")
        if not is_authority(text):
            return False
        # The host, before any other that there may be.
        request.fields.insert(0, ("host", text))
    target = pseudo.get(b":path")
    if target is None:
        # As the reference server has it: an authority without a path makes no URI.
        return authority is None
    text = target.decode("latin-1")
    if text[:1] not in ("/", "*") or _NOT_IN_A_TARGET.search(text):
        return False
    try:
        request.target, request.path, request.query = split_target(text)
    except RefusedError:
        return False
    return True


# Statuses and names that the static table has (RFC 7541, appendix A).
_STATIC_STATUSES = {200: 8, 204: 9, 206: 10, 304: 11, 400: 12, 404: 13, 500: 14}
_STATIC_NAMES = {
    "accept-ranges": 18,
    "access-control-allow-origin": 20,
    "allow": 22,
    "cache-control": 24,
    "content-encoding": 26,
    "content-language": 27,
    "content-length": 28,
    "content-type": 31,
    "date": 33,
    "etag": 34,
    "last-modified": 44,
    "location": 46,
    "retry-after": 53,
    "server": 54,
    "vary": 59,
    "www-authenticate": 61,
}

_ENCODED: Final[dict[tuple[str, str], bytes]] = {}


def encode_head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """A header block that needs no table, so that it is the same on every connection."""
    index = _STATIC_STATUSES.get(status)
    parts = [bytes([0x80 | index]) if index else b"\x08\x03%d" % status]
    parts += [_ENCODED.get(field) or _encode(*field) for field in headers]
    return b"".join(parts)


def _encode(name: str, value: str) -> bytes:
    index = _STATIC_NAMES.get(name)
    start = _integer(index, 4) if index else b"\0" + _string(name)
    encoded = start + _string(value)
    if len(encoded) <= _MAX_REMEMBERED_BYTES:
        if len(_ENCODED) >= _MAX_REMEMBERED:
            _ENCODED.clear()
        _ENCODED[name, value] = encoded
    return encoded


def _string(text: str) -> bytes:
    data = text.encode("latin-1")
    return _integer(len(data), 7) + data


def _integer(number: int, prefix_bits: int) -> bytes:
    """RFC 7541 §5.1, with zeros before the prefix."""
    limit = (1 << prefix_bits) - 1
    if number < limit:
        return bytes([number])
    encoded = bytearray([limit])
    number -= limit
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
