"""Back-pressure in bytes, in both directions and over both protocols."""

import asyncio
import socket
import threading
import tracemalloc

import pytest

from s2mock.runtime.conversation import DRAINED, READ, Conversation, Head
from s2mock.server import http2
from s2mock.server.connection import MAX_UNSENT_BYTES, Connection
from tests.server.h2_shapes import PREFACE, Heard, Said
from tests.server.test_driver import PATIENCE, Closing
from tests.server.test_readers_that_do_not_read import unsent
from tests.server.test_server import connect
from tests.server.toys import TEXT, Environ, Gate, like_the_reference, serving
from tests.server.wires import CALLS, Call, Http2Call
from tests.server_view import context_at
from tests.sessions.h2_client import H2Client

MEBIBYTE = 1024 * 1024
# Of the server's sockets: less than a system gives them by itself.
BUFFER = 64 * 1024


class Producer:
    """Sends pieces for ever, and counts how many have been asked of it."""

    def __init__(self, piece: bytes) -> None:
        self.piece = piece
        self.count = 0
        self.stalled = threading.Event()

    def __call__(self, _: Environ) -> Conversation:
        yield Head(200, [TEXT])
        while True:
            self.count += 1
            yield self.piece


def with_send_buffers(patch: pytest.MonkeyPatch) -> int:
    """Give connections send buffers that the system does not change; return their size."""
    made = Connection.connection_made

    def made_with_buffer(self: Connection, transport: asyncio.BaseTransport) -> None:
        accepted = transport.get_extra_info("socket")
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        made(self, transport)

    patch.setattr(Connection, "connection_made", made_with_buffer)
    with socket.socket() as sample:
        sample.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        return sample.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)


