"""Exchanges with a server: calls, replies, and the parts of a reply that must be equal.

They compare the fake with the real server, live or recorded. Parts that cannot be equal (times, the
wording of a JSON library) are removed here, in one place. The differences that have a reason are
in `ledger`.
"""

import base64
import json
import re
import shlex
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.client import HTTPResponse
from operator import itemgetter
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from google.protobuf.json_format import MessageToDict

from s2mock.api.content_coding import MIN_COMPRESSED_BYTES
from s2mock.api.wire import messages
from s2mock.contract.sessions import Event, Frame, inflate

NOT_COMPARED: Final[Mapping[str, str]] = {
    "date": "it is the time of the answer",
}
"""Headers that cannot be equal, and why. Every other header is compared."""

Protocol = Literal["HTTP/1.1", "h2c"]
PROTOCOLS: Final[tuple[Protocol, ...]] = ("HTTP/1.1", "h2c")

OPEN: Final = "open"
CLOSED: Final = "closed"
_PROBE: Final = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"
# A body of up to this length is received together with its head, on every system.
_AT_ONCE_BYTES: Final = 4096
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
_POSITION = re.compile(r" at (line \d+ column \d+|`[^`]*`)$")
# By how much the lengths of two times may differ: the point and nine digits of the fraction.
_TIME_VARIES_BYTES: Final = 10
# More do not fit into a body of about the length from which bodies are compressed.
_MAX_TIMES: Final = 50
# Years 2020 to 2100 in milliseconds: a timestamp that a clock gave.
_CLOCK_TIMES = range(1_577_836_800_000, 4_102_444_800_000)


class Call(NamedTuple):
    """A request of a contract case or a generated sequence."""

    method: str
    path: str
    headers: Mapping[str, str] = {}
    body: bytes | None = None

    def curl(self, url: str = "$S2") -> str:
        """Return the request as a command line with curl."""
        words = ["curl", "-sS", "-i", "-X", self.method, f"{url}{self.path}"]
        for name, value in self.headers.items():
            words += ["-H", f"{name}: {value}" if value else f"{name};"]
        line = shlex.join(words).replace(shlex.quote(f"{url}{self.path}"), f'"{url}"{self.path!r}')
        if self.body is None:
            return line
        encoded = base64.b64encode(self.body).decode()
        return f"echo {encoded} | base64 -d | {line} --data-binary @-"


