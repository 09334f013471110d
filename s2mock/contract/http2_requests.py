"""Valid and invalid requests over HTTP/2 for the cases about it."""

from collections.abc import Iterable
from typing import Final

from s2mock.contract import http2, target_settings
from s2mock.contract.client import Client
from s2mock.contract.http2 import Answered, Code, exchange, frame, header_list

Fields = tuple[tuple[bytes, bytes], ...]
Expected = Answered | Code | None

END: Final = http2.END_STREAM | http2.END_HEADERS
MORE: Final = http2.END_HEADERS
BODY: Final = b'{"records":[{}]}'
# Replaced by a basin that has the stream `s`, whose name is as long.
BASIN: Final = b"contract-0123456789abcdef"
PSEUDO: Final[Fields] = (
    (b":method", b"GET"),
    (b":scheme", b"http"),
    (b":path", b"/v1/streams/s"),
    (b":authority", b"x"),
)
# As in `dialogue`.
AUTHORIZATION: Final = (b"authorization", b"Bearer %b" % target_settings.token.encode())
GET: Final[Fields] = (*PSEUDO, (b"s2-basin", BASIN), AUTHORIZATION)
ROUTE: Final[Fields] = (
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":path", b"/v1/streams/s/records"),
    (b":authority", b"x"),
    (b"s2-basin", BASIN),
    AUTHORIZATION,
)
POST: Final[Fields] = (*ROUTE, (b"content-type", b"application/json"))
CANCEL: Final = Code.CANCEL.to_bytes(4, "big")

OK: Final = Answered(200)
MALFORMED: Final = Answered(reset=Code.PROTOCOL_ERROR)
GONE: Final = Code.PROTOCOL_ERROR
CALM: Final = Code.ENHANCE_YOUR_CALM


def headers(fields: Fields, flags: int = END, stream: int = 1) -> bytes:
    """Return a header block in one frame."""
    return frame(http2.HEADERS, flags, stream, header_list(fields))


def changed(name: bytes, value: bytes, fields: Fields = GET) -> bytes:
    """Return a request with another value of a field."""
    return headers(tuple((key, value if key == name else old) for key, old in fields))


def without(name: bytes) -> bytes:
    """Return a request without a field."""
    return headers(tuple(field for field in GET if field[0] != name))


def twice(name: bytes) -> bytes:
    """Return a request with a repeated field."""
    return headers(tuple(field for field in GET for _ in range(1 + (field[0] == name))))


def data(payload: bytes, flags: int = 0, stream: int = 1) -> bytes:
    """Return a DATA frame for a stream."""
    return frame(http2.DATA, flags, stream, payload)


def reset(stream: int = 1) -> bytes:
    """Return a RST_STREAM frame, which cancels the request."""
    return frame(http2.RST_STREAM, 0, stream, CANCEL)


def setting(number: int, value: int) -> bytes:
    """Return a SETTINGS frame with one setting."""
    return frame(http2.SETTINGS, 0, 0, number.to_bytes(2, "big") + value.to_bytes(4, "big"))


def window(stream: int, by: int) -> bytes:
    """Return a WINDOW_UPDATE frame for a stream."""
    return frame(http2.WINDOW_UPDATE, 0, stream, by.to_bytes(4, "big"))


def list_of(size: int) -> bytes:
    """Return a request whose header list has that size, 32 bytes for each field included."""
    fields = (*GET, (b"x", b""))
    rest = size - sum(len(name) + len(value) + 32 for name, value in fields)
    block = header_list((*fields[:-1], (b"x", b"y" * rest)))
    first, *others = (block[at : at + 16_384] for at in range(0, len(block), 16_384))
    frames = [(http2.HEADERS, http2.END_STREAM, first)]
    frames += [(http2.CONTINUATION, 0, other) for other in others]
    kind, flags, payload = frames.pop()
    frames.append((kind, flags | MORE, payload))
    return b"".join(frame(kind, flags, 1, payload) for kind, flags, payload in frames)


def many(count: int, one: bytes) -> bytes:
    """Return a frame repeated `count` times."""
    return one * count


def streams(count: int) -> Iterable[int]:
    """Return the numbers of the streams of `count` requests."""
    return range(1, 2 * count, 2)


def check(client: Client, sent: bytes, expected: Expected) -> None:
    """Carry out this exchange. Raises `AssertionError`."""
    basin = (client.basin or "").encode()
    assert len(basin) == len(BASIN)
    awaited = [1] if isinstance(expected, Answered) else []
    outcome = exchange(client, sent.replace(BASIN, basin), awaited)
    if isinstance(expected, Answered):
        assert (outcome.gone, outcome.streams.get(1)) == (None, expected), outcome
    else:
        assert outcome.gone == expected, outcome
