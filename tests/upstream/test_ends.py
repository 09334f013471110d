"""The ends of sessions are passed on in kind, from the upstream to the client and back."""

import select
import socket
import struct
import threading
from typing import Any

import pytest

from s2mock import S2Mock
from s2mock.contract.client import Client
from s2mock.contract.sessions import Session
from tests.powers.conftest import BASIN, EVENTS, FRAMES, RECORDS
from tests.powers.frames import append_frame
from tests.sessions.h2_client import H2Client
from tests.upstream.conftest import Serve, request_on
from tests.upstream.h2_server import EVENT_SESSION, SESSION, H2Server

READ = f"{RECORDS}?seq_num=0"
# A part of a session in each form: what it means is nothing to s2mock.
PING = b"event: ping\ndata: {}\n\n"
BATCH = b"\0\0\1\0"
# A frame with a coding that S2 does not have.
UNKNOWN_FRAME = b"\0\0\5\x60abcd"

SESSIONS = {
    "events": ("GET", READ, EVENTS, EVENT_SESSION, PING),
    "frames": ("GET", READ, FRAMES, SESSION, BATCH),
    "append": ("POST", RECORDS, FRAMES, SESSION, BATCH),
}


def opened(client: H2Client, kind: str) -> int:
    """Open a session of that kind; its stream."""
    method, path, headers, _, _ = SESSIONS[kind]
    return client.open(method, path, headers, end=method == "GET")


def over_http1(mock: S2Mock, kind: str) -> Session:
    method, path, headers, _, _ = SESSIONS[kind]
    client = Client(mock.url, token=mock.token, basin=BASIN)
    return Session(client, method, path, headers=headers, body_open=method == "POST")


@pytest.mark.parametrize("kind", SESSIONS)
@pytest.mark.parametrize("code", [0, 2, 7, 8, 11])
def test_a_reset_in_the_middle_of_a_session_has_the_upstreams_code(
    serve: Serve, kind: str, code: int
) -> None:
    """What came before it is passed on first."""
    *_, head, part = SESSIONS[kind]
    is_received = threading.Event()

    def handle(connected: socket.socket) -> None:
        with H2Server(connected) as server:
            stream = server.request()
            server.respond(stream, head)
            server.send(stream, part)
            is_received.wait()
            server.reset(stream, code)
            server.receive_to_end()

    with S2Mock(upstream=serve(handle).url) as mock, H2Client(mock.url) as client:
        stream = opened(client, kind)
        assert client.body(stream, len(part)) == part
        is_received.set()
        with pytest.raises(ConnectionResetError):
            client.rest(stream)

    assert client.reset_codes == {stream: code}


@pytest.mark.parametrize("kind", SESSIONS)
def test_an_end_of_the_upstreams_stream_is_that_of_the_clients(serve: Serve, kind: str) -> None:
    """Of an append session, too, whose client has not ended its own side."""
    *_, head, part = SESSIONS[kind]

    def handle(connected: socket.socket) -> None:
        with H2Server(connected) as server:
            stream = server.request()
            server.respond(stream, head)
            server.send(stream, part, end=True)
            server.receive_to_end()

    with S2Mock(upstream=serve(handle).url) as mock, H2Client(mock.url) as client:
        assert client.rest(opened(client, kind)) == part
        assert client.reset_codes == {}


@pytest.mark.parametrize("kind", SESSIONS)
def test_the_loss_of_an_http2_connection_ends_each_session_and_the_connection(
    serve: Serve, kind: str
) -> None:
    *_, head, part = SESSIONS[kind]
    is_received = threading.Event()

    def handle(connected: socket.socket) -> None:
        with H2Server(connected) as server:
            server.request(2)
            for stream in server.requests:
                server.respond(stream, head)
                server.send(stream, part)
            is_received.wait()

    with S2Mock(upstream=serve(handle).url) as mock, H2Client(mock.url) as client:
        streams = [opened(client, kind) for _ in range(2)]
        for stream in streams:
            assert client.body(stream, len(part)) == part
        is_received.set()
        for stream in streams:
            assert b'"code":"upstream"' in client.rest(stream)
        assert client.until_goaway() == 0
        with pytest.raises(ConnectionError):
            receive_to_end(client)


def receive_to_end(client: H2Client) -> None:
    """Handle all bytes. Raises `ConnectionError` when the server closes the connection."""
    while True:
        client.receive()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.mark.parametrize("kind", SESSIONS)
@pytest.mark.parametrize("end", ["last chunk", "fin", "rst"])
def test_an_end_over_http1_is_passed_on_in_kind(serve: Serve, kind: str, end: str) -> None:
    """A connection that breaks off does so behind an error, which says that it was no fault."""
    *_, head, part = SESSIONS[kind]
    is_received = threading.Event()

    def handle(connected: socket.socket) -> None:
        request_on(connected)
        content_type = dict(head)["content-type"].encode()
        connected.sendall(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"
            b"content-type: " + content_type + b"\r\n\r\n" + chunk(part)
        )
        is_received.wait()
        if end == "last chunk":
            connected.sendall(b"0\r\n\r\n")
            connected.recv(1)
        elif end == "rst":
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connected.close()

    with S2Mock(upstream=serve(handle).url) as mock, over_http1(mock, kind) as session:
        pieces = session.pieces()
        assert next(pieces) == part
        is_received.set()
        received, error = b"", None
        try:
            for piece in pieces:
                received += piece
        except (AssertionError, OSError) as broken:
            error = broken

    if end == "last chunk":
        assert (received, error) == (b"", None)
    elif end == "fin":
        assert b'"code":"upstream"' in received
        # The client's parser misses the last chunk.
        assert isinstance(error, AssertionError | EOFError | ConnectionError)
        assert not isinstance(error, ConnectionResetError)
    else:
        # It discards what was sent before it, if that was not read.
        assert isinstance(error, ConnectionResetError)


