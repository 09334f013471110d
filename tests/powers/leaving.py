"""Clients that leave before they are answered, on either protocol and in each way to leave."""

import json
import socket
import struct
from collections.abc import Callable
from time import monotonic
from typing import Any, Protocol, Self

import httpx

from s2mock import S2Mock
from tests.powers.conftest import BASIN, PATIENCE, headers_of, needs_this_process
from tests.server_view import call, context_at
from tests.sessions.h2_client import H2Client

JSON = {"content-type": "application/json"}


class Leaver(Protocol):
    """A client with one request under way."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

    def ask(self, method: str, path: str, headers: dict[str, str]) -> None:
        """Send the head of a request."""

    def send(self, data: bytes, *, end: bool = False) -> None:
        """Send a part of its body."""

    def leave(self) -> None:
        """Leave; the server has noticed that when this returns."""


class _ByHttp1:
    def __init__(self, mock: S2Mock) -> None:
        self._mock = mock
        url = httpx.URL(mock.url)
        self.socket = socket.create_connection((url.host, url.port), timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, method: str, path: str, headers: dict[str, str]) -> None:
        fields = {"s2-basin": BASIN, **headers_of(self._mock), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        head = f"{method} {path} HTTP/1.1\r\nhost: x\r\n{head}transfer-encoding: chunked\r\n\r\n"
        self.socket.sendall(head.encode())

    def send(self, data: bytes, *, end: bool = False) -> None:
        chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        self.socket.sendall(chunk + (b"0\r\n\r\n" if end else b""))


class ClosesHttp1(_ByHttp1):
    """Closes its connection, behind all that it has sent."""

    def leave(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)
        while self.socket.recv(65536):
            pass


class ResetsHttp1(_ByHttp1):
    """Ends its connection by RST, which may overtake what it has sent."""

    def leave(self) -> None:
        needs_this_process(self._mock, "nothing tells when the server has noticed a reset")
        context = context_at(self._mock.url)
        linger = struct.pack("ii", 1, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.socket.close()
        given_up = monotonic() + PATIENCE
        # It is the only one.
        while context.connections:
            assert monotonic() < given_up, "the server has not noticed the reset"
            call(context, lambda: None)


class _ByHttp2:
    def __init__(self, mock: S2Mock) -> None:
        self._mock = mock
        self.client = H2Client(mock.url, headers=headers_of(mock))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def ask(self, method: str, path: str, headers: dict[str, str]) -> None:
        self.stream = self.client.open(method, path, headers, end=False)

    def send(self, data: bytes, *, end: bool = False) -> None:
        self.client.send(self.stream, data, end=end)


class ClosesHttp2(_ByHttp2):
    """Closes its connection, behind all that it has sent."""

    def leave(self) -> None:
        self.client.socket.shutdown(socket.SHUT_WR)
        while self.client.socket.recv(65536):
            pass


class CancelsHttp2(_ByHttp2):
    """Resets its stream; the connection goes on."""

    def leave(self) -> None:
        self.client.cancel(self.stream)
        # Behind that it is answered.
        assert self.client.head(self.client.open("GET", "/health"))[":status"] == "200"


LEAVERS: list[Callable[[S2Mock], Leaver]] = [ClosesHttp1, ResetsHttp1, ClosesHttp2, CancelsHttp2]
# Those of which the server receives all that they have sent.
ORDERLY: list[Callable[[S2Mock], Leaver]] = [ClosesHttp1, ClosesHttp2, CancelsHttp2]


def ask(client: Leaver, method: str, path: str, document: Any = None) -> None:
    """Send a whole request."""
    client.ask(method, path, {} if document is None else JSON)
    client.send(b"" if document is None else json.dumps(document).encode(), end=True)


def append(client: Leaver, body: str, **more: Any) -> None:
    """Send a whole append."""
    document = {"records": [{"body": body}], **more}
    ask(client, "POST", "/v1/streams/log/records", document)
