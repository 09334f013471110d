"""A connection with much to do gives way to the others, after a time on the loop's own clock."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from s2mock.runtime.conversation import Conversation, Head
from s2mock.server.connection import Connection
from s2mock.server.context import Context
from s2mock.server.event_loop import ServerLoop
from s2mock.server.http1 import _MAX_UNREAD_BYTES
from s2mock.server.protocols import PREFACE, recognise
from s2mock.server.socket_transport import _RECEIVE_BYTES, SocketTransport
from s2mock.server.workers import Workers
from tests.server.h2_shapes import Said
from tests.server.toys import Environ

COUNT = 40
HTTP_1 = b"GET /slow HTTP/1.1\r\n\r\n" * COUNT
HTTP_2 = (
    PREFACE
    + Said()
    .settings()
    .times(COUNT, lambda said, number: said.request(path="/slow", stream=number))
    .data
)
# What asks for nothing, or for more of the same: it is there to be read in each turn.
MORE = {HTTP_1: b"GET /slow HTTP/1.1\r\n\r\n", HTTP_2: Said().frame(6, 0, 0, b"12345678").data}

protocols = pytest.mark.parametrize("asked", [HTTP_1, HTTP_2], ids=["http1", "http2"])


class Turns:
    """A loop that a test turns, with a clock that goes on when an answer is made."""

    def __init__(self) -> None:
        self.now = 0.0
        self.paths: list[str] = []
        """What was answered, in that order."""
        self.loop = ServerLoop(pytest.fail)
        self._context = Context(
            self._answer, self.loop, Workers("x"), ("x", 1), pytest.fail, now=lambda: self.now
        )
        self._sockets: list[socket.socket] = []

    def connect(self) -> tuple[socket.socket, Connection]:
        ours, theirs = socket.socketpair()
        self._sockets += ours, theirs
        connection = Connection(self._context, recognise)
        SocketTransport(ours, None, self.loop, connection)
        return theirs, connection

    def turn(self) -> list[str]:
        """Take one turn; what was answered in it."""
        before = len(self.paths)
        self.loop.call_soon(self.loop.stop)
        self.loop.run()
        return self.paths[before:]

    def close(self) -> None:
        self.loop.close()
        for each in self._sockets:
            each.close()

    def _answer(self, environ: Environ) -> Conversation:
        self.paths.append(environ["PATH_INFO"])
        if environ["PATH_INFO"] == "/slow":
            self.now += 1.0
        yield Head(200, [], b"")


@pytest.fixture
def turns() -> Iterator[Turns]:
    turns = Turns()
    yield turns
    turns.close()


@protocols
def test_another_connection_is_answered_after_each_slow_request(turns: Turns, asked: bytes) -> None:
    slow, _ = turns.connect()
    other, _ = turns.connect()
    slow.sendall(asked)
    turns.turn()
    for _ in range(5):
        other.sendall(b"GET /other HTTP/1.1\r\n\r\n")
        # In any order.
        assert sorted(turns.turn()) == ["/other", "/slow"]


@protocols
def test_later_requests_make_no_turn_longer(turns: Turns, asked: bytes) -> None:
    slow, _ = turns.connect()
    slow.sendall(asked)
    answered = []
    while len(turns.paths) < COUNT:
        answered.append(len(turns.turn()))
        slow.sendall(MORE[asked])
    assert max(answered) == 1


def test_requests_that_take_no_time_share_a_turn(turns: Turns) -> None:
    client, _ = turns.connect()
    client.sendall(b"GET / HTTP/1.1\r\n\r\n" * 16)
    assert len(turns.turn()) == 16


def test_no_more_is_read_than_is_answered(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    handle = Connection.data_received

    def noted(self: Connection, data: bytes) -> None:
        sizes.append(len(data))
        handle(self, data)

    monkeypatch.setattr(Connection, "data_received", noted)
    client, _ = turns.connect()
    client.setblocking(False)
    request = b"GET / HTTP/1.1\r\n\r\n" * 1000
    for _ in range(200):
        with suppress(BlockingIOError):
            client.send(request)
        turns.turn()
    waiting = sum(sizes) - len(turns.paths) * len(request) // 1000
    # What may wait, and what was read at once.
    assert 0 < waiting <= _MAX_UNREAD_BYTES + _RECEIVE_BYTES


@protocols
def test_all_is_answered_in_the_end(turns: Turns, asked: bytes) -> None:
    client, connection = turns.connect()
    client.sendall(asked)
    while len(turns.paths) < COUNT:
        turns.turn()
    assert turns.paths == ["/slow"] * COUNT
    assert connection.is_open
