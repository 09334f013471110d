"""A side that does not read stops the other one: what waits in the mock has a bound."""

import select
import socket
import threading
from contextlib import closing
from typing import Any

import pytest

from s2mock import S2Mock
from s2mock.contract.client import Client
from s2mock.contract.sessions import Session
from s2mock.upstream import append_session, dialog
from s2mock.upstream.exchange import MAX_WAITING_BYTES
from tests.powers.conftest import BASIN, EVENTS, FRAMES, RECORDS, Way
from tests.powers.frames import append_frame, frames
from tests.sessions.h2_client import H2Client
from tests.upstream.conftest import Serve, request_on
from tests.upstream.h2_server import EVENT_SESSION, SESSION, H2Server
from tests.upstream.in_flight import PIECE_BYTES, RECEIPT_BYTES, buffered, watched

MIB = 1024 * 1024
# More than the buffers of the operating system on all sockets.
TOTAL = 64 * MIB
EVENT = b"event: x\ndata: " + b"x" * 100_000 + b"\n\n"
# It fits into one frame of HTTP/2.
SMALL_EVENT = b"event: x\ndata: " + b"x" * 16_000 + b"\n\n"
# The upstream is to refuse it, so that what follows is forwarded as it comes.
NO_FRAME = b"\0\0\0"
EVENTS_PATH = f"{RECORDS}?seq_num=0"
# How long nothing moves until it counts as stopped; a longer pause makes no test fail.
STILL = 0.5


class Flooding:
    """An upstream that sends events in a read session until it is stopped, or has sent `TOTAL`."""

    def __init__(self, serve: Serve, handle: Any) -> None:
        self.sent = 0
        self.is_stopped = threading.Event()
        self.goes_on = threading.Event()
        self.url = serve(lambda connected: handle(self, connected)).url

    def stop(self) -> None:
        """Wait until the client is to read, after it did not."""
        self.is_stopped.set()
        self.goes_on.wait()

    def over_http1(self, connected: socket.socket) -> None:
        request_on(connected)
        connected.sendall(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"
            b"content-type: text/event-stream\r\n\r\n"
        )
        chunk = memoryview(b"%x\r\n%b\r\n" % (len(EVENT), EVENT))
        while self.sent < TOTAL:
            unsent = chunk
            while unsent:
                connected.settimeout(None if self.is_stopped.is_set() else STILL)
                try:
                    unsent = unsent[connected.send(unsent) :]
                except TimeoutError:
                    self.stop()
            self.sent += len(EVENT)
        self.is_stopped.set()
        connected.settimeout(None)
        connected.sendall(b"0\r\n\r\n")
        connected.recv(1)

    def over_h2c(self, connected: socket.socket) -> None:
        with H2Server(connected) as server:
            stream = server.request()
            server.respond(stream, EVENT_SESSION)
            while self.sent < TOTAL:
                unsent = EVENT
                while unsent:
                    if part := server.send_to_window(stream, unsent):
                        unsent = unsent[part:]
                        continue
                    if not server.receive_within(None if self.is_stopped.is_set() else STILL):
                        self.stop()
                self.sent += len(EVENT)
            self.is_stopped.set()
            server.send(stream, b"", end=True)
            server.receive_to_end()


def over_http1(mock: S2Mock, method: str, path: str, **options: Any) -> Session:
    return Session(Client(mock.url, token=mock.token, basin=BASIN), method, path, **options)


def rest_of(connected: socket.socket) -> bytes:
    """The bytes until the last chunk of a response."""
    parts: list[bytes] = []
    while not b"".join(parts[-2:]).endswith(b"\r\n0\r\n\r\n"):
        parts.append(connected.recv(MIB))
        assert parts[-1], "the connection broke off"
    return b"".join(parts)


def unchunked(response: bytes) -> bytes:
    """The body of a response in chunks."""
    _, _, rest = response.partition(b"\r\n\r\n")
    at, parts = 0, []
    while True:
        end = rest.index(b"\r\n", at)
        size = int(rest[at:end], 16)
        if not size:
            return b"".join(parts)
        parts.append(rest[end + 2 : end + 2 + size])
        at = end + size + 4


def assert_is_whole(count: int, received: bytes) -> None:
    assert received == EVENT * count, "the events differ"


