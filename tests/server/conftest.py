"""A socket of one's own, and bytes as they are."""

import socket
from collections.abc import Callable

import pytest

from s2mock import S2Mock
from tests import own_token
from tests.conftest import BASIN


class Raw:
    """Bytes to a port and back; `receive` reads until the server closes."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)

    def send(self, *lines: str | bytes, body: bytes = b"") -> None:
        """A request's head, line by line, and its body."""
        head = b"".join(
            (line if isinstance(line, bytes) else line.encode("latin-1")) + b"\r\n"
            for line in lines
        )
        self.socket.sendall(head + b"\r\n" + body)

    def receive(self) -> bytes:
        received = b""
        while data := self.socket.recv(65536):
            received += data
        return received


@pytest.fixture
def port(mock: S2Mock) -> int:
    """The port of `mock`, in which there is the basin `my-basin`."""
    mock.create_basin(BASIN)
    return port_of(mock)


@pytest.fixture
def exchange(port: int) -> Callable[..., bytes]:
    """One request on a connection of its own, and all that comes back."""

    def exchange(*lines: str | bytes, body: bytes = b"") -> bytes:
        raw = Raw(port)
        with raw.socket:
            own = own_token.lines(f"http://127.0.0.1:{port}")
            raw.send(*lines, *own, "connection: close", body=body)
            return raw.receive()

    return exchange


def port_of(mock: S2Mock) -> int:
    return int(mock.url.rpartition(":")[2])
