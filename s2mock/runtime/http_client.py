"""A small HTTP client of S2, which sends exactly the bytes and headers that it is given."""

import json
import re
import socket
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from copy import copy
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any, NamedTuple, Self
from urllib.parse import quote, urlsplit

# The routes of a basin.
_STREAMS = "/v1/streams"
# The position of an error in a JSON body, which each JSON library writes in its own way.
_PLACE = re.compile(r" at (?:line \d+ column \d+|`[^`]*`)$")


class Error(NamedTuple):
    """The parts of an error of S2 that are the same on every server."""

    status: int
    code: str
    reason: str


class Answer(NamedTuple):
    """A response. Header names are in lower case, the values of repeated ones joined."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON. Raises `AssertionError`, which shows the body, if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise AssertionError(f"not JSON: status {self.status}, body {self.body!r}") from None

    @property
    def code(self) -> str | None:
        """The error code, or None if the response has none."""
        code: str | None = self.json.get("code")
        return code

    @property
    def message(self) -> str:
        """The message of the error in the body."""
        message: str = self.json["message"]
        return message

    @property
    def error(self) -> Error:
        """The error in this response, without the position in the body of the request.

        Raises `AssertionError` unless the body has a code, a message and nothing else.
        """
        document = self.json
        is_document = self.headers.get("content-type") == "application/json"
        if not is_document or not isinstance(document, dict) or [*document] != ["code", "message"]:
            raise AssertionError(f"no error: {self}")
        return Error(self.status, document["code"], _PLACE.sub("", document["message"]))

    @property
    def result(self) -> str | None:
        """The value of the `s2-provision-result` header, or None."""
        return self.headers.get("s2-provision-result")


class Client:
    """A client of one endpoint and, by default, one basin.

    `token` is the access token; with None, no `Authorization` header is sent. `basin_endpoint` is a
    URL with `{basin}` in its host, as the hosted service has it: requests for streams are sent
    there, without an `S2-Basin` header.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = "s2mock",
        basin: str | None = None,
        basin_endpoint: str | None = None,
    ) -> None:
        self.url = url
        self.token = token
        self.basin = basin
        self._basin_endpoint = basin_endpoint

    def in_basin(self, basin: str | None) -> Self:
        """Return a client of the same endpoint with another `S2-Basin` header, or with none."""
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
        """Send one request on a new connection, and return the response.

        `document` is sent as JSON with its content type, `body` unchanged and without one. A header
        whose value is None is left out, also one that the client would add. `timeout` is in
        seconds.
        """
        fields: dict[str, str | None] = {}
        if self.token is not None:
            fields["authorization"] = f"Bearer {self.token}"
        fields |= self.basin_fields
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
        """Send one request with only these headers. `timeout` is in seconds."""
        connection = connect(self.url_of(path), timeout=timeout)
        try:
            return read(exchange(connection, method, path, headers, body))
        finally:
            connection.close()

    @property
    def basin_fields(self) -> dict[str, str]:
        """The header that names the basin, unless there is none, or the host names it."""
        if self.basin is None or self._basin_endpoint is not None:
            return {}
        return {"s2-basin": self.basin}

    def url_of(self, path: str) -> str:
        """Return the base URL to which a request for that path is sent."""
        if self._basin_endpoint is None or self.basin is None or not path.startswith(_STREAMS):
            return self.url
        return self._basin_endpoint.replace("{basin}", self.basin)

    def connect(self, *, timeout: float = 10.0) -> HTTPConnection:
        """Open and return a new connection. `timeout` is in seconds."""
        return connect(self.url, timeout=timeout)

    def raw(self, request: bytes, *, timeout: float = 10.0) -> Answer:
        """Send these bytes, and return the response. `timeout` is in seconds."""
        with self.open_socket(timeout=timeout) as connection:
            connection.sendall(request)
            response = HTTPResponse(connection)
            response.begin()
            return read(response)

    def open_socket(self, *, timeout: float = 10.0) -> socket.socket:
        """Open a connection, on which you send any bytes. `timeout` is in seconds."""
        target = urlsplit(self.url)
        host, is_secure = target.hostname or "", target.scheme == "https"
        address = (host, target.port or (443 if is_secure else 80))
        connection = socket.create_connection(address, timeout=timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if is_secure:
            from s2mock.runtime.tls_trust import client_context

            connection = client_context("http/1.1").wrap_socket(connection, server_hostname=host)
        return connection


def connect(url: str, *, timeout: float = 10.0) -> HTTPConnection:
    """Open a connection to the server at `url`. `timeout` is in seconds. Raises `OSError`."""
    target = urlsplit(url)
    connection: HTTPConnection
    if target.scheme == "https":
        from s2mock.runtime.tls_trust import client_context

        context = client_context("http/1.1")
        connection = HTTPSConnection(target.netloc, timeout=timeout, context=context)
    else:
        connection = HTTPConnection(target.netloc, timeout=timeout)
    connection.connect()
    return connection


def exchange(
    connection: HTTPConnection,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> HTTPResponse:
    """Send one request on a connection that may be reused, and return the unread response.

    The headers are sent unchanged, with a `Host` if they have none.
    """
    connection.putrequest(method, path, skip_host="host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    # A server that refuses a body may respond and close before it has received all of it.
    with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
        connection.endheaders(body)
    return connection.getresponse()


def read(response: HTTPResponse) -> Answer:
    """Read the whole response, and return it."""
    return Answer(response.status, joined(response.getheaders()), response.read())


def joined(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return headers with names in lower case, the values of a repeated one joined by commas."""
    headers: dict[str, str] = {}
    for name, value in fields:
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def segment(name: str) -> str:
    """Return a name percent-encoded as one segment of a path."""
    return quote(name, safe="")
