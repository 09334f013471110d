"""Exchanges with a server: what was sent, what came back, and what of it must be equal.

Used to compare the fake with the real server, live or from a recording. What cannot be equal
(times, a JSON library's wording) is put aside here, in one place; what may differ for a reason of
its own stands in `ledger`.
"""

import base64
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from google.protobuf.json_format import MessageToDict

from s2mock.api.wire import messages
from s2mock.contract.sessions import Event, Frame, inflate
from s2mock.http_client import exchange

COMPARED_HEADERS = (
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "allow",
    "cache-control",
    "content-encoding",
    "content-type",
    "s2-provision-result",
    "x-accel-buffering",
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
_POSITION = re.compile(r" at (line \d+ column \d+|`[^`]*`)$")
# Years 2020 to 2100 in milliseconds: a timestamp that a clock gave.
_CLOCK_TIMES = range(1_577_836_800_000, 4_102_444_800_000)


class Call(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str] = {}
    body: bytes | None = None

    def curl(self, url: str = "$S2") -> str:
        """The request as a line for a shell."""
        words = ["curl", "-sS", "-i", "-X", self.method, f"{url}{self.path}"]
        for name, value in self.headers.items():
            words += ["-H", f"{name}: {value}" if value else f"{name};"]
        line = shlex.join(words).replace(shlex.quote(f"{url}{self.path}"), f'"{url}"{self.path!r}')
        if self.body is None:
            return line
        encoded = base64.b64encode(self.body).decode()
        return f"echo {encoded} | base64 -d | {line} --data-binary @-"


class Reply(NamedTuple):
    """One response, as it came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Connection:
    """A connection to one server, kept open between calls. `token` goes with each of them."""

    def __init__(self, url: str, *, token: str | None = None) -> None:
        self._token = token
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=20)

    def send(self, call: Call) -> Reply:
        """Make the call; once again on a new connection if the old one was closed meanwhile."""
        try:
            return self._send(call)
        except (ConnectionError, OSError):
            self._connection.close()
            return self._send(call)

    def _send(self, call: Call) -> Reply:
        fields = dict(call.headers)
        if self._token is not None:
            fields.setdefault("authorization", f"Bearer {self._token}")
        if call.body is not None:
            fields["content-length"] = str(len(call.body))
        response = exchange(self._connection, call.method, call.path, fields, call.body)
        headers = tuple((name.lower(), value) for name, value in response.getheaders())
        return Reply(response.status, headers, response.read())

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def comparable(call: Call, reply: Reply) -> dict[str, Any]:
    """What of a reply must be the same on every server that speaks S2."""
    headers = {name: value for name, value in reply.headers if name in COMPARED_HEADERS}
    body = _understood(call, reply.body, headers)
    return {"status": reply.status, "headers": headers, "body": _without_times(body)}


def _understood(call: Call, body: bytes, headers: Mapping[str, str]) -> Any:
    kind = messages.ReadBatch if call.method == "GET" else messages.AppendAck
    body = inflate(body, headers.get("content-encoding"))
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
