"""The sweep: every edge in every place of a body, one at a time, to both servers.

Sequences get somewhere, but they meet an edge by chance. This meets each, on every route with a
body and in the header with one.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from s2mock import S2Mock
from s2mock.contract.exchange import Call, Connection, comparable
from s2mock.contract.ledger import excuse
from tests.differential import edges
from tests.differential.edges import Fields, Raw, Shape
from tests.differential.strategies import in_a_header

_JSON = {"content-type": "application/json"}
_STREAM_CONFIG = {
    "storage_class": "standard",
    "retention_policy": {"age": 604_800},
    "timestamping": {"mode": "arrival", "uncapped": True},
    "delete_on_empty": {"min_age_secs": 3600},
}
_BASIN_CONFIG = {
    "default_stream_config": _STREAM_CONFIG,
    "stream_cipher": "aegis-256",
    "create_stream_on_append": True,
    "create_stream_on_read": True,
}
_RECORD = {"timestamp": 5, "headers": [["n", "v"]], "body": "x"}
# What fails unless the body does: an append that moved the tail would make later ones differ.
_APPEND = {"records": [_RECORD], "match_seq_num": 99, "fencing_token": "nope"}
_MESSAGE = bytes.fromhex("0a 04 1a 02 68 69 10 63")
_TOKEN = {
    "id": "t",
    "scope": {
        "basins": {"exact": ""},
        "op_groups": {"account": {"read": True}},
        "ops": ["append"],
    },
}

Request = Callable[[bytes], Call]


def sweep(reference: str) -> tuple[int, list[str]]:
    """Compare the fake with the server at `reference`, at each edge.

    Returns how many calls were made, and the differences that the ledger does not know: for each
    kind of difference its shortest request as a curl line, and both answers.
    """
    found: dict[str, tuple[int, str]] = {}
    calls = 0
    with S2Mock() as mock:
        fake, real = Connection(mock.url), Connection(reference)
        for call in _calls(f"sweep-{uuid.uuid4().hex[:16]}"):
            calls += 1
            ours, theirs = comparable(call, fake.send(call)), comparable(call, real.send(call))
            if ours == theirs:
                continue
            if excuse(call, ours, theirs):
                if ours["status"] >= 400 > theirs["status"] and call.method == "PUT":
                    # Only the reference has carried it out: what comes next is to find the same.
                    for server in (fake, real):
                        server.send(Call("PUT", call.path, call.headers, b"{}"))
                continue
            kind = (
                f"{call.method} {call.path}: {_kind(ours)} where the reference says {_kind(theirs)}"
            )
            size = len(call.curl())
            if kind not in found or size < found[kind][0]:
                found[kind] = size, f"{kind}\n{call.curl()}\nfake: {ours}\nreference: {theirs}"
        fake.close()
        real.close()
    return calls, [text for _, text in found.values()]


def _kind(answer: dict[str, Any]) -> str:
    body = answer["body"]
    document = body if isinstance(body, dict) else {}
    # Of a message that quotes what was sent, what it says of that.
    said = str(document.get("message", "")).rpartition('"')[2].partition("`")[0]
    return f"{answer['status']} {document.get('code', '')} {said}".strip()


def _calls(prefix: str) -> Iterator[Call]:
    basin, other = f"{prefix}-0", f"{prefix}-1"
    yield Call("POST", "/v1/basins", _JSON, json.dumps({"basin": basin}).encode())
    fields = {"s2-basin": basin}
    for name in ("a", "b"):
        yield Call("PUT", f"/v1/streams/{name}", fields)
    for shape, document, request in _routes(basin, other):
        for body in documents(edges.SHAPES[shape], document):
            if shape != "create-basin" or not edges.names_a_basin_of_all(body):
                yield request(body)
    protobuf = {**fields, "content-type": "application/protobuf"}
    for body in messages():
        yield Call("POST", "/v1/streams/b/records", protobuf, body)


def _routes(basin: str, other: str) -> Iterator[tuple[str, Any, Request]]:
    fields = {"s2-basin": basin, **_JSON}

    def sent(method: str, path: str, fields: dict[str, str] = fields) -> Request:
        return lambda body: Call(method, path, fields, body)

    def in_header(method: str, path: str, body: bytes | None) -> Request:
        return lambda text: Call(
            method, path, {**fields, "s2-stream-config": in_a_header(text)}, body
        )

    made = {"basin": basin, "config": _BASIN_CONFIG, "location": None}
    yield "create-basin", made, sent("POST", "/v1/basins", _JSON)
    ensured = {"config": _BASIN_CONFIG, "location": None}
    yield "ensure-basin", ensured, sent("PUT", f"/v1/basins/{other}", _JSON)
    yield "basin-config", _BASIN_CONFIG, sent("PATCH", f"/v1/basins/{other}", _JSON)
    stream = {"stream": "a", "config": _STREAM_CONFIG}
    yield "create-stream", stream, sent("POST", "/v1/streams")
    yield "stream-config", _STREAM_CONFIG, sent("PUT", "/v1/streams/a")
    yield "stream-config", _STREAM_CONFIG, sent("PATCH", "/v1/streams/a")
    yield "append", _APPEND, sent("POST", "/v1/streams/b/records")
    records = "/v1/streams/b/records"
    yield "stream-config", _STREAM_CONFIG, in_header("POST", records, b'{"records":[]}')
    yield "stream-config", _STREAM_CONFIG, in_header("GET", f"{records}?seq_num=0&wait=0", None)
    yield "location", "aws:us-east-1", sent("PUT", "/v1/locations/default")
    yield "issue-token", _TOKEN, sent("POST", "/v1/access-tokens")


def documents(shape: Shape, document: Any) -> Iterator[bytes]:
    """The document with each edge in each place."""
    for path, there in edges.places(shape):
        for value in edges.VALUES:
            yield edges.written(edges.changed(document, path, lambda _, value=value: value))
        if isinstance(there, dict) and there:
            for edit in _edits(there):
                yield edges.written(edges.changed(document, path, edit))
    text = edges.written(document)
    yield text
    for space in (*edges.SPACES, b"x", b"{}", b",", b"}", b"]", b'"', b"//", b"\xff"):
        yield space + text
        yield text + space
    for length in range(0, len(text), 3):
        yield text[:length]
    yield text.decode().encode("utf-16")


def _edits(shape: dict[str, Any]) -> Iterator[Callable[[Any], Any]]:
    """What can be done to an object of that shape as a whole."""

    def fields(value: Any) -> dict[str, Any]:
        return value if isinstance(value, dict) else {}

    def array(value: Any) -> list[Any]:
        return [fields(value).get(name) for name in shape]

    for length in range(len(shape) + 2):
        yield lambda value, length=length: [*array(value), None][:length]
        yield lambda _, length=length: [None] * length
    for at in range(len(shape)):
        for item in (*edges.TEXTS, *edges.VALUES[::3]):
            yield lambda value, at=at, item=item: [
                *array(value)[:at],
                item,
                *array(value)[at + 1 :],
            ]
    for name in edges.NAMES:
        for item in (0, Raw(b'"\xff"'), Raw(b'"\\ud800"'), Raw(b"1e999"), Raw(b"01")):
            pair = (name, item)
            yield lambda value, pair=pair: Fields([*fields(value).items(), pair])
            yield lambda value, pair=pair: Fields([pair, *fields(value).items()])
    for name in shape:
        for item in (None, 0, Raw(b'"\xff"')):
            pair = (name, item)
            yield lambda value, pair=pair: Fields([*fields(value).items(), pair])
            yield lambda value, pair=pair: Fields([pair, *fields(value).items()])
    yield lambda value: Fields((edges.escaped(name), one) for name, one in fields(value).items())


def messages() -> Iterator[bytes]:
    """An `AppendInput` on the wire with each odd field, in itself, in a record and in a header."""

    def inside(key: bytes, message: bytes) -> bytes:
        return key + edges.varint(len(message)) + message

    for number in edges.FIELD_NUMBERS:
        for kind, payloads in edges.PAYLOADS.items():
            key, end = edges.varint(number << 3 | kind), edges.varint(number << 3 | 4)
            odd = [key + payload for payload in payloads]
            odd.append(key[:-1] + bytes([key[-1] | 0x80, 0]) + payloads[0])
            if kind == 3:
                odd += [key * depth + end * depth for depth in (1, 2, 99, 101)]
            for field in odd:
                yield field + _MESSAGE
                yield _MESSAGE + field
                yield _MESSAGE + inside(b"\x0a", field)
                yield _MESSAGE + inside(b"\x0a", inside(b"\x12", field))
