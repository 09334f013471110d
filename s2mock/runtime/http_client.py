"""A small HTTP client of S2: it sends exactly what it is told to, and hides nothing."""

import json
import re
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from copy import copy
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any, NamedTuple, Self
from urllib.parse import quote, urlsplit

# Where in a body the fault stands: each JSON library has its own way to say it.
_PLACE = re.compile(r" at (?:line \d+ column \d+|`[^`]*`)$")


class Error(NamedTuple):
    """An error of S2, as much of it as is the same on every server."""

    status: int
    code: str
    reason: str


class Answer(NamedTuple):
    """What came back. Header names are in lower case, the values of repeated ones joined."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON. Raises `AssertionError`, which says what the body was."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise AssertionError(f"not JSON: status {self.status}, body {self.body!r}") from None

    @property
    def code(self) -> str | None:
        """The error code, `None` where the answer has none."""
        code: str | None = self.json.get("code")
        return code

    @property
    def message(self) -> str:
        """The error message."""
        message: str = self.json["message"]
        return message

    @property
    def error(self) -> Error:
        """The error that this is, without the place in the body.

        Raises `AssertionError` if this is none: an error has a code, a message and nothing else.
        """
        document = self.json
        is_document = self.headers.get("content-type") == "application/json"
        if not is_document or not isinstance(document, dict) or [*document] != ["code", "message"]:
            raise AssertionError(f"no error: {self}")
        return Error(self.status, document["code"], _PLACE.sub("", document["message"]))

    @property
    def result(self) -> str | None:
        """The `s2-provision-result` header."""
        return self.headers.get("s2-provision-result")


class Client:
    """Calls to one endpoint, by default to one basin of it.

    `token` is the access token; with `None` no `Authorization` header is sent.
    """

    def __init__(self, url: str, *, token: str | None = "s2mock", basin: str | None = None) -> None:
        self.url = url
        self.token = token
        self.basin = basin

    def in_basin(self, basin: str | None) -> Self:
        """The same endpoint with another basin in the `S2-Basin` header, or with none."""
        other = copy(self)
        other.basin = basin
        return other

    def request(
        self,
        method: str,
        path: str,
        document: Any = ...,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
        timeout: float = 10.0,
    ) -> Answer:
        """One request on a connection of its own.

        `document` is sent as JSON with its content type, `body` as it is and without one. A header
        whose value is `None` is left out, also if it would be sent otherwise. `timeout` is in
        seconds.
        """
        fields: dict[str, str | None] = {}
        if self.token is not None:
            fields["authorization"] = f"Bearer {self.token}"
        if self.basin is not None:
            fields["s2-basin"] = self.basin
        if document is not ...:
            body = json.dumps(document).encode()
            fields["content-type"] = "application/json"
        if body is not None:
            fields["content-length"] = str(len(body))
        fields |= {name.lower(): value for name, value in (headers or {}).items()}
        given = {name: value for name, value in fields.items() if value is not None}
        return self.send(method, path, given, body, timeout=timeout)

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        timeout: float = 10.0,
    ) -> Answer:
        """One request with these headers and no others. `timeout` is in seconds."""
        connection = self.connect(timeout=timeout)
        try:
            return read(exchange(connection, method, path, headers, body))
        finally:
            connection.close()

    def connect(self, *, timeout: float = 10.0) -> HTTPConnection:
        """A new connection. `timeout` is in seconds."""
        return connect(self.url, timeout=timeout)

    def raw(self, request: bytes, *, timeout: float = 10.0) -> Answer:
        """What the server answers to these bytes, over plain HTTP. `timeout` is in seconds."""
        with self.open_socket(timeout=timeout) as connection:
            connection.sendall(request)
            response = HTTPResponse(connection)
            response.begin()
            return read(response)

    def open_socket(self, *, timeout: float = 10.0) -> socket.socket:
        """A connection on which you send any bytes, over plain HTTP. `timeout` is in seconds."""
        target = urlsplit(self.url)
        address = (target.hostname or "", target.port or 80)
        connection = socket.create_connection(address, timeout=timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


def connect(url: str, *, timeout: float = 10.0) -> HTTPConnection:
    """A connection to the server at `url`. `timeout` is in seconds. Raises `OSError`."""
    target = urlsplit(url)
    secure = target.scheme == "https"
    connection = (HTTPSConnection if secure else HTTPConnection)(target.netloc, timeout=timeout)
    connection.connect()
    return connection


def exchange(
    connection: HTTPConnection,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> HTTPResponse:
    """One request on a connection that may be kept, and the response, which is still to be read.

    The headers go as they are, beside a `Host` where they have none.
    """
    connection.putrequest(method, path, skip_host="host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    # A server that refuses a body may answer and hang up before it has all of it.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.endheaders(body)
    return connection.getresponse()


def read(response: HTTPResponse) -> Answer:
    """The whole of a response."""
    return Answer(response.status, joined(response.getheaders()), response.read())


def joined(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers with their names in lower case, the values of a repeated one joined by commas."""
    headers: dict[str, str] = {}
    for name, value in fields:
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")
