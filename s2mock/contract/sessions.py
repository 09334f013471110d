"""Sessions over HTTP/1.1: a request whose body is still open while its response streams.

One session is one exchange on a socket of its own. Frames and events are taken apart here, by
code that shares nothing with the fake. Source: reference: data_plane §5 and §6.
"""

import gzip
import json
import select
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.client import parse_headers
from io import BytesIO
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from s2mock.contract.client import Answer, Client
from s2mock.runtime.http_client import joined
from s2mock.runtime.monotonic import monotonic
from s2mock.runtime.tls_trust import client_context


class Frame(NamedTuple):
    """A received S2S frame: the flag byte and the payload, which may be compressed."""

    flag: int
    payload: bytes

    def encode(self) -> bytes:
        """Return the bytes of the frame."""
        return (len(self.payload) + 1).to_bytes(3, "big") + bytes([self.flag]) + self.payload

    @property
    def terminal(self) -> bool:
        """True if the frame ends a session with an error."""
        return self.flag & 0x80 != 0

    @property
    def coding(self) -> str | None:
        """The coding of the payload: `zstd`, `gzip` or None."""
        return {0x00: None, 0x20: "zstd", 0x40: "gzip"}[self.flag & 0x60]

    @property
    def status(self) -> int:
        """The HTTP status in a terminal frame."""
        assert self.terminal, f"a regular frame: {self}"
        return int.from_bytes(self.payload[:2], "big")

    @property
    def error(self) -> Any:
        """The JSON in a terminal frame."""
        assert self.terminal, f"a regular frame: {self}"
        return json.loads(self.payload[2:])

    def message(self, kind: Any) -> Any:
        """Return the payload as a protobuf message of that class."""
        assert not self.terminal, f"the session ended with {self.status} {self.error}"
        return kind.FromString(inflate(self.payload, self.coding))


class Event(NamedTuple):
    """An SSE event: its fields in order, as sent."""

    lines: tuple[str, ...]

    def field(self, name: str) -> str | None:
        """Return the value of a field, or None if the event does not have it."""
        for line in self.lines:
            key, _, value = line.partition(": ")
            if key == name:
                return value
        return None

    @property
    def name(self) -> str | None:
        """The value of the `event` field."""
        return self.field("event")

    @property
    def json(self) -> Any:
        """The `data` field, parsed as JSON."""
        return json.loads(self.field("data") or "")


def inflate(payload: bytes, coding: str | None) -> bytes:
    """Return `payload` without its coding."""
    if coding == "gzip":
        return gzip.decompress(payload)
    if coding == "zstd":
        from s2mock.api import zstd

        return zstd.decompress(payload)
    return payload


