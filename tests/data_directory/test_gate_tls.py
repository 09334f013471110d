"""The gate over TLS: nothing leaves early, and a handshake waits for nothing."""

import json
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from s2mock import Cut, Drop, S2Mock, Silence
from s2mock.data_directory import change_log
from s2mock.data_directory.keeper import Keeper
from s2mock.powers.faults import Fault
from tests.certificates import trusting
from tests.data_directory.keeping import as_killed, keep
from tests.server.tls_client import PATIENCE, ByteClient, received
from tests.sessions.h2_client import H2Client

RECORDS = "/v1/streams/log/records"
HEALTH = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"


class Disk:
    """The syncs of a log, each of which a test lets end."""

    def __init__(self, keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
        # The loop goes on during a sync.
        monkeypatch.setattr(change_log, "_QUICK_SECONDS", 0)
        self._sync = keeper.log.sync
        self._sync()
        self._has_begun, self._may_end = threading.Event(), threading.Event()
        self._error: OSError | None = None
        monkeypatch.setattr(keeper.log, "sync", self._hold)

    def _hold(self) -> None:
        self._has_begun.set()
        assert self._may_end.wait(PATIENCE)
        if self._error is not None:
            raise self._error
        self._sync()

    def wait(self) -> None:
        """Wait until a sync has begun."""
        assert self._has_begun.wait(PATIENCE)

    def allow(self, error: OSError | None = None) -> None:
        """Let all syncs end, or fail."""
        self._error = error
        self._may_end.set()


class Served(NamedTuple):
    """A kept account, its disk, and its directory."""

    mock: S2Mock
    disk: Disk
    directory: Path

    def complete_turn(self) -> None:
        """Let the server complete its present turn."""
        for _ in range(2):
            self.mock._connections.lazy_server.call(bool)

    @property
    def trusted(self) -> ssl.SSLContext:
        return trusting(self.mock.ca_file)

    @contextmanager
    def opened(self) -> Iterator[ByteClient]:
        """A client that has completed its handshake."""
        with ByteClient(self.mock.url, self.trusted) as client:
            client.shake_hands()
            yield client

    def append(self, client: ByteClient, more: str = "") -> None:
        """Send an append."""
        body = json.dumps({"records": [{"body": "kept"}]})
        client.socket.sendall(
            client.encrypt(
                f"POST {RECORDS} HTTP/1.1\r\nhost: x\r\ns2-basin: my-basin\r\n{more}"
                f"authorization: Bearer {self.mock.token}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\n\r\n{body}".encode()
            )
        )

    def has_data(self, client: ByteClient) -> bool:
        """True if the server has sent anything, or ended the connection, by its present turn."""
        self.complete_turn()
        client.socket.setblocking(False)
        try:
            client.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        finally:
            client.socket.settimeout(PATIENCE)
        return True


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    with S2Mock(tls=True) as mock:
        directory = tmp_path / "data"
        keeper = keep(mock, directory, "batch")
        mock.create_basin("my-basin").create_stream("log")
        disk = Disk(keeper, monkeypatch)
        try:
            yield Served(mock, disk, directory)
        finally:
            disk.allow()


def read_until(client: ByteClient, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        piece = client.read()
        assert piece, f"ended after {data!r}"
        data += piece
    return data


def test_an_append_is_answered_after_its_sync(served: Served) -> None:
    with served.opened() as client:
        served.append(client)
        served.disk.wait()
        assert not served.has_data(client)
        served.disk.allow()
        assert client.read().startswith(b"HTTP/1.1 200 OK")


def test_an_append_over_http_2_is_answered_after_its_sync(served: Served) -> None:
    tls = trusting(served.mock.ca_file, "h2")
    headers = {"content-type": "application/json", "authorization": f"Bearer {served.mock.token}"}
    with H2Client(served.mock.url, headers=headers, tls=tls) as client:
        number = client.open("POST", RECORDS, end=False)
        client.send(number, b'{"records": [{"body": "kept"}]}', end=True)
        served.disk.wait()
        served.complete_turn()
        client.socket.settimeout(0)
        # What the server has sent before: its settings, and no head of an answer.
        with pytest.raises((ssl.SSLWantReadError, BlockingIOError)):
            client.head(number)
        client.socket.settimeout(PATIENCE)
        served.disk.allow()
        assert client.head(number)[":status"] == "200"
        assert b"seq_num" in client.rest(number)


def test_a_handshake_waits_for_no_sync_and_a_reader_does(served: Served) -> None:
    with served.opened() as client:
        served.append(client)
        served.disk.wait()
        with served.opened() as other:
            other.socket.sendall(other.encrypt(HEALTH))
            assert not served.has_data(other)
            served.disk.allow()
            assert read_until(other, b"OK").startswith(b"HTTP/1.1 200 OK")


def test_a_last_answer_is_sent_before_the_close_notify(served: Served) -> None:
    with served.opened() as client:
        served.append(client, "connection: close\r\n")
        served.disk.wait()
        assert not served.has_data(client)
        served.disk.allow()
        answer, end = received(client)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b"seq_num" in answer
        assert end == "close_notify"


def test_a_client_that_has_ended_its_sending_gets_its_answer(served: Served) -> None:
    with served.opened() as client:
        served.append(client)
        client.socket.sendall(client.close_notify())
        served.disk.wait()
        assert not served.has_data(client)
        served.disk.allow()
        answer = client.read()
        assert answer.startswith(b"HTTP/1.1 200 OK")
        while piece := client.read():
            answer += piece
        assert b"seq_num" in answer


@pytest.mark.parametrize(
    ("fault", "how"),
    [
        (Drop(committed=True), "FIN"),
        (Drop(committed=True, connection="reset"), "RST"),
        (Cut(bytes=10), "FIN"),
        (Cut(bytes=10, connection="reset"), "RST"),
    ],
    ids=repr,
)
def test_an_end_by_a_fault_is_without_a_close_notify(
    served: Served, fault: Fault, how: str
) -> None:
    served.mock.inject(fault, on="append")
    with served.opened() as client:
        served.append(client)
        # A drop sends nothing that could be held.
        if isinstance(fault, Cut):
            served.disk.wait()
            assert not served.has_data(client)
            served.disk.allow()
        answer, end = received(client)
        assert end == how
        assert len(answer.partition(b"\r\n\r\n")[2]) == (10 if isinstance(fault, Cut) else 0)


def test_a_connection_is_muted_after_the_answers_that_are_held(served: Served) -> None:
    """A `Silence` waits for them: nothing is encrypted on a muted connection."""
    served.mock.inject(Silence(), on="check-tail")
    with served.opened() as client:
        served.append(client)
        served.disk.wait()
        tail = f"GET {RECORDS}/tail HTTP/1.1\r\nhost: x\r\ns2-basin: my-basin\r\n"
        own = f"authorization: Bearer {served.mock.token}\r\n\r\n"
        client.socket.sendall(client.encrypt((tail + own).encode()))
        served.mock.journal.wait_for("check-tail")
        assert not served.has_data(client)
        served.disk.allow()
        answer = b""
        while not answer.endswith(b"}}"):
            answer += client.read()
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert not served.has_data(client)


def test_a_sync_that_fails_ends_the_connection_without_an_answer(served: Served) -> None:
    with served.opened() as client:
        served.append(client)
        served.disk.wait()
        served.disk.allow(OSError("the disk fails"))
        assert received(client) == (b"", "FIN")


def test_what_is_held_when_connections_are_dropped_is_never_sent(served: Served) -> None:
    with served.opened() as client:
        served.append(client)
        served.disk.wait()
        with served.mock.outage():
            served.disk.allow()
            assert received(client) == (b"", "FIN")
        with served.opened() as other:
            assert other.ask(HEALTH).startswith(b"HTTP/1.1 200 OK")


def test_an_answer_tells_of_what_is_on_the_disk(served: Served) -> None:
    with served.opened() as client:
        served.append(client)
        served.disk.wait()
        served.disk.allow()
        assert client.read().startswith(b"HTTP/1.1 200 OK")
        with as_killed(served.directory) as again:
            assert [one.body for one in again.basin("my-basin").stream("log").records] == [b"kept"]


def test_a_forked_child_sends_nothing_that_is_held(served: Served) -> None:
    with served.opened() as client:
        served.append(client)
        served.disk.wait()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
        os.close(reading)
        try:
            assert not served.has_data(client)
            served.disk.allow()
            assert client.read().startswith(b"HTTP/1.1 200 OK")
            # The child does not keep the connection open.
            served.mock._drop_clients()
            assert received(client)[1] == "FIN"
        finally:
            os.close(writing)
            assert os.waitpid(child, 0)[1] == 0
