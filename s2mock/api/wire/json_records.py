"""The codec of appends and reads as JSON: the server's half in both formats of `S2-Format`.

The client's half uses base64, which holds any bytes.

Sources: reference: data_plane §1.5 (formats), §1.6 (dialect), §3.1, §3.4, §4.6 (shapes).
"""

import base64
from collections.abc import Callable, Iterable
from json.encoder import encode_basestring as quote
from typing import Any, Literal

from s2mock.api.responses import to_json
from s2mock.registry.log.batch import Batch
from s2mock.registry.rules.encryption import strict_base64
from s2mock.registry.values.errors import Invalid
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import (
    AppendAck,
    AppendInput,
    Header,
    ReadBatch,
    Record,
    SequencedRecord,
    StoredRecord,
    metered_bytes,
)

Format = Literal["raw", "base64"]

# The values of `S2-Format`, which is case-sensitive.
FORMATS: dict[str, Format] = {
    "raw": "raw",
    "json": "raw",
    "base64": "base64",
    "json-binsafe": "base64",
}


def _from_base64(text: str) -> bytes:
    try:
        return strict_base64(text)
    except ValueError:
        raise Invalid("invalid Base64 encoding") from None


def _to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _to_text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


_DECODERS: dict[Format, Callable[[str], bytes]] = {"raw": str.encode, "base64": _from_base64}
_ENCODERS: dict[Format, Callable[[bytes], str]] = {"raw": _to_text, "base64": _to_base64}


def append_input(document: dict[str, Any], format_: Format) -> AppendInput:
    """Return the batch in a document that the schema accepts. Raises `Invalid`."""
    return AppendInput(
        _records(document["records"], format_),
        match_seq_num=document.get("match_seq_num"),
        fencing_token=document.get("fencing_token"),
    )


def _records(documents: list[dict[str, Any]], format_: Format) -> Iterable[StoredRecord]:
    if format_ == "raw" and not [
        one for one in documents if "headers" in one or "timestamp" in one
    ]:
        return [document.get("body", "").encode() for document in documents]
    # One record after another, so that the first fault is the one reported.
    decode = _DECODERS[format_]
    return (
        Record(
            decode(document.get("body", "")),
            [(decode(name), decode(value)) for name, value in document.get("headers", ())],
            document.get("timestamp"),
        )
        for document in documents
    )


def position_to_json(position: StreamPosition) -> dict[str, int]:
    """Return the document of a `StreamPosition`."""
    return {"seq_num": position.seq_num, "timestamp": position.timestamp}


def ack_to_json(ack: AppendAck) -> dict[str, Any]:
    """Return the document of an `AppendAck`."""
    return {name: position_to_json(position) for name, position in ack._asdict().items()}


def batch_to_json(batch: Batch, format_: Format) -> str:
    """Return the text of a `ReadBatch`, without fields that are empty or unknown.

    Written directly, since a document of a thousand records takes longer to build than to encode.
    """
    encode = _ENCODERS[format_]
    records = []
    headers: tuple[Header, ...]
    for seq_num, timestamp, stored in batch.stored_rows:
        # As `parts_of` does, without the time of a call for each record.
        if isinstance(stored, bytes):
            headers, body = (), stored
        else:
            headers, body = stored.headers, stored.body
        text = f'{{"seq_num":{seq_num},"timestamp":{timestamp}'
        if headers:
            pairs = [f"[{quote(encode(name))},{quote(encode(value))}]" for name, value in headers]
            text += f',"headers":[{",".join(pairs)}]'
        if body:
            text += f',"body":{quote(encode(body))}'
        records.append(text + "}")
    tail = "" if batch.tail is None else f',"tail":{to_json(position_to_json(batch.tail))}'
    return f'{{"records":[{",".join(records)}]{tail}}}'


# The client's half.


def input_to_json(batch: AppendInput) -> dict[str, Any]:
    """Return the document of an append, in base64."""
    document: dict[str, Any] = {"records": list(map(_appended_to_json, batch.records))}
    if batch.match_seq_num is not None:
        document["match_seq_num"] = batch.match_seq_num
    if batch.fencing_token is not None:
        document["fencing_token"] = batch.fencing_token
    return document


def _appended_to_json(record: Record) -> dict[str, Any]:
    document: dict[str, Any] = {"body": _to_base64(record.body)}
    if record.headers:
        document["headers"] = _headers_to_json(record.headers)
    if record.timestamp is not None:
        document["timestamp"] = record.timestamp
    return document


def _headers_to_json(headers: Iterable[Header]) -> list[list[str]]:
    return [[_to_base64(name), _to_base64(value)] for name, value in headers]


def ack_from_json(document: dict[str, Any]) -> AppendAck:
    """Return the acknowledgement that a document describes."""
    return AppendAck(*(StreamPosition(**document[name]) for name in AppendAck._fields))


def batch_from_json(document: dict[str, Any]) -> ReadBatch:
    """Return the batch of a document in base64. Raises `Invalid` if it is none."""
    tail = document.get("tail")
    records = tuple(map(record_from_json, document["records"]))
    return ReadBatch(records, None if tail is None else StreamPosition(**tail))


def sequenced_record(document: dict[str, Any], format_: Format) -> SequencedRecord:
    """Return the record of a document in that format. Raises `Invalid` if it is none."""
    decode = _DECODERS[format_]
    body = decode(document.get("body", ""))
    headers = tuple((decode(name), decode(value)) for name, value in document.get("headers", ()))
    size = metered_bytes(headers, body)
    return SequencedRecord(document["seq_num"], document["timestamp"], headers, body, size)


def record_to_json(record: SequencedRecord) -> dict[str, Any]:
    """Return the document of a record, in base64: what is empty is left out."""
    document: dict[str, Any] = {"seq_num": record.seq_num, "timestamp": record.timestamp}
    if record.headers:
        document["headers"] = _headers_to_json(record.headers)
    if record.body:
        document["body"] = _to_base64(record.body)
    if record.key_digest is not None:
        document["key_sha256"] = record.key_digest.hex()
    return document


def record_from_json(document: dict[str, Any]) -> SequencedRecord:
    """Return the record of a document in base64. Raises `Invalid` if it is none."""
    body = _from_base64(document.get("body", ""))
    headers = tuple(
        (_from_base64(name), _from_base64(value)) for name, value in document.get("headers", ())
    )
    digest = document.get("key_sha256")
    return SequencedRecord(
        document["seq_num"],
        document["timestamp"],
        headers,
        body,
        metered_bytes(headers, body),
        None if digest is None else bytes.fromhex(digest),
    )
