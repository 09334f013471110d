"""Exchanges over HTTP/2 with prior knowledge, frame by frame.

Frames are built by hand here, so that they can be malformed. Only received header lists are decoded
by a library.
"""

import selectors
import socket
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from hpack import Decoder

from s2mock.contract.client import Client

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE = range(9)
CONTINUATION: Final = 9
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
# Higher than any stream of a case.
_PROBE: Final = 100_001


class Code(IntEnum):
    """The error codes of streams and connections (RFC 9113 §7)."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


class Answered(NamedTuple):
    """The answer on one stream: the status, and the code of a reset."""

    status: int | None = None
    reset: Code | None = None


class Outcome(NamedTuple):
    """The result of an exchange on a connection.

    `streams` are those that ended. `gone` is the code of the GOAWAY after which the server closed
    the connection, or None if it stays open and the next request is answered.
    """

    streams: dict[int, Answered]
    gone: Code | None
    debug: bytes
    settings: dict[int, int]
    pongs: list[bytes]
    acks: int


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return one frame, well-formed or not."""
    return (
        len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload
    )


def header_list(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return a header block of literals that use no table."""
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in fields)


def _text(data: bytes) -> bytes:
    length = len(data)
    if length < 0x7F:
        return bytes([length]) + data
    length -= 0x7F
    prefix = b"\x7f"
    while length >= 0x80:
        prefix += bytes([length & 0x7F | 0x80])
        length >>= 7
    return prefix + bytes([length]) + data


def exchange(
    client: Client,
    data: bytes,
    streams: Iterable[int],
    *,
    next_request: bool = True,
    timeout: float = 4.0,
) -> Outcome:
    """Send the preface, `data` and a further request that shows if the connection stays open.

    Waits until the server has closed the connection, or has answered that request and ended
    `streams`; `timeout`, in seconds, bounds each wait for bytes. Without `next_request` only
    `streams` count.
    """
    host = urlsplit(client.url).netloc.encode()
    probe = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/health")]
    probe.append((b":authority", host))
    ask = frame(HEADERS, END_STREAM | END_HEADERS, _PROBE, header_list(probe))
    data = PREFACE + frame(SETTINGS, 0, 0) + data
    reader = _Reader({*streams, *([_PROBE] if next_request else [])})
    with client.open_socket(timeout=timeout) as connection:
        hung_up = _pump(connection, data + ask if next_request else data, reader, timeout)
    return reader.outcome(hung_up=hung_up)


def _pump(connection: socket.socket, data: bytes, reader: "_Reader", timeout: float) -> bool:
    """Send and receive at the same time. Returns True if the server closed the connection."""
    connection.setblocking(False)
    unsent = memoryview(data)
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while not reader.satisfied:
            ready = selector.select(timeout)
            if not ready:
                return False
            events = ready[0][1]
            if events & selectors.EVENT_READ:
                try:
                    received = connection.recv(65536)
                except ConnectionError:
                    return True
                if not received:
                    return True
                reader.feed(received)
            elif events & selectors.EVENT_WRITE:
                try:
                    unsent = unsent[connection.send(unsent) :]
                except ConnectionError:
                    # Bytes that were sent before the end must still be read.
                    unsent = unsent[:0]
            if not unsent:
                selector.modify(connection, selectors.EVENT_READ)
    return False


class _Reader:
    """A parser of the frames that the server sends."""

    def __init__(self, awaited: set[int]) -> None:
        self._awaited = awaited
        self._buffer = bytearray()
        self._decoder = Decoder()
        self._block = b""
        self._statuses: dict[int, int] = {}
        self._ended: dict[int, Answered] = {}
        self._gone: tuple[Code, bytes] | None = None
        self._settings: dict[int, int] | None = None
        self._pongs: list[bytes] = []
        self._acks = 0

    @property
    def satisfied(self) -> bool:
        """True if all awaited answers were received, and no GOAWAY."""
        return self._gone is None and self._awaited <= self._ended.keys()

    def outcome(self, *, hung_up: bool) -> Outcome:
        """Return the result. Fails if the server neither closed nor answers any more."""
        streams = dict(self._ended)
        probe = streams.pop(_PROBE, None)
        gone, debug = self._gone or (None, b"")
        if gone is None:
            assert not hung_up, f"hung up without a GOAWAY, after {streams}"
            if _PROBE in self._awaited:
                assert probe == Answered(200), f"the next request got {probe}, after {streams}"
        else:
            assert hung_up, f"GOAWAY {gone!r} {debug!r}, but the connection is still there"
        return Outcome(streams, gone, debug, self._settings or {}, self._pongs, self._acks)

    def feed(self, data: bytes) -> None:
        """Parse received bytes."""
        self._buffer += data
        for kind, flags, stream, payload in take_frames(self._buffer):
            match kind:
                case 1 | 9:
                    self._headers(flags, stream, payload)
                case 3:
                    self._end(stream, Code(int.from_bytes(payload, "big")))
                case 4 if flags & ACK:
                    self._acks += 1
                case 4 if self._settings is None:
                    self._settings = {
                        int.from_bytes(payload[at : at + 2], "big"): int.from_bytes(
                            payload[at + 2 : at + 6], "big"
                        )
                        for at in range(0, len(payload), 6)
                    }
                case 6 if flags & ACK:
                    self._pongs.append(payload)
                case 7:
                    self._gone = Code(int.from_bytes(payload[4:8], "big")), payload[8:]
            if kind in (DATA, HEADERS) and flags & END_STREAM:
                self._end(stream, None)

    def _headers(self, flags: int, stream: int, payload: bytes) -> None:
        self._block += payload
        if flags & END_HEADERS:
            for name, value in self._decoder.decode(self._block, raw=True):
                if name == b":status":
                    self._statuses[stream] = int(value)
            self._block = b""

    def _end(self, stream: int, reset: Code | None) -> None:
        # A stream may be reset after a complete answer.
        self._ended[stream] = Answered(self._statuses.get(stream), reset)


def take_frames(buffer: bytearray) -> Iterator[tuple[int, int, int, bytes]]:
    """Remove the complete frames from a buffer; return kind, flags, stream and payload of each."""
    while len(buffer) >= 9:
        end = 9 + int.from_bytes(buffer[:3], "big")
        if len(buffer) < end:
            return
        head, payload = buffer[:9], bytes(buffer[9:end])
        del buffer[:end]
        yield head[3], head[4], int.from_bytes(head[5:], "big"), payload