class Reply(NamedTuple):
    """One response, as it came.

    `end` is how the connection ended with it: `OPEN` if the server took and answered something
    behind it, `CLOSED` with what the server said of that on HTTP/2, or how the stream was reset;
    None if that was not observed.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    end: str | None = None


NO_ANSWER: Final = Reply(0, (), b"", CLOSED)
"""The reply of a connection that ends without an answer."""


class Connection:
    """A connection to one server, kept open between calls, which all have the same `token`."""

    def __init__(self, url: str, *, token: str | None = None) -> None:
        target = urlsplit(url)
        self._address = (target.hostname or "", target.port or 80)
        self._host = target.netloc
        self._token = token
        self._socket: socket.socket | None = None

    def send(self, call: Call) -> Reply:
        """Send the call, on a new connection if the old one has ended. Raises `TimeoutError`."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=20)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A server that refuses a body may answer and close before it has received all of it.
        with suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(self._request(call))
        try:
            with HTTPResponse(self._socket, method=call.method) as response:
                response.begin()
                headers = tuple((name.lower(), value) for name, value in response.getheaders())
                body = response.read()
        except ConnectionError:
            self.close()
            return NO_ANSWER
        end = observed_end(self._socket, closes=response.will_close)
        if end != OPEN:
            self.close()
        return Reply(response.status, headers, body, end)

    def _request(self, call: Call) -> bytes:
        """The request as one piece: how it is answered must not depend on when its body comes."""
        fields = {"host": self._host, **call.headers}
        if self._token is not None:
            fields.setdefault("authorization", f"Bearer {self._token}")
        if call.body is not None:
            fields["content-length"] = str(len(call.body))
        lines = [f"{call.method} {call.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + (call.body or b"")

    def close(self) -> None:
        """Close the connection to the server."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def observed_end(connection: socket.socket, *, closes: bool) -> str:
    """Return how an HTTP/1.1 connection ended with the answer that was just read.

    `closes` is True if the answer said that it closes; otherwise another request is sent.
    """
    try:
        if closes:
            while connection.recv(4096):
                pass
            return CLOSED
        connection.sendall(_PROBE)
        with HTTPResponse(connection) as response:
            response.begin()
            response.read()
    except ConnectionError:
        return CLOSED
    return OPEN


def comparable(call: Call, reply: Reply) -> dict[str, Any]:
    """Return the parts of a reply that must be equal on every server of S2."""
    body = _understood(call, reply.body, dict(reply.headers))
    headers: dict[str, Any] = {}
    for name, value in sorted(reply.headers, key=itemgetter(0)):
        if name not in NOT_COMPARED:
            headers.setdefault(name, []).append(value)
    if "content-length" in headers:
        headers["content-length"] = [
            _comparable_length(call, reply, value) for value in headers["content-length"]
        ]
    if "vary" in headers and _is_about_as_long_as_compressed(reply.body):
        headers["vary"] = [value for value in headers["vary"] if value != "accept-encoding"]
    return {
        "status": reply.status,
        "headers": headers,
        "body": _without_times(body),
        **({} if reply.end is None or _is_end_open(call, reply) else {"end": reply.end}),
    }


def _is_about_as_long_as_compressed(body: bytes) -> bool:
    """True if the times in a body decide if it is long enough to be compressed."""
    if abs(len(body) - MIN_COMPRESSED_BYTES) > _MAX_TIMES * _TIME_VARIES_BYTES:
        return False
    times = _TIME.findall(body.decode("utf-8", "replace"))
    return abs(len(body) - MIN_COMPRESSED_BYTES) <= len(times) * _TIME_VARIES_BYTES


def _is_end_open(call: Call, reply: Reply) -> bool:
    """True if the end depends on how much of a refused body the server has received."""
    return reply.status >= 400 and len(call.body or b"") > _AT_ONCE_BYTES


def _comparable_length(call: Call, reply: Reply, value: str) -> str:
    """Return the length if it is 0 or wrong; a right one varies with the times in a body."""
    if value == str(len(reply.body)) or (call.method == "HEAD" and not reply.body):
        return "0" if value == "0" else "<length of the body>"
    return value


def _understood(call: Call, body: bytes, headers: Mapping[str, str]) -> Any:
    kind = messages.ReadBatch if call.method == "GET" else messages.AppendAck
    body = inflate(body, headers.get("content-encoding") if body else None)
    match headers.get("content-type"):
        case "application/json" if body:
            document = json.loads(body)
            if isinstance(document, dict) and "message" in document:
                document["message"] = _POSITION.sub("", document["message"])
            return document
        case "application/protobuf":
            return _as_dict(kind.FromString(body))
        case "s2s/proto":
            return [
                {"terminal": frame.status, **frame.error}
                if frame.terminal
                else {"coding": frame.coding, **_as_dict(frame.message(kind))}
                for frame in _frames(body)
            ]
        case "text/event-stream":
            return [_event(Event(tuple(text.split("\n")))) for text in _events(body)]
        case _:
            return body.decode("utf-8", "replace")


def _as_dict(message: Any) -> dict[str, Any]:
    document = MessageToDict(message, preserving_proto_field_name=True)
    # Numbers of 64 bits are text in the JSON form of protobuf; here they are to be compared.
    return {name: _numbers(value) for name, value in document.items()}


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: int(item) if name in ("seq_num", "timestamp") else _numbers(item)
            for name, item in value.items()
        }
    return [_numbers(item) for item in value] if isinstance(value, list) else value


def _frames(body: bytes) -> Iterator[Frame]:
    while body:
        end = 3 + int.from_bytes(body[:3], "big")
        yield Frame(body[3], body[4:end])
        body = body[end:]


def _events(body: bytes) -> list[str]:
    return [text for text in body.decode().split("\n\n") if text]


def _event(event: Event) -> dict[str, Any]:
    data = event.field("data") or ""
    return {
        "event": event.name,
        "id": event.field("id"),
        "data": json.loads(data) if data.startswith("{") else data,
    }


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_times(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_times(item) for item in value]
    if isinstance(value, str) and _TIME.fullmatch(value):
        return "<time>"
    if isinstance(value, int) and value in _CLOCK_TIMES:
        return "<time>"
    return value
