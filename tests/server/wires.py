"""Clients of both protocols with one face, for tests that are about neither."""

import socket
from collections.abc import Callable
from typing import Self

from s2mock.server.server import Server
from tests.sessions.h2_client import H2Client


class Http1Call:
    """One request over HTTP/1.1 on a connection of its own, its body in chunks."""

    def __init__(
        self, server: Server, path: str, *, method: str = "POST", window: int | None = None
    ) -> None:
        self.socket = socket.socket()
        if window is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(30)
        self.socket.connect(("127.0.0.1", server.port))
        self._received = b""
        self.socket.sendall(
            f"{method} {path} HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n".encode()
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        self.socket.sendall(b"0\r\n\r\n")

    def leave(self) -> None:
        self.socket.close()

    def status(self) -> int:
        return int(self._line().split()[1]) if self._skip_head() else 0

    def piece(self, size: int) -> bytes:
        """Return `size` bytes of an answer in chunks."""
        data = b""
        while len(data) < size:
            length = int(self._line(), 16)
            data += self._take(length + 2)[:length]
        assert len(data) == size
        return data

    def ends_well(self) -> bool:
        """Whether the answer ends, and with its own end."""
        try:
            rest = self._received
            while received := self.socket.recv(65536):
                rest += received
                if rest.endswith(b"0\r\n\r\n"):
                    return True
        except ConnectionError:
            return False
        return rest.endswith(b"0\r\n\r\n")

    def _skip_head(self) -> bool:
        while b"\r\n\r\n" not in self._received:
            self._receive()
        self._head, _, self._received = self._received.partition(b"\r\n\r\n")
        self._received = self._head.partition(b"\r\n")[0] + b"\r\n" + self._received
        return True

    def _line(self) -> bytes:
        while b"\r\n" not in self._received:
            self._receive()
        line, _, self._received = self._received.partition(b"\r\n")
        return line

    def _take(self, size: int) -> bytes:
        while len(self._received) < size:
            self._receive()
        data, self._received = self._received[:size], self._received[size:]
        return data

    def _receive(self) -> None:
        if not (data := self.socket.recv(65536)):
            raise ConnectionError("the server has closed the connection")
        self._received += data


class Http2Call:
    """One request over HTTP/2 on a connection of its own."""

    def __init__(
        self, server: Server, path: str, *, method: str = "POST", window: int | None = None
    ) -> None:
        self.client = H2Client(server.url, window=window)
        self.socket = self.client.socket
        self._was_reset = False
        self.stream = self.client.open(method, path, end=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def send(self, data: bytes) -> None:
        self.client.send(self.stream, data)

    def end(self) -> None:
        self.client.send(self.stream, end=True)

    def leave(self) -> None:
        self.client.cancel(self.stream)

    def status(self) -> int:
        self._receive_until(lambda: self.stream in self.client.heads)
        return int(self.client.heads[self.stream][":status"])

    def piece(self, size: int) -> bytes:
        self._receive_until(lambda: len(self.client.bodies[self.stream]) >= size)
        return self.client.body(self.stream, size)

    def ends_well(self) -> bool:
        try:
            self._receive_until(lambda: self.stream in self.client.ended)
        except ConnectionError:
            return False
        return True

    def _receive_until(self, is_there: Callable[[], bool]) -> None:
        while not is_there():
            if self._was_reset:
                raise ConnectionResetError("the stream was reset")
            try:
                self.client.receive()
            except ConnectionResetError:
                # Behind something that came with it.
                self._was_reset = True


Call = type[Http1Call] | type[Http2Call]
CALLS = [Http1Call, Http2Call]
