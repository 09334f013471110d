"""The servers that are measured, each in a process of its own.

`python -m benchmarks.peers NAME` serves on a free port, prints it, prints how long its processor
has worked for each line that it reads, and stops when its standard input ends.

Two peers are named by the environment. `S2MOCK_REFERENCE` is the URL of an s2-lite that runs on
this machine; `S2MOCK_BEFORE` is a checkout of an earlier state of s2mock.
"""

import asyncio
import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal
from urllib.parse import urlsplit

BASIN = "my-basin"
LITE = "s2-lite"
CONTROL = "s2mock-control"
BEFORE = "before"
PROXY = "s2mock-proxy"
BARE_PROXY = "a bare proxy"
BARE_LOOP = "bare-loop"
# The environment variable with the URL of the server that the proxies are in front of.
UPSTREAM = "S2MOCK_BENCH_UPSTREAM"
_NAMED_BY = {LITE: "S2MOCK_REFERENCE", BEFORE: "S2MOCK_BEFORE"}
_NEEDS = {"granian": "granian", "pytest-httpserver": "pytest_httpserver", "moto": "moto"}
_REPO = Path(__file__).parent.parent
_CONSTANT = b'{"name":"000000000","created_at":"2024-01-01T00:00:00Z","deleted_at":null}'


def absence(name: str) -> str:
    """Return the reason why that peer cannot be measured here, or "" if it can."""
    if variable := _NAMED_BY.get(name):
        return "" if os.environ.get(variable) else f"absent: {variable} names none"
    module = _NEEDS.get(name)
    if module is None or importlib.util.find_spec(module):
        return ""
    return f"absent: no module {module}, see the dependency group bench"


