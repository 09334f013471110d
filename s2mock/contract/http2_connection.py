"""A connection over HTTP/2 with prior knowledge (h2c), for one call at a time."""

import socket
from typing import Final
from urllib.parse import urlsplit

from hpack import Decoder

from s2mock.contract import http2
from s2mock.contract.exchange import CLOSED, OPEN, Call, Reply
from s2mock.contract.http2 import Code, frame, header_list

_TIMEOUT_SECONDS: Final = 20.0
_FRAME_BYTES: Final = 16_384
_INITIAL_WINDOW: Final = 65_535
_MAX_WINDOW: Final = 2**31 - 1
_INITIAL_WINDOW_SIZE: Final = 4
_PING_BYTES: Final = b"is it up"


class Http2Connection:
    """A connection to one server, kept open between calls, which all have the same `token`."""

    def __init__(self, url: str, *, token: str | None = None) -> None:
        target = urlsplit(url)
        self._address = (target.hostname or "", target.port or 80)
        self._authority = target.netloc.encode()
        self._token = token
        self._socket: socket.socket | None = None
        self._begin()

    def _begin(self) -> None:
        """What holds for a new connection."""
        self._buffer = bytearray()
        self._decoder = Decoder()
        self._decoder.max_header_list_size = 1 << 20
        self._stream = -1
        self._room = _INITIAL_WINDOW
        self._stream_room = self._initial_room = _INITIAL_WINDOW

    def send(self, call: Call) -> Reply:
        """Send the call, on a new connection if the old one has ended. Raises `TimeoutError`.

        If there is no answer, the status is 0.
        """
        if self._socket is None:
            self._open()
        self._stream += 2
        self._stream_room = self._initial_room
        answer = _Answer(self._stream, self._decoder)
        unsent = memoryview(call.body or b"")
        frames = [self._head(call, is_all=not unsent)]
        try:
            self._exchange(answer, frames, unsent)
            self._write(frame(http2.PING, 0, 0, _PING_BYTES))
            while not answer.is_pinged:
                self._take_next(answer)
        except ConnectionError:
            self.close()
            said = "" if answer.gone is None else f" with {answer.gone.name}"
            return answer.reply(CLOSED + said)
        if answer.reset is not None:
            return answer.reply(f"stream reset with {answer.reset.name}")
        return answer.reply(OPEN)

    def _exchange(self, answer: "_Answer", frames: list[bytes], unsent: memoryview) -> None:
        """Send the head and the body, and receive until the end of the answer."""
        while not answer.is_complete:
            while unsent and (room := min(self._room, self._stream_room, _FRAME_BYTES)) > 0:
                piece, unsent = bytes(unsent[:room]), unsent[room:]
                self._room -= len(piece)
                self._stream_room -= len(piece)
                flags = 0 if unsent else http2.END_STREAM
                frames.append(frame(http2.DATA, flags, self._stream, piece))
            # The head in one piece with the beginning of the body, as `Connection` sends it.
            self._write(b"".join(frames))
            frames.clear()
            self._take_next(answer)

    def close(self) -> None:
        """Close the connection to the server."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _open(self) -> None:
        self._begin()
        self._socket = socket.create_connection(self._address, timeout=_TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        window = _INITIAL_WINDOW_SIZE.to_bytes(2, "big") + _MAX_WINDOW.to_bytes(4, "big")
        more = (_MAX_WINDOW - _INITIAL_WINDOW).to_bytes(4, "big")
        self._write(
            http2.PREFACE
            + frame(http2.SETTINGS, 0, 0, window)
            + frame(http2.WINDOW_UPDATE, 0, 0, more)
        )

    def _head(self, call: Call, *, is_all: bool) -> bytes:
        """The frames of the header list."""
        fields = [
            (b":method", call.method.encode()),
            (b":scheme", b"http"),
            (b":path", call.path.encode("latin-1")),
            (b":authority", self._authority),
        ]
        headers = dict(call.headers)
        if self._token is not None:
            headers.setdefault("authorization", f"Bearer {self._token}")
        if call.body is not None:
            headers["content-length"] = str(len(call.body))
        fields += [
            (name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()
        ]
        block = header_list(fields)
        pieces = [block[at : at + _FRAME_BYTES] for at in range(0, len(block), _FRAME_BYTES)]
        frames = []
        for number, piece in enumerate(pieces):
            kind = http2.CONTINUATION if number else http2.HEADERS
            flags = http2.END_STREAM if is_all and not number else 0
            if number == len(pieces) - 1:
                flags |= http2.END_HEADERS
            frames.append(frame(kind, flags, self._stream, piece))
        return b"".join(frames)

    def _write(self, data: bytes) -> None:
        assert self._socket is not None
        self._socket.sendall(data)

    def _take_next(self, answer: "_Answer") -> None:
        """Wait for bytes, and take each frame that they complete."""
        assert self._socket is not None
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionResetError("the server has ended the connection")
        self._buffer += data
        for kind, flags, stream, payload in http2.take_frames(self._buffer):
            if kind == http2.SETTINGS and not flags & http2.ACK:
                self._apply(payload)
                self._write(frame(http2.SETTINGS, http2.ACK, 0))
            elif kind == http2.WINDOW_UPDATE:
                increment = int.from_bytes(payload, "big")
                if stream:
                    self._stream_room += increment if stream == self._stream else 0
                else:
                    self._room += increment
            else:
                answer.take(kind, flags, stream, payload)

    def _apply(self, settings: bytes) -> None:
        for at in range(0, len(settings), 6):
            if int.from_bytes(settings[at : at + 2], "big") == _INITIAL_WINDOW_SIZE:
                size = int.from_bytes(settings[at + 2 : at + 6], "big")
                self._stream_room += size - self._initial_room
                self._initial_room = size


class _Answer:
    """The frames of one stream, and those of the connection."""

    def __init__(self, stream: int, decoder: Decoder) -> None:
        self._stream = stream
        self._decoder = decoder
        self._block = b""
        self._status = 0
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self.is_complete: bool = False
        self.is_pinged: bool = False
        self.reset: Code | None = None
        self.gone: Code | None = None

    def take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        """Take in a frame."""
        if kind in (http2.HEADERS, http2.CONTINUATION):
            self._block += payload
            if flags & http2.END_HEADERS:
                self._take_fields()
        elif kind == http2.DATA:
            self._body.append(payload)
        elif kind == http2.RST_STREAM and stream == self._stream:
            self.reset = Code(int.from_bytes(payload, "big"))
            self.is_complete = True
        elif kind == http2.GOAWAY:
            self.gone = Code(int.from_bytes(payload[4:8], "big"))
        elif kind == http2.PING and flags & http2.ACK:
            self.is_pinged = True
        if kind in (http2.DATA, http2.HEADERS) and flags & http2.END_STREAM:
            self.is_complete = True

    def reply(self, end: str) -> Reply:
        """The whole answer."""
        return Reply(self._status, tuple(self._headers), b"".join(self._body), end)

    def _take_fields(self) -> None:
        for name, value in self._decoder.decode(self._block, raw=True):
            if name == b":status":
                self._status = int(value)
            else:
                self._headers.append((name.decode("latin-1"), value.decode("latin-1")))
        self._block = b""
