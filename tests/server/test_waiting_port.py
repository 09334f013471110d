"""A port listens before its server is loaded, which happens with the first connection."""

import errno
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from s2mock import S2Mock
from s2mock.server.server import Server
from s2mock.server.waiting_port import WaitingPort
from tests.server.toys import like_the_reference

PATIENCE = 30.0


class Maker:
    """Makes servers, after it has failed a number of times, and when it may."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.calls: list[threading.Thread] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.has_begun = threading.Event()

    def __call__(self, listening: socket.socket) -> Server:
        self.calls.append(threading.current_thread())
        self.has_begun.set()
        assert self.may_go_on.wait(PATIENCE)
        if len(self.calls) <= self.failures:
            raise OSError(errno.EMFILE, "too many open files")
        return Server(like_the_reference, listening=listening)


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def port(maker: Maker) -> Iterator[WaitingPort]:
    waiting = WaitingPort("127.0.0.1", 0, maker)
    yield waiting
    waiting.stop()


def ask(port: WaitingPort) -> bytes:
    """Return the first bytes of the answer to a request of its own connection."""
    with socket.create_connection(("127.0.0.1", port.port), PATIENCE) as client:
        client.sendall(b"GET /health HTTP/1.1\r\n\r\n")
        return client.recv(12)


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_the_first_connection_loads_the_server(port: WaitingPort, maker: Maker) -> None:
    assert port.server is None
    assert ask(port) == b"HTTP/1.1 200"
    assert ask(port) == b"HTTP/1.1 200"
    assert len(maker.calls) == 1
    assert port.server is not None
    assert port.server.url == port.url


def test_connections_that_came_while_it_was_loaded_are_served(
    port: WaitingPort, maker: Maker
) -> None:
    maker.may_go_on.clear()
    answers: list[bytes] = []
    clients = [threading.Thread(target=lambda: answers.append(ask(port))) for _ in range(20)]
    for client in clients:
        client.start()
    assert maker.has_begun.wait(PATIENCE)
    maker.may_go_on.set()
    for client in clients:
        client.join(PATIENCE)
    assert answers == [b"HTTP/1.1 200"] * 20


def test_many_threads_load_it_once(port: WaitingPort, maker: Maker) -> None:
    loaded: list[Server | None] = []
    threads = [threading.Thread(target=lambda: loaded.append(port.load())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert loaded == [port.server] * 20
    assert len(maker.calls) == 1


def test_a_call_is_made_here_until_there_is_a_server(port: WaitingPort) -> None:
    called: list[threading.Thread] = []
    port.call(lambda: called.append(threading.current_thread()))
    port.load()
    port.call(lambda: called.append(threading.current_thread()))
    assert called[0] is threading.current_thread()
    assert called[1] is not threading.current_thread()


def test_what_cannot_be_loaded_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    maker = Maker(failures=1)
    port = WaitingPort("127.0.0.1", 0, maker)
    try:
        with pytest.raises(OSError, match="too many open files"):
            port.load()
        assert ask(port) == b"HTTP/1.1 200"
        assert port.load() is port.server is not None
    finally:
        port.stop()
    assert len(maker.calls) == 2
    [record] = caplog.records
    assert record.message == "s2mock cannot load its server, and tries again"


def test_a_server_that_is_made_while_its_port_stops_is_stopped() -> None:
    """The thread that loads it may have been the last to use the mock."""
    made: list[Server] = []
    threads = set(threading.enumerate())

    def make(listening: socket.socket) -> Server:
        made.append(Server(like_the_reference, listening=listening))
        port.stop()
        return made[0]

    port = WaitingPort("127.0.0.1", 0, make)
    port.load()
    for thread in set(threading.enumerate()) - threads:
        thread.join(PATIENCE)
    assert made
    assert set(threading.enumerate()) - threads == set()


def test_descriptors_are_given_back_without_a_connection() -> None:
    before = open_descriptors()
    port = WaitingPort("127.0.0.1", 0, Maker())
    assert open_descriptors() == before + 5
    port.stop()
    assert open_descriptors() == before
    with pytest.raises(ConnectionRefusedError):
        ask(port)


def test_a_server_takes_the_descriptors_of_its_port(port: WaitingPort) -> None:
    before = open_descriptors()
    port.load()
    assert open_descriptors() == before


def test_descriptors_are_given_back_if_there_are_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    before = open_descriptors()
    opened = os.open

    def open_no_more(*arguments: object) -> int:
        if open_descriptors() - before >= 4:
            raise OSError(errno.EMFILE, "too many open files")
        return opened(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", open_no_more)
    with pytest.raises(OSError, match="too many open files"):
        WaitingPort("127.0.0.1", 0, Maker())
    monkeypatch.undo()
    assert open_descriptors() == before


def test_a_taken_port_is_refused(port: WaitingPort) -> None:
    before = open_descriptors()
    with pytest.raises(OSError, match="in use"):
        WaitingPort("127.0.0.1", port.port, Maker())
    assert open_descriptors() == before


def test_an_outage_before_the_first_connection() -> None:
    with S2Mock() as mock:
        port = int(mock.url.rpartition(":")[2])
        with mock.outage(), pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        socket.create_connection(("127.0.0.1", port)).close()


FORK = """
import os, socket, threading
from s2mock import S2Mock
from s2mock.server import waiting_port
from s2mock.server.server import Server

begun, loading = threading.Event(), waiting_port.loading
at_fork = threading.Event()

def loading_slowly():
    begun.set()
    # The fork has to wait for the end of this.
    at_fork.wait({wait})
    return loading()

waiting_port.loading = loading_slowly
mock = S2Mock()
port = int(mock.url.rpartition(":")[2])
client = socket.create_connection(("127.0.0.1", port), 30)
assert begun.wait(30)
threading.Timer(0.2, at_fork.set).start()
child = os.fork()
if not child:
    # The URL of the parent is the parent's; a new one is the child's own.
    assert not mock._connections.lazy_server.started
    client.close()
    here = int(mock.url.rpartition(":")[2])
    assert here != port
    with socket.create_connection(("127.0.0.1", here), 30) as own:
        own.sendall(b"GET /health HTTP/1.1\\r\\n\\r\\n")
        assert own.recv(12) == b"HTTP/1.1 200"
    os._exit(0)
client.sendall(b"GET /health HTTP/1.1\\r\\n\\r\\n")
assert client.recv(12) == b"HTTP/1.1 200"
print(os.waitpid(child, 0)[1])
client.close()
mock.close()
"""


def test_a_fork_waits_until_the_server_is_loaded() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FORK.format(wait=PATIENCE)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert (ended.stdout, ended.returncode) == ("0\n", 0), ended.stderr
