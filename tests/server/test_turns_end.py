"""The end of a turn of the loop: what connections have written in it is sent, once for each."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from s2mock.runtime.conversation import READ, Conversation, Head
from s2mock.runtime.notifier import NotifierWait
from s2mock.server.server import Server
from s2mock.server.socket_transport import SocketTransport
from tests.sessions.h2_client import H2Client

STREAMS = 20
REQUEST = b"POST %b HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server whose GET waits for a POST; `sent` of it has the bytes of each send."""
    waits: list[NotifierWait] = []

    def application(environ: dict[str, Any]) -> Conversation:
        while (yield READ):
            pass
        if environ["REQUEST_METHOD"] == "GET":
            yield Head(200, [])
            waits.append(wait := NotifierWait())
            yield wait
            yield b"news"
            return
        if environ["PATH_INFO"] == "/drop":
            yield Head(200, [], b"last")
            server.drop_connections()
            return
        for wait in waits:
            wait.notify()
        yield Head(200, [], str(len(waits)).encode())

    server = Server(application)
    sent: list[bytes] = []
    write = SocketTransport.write

    def note(self: SocketTransport, data: Any) -> None:
        sent.append(bytes(data))
        write(self, data)

    monkeypatch.setattr(SocketTransport, "write", note)
    monkeypatch.setattr(server, "sent", sent, raising=False)
    try:
        yield server
    finally:
        server.stop()


def connect(server: Server) -> socket.socket:
    """A connection that has served a request."""
    client = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    client.sendall(REQUEST % b"/")
    assert client.recv(65536).startswith(b"HTTP/1.1 200")
    return client


def read_to_end(client: socket.socket) -> bytes:
    data = b""
    while more := client.recv(65536):
        data += more
    return data


def post(server: Server) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall((REQUEST % b"/").replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        return read_to_end(client)


def test_all_streams_of_a_connection_that_wake_in_a_turn_are_sent_at_once(server: Any) -> None:
    with H2Client(server.url) as client:
        numbers = [client.open("GET", "/") for _ in range(STREAMS)]
        while not post(server).endswith(b"%d" % STREAMS):
            pass
        assert [client.rest(number) for number in numbers] == [b"news"] * STREAMS
    assert sum(b"news" in data for data in server.sent) <= 2
    assert any(data.count(b"news") > STREAMS // 2 for data in server.sent)


def test_an_answer_of_the_same_turn_is_sent_before_connections_are_dropped(server: Server) -> None:
    """Both requests arrive while the server's thread is held, and are handled in one turn."""
    with connect(server) as first, connect(server) as second:
        is_held, may_go_on = threading.Event(), threading.Event()

        def hold() -> None:
            is_held.set()
            assert may_go_on.wait(30)

        thread = threading.Thread(target=server.call, args=(hold,))
        thread.start()
        assert is_held.wait(30)
        first.sendall(REQUEST % b"/")
        second.sendall(REQUEST % b"/drop")
        may_go_on.set()
        thread.join()
        assert read_to_end(first).endswith(b"\r\n0")