class Session:
    """One exchange. `timeout`, in seconds, bounds each wait for bytes; then `TimeoutError`.

    The request is sent by the constructor, up to its body if `body_open`, which then is sent in
    chunks. Head and body of the response are read when first asked for. `receive_buffer`, in
    bytes, keeps the system from taking in much more of the response than was read.
    """

    def __init__(
        self,
        client: Client,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body_open: bool = False,
        timeout: float = 10.0,
        receive_buffer: int | None = None,
    ) -> None:
        target = urlsplit(client.url_of(path))
        secure = target.scheme == "https"
        port = target.port or (443 if secure else 80)
        host = target.hostname or ""
        self._socket = socket.create_connection((host, port), timeout=timeout)
        if secure:
            context = client_context("http/1.1")
            self._socket = context.wrap_socket(self._socket, server_hostname=host)
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        # A frame must not wait for the acknowledgement of the one before it.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client = client
        self.timeout = timeout
        self._buffer = bytearray()
        self._head: tuple[int, dict[str, str]] | None = None
        self._body: Iterator[bytes] | None = None
        self._frames = bytearray()
        self._text = ""
        fields = {"host": target.netloc}
        if client.token is not None:
            fields["authorization"] = f"Bearer {client.token}"
        fields |= client.basin_fields
        if body_open:
            fields["transfer-encoding"] = "chunked"
        fields |= {name.lower(): value for name, value in (headers or {}).items()}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {fields[name]}" for name in fields)]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, in any state."""
        self._socket.close()

    def shut_down(self) -> None:
        """End both directions, which also ends a read in another thread."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    # The request.

    def send(self, data: bytes) -> None:
        """Send bytes of the body of the request as one chunk."""
        self._socket.sendall(b"%x\r\n%b\r\n" % (len(data), data))

    def half_close(self) -> None:
        """End the body of the request; the response goes on."""
        self._socket.sendall(b"0\r\n\r\n")

    # The response.

    @property
    def status(self) -> int:
        """The status of the response; waits for its head."""
        return self._read_head()[0]

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the response, names in lower case."""
        return self._read_head()[1]

    def answer(self) -> Answer:
        """Read the response to its end, and return it."""
        return Answer(self.status, self.headers, self.rest())

    def rest(self) -> bytes:
        """Return the bytes of the body from here to its end."""
        return b"".join(self.pieces())

    def answered(self, within: float = 0.0) -> bool:
        """True if, within some seconds, bytes can be read or the connection ends."""
        if self._buffer:
            return True
        if isinstance(self._socket, ssl.SSLSocket):
            return self._answered_over_tls(self._socket, within)
        return bool(select.select([self._socket], [], [], within)[0])

    def _answered_over_tls(self, connection: ssl.SSLSocket, within: float) -> bool:
        """As `answered`: what is received may be of TLS itself, such as a session ticket."""
        until = monotonic() + within
        connection.setblocking(False)
        try:
            while True:
                with suppress(ssl.SSLWantReadError):
                    self._buffer += connection.recv(65536)
                    # At the end of the connection nothing is received, and will be again.
                    return True
                if not select.select([connection], [], [], max(0.0, until - monotonic()))[0]:
                    return False
        finally:
            connection.settimeout(self.timeout)

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the body as they are received, always in the same iterator."""
        if self._body is None:
            self._body = self._read_body()
        return self._body

    def frames(self) -> Iterator[Frame]:
        """Yield the frames of an S2S body. It must end with a complete frame."""
        while True:
            while (length := int.from_bytes(self._frames[:3], "big") + 3) <= len(self._frames):
                assert length > 3, f"a frame of length 0: {bytes(self._frames)!r}"
                frame = Frame(self._frames[3], bytes(self._frames[4:length]))
                del self._frames[:length]
                yield frame
            piece = next(self.pieces(), None)
            if piece is None:
                assert not self._frames, f"the body ends in a frame: {bytes(self._frames)!r}"
                return
            self._frames += piece

    def events(self) -> Iterator[Event]:
        """Yield the events of an SSE body. It must end with a complete event."""
        while True:
            while "\n\n" in self._text:
                event, _, self._text = self._text.partition("\n\n")
                yield Event(tuple(event.split("\n")))
            piece = next(self.pieces(), None)
            if piece is None:
                assert not self._text, f"the body ends in an event: {self._text!r}"
                return
            self._text += piece.decode()

    def _read_head(self) -> tuple[int, dict[str, str]]:
        if self._head is None:
            while b"\r\n\r\n" not in self._buffer:
                self._receive()
            head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            self._buffer = bytearray(rest)
            status_line, _, fields = head.partition(b"\r\n")
            parsed = parse_headers(BytesIO(fields + b"\r\n\r\n"))
            self._head = int(status_line.split()[1]), joined(parsed.items())
        return self._head

    def _read_body(self) -> Iterator[bytes]:
        headers = self.headers
        if headers.get("transfer-encoding") == "chunked":
            while True:
                size = int(self._line(), 16)
                # To the chunk's very end, so that what is left in the buffer is news.
                chunk = b"".join(self._exactly(size))
                assert self._line() == b"", "a chunk longer than its size"
                if size == 0:
                    return
                yield chunk
        elif "content-length" in headers:
            yield from self._exactly(int(headers["content-length"]))
        else:
            raise AssertionError(f"a body without an end: {headers}")

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._receive()
        line, _, rest = bytes(self._buffer).partition(b"\r\n")
        self._buffer = bytearray(rest)
        return line

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            if not self._buffer:
                self._receive()
            piece = bytes(self._buffer[:size])
            del self._buffer[:size]
            size -= len(piece)
            yield piece

    def _receive(self) -> None:
        piece = self._socket.recv(65536)
        if not piece:
            raise ConnectionError(f"the connection ended within the response: {self._head}")
        self._buffer += piece