class Peer:
    """A running server: its port, and the processor time that it has used."""

    def __init__(self, port: int, process: subprocess.Popen[str] | None = None) -> None:
        self.port = port
        self._process = process

    def processor_seconds(self) -> float:
        """Return the processor time in seconds, of a process that was started here."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


@contextmanager
def running(module: str, *arguments: str, peer: str = "s2mock") -> Iterator[subprocess.Popen[str]]:
    """Start a module of the benchmarks in a new process, with that state of s2mock."""
    with TemporaryDirectory() as folder:
        if peer == BEFORE:
            (Path(folder) / "s2mock").symlink_to(Path(os.environ[_NAMED_BY[BEFORE]]) / "s2mock")
        # Not the current folder, which would come first.
        command = [sys.executable, "-P", "-m", module, *arguments]
        paths = [folder, str(_REPO)]
        with subprocess.Popen(
            command,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()


@contextmanager
def serving(name: str) -> Iterator[Peer]:
    """Run that peer for the duration of the context."""
    if name == LITE:
        yield Peer(_port_of_reference())
        return
    with running("benchmarks.peers", name, peer=name) as process:
        assert process.stdout is not None
        announced = process.stdout.readline()
        if not announced:
            raise RuntimeError(f"{name} did not start")
        yield Peer(int(announced), process)


def _port_of_reference() -> int:
    """Return the port of the running reference server, after creating the basin."""
    url = urlsplit(os.environ[_NAMED_BY[LITE]])
    if url.hostname not in ("127.0.0.1", "localhost") or url.port is None:
        raise ValueError(f"{_NAMED_BY[LITE]} must be like http://127.0.0.1:8080: {url.geturl()}")
    connection = HTTPConnection("127.0.0.1", url.port, timeout=5)
    connection.request("PUT", f"/v1/basins/{BASIN}")
    status = connection.getresponse().status
    connection.close()
    if status not in (HTTPStatus.CREATED, HTTPStatus.OK, HTTPStatus.NO_CONTENT):
        raise RuntimeError(f"{url.geturl()} answered {status}")
    return url.port


def _s2mock(announce: Callable[[int], None]) -> None:
    from s2mock import S2Mock

    with S2Mock() as mock:
        mock.create_basin(BASIN)
        announce(int(mock.url.rpartition(":")[2]))


def _bare_loop(announce: Callable[[int], None]) -> None:
    """Answer a constant by the server of s2mock, without its API."""
    from s2mock.runtime.conversation import READ, Conversation, Head
    from s2mock.server.server import Server

    def constant(_: dict[str, Any]) -> Conversation:
        while (yield READ):
            pass
        yield Head(201, [("content-type", "application/json")], _CONSTANT)

    server = Server(constant)
    announce(server.port)
    server.stop()


def _controlled(announce: Callable[[int], None]) -> None:
    from s2mock import S2Mock

    with S2Mock(control=True) as mock:
        announce(int(mock.url.rpartition(":")[2]))


def _unnoted(announce: Callable[[int], None]) -> None:
    from s2mock import S2Mock

    with S2Mock(journal_limit=0) as mock:
        mock.create_basin(BASIN)
        announce(int(mock.url.rpartition(":")[2]))


def _proxy(announce: Callable[[int], None]) -> None:
    from s2mock import S2Mock

    with S2Mock(upstream=os.environ[UPSTREAM]) as mock:
        announce(int(mock.url.rpartition(":")[2]))


def _bare_proxy(announce: Callable[[int], None]) -> None:
    """Forward each request as a proxy does that knows nothing of S2."""
    import h11

    target = urlsplit(os.environ[UPSTREAM])

    async def next_message(
        reader: asyncio.StreamReader, side: h11.Connection
    ) -> tuple[Any, bytes] | None:
        head: Any = None
        body = b""
        while True:
            event: Any = side.next_event()
            if event is h11.NEED_DATA:
                side.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request | h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return head, body
            else:
                return None

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside, client = await asyncio.open_connection(target.hostname, target.port)
        outer, inner = h11.Connection(h11.SERVER), h11.Connection(h11.CLIENT)
        while (found := await next_message(reader, outer)) is not None:
            request, body = found
            data = inner.send(request)
            assert data is not None
            client.write(data + (inner.send(h11.Data(body)) or b""))
            client.write(inner.send(h11.EndOfMessage()) or b"")
            answered = await next_message(inside, inner)
            assert answered is not None
            response, body = answered
            data = outer.send(response)
            assert data is not None
            writer.write(data + (outer.send(h11.Data(body)) or b""))
            writer.write(outer.send(h11.EndOfMessage()) or b"")
            outer.start_next_cycle()
            inner.start_next_cycle()
        client.close()
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(forward, "127.0.0.1", 0)
        await asyncio.to_thread(announce, server.sockets[0].getsockname()[1])
        server.close()

    asyncio.run(serve())


def _kept(mode: Literal["always", "batch", "never"], announce: Callable[[int], None]) -> None:
    """Serve an account that is kept in a directory of the usual file system."""
    from s2mock import S2Mock

    # Only `python -m s2mock` keeps data, and sets this.
    sys.setswitchinterval(0.0002)

    with TemporaryDirectory() as folder, S2Mock() as mock:
        mock._keep_in(Path(folder), mode, report=print, end=bool)  # noqa: SLF001  # no option of it
        mock.create_basin(BASIN)
        announce(int(mock.url.rpartition(":")[2]))


def _granian(announce: Callable[[int], None]) -> None:
    """Run Granian in this process, with a minimal app.

    The app reads the request to its end, as any real app: an answer before that resets the stream
    on HTTP/2.
    """
    from granian.server.embed import Server

    async def constant(_: Any, protocol: Any) -> None:
        await protocol()
        protocol.response_bytes(201, [("content-type", "application/json")], _CONSTANT)

    async def serve() -> None:
        # It cannot choose a free port, and does not report when it listens.
        with socket.create_server(("127.0.0.1", 0)) as placeholder:
            port: int = placeholder.getsockname()[1]
        server = Server(constant, port=port, backlog=1024, log_enabled=False)
        serving = asyncio.create_task(server.serve())
        while not await asyncio.to_thread(_listens, port):
            await asyncio.sleep(0.01)
        await asyncio.to_thread(announce, port)
        serving.cancel()

    asyncio.run(serve())


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def _pytest_httpserver(announce: Callable[[int], None]) -> None:
    from pytest_httpserver import HTTPServer

    with HTTPServer(port=0) as server:
        answering = server.expect_request("/v1/streams", method="POST")
        answering.respond_with_data(_CONSTANT, status=201, content_type="application/json")
        announce(server.port)


def _moto(announce: Callable[[int], None]) -> None:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    announce(server.get_host_and_port()[1])


_SERVERS = {
    "s2mock": _s2mock,
    "s2mock-unnoted": _unnoted,
    BARE_LOOP: _bare_loop,
    CONTROL: _controlled,
    "s2mock-always": partial(_kept, "always"),
    "s2mock-batch": partial(_kept, "batch"),
    "s2mock-never": partial(_kept, "never"),
    BEFORE: _s2mock,
    PROXY: _proxy,
    BARE_PROXY: _bare_proxy,
    "granian": _granian,
    "pytest-httpserver": _pytest_httpserver,
    "moto": _moto,
}


def _announce(port: int) -> None:
    print(port, flush=True)
    for _ in sys.stdin:
        print(time.process_time(), flush=True)


if __name__ == "__main__":
    # A server may write a log line of its own for each request.
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    _SERVERS[sys.argv[1]](_announce)
