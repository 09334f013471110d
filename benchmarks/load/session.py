"""S2S sessions over HTTP/1.1 with little work for the client.

Sent bytes are encoded before, and only the lengths of received frames are read.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchmarks.load.exchange import connect
from benchmarks.peers import BASIN
from s2mock.api.wire import messages

if TYPE_CHECKING:
    import socket

_CHUNK = 1 << 18
# The last chunk of a body.
_END = b"0\r\n"


def append_frame(records: int, body_bytes: int) -> bytes:
    """Return an append of `count` records as a frame."""
    message = messages.AppendInput()
    for _ in range(records):
        message.records.add(body=b"x" * body_bytes)
    payload: bytes = message.SerializeToString()
    return (len(payload) + 1).to_bytes(3, "big") + b"\0" + payload


class FrameSession:
    """A session on a new connection, whose head has been sent and answered."""

    def __init__(self, port: int, method: str, target: str) -> None:
        self.socket: socket.socket = connect("127.0.0.1", port)
        lines = [f"{method} {target} HTTP/1.1", f"host: 127.0.0.1:{port}"]
        lines += [f"s2-basin: {BASIN}", "content-type: s2s/proto"]
        if method == "POST":
            lines.append("transfer-encoding: chunked")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._raw, self._body = b"", bytearray()
        while b"\r\n\r\n" not in self._raw:
            self._raw += self._received()
        head, _, self._raw = self._raw.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise ValueError(f"expected status 200: {head!r}")

    def send(self, frame: bytes) -> None:
        """Send one frame as one chunk."""
        self.socket.sendall(b"%x\r\n%b\r\n" % (len(frame), frame))

    def frames(self) -> Iterator[bytes]:
        """Yield the payloads that are received, until the session ends."""
        while True:
            yield from self._whole_frames()
            if not self._read_chunks():
                return

    def received_frames(self) -> Iterator[bytes]:
        """Yield the payloads that have arrived by the next receive, which may wait."""
        self._raw += self._received()
        while self._take_chunk():
            pass
        yield from self._whole_frames()

    def close(self) -> None:
        """Close the connection without ending the session."""
        self.socket.close()

    def _whole_frames(self) -> Iterator[bytes]:
        body, position = self._body, 0
        while len(body) - position >= 3:
            end = position + 3 + int.from_bytes(body[position : position + 3], "big")
            if len(body) < end:
                break
            if body[position + 3] & 0x80:
                raise ValueError(f"the session ended with {bytes(body[position + 6 : end])!r}")
            yield bytes(body[position + 4 : end])
            position = end
        del body[:position]

    def _read_chunks(self) -> bool:
        """Wait for a chunk and take it; False at the end of the body."""
        while not self._take_chunk():
            if self._raw.startswith(_END):
                return False
            self._raw += self._received()
        return True

    def _take_chunk(self) -> bool:
        """Take the next chunk of the body; False if it is not there as a whole."""
        line, found, rest = self._raw.partition(b"\r\n")
        size = int(line, 16) if found else 0
        if not size or len(rest) < size + 2:
            return False
        self._body += rest[:size]
        self._raw = rest[size + 2 :]
        return True

    def _received(self) -> bytes:
        received = self.socket.recv(_CHUNK)
        if not received:
            raise ConnectionError("connection closed within a session")
        return received