@pytest.mark.parametrize("name", ["http1", "h2c"])
def test_a_client_that_does_not_read_stops_the_upstream(serve: Serve, name: str) -> None:
    """When it reads again, it gets every byte."""
    flooding = Flooding(serve, getattr(Flooding, f"over_{name}"))
    with S2Mock(upstream=flooding.url) as mock, watched(mock) as largest:
        if name == "http1":
            with over_http1(mock, "GET", EVENTS_PATH, headers=EVENTS, timeout=60) as session:
                assert flooding.is_stopped.wait(60)
                stopped_at = flooding.sent
                flooding.goes_on.set()
                received = unchunked(rest_of(session._socket))
        else:
            with H2Client(mock.url, window=65_535) as client:
                stream = client.open("GET", EVENTS_PATH, EVENTS)
                assert flooding.is_stopped.wait(60)
                stopped_at = flooding.sent
                flooding.goes_on.set()
                parts: list[bytes] = []
                while stream not in client.ended:
                    client.receive()
                    if part := client.bodies.pop(stream, b""):
                        parts.append(part)
                        client.take(stream, len(part))
                received = b"".join(parts)

    assert stopped_at < TOTAL
    assert 0 < largest[0] <= MAX_WAITING_BYTES + 2 * RECEIPT_BYTES
    assert_is_whole(flooding.sent // len(EVENT), received)


def test_clients_that_do_not_read_stop_no_other_stream_of_their_connection(serve: Serve) -> None:
    """Of one connection to the upstream they share its window."""
    count = 100
    is_full = threading.Event()

    def handle(connected: socket.socket) -> None:
        with H2Server(connected) as server:
            server.request(count)
            for stream in server.requests:
                server.respond(stream, EVENT_SESSION)
            sent = True
            while sent:
                sent = False
                for stream in server.requests:
                    sent |= bool(server.send_to_window(stream, SMALL_EVENT))
                server.receive_within(0.001)
            is_full.set()
            last = server.request(count + 1)
            listed = b'{"basins":[],"has_more":false}'
            server.respond(last, [(":status", "200"), ("content-type", "application/json")])
            for at in range(len(listed)):
                while not server.send_to_window(last, listed[at : at + 1]):
                    server.receive()
            server.send(last, b"", end=True)
            server.receive_to_end()

    with (
        S2Mock(upstream=serve(handle).url) as mock,
        # No data on any of the streams, so that none of it is in the window of the connection.
        H2Client(mock.url, window=0) as client,
    ):
        for _ in range(count):
            client.open("GET", EVENTS_PATH, EVENTS)
        assert is_full.wait(60)
        last = client.open("GET", "/v1/basins")
        client.h2.increment_flow_control_window(1000, last)
        client.flush()
        assert client.rest(last) == b'{"basins":[],"has_more":false}'
        assert buffered(mock) <= count * (MAX_WAITING_BYTES + 64 * 1024)


class Unread:
    """An upstream that opens a session, and reads nothing of it until it is to go on."""

    def __init__(self, serve: Serve, handle: Any) -> None:
        self.goes_on = threading.Event()
        self.received = 0
        self.url = serve(lambda connected: handle(self, connected)).url

    def over_http1(self, connected: socket.socket) -> None:
        received = request_on(connected)
        connected.sendall(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: s2s/proto\r\n\r\n"
        )
        self.goes_on.wait()
        while not received.endswith(b"\r\n0\r\n\r\n"):
            received = received[-16:] + connected.recv(65_536)
            self.received += 1
        connected.sendall(b"0\r\n\r\n")

    def over_h2c(self, connected: socket.socket) -> None:
        with H2Server(connected) as server:
            stream = server.request()
            server.respond(stream, SESSION)
            self.goes_on.wait()
            while stream not in server.ended:
                server.receive()
                server.bodies.clear()
            server.send(stream, b"", end=True)
            server.receive_to_end()


@pytest.mark.parametrize("first", [b"", NO_FRAME], ids=["frames", "not understood"])
@pytest.mark.parametrize("name", ["http1", "h2c"])
def test_an_upstream_that_does_not_read_stops_the_client(
    serve: Serve, name: str, first: bytes
) -> None:
    """When it reads again, the client goes on, and the session ends as it should."""
    unread = Unread(serve, getattr(Unread, f"over_{name}"))
    frame = append_frame("x" * 100_000)
    with S2Mock(upstream=unread.url) as mock, watched(mock) as largest:
        if name == "http1":
            options = {"headers": FRAMES, "body_open": True, "timeout": 60}
            with over_http1(mock, "POST", RECORDS, **options) as session:
                assert session.status == 200
                if first:
                    session.send(first)
                chunk = b"%x\r\n%b\r\n" % (len(frame), frame)
                sent, unsent = flood_socket(session._socket, chunk)
                unread.goes_on.set()
                session._socket.settimeout(60)
                session._socket.sendall(unsent)
                session.half_close()
                assert session.rest() == b""
        else:
            with H2Client(mock.url) as client:
                stream = client.open("POST", RECORDS, FRAMES, end=False)
                client.head(stream)
                client.send(stream, first)
                sent, unsent = flood_window(client, stream, frame)
                unread.goes_on.set()
                while unsent:
                    if room := window_of(client, stream):
                        client.send(stream, unsent[:room])
                        unsent = unsent[room:]
                    else:
                        client.receive()
                client.send(stream, end=True)
                assert client.rest(stream) == b""

    assert sent < TOTAL
    assert 0 < largest[0] <= MAX_WAITING_BYTES + PIECE_BYTES + RECEIPT_BYTES


def flood_socket(connected: socket.socket, chunk: bytes) -> tuple[int, bytes]:
    """Send until nothing moves; how many bytes were sent, and the rest of the last chunk."""
    connected.settimeout(STILL)
    sent, unsent = 0, memoryview(chunk)
    while sent < TOTAL:
        try:
            size = connected.send(unsent)
        except TimeoutError:
            break
        sent += size
        unsent = unsent[size:] or memoryview(chunk)
    return sent, bytes(unsent)


def window_of(client: H2Client, stream: int) -> int:
    """The bytes that the client may send now in one frame."""
    return min(client.h2.local_flow_control_window(stream), client.h2.max_outbound_frame_size)


def flood_window(client: H2Client, stream: int, frame: bytes) -> tuple[int, bytes]:
    """Send until the window stays closed; how many bytes were sent, and the rest of the frame."""
    sent, unsent = 0, frame
    while sent < TOTAL:
        if room := window_of(client, stream):
            part = unsent[:room]
            client.send(stream, part)
            sent += len(part)
            unsent = unsent[len(part) :] or frame
        elif select.select([client.socket], [], [], STILL)[0]:
            client.receive()
        else:
            break
    return sent, unsent


def test_a_body_that_waits_for_a_stream_has_a_bound(serve: Serve) -> None:
    """The upstream allows one request at a time, and has one."""
    goes_on, is_limiting = threading.Event(), threading.Event()

    def handle(connected: socket.socket) -> None:
        with H2Server(connected, streams=1) as server:
            first = server.request()
            while not server.is_limiting:
                server.receive()
            is_limiting.set()
            while not goes_on.is_set():
                server.receive_within(0.01)
            server.respond(first, [(":status", "200")], b"{}")
            second = server.request(2)
            while second not in server.ended:
                server.receive()
                server.bodies.clear()
            server.respond(second, [(":status", "404")], b"none")
            server.receive_to_end()

    with S2Mock(upstream=serve(handle).url) as mock, H2Client(mock.url) as client:
        first = client.open("GET", "/v1/basins")
        assert is_limiting.wait(60)
        with watched(mock) as largest:
            # S2 has no such operation, so the body is no document of s2mock's.
            second = client.open("POST", "/v1/none", end=False)
            sent, unsent = flood_window(client, second, b"x" * 100_000)
            goes_on.set()
            assert client.rest(first) == b"{}"
            while unsent:
                if room := window_of(client, second):
                    client.send(second, unsent[:room])
                    unsent = unsent[room:]
                else:
                    client.receive()
            client.send(second, end=True)
            assert client.rest(second) == b"none"

    assert sent < TOTAL
    assert 0 < largest[0] <= MAX_WAITING_BYTES + PIECE_BYTES + RECEIPT_BYTES


def test_an_upstream_that_acknowledges_nothing_stops_the_client(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads all, and each batch is kept until it is acknowledged."""
    monkeypatch.setattr(append_session, "_MAX_BATCHES", 100)
    goes_on = threading.Event()
    received: list[int] = []

    def handle(connected: socket.socket) -> None:
        with H2Server(connected) as server:
            stream = server.request()
            server.respond(stream, SESSION)
            while not goes_on.is_set():
                server.receive_within(0.01)
            received.append(len(server.bodies[stream]))
            answered = 0
            while stream not in server.ended or answered < whole(server.bodies[stream]):
                while answered < whole(server.bodies[stream]):
                    server.send(stream, acknowledgement(answered))
                    answered += 1
                if stream not in server.ended:
                    server.receive()
            server.send(stream, b"", end=True)
            server.receive_to_end()

    frame = append_frame("x" * 20_000)
    with S2Mock(upstream=serve(handle).url) as mock, H2Client(mock.url) as client:
        stream = client.open("POST", RECORDS, FRAMES, end=False)
        client.head(stream)
        sent, unsent = flood_window(client, stream, frame)
        goes_on.set()
        while unsent:
            if room := window_of(client, stream):
                client.send(stream, unsent[:room])
                unsent = unsent[room:]
            else:
                client.receive()
        client.send(stream, end=True)
        acknowledged = sum(1 for _ in frames(client.rest(stream)))

    assert sent < TOTAL
    # Those that were received together with the hundredth are forwarded with it.
    assert received[0] <= 100 * len(frame) + PIECE_BYTES
    assert acknowledged == sent // len(frame) + 1


def test_an_answer_without_a_bound_is_a_failure_of_the_upstream(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no session, so that it is passed on as a whole."""
    monkeypatch.setattr(dialog, "_MAX_BODY_BYTES", MIB)

    def handle(connected: socket.socket) -> None:
        request_on(connected)
        connected.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            connected.sendall(b"%x\r\n%b\r\n" % (len(EVENT), EVENT))

    with S2Mock(upstream=serve(handle).url) as mock, closing(Way("http1", mock)) as way:
        answered = way("GET", "/v1/basins")

    assert answered.status == 502
    assert "answered more than 1 MiB" in answered.json["message"]


def whole(body: bytes) -> int:
    """The number of whole frames in these bytes."""
    return sum(1 for _ in frames(body))


def acknowledgement(number: int) -> bytes:
    """The frame that acknowledges a batch of one record."""
    from s2mock.api.wire.messages import AppendAck

    ack = AppendAck()
    ack.start.seq_num, ack.end.seq_num, ack.tail.seq_num = number, number + 1, number + 1
    payload: bytes = ack.SerializeToString()
    return (len(payload) + 1).to_bytes(3, "big") + b"\0" + payload
