"""A connection by itself: which protocol speaks, and what is unsent."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from s2mock.runtime.conversation import CloseAfterResponse, Conversation, Head
from s2mock.server.connection import Connection
from s2mock.server.context import Context
from s2mock.server.event_loop import ServerLoop
from s2mock.server.protocols import PREFACE, recognise
from s2mock.server.socket_transport import SocketTransport
from s2mock.server.workers import Workers
from tests.server.h2_shapes import Heard, Said
from tests.server.test_server import connect
from tests.server.toys import TEXT, Environ, like_the_reference, serving

MANY = 4 * 1024 * 1024


@pytest.fixture
def loop() -> Iterator[ServerLoop]:
    loop = ServerLoop(pytest.fail)
    yield loop
    loop.close()


def test_conversation_goes_on_after_its_client_has_read_what_was_unsent(loop: ServerLoop) -> None:
    pieces = []

    def endless(_: Environ) -> Conversation:
        yield Head(200, [TEXT])
        while True:
            pieces.append(1)
            yield b"x" * 100_000

    def take_a_turn() -> None:
        loop.call_soon(loop.stop)
        loop.run()

    context = Context(endless, loop, Workers("x"), ("x", 1), pytest.fail, loop.time)
    ours, theirs = socket.socketpair()
    with theirs:
        connection = Connection(context, recognise)
        SocketTransport(ours, None, loop, connection)
        theirs.sendall(b"GET / HTTP/1.1\r\n\r\n")
        # On a slow machine its conversation is interrupted before it has filled what there is.
        while not connection.unsent:
            take_a_turn()
            connection.flush()
        stalled_at = len(pieces)
        theirs.setblocking(False)
        take_a_turn()
        assert len(pieces) == stalled_at
        while len(pieces) == stalled_at:
            with suppress(BlockingIOError):
                theirs.recv(MANY)
            take_a_turn()
        connection.abort()


class TestProtocol:
    @pytest.mark.parametrize("size", [1, 3, 10, 23])
    def test_a_preface_in_pieces(self, size: int) -> None:
        with serving(like_the_reference) as server, connect(server.port) as client:
            data = PREFACE + Said().settings().request().data
            for start in range(0, len(data), size):
                client.sendall(data[start : start + size])
            # Settings come first.
            assert client.recv(9)[3] == 4

    def test_what_only_begins_like_a_preface(self) -> None:
        with serving(like_the_reference) as server, connect(server.port) as client:
            client.sendall(b"PRI * HT")
            client.sendall(b"TP/1.1\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 404")

    @pytest.mark.parametrize("start", [b"", b"PRI * HT", b"GET / HT", PREFACE])
    def test_a_client_that_leaves_at_once(self, start: bytes) -> None:
        with serving(like_the_reference) as server, connect(server.port) as client:
            client.sendall(start)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass


def test_the_host_is_the_authority_of_http2() -> None:
    hosts = []

    def notes(environ: Environ) -> Conversation:
        hosts.append(environ.get("HTTP_HOST"))
        yield Head(200, [], b"")

    with serving(notes) as server, connect(server.port) as client:
        said = Said().settings()
        pseudo = [(":method", "GET"), (":path", "/"), (":scheme", "http")]
        said.fields([*pseudo, (":authority", "a")], 1)
        said.fields([*pseudo, (":authority", "a"), ("host", "b")], 3)
        said.fields([*pseudo, ("host", "b")], 5)
        said.fields(pseudo, 7)
        said.frame(7, 0, 0, bytes(8))
        client.sendall(PREFACE + said.data)
        while client.recv(65536):
            pass
    assert hosts == ["a", "a", "b", None]


@pytest.mark.skipif(not hasattr(socket, "MSG_MORE"), reason="this system has no MSG_MORE")
def test_an_answer_before_its_body_brings_the_end_of_the_connection_with_it() -> None:
    """A client that saw the answer alone could send its next request there, and lose it."""
    with serving(like_the_reference) as server:
        for _ in range(200):
            with connect(server.port) as client:
                client.sendall(b"POST /health HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n")
                assert client.recv(65536).startswith(b"HTTP/1.1 405")
                client.setblocking(False)
                assert client.recv(65536) == b""


class TestHttp1Pieces:
    def test_a_head_byte_by_byte(self) -> None:
        with serving(like_the_reference) as server, connect(server.port) as client:
            for byte in b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n":
                client.sendall(bytes([byte]))
            assert client.recv(65536).startswith(b"HTTP/1.1 200")

    def test_a_head_that_is_wrong_before_it_is_complete(self) -> None:
        for start in (b"\0", b"GET /a b", b"GET / HTTP/2", b"GET / HTTP/1.1\r\na(", b"\rG"):
            with serving(like_the_reference) as server, connect(server.port) as client:
                client.sendall(start)
                assert client.recv(65536).startswith(b"HTTP/1.1 400")

    def test_a_head_without_an_end(self) -> None:
        for start in (b"GET / HTTP/1.1\r\na: ", b"GET /"):
            with serving(like_the_reference) as server, connect(server.port) as client:
                client.sendall(start + b"b" * 500_000)
                assert client.recv(65536).startswith(b"HTTP/1.1 431")

    def test_a_request_is_asked_for_its_body(self) -> None:
        with serving(like_the_reference) as server, connect(server.port) as client:
            head = b"POST /v1/basins HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
            client.sendall(head)
            assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.sendall(b"{}")
            assert client.recv(65536).startswith(b"HTTP/1.1 400")

    def test_an_answer_before_the_body_has_come_ends_the_connection(self) -> None:
        with serving(like_the_reference) as server, connect(server.port) as client:
            client.sendall(b"POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\n")
            received = b""
            while data := client.recv(65536):
                received += data
            assert received.startswith(b"HTTP/1.1 404")
            assert b"connection" not in received

    def test_an_answer_reaches_a_client_that_is_still_sending(self) -> None:
        """Closed at once, the connection would be reset, and the answer lost."""
        with serving(like_the_reference) as server, connect(server.port) as client:
            client.sendall(b"POST / HTTP/1.1\r\ncontent-length: 9999999\r\n\r\n")
            for _ in range(20):
                client.sendall(b"x" * 100_000)
            received = b""
            while data := client.recv(65536):
                received += data
            assert received.startswith(b"HTTP/1.1 404")

    @pytest.mark.parametrize(
        "start", ["content-length: 5\r\n\r\nab", "transfer-encoding: chunked\r\n\r\n"]
    )
    def test_a_body_that_breaks_off_is_answered(self, start: str) -> None:
        with serving(like_the_reference) as server, connect(server.port) as client:
            client.sendall(f"POST /v1/basins HTTP/1.1\r\n{start}".encode())
            client.shutdown(socket.SHUT_WR)
            assert client.recv(65536).startswith(b"HTTP/1.1 400")

    def test_many_requests_ahead_of_their_answers(self) -> None:
        count = 5000
        with serving(like_the_reference) as server, connect(server.port) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n" * count)
            client.sendall(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n")
            received = b""
            while data := client.recv(65536):
                received += data
            assert received.count(b"HTTP/1.1 404") == count + 1


def test_an_answer_of_announced_length_in_pieces() -> None:
    def short(environ: Environ) -> Conversation:
        yield Head(200, [("content-length", "6")])
        yield b"abc"
        yield b"def" if environ["PATH_INFO"] == "/whole" else b""

    with serving(short) as server:
        for path, is_kept in [("/whole", True), ("/cut", False)]:
            with connect(server.port) as client:
                client.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
                received = b""
                while not received.endswith(b"def") and (data := client.recv(65536)):
                    received += data
                assert b"chunked" not in received
                assert received.endswith(b"abcdef") == is_kept
                if not is_kept:
                    assert client.recv(1) == b""


def test_statuses_without_a_body() -> None:
    def answers(environ: Environ) -> Conversation:
        yield Head(int(environ["PATH_INFO"][1:]), [], b"")

    with serving(answers) as server:
        for status in (204, 304):
            with connect(server.port) as client:
                client.sendall(f"GET /{status} HTTP/1.1\r\nconnection: close\r\n\r\n".encode())
                received = b""
                while data := client.recv(65536):
                    received += data
                assert b"content-length" not in received
                assert b"transfer-encoding" not in received


def test_pieces_on_http_1_0_end_with_the_connection() -> None:
    def answers(_: Environ) -> Conversation:
        yield Head(200, [])
        yield b"abc"
        yield b"def"

    with serving(answers) as server, connect(server.port) as client:
        client.sendall(b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
        received = b""
        while data := client.recv(65536):
            received += data
        assert received.startswith(b"HTTP/1.0 200 OK\r\n")
        assert received.endswith(b"\r\n\r\nabcdef")
        # As the real server says it, all the same.
        assert b"connection: keep-alive" in received


@pytest.mark.parametrize(
    "fields", [b"x: " + b"y" * 500_000 + b"\r\n", (b"x: " + b"y" * 10_000 + b"\r\n") * 50]
)
def test_a_head_of_half_a_megabyte(fields: bytes) -> None:
    """More than the reference server ever buffers; where it stops depends on how bytes fall."""
    with serving(like_the_reference) as server, connect(server.port) as client:
        client.sendall(b"GET /health HTTP/1.1\r\n" + fields + b"\r\n")
        answer = b""
        while data := client.recv(65536):
            answer += data
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert answer.endswith(b"\r\n\r\n")


def test_a_client_that_speaks_while_its_connection_is_retired() -> None:
    """What it says then does not reset the connection, and with it what it has not read yet."""

    def retires(_: Environ) -> Conversation:
        yield CloseAfterResponse()
        yield Head(200, [TEXT], b"x" * 60_000)

    with serving(retires) as server, connect(server.port) as client:
        client.sendall(PREFACE + Said().settings().request().data)
        heard = Heard()
        while [0, "GoAway", 1, 0] not in heard.said:
            # Before the client has received the end, and thereafter.
            client.sendall(Said().frame(6, 0, 0, bytes(8)).data)
            heard.take(client.recv(1000))
        client.sendall(Said().frame(6, 0, 0, bytes(8)).data)
        client.sendall(Said().frame(6, 0, 0, bytes(8)).data)
        while client.recv(65536):
            pass
