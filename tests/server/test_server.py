"""A server from construction to stop, its threads, descriptors and connections."""

import gc
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import httpx
import pytest

from s2mock.runtime.conversation import Conversation, Head
from s2mock.server.http1 import Http1
from s2mock.server.server import Server
from tests.server.test_driver import PATIENCE, Closing
from tests.server.toys import Environ, Gate, like_the_reference, serving
from tests.server.wires import Http1Call


def connect(port: int, host: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection((host, port), timeout=PATIENCE)


def is_answered(client: socket.socket) -> bool:
    client.sendall(b"GET /health HTTP/1.1\r\n\r\n")
    return client.recv(65536).startswith(b"HTTP/1.1 200")


def is_gone(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def descriptors() -> int:
    # Without those that other tests have left to the collector of garbage, whenever that comes.
    gc.collect()
    return len(list(Path("/dev/fd").iterdir()))


class TestStop:
    def test_leaves_nothing(self) -> None:
        threads, before = threading.active_count(), descriptors()
        for _ in range(20):
            server = Server(like_the_reference)
            with connect(server.port) as client, connect(server.port) as idle:
                assert is_answered(client)
                assert threading.active_count() == threads + 1
                server.stop()
                server.stop()
                assert is_gone(client)
                assert is_gone(idle)
            assert threading.active_count() == threads
            with pytest.raises(ConnectionRefusedError):
                connect(server.port)
        assert descriptors() == before

    def test_from_within(self) -> None:
        def stops(_: Environ) -> Conversation:
            server.stop()
            yield Gate()

        closing = Closing()
        with serving(closing.around(stops)) as server, connect(server.port) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert is_gone(client)
            assert closing.closed.wait(PATIENCE)

    def test_with_everything_at_once(self) -> None:
        """Calls from many threads while it stops: each returns."""
        for _ in range(10):
            server = Server(like_the_reference)
            calls = [server.stop, server.drop_connections, server.refuse, server.accept] * 2
            threads = [threading.Thread(target=call) for call in calls]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(PATIENCE)
                assert not thread.is_alive()

    def test_what_is_called_afterwards_does_nothing(self) -> None:
        server = Server(like_the_reference)
        server.stop()
        server.drop_connections()
        server.refuse()
        server.accept()
        with pytest.raises(ConnectionRefusedError):
            connect(server.port)


class TestAddress:
    def test_ipv6(self) -> None:
        with serving(like_the_reference, host="::1") as server:
            assert server.url == f"http://[::1]:{server.port}"
            assert httpx.get(f"{server.url}/health", trust_env=False).text == "OK"

    def test_every_interface(self) -> None:
        with serving(like_the_reference, host="0.0.0.0") as server, connect(server.port) as client:
            assert is_answered(client)

    def test_a_port_in_use(self) -> None:
        before = descriptors()
        with serving(like_the_reference) as server:
            with pytest.raises(OSError, match="Address already in use"):
                Server(like_the_reference, port=server.port)
            with connect(server.port) as client:
                assert is_answered(client)
        assert descriptors() == before

    def test_a_port_that_has_just_been_used(self) -> None:
        port = 0
        for _ in range(10):
            with serving(like_the_reference, port=port) as server:
                port = server.port
                with connect(port) as client:
                    assert is_answered(client)


class TestConnections:
    def test_dropped(self) -> None:
        with serving(like_the_reference) as server:
            with connect(server.port) as client, connect(server.port) as idle:
                assert is_answered(client)
                server.drop_connections()
                assert is_gone(client)
                assert is_gone(idle)
            with connect(server.port) as again:
                assert is_answered(again)

    def test_numbered(self) -> None:
        numbers = []

        def notes(environ: Environ) -> Conversation:
            numbers.append(environ["s2mock.connection"])
            yield Head(200, [], b"")

        with serving(notes) as server, connect(server.port) as one, connect(server.port) as other:
            for client in (one, one, other):
                client.sendall(b"GET / HTTP/1.1\r\n\r\n")
                assert client.recv(65536)
        assert numbers[0] == numbers[1] != numbers[2]

    def test_by_the_thousand(self) -> None:
        """A new connection is served beside hundreds of idle ones and readers."""
        idle_count, readers_count = 300, 150
        gate = Gate()

        def application(environ: Environ) -> Conversation:
            if environ["PATH_INFO"] == "/tail":
                yield Head(200, [])
                yield gate
                yield b"woken"
            else:
                yield from like_the_reference(environ)

        with serving(application) as server:
            idle = [connect(server.port) for _ in range(idle_count)]
            readers = [Http1Call(server, "/tail") for _ in range(readers_count)]
            for reader in readers:
                assert reader.status() == 200
            with connect(server.port) as client:
                assert is_answered(client)
            assert is_answered(idle[-1])
            gate.open()
            for reader in readers:
                assert reader.piece(5) == b"woken"
            for client in [*idle, *(reader.socket for reader in readers)]:
                client.close()


class TestOutage:
    def test_refuses_and_comes_back(self) -> None:
        with serving(like_the_reference) as server:
            for _ in range(3):
                with connect(server.port) as client:
                    assert is_answered(client)
                    server.refuse()
                    server.refuse()
                    assert is_gone(client)
                for _try in range(3):
                    with pytest.raises(ConnectionRefusedError):
                        connect(server.port)
                server.accept()
                server.accept()
                with connect(server.port) as client:
                    assert is_answered(client)

    @pytest.mark.parametrize("option", [None, socket.SO_REUSEADDR])
    def test_keeps_its_port(self, option: int | None) -> None:
        with serving(like_the_reference) as server:
            server.refuse()
            with socket.socket() as other:
                if option is not None:
                    other.setsockopt(socket.SOL_SOCKET, option, 1)
                with pytest.raises(OSError, match="in use"):
                    other.bind(("127.0.0.1", server.port))
            server.accept()
            with connect(server.port) as client:
                assert is_answered(client)

    def test_with_clients_that_are_not_let_in_yet(self) -> None:
        with serving(like_the_reference) as server:
            waiting = [connect(server.port) for _ in range(50)]
            server.refuse()
            for client in waiting:
                assert is_gone(client)
                client.close()

    def test_ends_with_the_server(self) -> None:
        before = descriptors()
        with serving(like_the_reference) as server:
            server.refuse()
        with (
            serving(like_the_reference, port=server.port) as server,
            connect(server.port) as client,
        ):
            assert is_answered(client)
        assert descriptors() == before


class TestFork:
    def test_the_child_has_no_server(self) -> None:
        """It closes what it has inherited, and the parent's clients notice nothing."""
        code = """
        import os, socket, sys
        from pathlib import Path
        from tests.server.toys import like_the_reference, Gate
        from s2mock.server.server import Server

        before = len(list(Path("/dev/fd").iterdir()))
        server = Server(like_the_reference)
        client = socket.create_connection(("127.0.0.1", server.port), 10)
        client.sendall(b"GET /health HTTP/1.1\\r\\n\\r\\n")
        assert client.recv(65536)
        child = os.fork()
        if child == 0:
            client.close()
            server.stop()
            server.drop_connections()
            server.refuse()
            server.accept()
            left = len(list(Path("/dev/fd").iterdir()))
            again = Server(like_the_reference)
            with socket.create_connection(("127.0.0.1", again.port), 10) as mine:
                mine.sendall(b"GET /health HTTP/1.1\\r\\n\\r\\n")
                assert mine.recv(65536)
            again.stop()
            os._exit(0 if left == before else 1)
        assert os.waitpid(child, 0)[1] == 0
        for _ in range(3):
            client.sendall(b"GET /health HTTP/1.1\\r\\n\\r\\n")
            assert client.recv(65536)
            with socket.create_connection(("127.0.0.1", server.port), 10) as another:
                another.sendall(b"GET /health HTTP/1.1\\r\\n\\r\\n")
                assert another.recv(65536)
        client.close()
        server.stop()
        print("well")
        """
        assert run(code) == "well\n"

    def test_while_others_use_it(self) -> None:
        """The fork may come at any moment of the server's."""
        code = """
        import os, socket, threading
        from tests.server.toys import like_the_reference
        from s2mock.server.server import Server

        server = Server(like_the_reference)
        stop = threading.Event()

        def use():
            while not stop.is_set():
                with socket.create_connection(("127.0.0.1", server.port), 10) as client:
                    client.sendall(b"GET /health HTTP/1.1\\r\\n\\r\\n")
                    assert client.recv(65536)
                server.drop_connections()

        users = [threading.Thread(target=use) for _ in range(3)]
        for user in users:
            user.start()
        for _ in range(30):
            child = os.fork()
            if child == 0:
                server.drop_connections()
                server.stop()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        stop.set()
        for user in users:
            user.join()
        server.stop()
        print("well")
        """
        # Clients that are dropped see it, in their own threads; that is no fault.
        assert run(code.replace("assert client.recv(65536)", "pass")) == "well\n"


class TestOutOfDescriptors:
    CODE = """
    import logging, os, resource, socket, sys
    from tests.server.toys import like_the_reference
    from s2mock.server.server import Server

    logging.basicConfig(stream=sys.stdout, format="%(name)s %(levelname)s")
    server = Server(like_the_reference)
    with socket.create_connection(("127.0.0.1", server.port), 10) as first:
        first.sendall(b"GET /health HTTP/1.1\\r\\n\\r\\n")
        assert first.recv(65536)
        waiting = [socket.socket() for _ in range(20)]
        for client in waiting:
            client.settimeout(20)
        used = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
        while True:
            try:
                used.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                break
        for client in waiting:
            client.connect(("127.0.0.1", server.port))
        for client in waiting:
            try:
                assert client.recv(1) == b""
            except ConnectionResetError:
                pass
        first.sendall(b"GET /health HTTP/1.1\\r\\n\\r\\n")
        assert first.recv(65536)
        {end}
        for client in waiting:
            client.close()
    """

    def test_new_ones_are_turned_away(self) -> None:
        end = """
        for _ in range(12):
            os.close(used.pop())
        with socket.create_connection(("127.0.0.1", server.port), 10) as client:
            client.sendall(b"GET /health HTTP/1.1\\r\\n\\r\\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
        server.stop()
        """
        assert run(self.CODE.format(end=textwrap.indent(textwrap.dedent(end), " " * 8))) == (
            # Once for all of them.
            "s2mock WARNING\n"
        )

    def test_connections_leave_some_for_what_requests_open(self) -> None:
        """However many connect: a connection that is accepted may need a module or a file."""
        code = """
        import logging, os, resource, socket, sys
        from contextlib import ExitStack
        from s2mock.runtime.conversation import Head
        from s2mock.server.server import Server

        logging.basicConfig(stream=sys.stdout, format="%(name)s %(levelname)s")

        def opens_files(environ):
            with ExitStack() as files:
                for _ in range(8):
                    files.enter_context(open(os.devnull))
                yield Head(200, [], b"")

        server = Server(opens_files)
        clients = [socket.socket() for _ in range(20)]
        free = os.dup(0)
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free + 8 + 3, free + 8 + 3))
        for client in clients:
            client.settimeout(20)
            client.connect(("127.0.0.1", server.port))
        for client in clients[3:]:
            try:
                assert client.recv(1) == b""
            except ConnectionResetError:
                pass
        for client in clients[:3]:
            client.sendall(b"GET /health HTTP/1.1\\r\\n\\r\\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
        for client in clients:
            client.close()
        server.stop()
        """
        assert run(code) == "s2mock WARNING\n"

    def test_it_stops(self) -> None:
        assert run(self.CODE.format(end="server.stop()")) == "s2mock WARNING\n"


def run(code: str) -> str:
    """What a process of its own prints with that code."""
    # From 3.12 on Python warns of each fork beside a thread, which is what some of these do.
    forks = "ignore:This process (pid=:DeprecationWarning"
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-W", forks, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


class TestTime:
    def test_a_stopped_clock_stops_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def waits(_: Environ) -> Conversation:
            yield Gate(timeout=0.01)
            yield Head(200, [], b"")

        monkeypatch.setattr(time, "monotonic", lambda: 0.0)
        with serving(waits) as server, Http1Call(server, "/") as client:
            assert client.status() == 200

    def test_the_date_is_that_of_the_wall_clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with serving(like_the_reference) as server, connect(server.port) as client:
            for now, expected in [
                (0, b"Thu, 01 Jan 1970 00:00:00 GMT"),
                (1_709_210_096.7, b"Thu, 29 Feb 2024 12:34:56 GMT"),
            ]:
                monkeypatch.setattr(time, "time", lambda now=now: now)
                client.sendall(b"GET /health HTTP/1.1\r\n\r\n")
                assert b"\r\ndate: " + expected + b"\r\n" in client.recv(65536)


def test_conversations_see_the_address_of_the_client() -> None:
    seen: list[Environ] = []

    def notes(environ: Environ) -> Conversation:
        seen.append(environ)
        yield Head(200, [], b"")

    with serving(notes) as server, connect(server.port) as client:
        client.sendall(
            b"PUT http://elsewhere/a%2Fb?c=%20 HTTP/1.1\r\nContent-Type: x\r\nx_y: no\r\n"
            b"X-Twice: 1\r\nx-twice: 2\r\naccept: a\r\naccept: b\r\ncontent-length: 0\r\n\r\n"
        )
        assert client.recv(65536)
        port = server.port
    [environ] = seen
    assert {key: environ[key] for key in environ if not key.startswith("wsgi.")} == {
        "REQUEST_METHOD": "PUT",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a/b",
        "REQUEST_URI": "/a%2Fb?c=%20",
        "QUERY_STRING": "c=%20",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "x",
        "CONTENT_LENGTH": "0",
        "HTTP_X_TWICE": "1",
        "HTTP_ACCEPT": "a,b",
        "s2mock.connection": environ["s2mock.connection"],
        "s2mock.notes": {},
        # As they came.
        "s2mock.fields": (
            ("content-type", "x"),
            ("x_y", "no"),
            ("x-twice", "1"),
            ("x-twice", "2"),
            ("accept", "a"),
            ("accept", "b"),
            ("content-length", "0"),
        ),
    }


def test_a_fault_of_its_own(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged and reported, and other connections go on."""
    errors: list[BaseException] = []
    told = threading.Event()

    def report(error: BaseException) -> None:
        errors.append(error)
        told.set()

    def fails(*_: object) -> None:
        raise ZeroDivisionError("of the test")

    with serving(like_the_reference, on_error=report) as server:
        with monkeypatch.context() as patched:
            patched.setattr(Http1, "receive", fails)
            with Http1Call(server, "/"):
                assert told.wait(PATIENCE)
        with connect(server.port) as client:
            assert is_answered(client)
    assert {type(error) for error in errors} == {ZeroDivisionError}
    assert len(caplog.records) == len(errors)
