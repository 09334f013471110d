"""The servers that are measured, each in a process of its own.

`python -m benchmarks.peers NAME` serves on a free port, prints it, and stops when its standard
input ends.
"""

import asyncio
import importlib.util
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any

BASIN = "my-basin"
LITE = "S2_LITE_BIN"
_LITE_START_SECONDS = 20
NEEDS = {"pytest-httpserver": "pytest_httpserver", "moto": "moto"}


def absence(name: str) -> str:
    """Why that peer cannot be measured here; empty if it can."""
    if name == "s2-lite":
        return "" if os.environ.get(LITE) else f"absent: {LITE} does not name its binary"
    module = NEEDS.get(name)
    if module is None or importlib.util.find_spec(module):
        return ""
    return f"absent: no module {module}, see the dependency group bench"


@contextmanager
def serving(name: str) -> Iterator[int]:
    """The port of that peer, for as long as the context lasts."""
    if name == "s2-lite":
        with _lite() as port:
            yield port
        return
    command = [sys.executable, "-m", "benchmarks.peers", name]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        announced = process.stdout.readline()
        if not announced:
            raise RuntimeError(f"{name} did not start: run `{' '.join(command)}` to see why")
        try:
            yield int(announced)
        finally:
            process.kill()


@contextmanager
def _lite() -> Iterator[int]:
    """The reference server in memory; it cannot say which port it has picked."""
    with socket.create_server(("127.0.0.1", 0)) as placeholder:
        port: int = placeholder.getsockname()[1]
    command = [os.environ[LITE], "--port", str(port), "--no-dashboard"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            made = _create_basin(port)
            if made != HTTPStatus.CREATED:
                raise RuntimeError(f"{command[0]} answered {made}")
            yield port
        finally:
            process.kill()


def _create_basin(port: int) -> int:
    given_up = time.monotonic() + _LITE_START_SECONDS
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            document, headers = f'{{"basin":"{BASIN}"}}', {"content-type": "application/json"}
            connection.request("POST", "/v1/basins", document, headers)
            return connection.getresponse().status
        except ConnectionRefusedError:
            if time.monotonic() > given_up:
                raise
            time.sleep(0.05)
        finally:
            connection.close()


def _s2mock(announce: Callable[[int], None]) -> None:
    from s2mock import S2Mock

    with S2Mock() as mock:
        mock.create_basin(BASIN)
        announce(int(mock.url.rpartition(":")[2]))


def _bare(announce: Callable[[int], None]) -> None:
    """The server under s2mock's app, with the cheapest of apps in its place.

    It reads the request to its end, as whoever answers one has to: answered before, HTTP/2
    resets the stream.
    """
    from s2mock.server.embedded import _Granian

    body = b'{"name":"000000000","created_at":"2024-01-01T00:00:00Z","deleted_at":null}'
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]

    async def constant(_: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def serve() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(_Granian(constant, listener).serve())

    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)
    port = listener.getsockname()[1]
    threading.Thread(target=serve, daemon=True).start()
    announce(port)


def _pytest_httpserver(announce: Callable[[int], None]) -> None:
    from pytest_httpserver import HTTPServer

    with HTTPServer(port=0) as server:
        document = {"name": "0" * 9, "created_at": "2024-01-01T00:00:00Z", "deleted_at": None}
        server.expect_request("/v1/streams", method="POST").respond_with_json(document, status=201)
        announce(server.port)


def _moto(announce: Callable[[int], None]) -> None:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    announce(server.get_host_and_port()[1])


_SERVERS = {
    "s2mock": _s2mock,
    "bare": _bare,
    "pytest-httpserver": _pytest_httpserver,
    "moto": _moto,
}


def _announce(port: int) -> None:
    print(port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    _SERVERS[sys.argv[1]](_announce)
