"""Clients that leave before they are answered, on either protocol and in each way to leave."""

import json
import socket
import struct
from collections.abc import Callable
from typing import Any, Protocol, Self

import httpx

from s2mock import S2Mock
from tests.powers.conftest import BASIN, headers_of
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
        """Leave when the server has received all; it has noticed that when this returns."""


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
        fields = {"s2-basin": BASIN, **headers, **headers_of(self._mock)}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        head = f"{method} {path} HTTP/1.1\r\nhost: x\r\n{head}transfer-encoding: chunked\r\n\r\n"
        self.socket.sendall(head.encode())

    def send(self, data: bytes, *, end: bool = False) -> None:
        chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        self.socket.sendall(chunk + (b"0\r\n\r\n" if end else b""))


class ClosesHttp1(_ByHttp1):
    """Closes its connection."""

    def leave(self) -> None:
        _noticed(self._mock)
        self.socket.close()
        _noticed(self._mock)


class ResetsHttp1(_ByHttp1):
    """Ends its connection by RST."""

    def leave(self) -> None:
        _noticed(self._mock)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
        _noticed(self._mock)


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
    """Closes its connection."""

    def leave(self) -> None:
        _noticed(self._mock)
        self.client.close()
        _noticed(self._mock)


class CancelsHttp2(_ByHttp2):
    """Resets its stream; the connection goes on."""

    def leave(self) -> None:
        _noticed(self._mock)
        self.client.cancel(self.stream)
        _noticed(self._mock)


LEAVERS: list[Callable[[S2Mock], Leaver]] = [ClosesHttp1, ResetsHttp1, ClosesHttp2, CancelsHttp2]


def _noticed(mock: S2Mock) -> None:
    """Return when the server has seen what happened before: it takes all that is there in turn."""
    assert httpx.get(f"{mock.url}/health", trust_env=False).status_code == 200


def ask(client: Leaver, method: str, path: str, document: Any = None) -> None:
    """Send a whole request."""
    client.ask(method, path, {} if document is None else JSON)
    client.send(b"" if document is None else json.dumps(document).encode(), end=True)


def append(client: Leaver, body: str, **more: Any) -> None:
    """Send a whole append."""
    document = {"records": [{"body": body}], **more}
    ask(client, "POST", "/v1/streams/log/records", document)