@pytest.mark.parametrize("name", ["http1", "h2c"])
def test_what_is_not_understood_is_passed_on_as_it_came(serve: Serve, name: str) -> None:
    """A newer S2 may send it."""
    sent = BATCH + UNKNOWN_FRAME + BATCH

    def handle_http1(connected: socket.socket) -> None:
        request_on(connected)
        connected.sendall(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: s2s/proto\r\n\r\n"
            + chunk(sent)
            + b"0\r\n\r\n"
        )
        connected.recv(1)

    def handle_h2c(connected: socket.socket) -> None:
        with H2Server(connected) as server:
            stream = server.request()
            server.respond(stream, SESSION)
            server.send(stream, sent, end=True)
            server.receive_to_end()

    with S2Mock(upstream=serve(locals()[f"handle_{name}"]).url) as mock:
        if name == "http1":
            with over_http1(mock, "frames") as session:
                received = session.rest()
        else:
            with H2Client(mock.url) as client:
                received = client.rest(opened(client, "frames"))

    assert received == sent


def test_an_event_with_an_id_that_is_none_is_passed_on_as_it_came(serve: Serve) -> None:
    sent = b'event: batch\nid: none\ndata: {"records":[{"seq_num":0,"timestamp":0}]}\n\n' + PING

    def handle(connected: socket.socket) -> None:
        with H2Server(connected) as server:
            stream = server.request()
            server.respond(stream, EVENT_SESSION)
            server.send(stream, sent, end=True)
            server.receive_to_end()

    with S2Mock(upstream=serve(handle).url) as mock, H2Client(mock.url) as client:
        assert client.rest(opened(client, "events")) == sent


class Left:
    """An upstream with an open session, which notes how its client leaves it."""

    def __init__(self, serve: Serve, kind: str, name: str) -> None:
        self._head = SESSIONS[kind][3]
        self.how: Any = None
        self.body = b""
        self.is_answered = False
        self.is_batch_received = threading.Event()
        self.acknowledges = threading.Event()
        self.is_over = threading.Event()
        self.url = serve(getattr(self, name)).url

    def http1(self, connected: socket.socket) -> None:
        self.body = request_on(connected)
        connected.sendall(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"
            b"content-type: " + dict(self._head)["content-type"].encode() + b"\r\n\r\n"
        )
        try:
            while data := connected.recv(65_536):
                self.body += data
                self.is_batch_received.set()
                if not self.acknowledges.is_set():
                    self.acknowledges.wait()
                    # An end that was passed on before the answer is here by now.
                    if select.select([connected], [], [], 0.1)[0]:
                        break
                    connected.sendall(chunk(BATCH))
                    self.is_answered = True
            self.how = "fin"
        except OSError:
            self.how = "rst"
        self.is_over.set()

    def h2c(self, connected: socket.socket) -> None:
        with H2Server(connected) as server:
            stream = server.request()
            server.respond(stream, self._head)
            try:
                while stream not in server.resets:
                    server.receive()
                    if server.bodies[stream] and not self.acknowledges.is_set():
                        self.body = server.bodies[stream]
                        self.is_batch_received.set()
                        self.acknowledges.wait()
                        # A reset that was passed on before the answer is here by now.
                        server.receive_within(0.1)
                        if stream in server.resets:
                            break
                        server.send(stream, BATCH)
                        self.is_answered = True
                self.how = server.resets[stream]
            except ConnectionError:
                self.how = "fin"
            self.is_over.set()


@pytest.mark.parametrize("kind", ["events", "frames"])
def test_a_client_that_resets_its_read_resets_the_upstreams(serve: Serve, kind: str) -> None:
    """The connection goes on for the other streams."""
    left = Left(serve, kind, "h2c")
    with S2Mock(upstream=left.url) as mock, H2Client(mock.url) as client:
        stream = opened(client, kind)
        client.head(stream)
        client.cancel(stream)
        assert left.is_over.wait(60)
        assert left.how == 8


@pytest.mark.parametrize("kind", ["events", "frames"])
def test_a_client_that_closes_its_read_over_http1_closes_the_upstreams(
    serve: Serve, kind: str
) -> None:
    left = Left(serve, kind, "http1")
    with S2Mock(upstream=left.url) as mock:
        with over_http1(mock, kind) as session:
            assert session.status == 200
        assert left.is_over.wait(60)


@pytest.mark.parametrize("name", ["http1", "h2c"])
def test_a_client_that_leaves_its_append_session_ends_it_behind_its_batch(
    serve: Serve, name: str
) -> None:
    """The upstream answers the batch that it has before it sees that the client has left."""
    left = Left(serve, "append", name)
    frame = append_frame("kept")
    with S2Mock(upstream=left.url, control=True) as mock:
        if name == "http1":
            with over_http1(mock, "append") as session:
                assert session.status == 200
                session.send(frame)
                assert left.is_batch_received.wait(60)
        else:
            with H2Client(mock.url) as client:
                stream = opened(client, "append")
                client.head(stream)
                client.send(stream, frame)
                assert left.is_batch_received.wait(60)
                client.cancel(stream)
                # The mock answers this itself, and handles what was sent before it first.
                client.head(client.open("GET", "/_s2mock/journal"))
        assert frame in left.body
        left.acknowledges.set()
        assert left.is_over.wait(60)
        [exchange] = mock.journal.wait_for("append")

    assert left.is_answered
    assert exchange.effect.committed
