"""The gate: no byte leaves before the changes that it may tell of are on the disk."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from s2mock import S2Mock
from s2mock.data_directory import change_log
from s2mock.runtime.conversation import READ, Conversation, Head
from s2mock.server.server import Server
from tests.data_directory.keeping import keep
from tests.sessions.h2_client import H2Client

PIECE = b"x" * 100_000


class Log:
    """A log whose syncs a test lets end, or fail."""

    def __init__(self) -> None:
        self.written = self.synced = 0
        self.syncs = 0
        self.is_quick = False
        self.on_write: Callable[[], object] = bool
        self.threads: list[threading.Thread] = []
        self._change = threading.Condition()
        self._allowed = 0
        self._error: Exception | None = None

    def sync(self) -> None:
        position = self.written
        with self._change:
            self.threads.append(threading.current_thread())
            self.syncs += 1
            number = self.syncs
            self._change.notify_all()
            self._change.wait_for(lambda: self._allowed >= number)
        if self._error is not None:
            raise self._error
        self.synced = max(self.synced, position)

    def wait_for_sync(self, number: int) -> None:
        """Wait until that sync has begun."""
        with self._change:
            assert self._change.wait_for(lambda: self.syncs >= number, timeout=30)

    def allow(self, number: int = 10**9, error: Exception | None = None) -> None:
        """Let the syncs up to that number end."""
        with self._change:
            self._error = error
            self._allowed = number
            self._change.notify_all()


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log()
    yield log
    log.allow()


@contextmanager
def serving(log: Log) -> Iterator[Server]:
    """An app whose POST is a change and whose answers have the position of the log."""

    def application(environ: dict[str, Any]) -> Conversation:
        while (yield READ):
            pass
        if environ["REQUEST_METHOD"] == "POST":
            log.written += 1
            log.on_write()
        answer = json.dumps(log.written).encode()
        if environ["PATH_INFO"] == "/long":
            yield Head(200, [])
            for _ in range(20):
                yield PIECE
            return
        yield Head(200, [], answer)

    server = Server(application, synced_log=log)
    try:
        yield server
    finally:
        log.allow()
        server.stop()


def send(server: Server, method: str, path: str = "/") -> socket.socket:
    connected = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    length = "content-length: 0\r\n" if method == "POST" else ""
    connected.sendall(f"{method} {path} HTTP/1.1\r\nhost: a\r\n{length}\r\n".encode())
    return connected


def read_all(connected: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := connected.recv(65536)):
        data += more
    return data


def has_data(connected: socket.socket, server: Server) -> bool:
    """True if the server has sent anything by the end of its present turn."""
    server.call(bool)
    connected.setblocking(False)
    try:
        return bool(connected.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
    finally:
        connected.settimeout(30)


def test_an_answer_waits_for_the_sync_of_its_change(log: Log) -> None:
    with serving(log) as server, send(server, "POST") as client:
        log.wait_for_sync(1)
        assert not has_data(client, server)
        log.allow()
        assert read_all(client, 1).startswith(b"HTTP/1.1 200")


def test_another_client_that_has_seen_the_change_waits_too(log: Log) -> None:
    with serving(log) as server, send(server, "POST") as client:
        log.wait_for_sync(1)
        with send(server, "GET") as other:
            assert not has_data(other, server)
            log.allow()
            assert read_all(other, 1).startswith(b"HTTP/1.1 200")
            assert read_all(client, 1).startswith(b"HTTP/1.1 200")
        assert log.syncs == 1


def test_without_a_change_nothing_is_synced(log: Log) -> None:
    with serving(log) as server, send(server, "GET") as client:
        assert read_all(client, 1).startswith(b"HTTP/1.1 200")
        assert log.syncs == 0


def test_a_quick_log_is_synced_by_the_loop_itself(log: Log) -> None:
    log.allow()
    log.is_quick = True
    with serving(log) as server:
        for _ in range(2):
            with send(server, "POST") as client:
                assert read_all(client, 1).startswith(b"HTTP/1.1 200")
        log.is_quick = False
        with send(server, "POST") as client:
            assert read_all(client, 1).startswith(b"HTTP/1.1 200")
        loop: list[threading.Thread] = []
        server.call(lambda: loop.append(threading.current_thread()))
    assert [thread in loop for thread in log.threads] == [True, True, False]


def test_requests_that_have_arrived_share_a_sync(log: Log) -> None:
    with serving(log) as server, send(server, "GET") as first, send(server, "GET") as second:
        for client in (first, second):
            assert b"\r\n\r\n0" in client.recv(65536)

        def send_second() -> None:
            log.on_write = bool
            second.sendall(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n")

        # In the turn in which the first change is written: it is read in the next one.
        log.on_write = send_second
        assert server._gate is not None
        server._gate._took = 60.0
        log.allow()
        first.sendall(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n")
        for client in (first, second):
            assert read_all(client, 1).startswith(b"HTTP/1.1 200")
        assert log.syncs == 1


@pytest.mark.parametrize("error", [OSError("no disk"), RuntimeError("a fault of ours")])
def test_nothing_passes_after_a_quick_sync_that_has_failed(log: Log, error: Exception) -> None:
    log.is_quick = True
    log.allow(error=error)
    with serving(log) as server, send(server, "POST") as client:
        assert read_all(client, 1) == b""


def test_changes_during_a_sync_share_the_next_one(log: Log) -> None:
    with serving(log) as server, send(server, "POST") as first:
        log.wait_for_sync(1)
        others = [send(server, "POST") for _ in range(20)]
        while log.written < 21:
            server.call(bool)
        log.allow(1)
        assert read_all(first, 1).startswith(b"HTTP/1.1 200")
        log.wait_for_sync(2)
        assert not any(has_data(other, server) for other in others)
        log.allow()
        for other in others:
            assert read_all(other, 1).startswith(b"HTTP/1.1 200")
            other.close()
        assert log.syncs == 2


def test_the_end_of_a_sync_lets_pass_what_was_written_before_it_and_no_more(log: Log) -> None:
    """Both answers are on one connection."""
    with serving(log) as server, send(server, "POST") as client:
        log.wait_for_sync(1)
        client.sendall(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n")
        while log.written < 2:
            server.call(bool)
        log.allow(1)
        answer = b"HTTP/1.1 200 OK\r\n"
        data = read_all(client, len(answer))
        log.wait_for_sync(2)
        data += b"" if not has_data(client, server) else client.recv(65536)
        assert data.count(b"HTTP/1.1 200") == 1
        assert data.endswith(b"1")
        log.allow()
        assert read_all(client, 1).endswith(b"2")


def test_after_a_sync_that_failed_no_answer_is_sent(log: Log) -> None:
    with serving(log) as server, send(server, "POST") as client:
        log.wait_for_sync(1)
        log.allow(error=OSError("the disk fails"))
        assert read_all(client, 1) == b""
        with send(server, "GET") as other:
            server.call(bool)
            server.call(bool)
            assert not has_data(other, server)


def test_a_long_answer_that_had_to_wait_is_whole(log: Log) -> None:
    """More than the server keeps unsent: the conversation waits for room, and gets it."""
    with serving(log) as server, send(server, "POST", "/long") as client:
        log.wait_for_sync(1)
        log.allow()
        assert read_all(client, 20 * len(PIECE)).count(b"x") == 20 * len(PIECE)


def test_a_long_answer_over_http2(log: Log) -> None:
    with serving(log) as server, H2Client(server.url) as client:
        number = client.open("POST", "/long")
        log.wait_for_sync(1)
        log.allow()
        assert client.rest(number) == 20 * PIECE


def test_an_answer_that_ends_its_connection_is_sent_before(log: Log) -> None:
    with serving(log) as server:
        connected = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        with connected:
            connected.sendall(b"POST / HTTP/1.0\r\ncontent-length: 0\r\n\r\n")
            log.wait_for_sync(1)
            assert not has_data(connected, server)
            log.allow()
            assert read_all(connected, 10**6).endswith(b"\r\n\r\n1")


def test_a_client_that_leaves_during_a_sync_disturbs_no_other(log: Log) -> None:
    with serving(log) as server, send(server, "POST") as client:
        log.wait_for_sync(1)
        with send(server, "POST"):
            while log.written < 2:
                server.call(bool)
        server.drop_connections()
        log.allow()
        assert read_all(client, 1) == b""
        with send(server, "POST") as next_client:
            assert read_all(next_client, 1).startswith(b"HTTP/1.1 200")


def test_a_follower_reads_a_record_once_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = threading.Event()
    # The loop goes on during a sync.
    monkeypatch.setattr(change_log, "_QUICK_SECONDS", 0)
    with S2Mock() as mock:
        keeper = keep(mock, tmp_path, "batch")
        stream = mock.create_basin("my-basin").create_stream("s")
        sync = keeper.log.sync

        def held() -> None:
            assert may_end.wait(30)
            sync()

        sync()
        monkeypatch.setattr(keeper.log, "sync", held)
        with H2Client(mock.url) as client:
            number = client.open(
                "GET", "/v1/streams/s/records?seq_num=0&clamp=true", {"content-type": "s2s/proto"}
            )
            assert client.head(number)[":status"] == "200"
            client.frame(number)  # the tail
            stream.wait_for_readers()
            stream.append(["seen"])
            client.socket.settimeout(0)
            mock._connections.lazy_server.call(bool)
            with pytest.raises(BlockingIOError):
                client.frame(number)
            client.socket.settimeout(30)
            may_end.set()
            assert b"seen" in client.frame(number)