@pytest.mark.parametrize("call", CALLS, ids=["http1", "http2"])
class TestUnsent:
    @pytest.mark.sample(3)
    @pytest.mark.parametrize("size", [1000, 100_000, MEBIBYTE])
    def test_a_client_that_does_not_read_is_not_filled_up(
        self, call: Call, size: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As much is produced for it as fits into the sockets' buffers and the bound."""
        producers = {path: Producer(b"x" * size) for path in ("/stalled", "/read")}
        with serving(lambda environ: producers[environ["PATH_INFO"]](environ)) as server:
            buffered = with_send_buffers(monkeypatch)
            with call(server, "/stalled", window=8192) as stalled:
                buffered += stalled.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
                with call(server, "/read") as reader:
                    # While this one reads on and on, that one has long been stalled.
                    assert reader.status() == 200
                    for _ in range(24 * MEBIBYTE // size):
                        reader.piece(size)
                produced = producers["/stalled"].count * size
                assert produced <= buffered + MAX_UNSENT_BYTES + 2 * size
                assert stalled.status() == 200
                # It goes on where it was.
                for _ in range(3):
                    if call is CALLS[0]:
                        assert stalled.piece(size) == producers["/stalled"].piece

    def test_closed_while_it_is_stalled(self, call: Call) -> None:
        closing = Closing()
        producer = Producer(b"x" * MEBIBYTE)
        with serving(closing.around(producer)) as server, call(server, "/", window=8192) as client:
            assert client.status() == 200
            client.socket.close()
            assert closing.closed.wait(PATIENCE)


class TestDrained:
    @pytest.mark.parametrize("window", [8192, 2**30], ids=["of the stream", "of the socket"])
    @pytest.mark.parametrize("call", CALLS, ids=["http1", "http2"])
    def test_nothing_is_made_while_something_waits_for_room(self, call: Call, window: int) -> None:
        count, size = 0, 16 * 1024

        def drains(_: Environ) -> Conversation:
            nonlocal count
            yield Head(200, [TEXT])
            while True:
                count += 1
                yield b"x" * size
                yield DRAINED

        with serving(drains) as server, call(server, "/", window=min(window, 65536)) as client:
            if window > 65536:
                # What is left as the limit is what the system takes.
                _widen(client)
            [left] = unsent(context_at(server.url))
            assert 0 < left <= size + 100
            at = count
            # It goes on when there is room, for as long as it takes.
            if window < 65536:
                _widen(client)
            assert client.status() == 200
            while count < at + 100:
                client.piece(size)


@pytest.mark.parametrize("call", CALLS, ids=["http1", "http2"])
class TestUnread:
    def test_an_unread_body_is_not_taken_in(self, call: Call) -> None:
        gate, total = Gate(), 0

        def reads_late(_: Environ) -> Conversation:
            nonlocal total
            yield gate
            while data := (yield READ):
                total += len(data)
            yield Head(200, [TEXT], b"")

        piece, count = b"x" * 16384, 1024
        with serving(reads_late) as server, call(server, "/") as client:
            tracemalloc.start()
            before = tracemalloc.get_traced_memory()[0]
            sender = threading.Thread(target=_send, args=(client, piece, count))
            sender.start()
            assert gate.entered.wait(PATIENCE)
            with call(server, "/") as other:
                # Time for what would come to come.
                sender.join(0.2)
                assert other is not None
            peak = tracemalloc.get_traced_memory()[1] - before
            tracemalloc.stop()
            gate.open()
            sender.join(PATIENCE)
            client.end()
            assert client.status() == 200
        assert total == len(piece) * count
        # The client's side is in this process too, and has little of its own.
        assert peak < 6 * MEBIBYTE

    def test_a_body_in_bytes_of_one(self, call: Call) -> None:
        """As many as a session may have in flight, read as few pieces."""
        pieces = []

        def reads(_: Environ) -> Conversation:
            while data := (yield READ):
                pieces.append(len(data))
            yield Head(200, [TEXT], b"")

        count = 20_000
        with serving(reads) as server, call(server, "/") as client:
            for _ in range(count):
                client.send(b"x")
            client.end()
            assert client.status() == 200
        assert sum(pieces) == count


def _widen(client: object) -> None:
    """Let the server send as much as it likes, where the protocol has a limit."""
    if isinstance(client, Http2Call):
        for stream in (None, client.stream):
            client.client.h2.increment_flow_control_window(2**30, stream)
        client.client.flush()


def _send(client: object, piece: bytes, count: int) -> None:
    from s2mock.server.stream import RECEIVE_WINDOW
    from tests.server.wires import Http1Call, Http2Call

    if isinstance(client, Http1Call):
        for _ in range(count):
            client.send(piece)
    else:
        assert isinstance(client, Http2Call)
        inner = client.client
        for _ in range(count):
            while inner.h2.local_flow_control_window(client.stream) < len(piece):
                inner.receive()
            inner.send(client.stream, piece)
        assert RECEIVE_WINDOW


class TestWindowsOfTheServer:
    """What a client may send: the default until it has acknowledged our settings."""

    @pytest.mark.parametrize(
        ("acknowledged", "allowed"),
        [(False, 65_535), (True, MEBIBYTE)],
        ids=["of HTTP/2", "of the server"],
    )
    def test_a_byte_more(self, acknowledged: bool, allowed: int) -> None:
        gate = Gate()

        def reads_late(_: Environ) -> Conversation:
            yield gate
            yield Head(200, [TEXT], b"%d" % len((yield READ)))

        with serving(reads_late) as server:
            for excess in (0, 1):
                with connect(server.port) as client:
                    said = Said().settings()
                    if acknowledged:
                        said.frame(4, 0x1)
                    said.request(method="POST", end=False)
                    for start in range(0, allowed + excess, 16_384):
                        size = min(16_384, allowed + excess - start)
                        said.body(b" " * size, end=False)
                    said.frame(6, 0, 0, b"all seen")
                    client.sendall(PREFACE + said.data)
                    heard = Heard()
                    while not any(kind in ("Ping", "GoAway") for _, kind, *_ in heard.said):
                        heard.take(client.recv(65536))
                    resets = [said for said in heard.said if said[1] != "Ping"]
                    if allowed + excess > MEBIBYTE:
                        # That of the connection is as large.
                        assert resets == [[0, "GoAway", 1, 3]]
                    else:
                        assert resets == [[1, "RstStream", 3]] * excess

    def test_frames_after_the_end_of_a_stream(self) -> None:
        """Without a window of its own, what comes counts against that of the connection."""
        with serving(like_the_reference) as server, connect(server.port) as client:
            said = Said().settings().reading()
            for _ in range(65):
                said.body(b" " * 16_384, end=False)
            client.sendall(PREFACE + said.data)
            heard = Heard()
            while data := client.recv(65536):
                heard.take(data)
        assert heard.said == [[1, "RstStream", 3], [0, "GoAway", 1, 3]]


def test_small_frames_in_one_go_do_not_end_the_session() -> None:
    """Ten thousand appends in flight, each a frame of its own."""
    count, size = 12_000, 40

    def acknowledges(_: Environ) -> Conversation:
        yield Head(200, [TEXT])
        rest = 0
        while data := (yield READ):
            frames, rest = divmod(rest + len(data), size)
            yield b"a" * frames

    with serving(acknowledges) as server, H2Client(server.url) as client:
        stream = client.open("POST", "/", end=False)
        # By now it knows the server's window, and has said so.
        client.head(stream)
        said = Said()
        for _ in range(count):
            said.body(b"x" * size, stream, end=False)
        client.socket.sendall(said.data)
        assert client.body(stream, count) == b"a" * count


def test_windows_of_the_client_are_kept() -> None:
    """What is sent on a stream is what the client has room for, and the end comes behind it."""

    def answers(_: Environ) -> Conversation:
        yield Head(200, [TEXT], b"0123456789" * 10)

    with serving(answers) as server, H2Client(server.url, window=7) as client:
        stream = client.open("GET", "/")
        received = b""
        for _ in range(14):
            received += client.body(stream, 7)
            assert stream not in client.ended
            client.take(stream, 7)
        assert received + client.rest(stream) == b"0123456789" * 10


def test_a_stalled_stream_does_not_stall_others() -> None:
    def answers(environ: Environ) -> Conversation:
        yield Head(200, [TEXT])
        for _ in range(100 if environ["PATH_INFO"] == "/long" else 1):
            yield b"x" * 1000

    with serving(answers) as server, H2Client(server.url, window=2000) as client:
        stalled = [client.open("GET", "/long") for _ in range(20)]
        short = client.open("GET", "/short")
        assert client.rest(short) == b"x" * 1000
        for stream in stalled:
            assert client.body(stream, 2000) == b"x" * 2000


@pytest.mark.slow
class TestFloods:
    """Floods that have had a name each: the connection ends, and others notice nothing."""

    @pytest.mark.parametrize(
        ("flood", "reason"),
        [
            (Said().settings(_4=65535).data, b"too_many_idle_frames"),
            (Said().frame(6, 0, 0, bytes(8)).data, b"too_many_idle_frames"),
            (Said().frame(2, 0, 1, bytes(5)).data, b"too_many_idle_frames"),
            (Said().window(1).data, b"too_many_idle_frames"),
            (Said().frame(0x77).data, b"too_many_idle_frames"),
            (Said().body(b"", end=False).data, b"too_many_data_frames"),
            (Said().frame(0, 8, 1, b"\0").data, b"too_many_data_frames"),
        ],
        ids=["settings", "ping", "priority", "window", "unknown", "empty data", "only padding"],
    )
    def test_frames_that_ask_for_nothing(self, flood: bytes, reason: bytes) -> None:
        with serving(like_the_reference) as server, connect(server.port) as client:
            said = Said().settings().reading()
            client.sendall(PREFACE + said.data)
            received = _flood(client, flood * 1000, 100)
            assert reason in received
            with connect(server.port) as other:
                other.sendall(b"GET /health HTTP/1.1\r\n\r\n")
                assert other.recv(65536).startswith(b"HTTP/1.1 200")

    def test_answers_that_are_not_read(self) -> None:
        """Pings for which the answers pile up: no more are read."""
        with serving(like_the_reference) as server, connect(server.port) as client:
            client.sendall(PREFACE + Said().settings().data)
            # Each with a request between them, so that they are not idle.
            said = Said()
            for number in range(1, 200, 2):
                said.request(path="/health", stream=number)
                for _ in range(500):
                    said.frame(6, 0, 0, bytes(8))
            client.settimeout(0.5)
            tracemalloc.start()
            sent = 0
            try:
                for start in range(0, len(said.data), 65536):
                    client.sendall(said.data[start : start + 65536])
                    sent += 1
            except TimeoutError:
                pass
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 8 * MEBIBYTE

    def test_a_window_of_one_byte_at_a_time(self) -> None:
        with serving(lambda _: _long_answer()) as server, connect(server.port) as client:
            said = Said().settings(_4=1).request()
            client.sendall(PREFACE + said.data)
            received = _flood(client, Said().window(1, 1).data * 1000, 100)
            assert b"too_many_idle_frames" in received

    def test_requests_that_are_reset_at_once(self) -> None:
        begun = []

        def notes(environ: Environ) -> Conversation:
            begun.append(environ)
            yield Head(200, [], b"")

        with serving(notes) as server, connect(server.port) as client:
            said = Said().settings()
            said.times(900, lambda said, number: said.request(stream=number).reset(number))
            client.sendall(PREFACE + said.data)
            assert b"too_many_resets" in _flood(client, b"", 0)
        assert len(begun) <= 21


def _long_answer() -> Conversation:
    yield Head(200, [TEXT], b"x" * 200_000)


def _flood(client: object, data: bytes, times: int) -> bytes:
    """Send that so often, or until the connection ends; what was received until then."""
    import socket

    assert isinstance(client, socket.socket)
    received = b""

    def send() -> None:
        try:
            for _ in range(times):
                client.sendall(data)
        except OSError:
            pass

    sender = threading.Thread(target=send)
    sender.start()
    try:
        while got := client.recv(65536):
            received += got
    except ConnectionResetError:
        pass
    sender.join(PATIENCE)
    return received


def test_reading_goes_on_if_the_system_takes_all_that_was_unsent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing would resume it: no more is written until the client sends something."""
    monkeypatch.setattr(http2, "_MAX_UNHEARD_BYTES", 1000)

    def answers(_: Environ) -> Conversation:
        yield Head(204, [("x-long", "x" * 2000)], b"")

    with serving(answers) as server, H2Client(server.url) as client:
        for _ in range(3):
            assert client.head(client.open("GET", "/"))["x-long"] == "x" * 2000
