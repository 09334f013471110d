"""A mock in front of another, which has the place of a real server."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from s2mock import S2Mock
from tests.order import of_folder
from tests.powers.conftest import SEEDS, Way

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What faults and broken upstreams answer is not in S2's description."""
    for item in of_folder(items, HERE):
        if item.path.stem != "test_recordings":
            item.add_marker(pytest.mark.openapi_unchecked("faults answer what S2 does not"))


@pytest.fixture
def real() -> Iterator[S2Mock]:
    """The upstream; only what is forwarded gets there."""
    # A token of the client is not forwarded.
    with S2Mock(auth="open") as real:
        yield real


@pytest.fixture
def mock(real: S2Mock) -> Iterator[S2Mock]:
    with S2Mock(upstream=real.url, basins=SEEDS) as mock:
        yield mock


@pytest.fixture(params=["http1", "h2c", "wsgi"])
def way(request: pytest.FixtureRequest, mock: S2Mock) -> Iterator[Way]:
    """Each of the ways in, in turn."""
    with closing(Way(request.param, mock)) as way:
        yield way


class Scripted:
    """A server that does with each connection what a function does with its socket."""

    def __init__(self, handle: Callable[[socket.socket], object]) -> None:
        self._handle = handle
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connected, _ = self._listener.accept()
                self.connections.append(connected)
                threading.Thread(target=self._run, args=(connected,), daemon=True).start()

    def _run(self, connected: socket.socket) -> None:
        with suppress(OSError):
            self._handle(connected)

    def close(self) -> None:
        with suppress(OSError):
            # A thread that waits in `accept` goes on.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connected in self.connections:
            connected.close()


Serve = Callable[[Callable[[socket.socket], object]], Scripted]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """What starts a server that does what a function does with each connection."""
    started: list[Scripted] = []

    def serve(handle: Callable[[socket.socket], object]) -> Scripted:
        started.append(Scripted(handle))
        return started[-1]

    yield serve
    for server in started:
        server.close()


def request_on(connected: socket.socket) -> bytes:
    """The head of the next HTTP/1 request on a connection, and what has come behind it."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = connected.recv(65536)
        if not data:
            raise ConnectionError("the client has left")
        received += data
    return received


def answer(connected: socket.socket, status: int, body: bytes, *fields: bytes) -> None:
    """Send a whole HTTP/1 response."""
    head = [b"HTTP/1.1 %d Some" % status, *fields, b"content-length: %d" % len(body), b"", body]
    connected.sendall(b"\r\n".join(head))
