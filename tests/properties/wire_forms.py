"""Appends and reads in every form and coding, through the app, by code of the tests' own."""

import base64
import gzip
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

import zstandard
from s2_sdk._generated.s2.v1 import s2_pb2
from werkzeug.test import Client

RECORDS = "/v1/streams/s/records"
APPEND_FORMS = ("json", "json-base64", "protobuf", "s2s")
READ_FORMS = ("json", "json-base64", "protobuf", "sse", "sse-base64", "s2s")
CODINGS = (None, "gzip", "zstd")


class Record(NamedTuple):
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    timestamp: int | None = None


class Read(NamedTuple):
    seq_num: int
    timestamp: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def compress(data: bytes, coding: str | None) -> bytes:
    if coding == "gzip":
        return gzip.compress(data, mtime=0)
    return zstandard.ZstdCompressor().compress(data) if coding == "zstd" else data


def inflate(data: bytes, coding: str | None) -> bytes:
    if coding == "gzip":
        return gzip.decompress(data)
    return zstandard.ZstdDecompressor().decompress(data) if coding == "zstd" else data


def frame(payload: bytes, coding: str | None = None) -> bytes:
    flag = {None: 0x00, "zstd": 0x20, "gzip": 0x40}[coding]
    payload = compress(payload, coding)
    return (len(payload) + 1).to_bytes(3, "big") + bytes([flag]) + payload


def frames(body: bytes, agreed: str | None) -> Iterator[bytes]:
    """The payloads of regular frames, inflated; those of 1024 bytes and more are compressed."""
    while body:
        end = 3 + int.from_bytes(body[:3], "big")
        coding = {0x00: None, 0x20: "zstd", 0x40: "gzip"}[body[3]]
        payload = inflate(body[4:end], coding)
        assert coding in {None, agreed}
        assert agreed is None or (coding is None) == (len(payload) < 1024)
        yield payload
        body = body[end:]


def append(client: Client, form: str, records: Sequence[Record], coding: str | None) -> int:
    """Append the records; the first sequence number."""
    headers = {"s2-basin": "my-basin"}
    if form in ("json", "json-base64"):
        headers["content-type"] = "application/json"
        headers["s2-format"] = "raw" if form == "json" else "base64"
        documents = [_as_json(record, form) for record in records]
        # As text, not as escapes: both are JSON.
        body = json.dumps({"records": documents}, ensure_ascii=coding is None).encode()
    else:
        body = _as_message(records)
        headers["content-type"] = "s2s/proto" if form == "s2s" else "application/protobuf"
        headers["accept"] = "application/protobuf"
    if form == "s2s":
        body = frame(body, coding)
    elif coding is not None:
        headers["content-encoding"] = coding
        body = compress(body, coding)
    answer = client.post(RECORDS, data=body, headers=headers)
    assert answer.status_code == 200, answer.text
    if form.startswith("json"):
        # The answer was asked for in no form, and so is JSON.
        return int(answer.json["start"]["seq_num"])
    (payload,) = frames(answer.data, None) if form == "s2s" else (answer.data,)
    return int(s2_pb2.AppendAck.FromString(payload).start.seq_num)


def read(client: Client, form: str, seq_num: int, count: int, coding: str | None) -> list[Read]:
    """Read `count` records from `seq_num` on."""
    headers = {"s2-basin": "my-basin"}
    if form.endswith("base64"):
        headers["s2-format"] = "base64"
    if coding is not None:
        headers["accept-encoding"] = coding
    if form.startswith("sse"):
        headers["accept"] = "text/event-stream"
    elif form == "s2s":
        headers["content-type"] = "s2s/proto"
    elif form == "protobuf":
        headers["accept"] = "application/protobuf"
    query = urlencode({"seq_num": seq_num, "count": count})
    answer = client.get(f"{RECORDS}?{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    body = inflate(answer.data, answer.headers.get("content-encoding"))
    if form.startswith("json"):
        return [_from_json(record, form) for record in json.loads(body)["records"]]
    if form == "protobuf":
        return _from_message(body)
    if form == "s2s":
        return [record for payload in frames(body, coding) for record in _from_message(payload)]
    return list(_from_events(body.decode(), form))


def _as_json(record: Record, form: str) -> dict[str, Any]:
    document: dict[str, Any] = {"body": _text(record.body, form)}
    if record.headers:
        document["headers"] = [[_text(name, form), _text(v, form)] for name, v in record.headers]
    if record.timestamp is not None:
        document["timestamp"] = record.timestamp
    return document


def _as_message(records: Sequence[Record]) -> bytes:
    message = s2_pb2.AppendInput()
    for record in records:
        added = message.records.add(body=record.body)
        if record.timestamp is not None:
            added.timestamp = record.timestamp
        for name, value in record.headers:
            added.headers.add(name=name, value=value)
    return bytes(message.SerializeToString())


def _from_message(data: bytes) -> list[Read]:
    return [
        Read(
            record.seq_num,
            record.timestamp,
            tuple((header.name, header.value) for header in record.headers),
            record.body,
        )
        for record in s2_pb2.ReadBatch.FromString(data).records
    ]


def _from_json(document: dict[str, Any], form: str) -> Read:
    headers = tuple(
        (_bytes(name, form), _bytes(value, form)) for name, value in document.get("headers", ())
    )
    body = _bytes(document.get("body", ""), form)
    return Read(document["seq_num"], document["timestamp"], headers, body)


def _from_events(text: str, form: str) -> Iterator[Read]:
    # The data may contain line ends of other kinds than LF, which are no line ends there.
    *events, rest = text.split("\n\n")
    assert rest == ""
    assert events.pop() == "data: [DONE]"
    for event in events:
        kind, _, data = event.split("\n")
        assert kind == "event: batch"
        for record in json.loads(data.removeprefix("data: "))["records"]:
            yield _from_json(record, form)


def _text(data: bytes, form: str) -> str:
    return base64.b64encode(data).decode() if form.endswith("base64") else data.decode()


def _bytes(text: str, form: str) -> bytes:
    return base64.b64decode(text, validate=True) if form.endswith("base64") else text.encode()
