"""Documents of bodies: equal for JSON and protobuf.

They have the structure of S2's JSON. Bodies and headers of records are `str` if they are UTF-8,
else `bytes`.
"""

import json
from typing import Any

from s2mock.api.records.headers import PROTOBUF, S2S, media_type
from s2mock.api.wire import json_records, proto_records
from s2mock.registry.values.errors import S2Error
from s2mock.registry.values.records import AppendInput


def decode_request(
    operation: str | None, content_type: str, record_format: str, body: bytes | None
) -> Any:
    """Return the document of a request's body; None if it is empty or malformed."""
    if not body:
        return None
    try:
        if operation == "append" and media_type(content_type) in (*PROTOBUF, S2S):
            return _batch_document(proto_records.append_input(body))
        document = json.loads(body)
        if operation == "append":
            form = json_records.FORMATS.get(record_format.strip(), "raw")
            return _batch_document(json_records.append_input(document, form))
    except (S2Error, ValueError, TypeError, AttributeError, LookupError):
        return _json_or_none(body)
    return document


def encode_batch(batch: AppendInput) -> bytes:
    """Return the `AppendInput` message of a batch."""
    from s2mock.api.wire import messages

    message = messages.AppendInput()
    for record in batch.records:
        made = message.records.add(body=record.body)
        if record.timestamp is not None:
            made.timestamp = record.timestamp
        for name, value in record.headers:
            made.headers.add(name=name, value=value)
    if batch.match_seq_num is not None:
        message.match_seq_num = batch.match_seq_num
    if batch.fencing_token is not None:
        message.fencing_token = batch.fencing_token
    data: bytes = message.SerializeToString()
    return data


def decode_response(
    operation: str | None, content_type: str, record_format: str, body: bytes | None
) -> Any:
    """Return the document of a response's body; None if it is empty or malformed."""
    if not body:
        return None
    if media_type(content_type) in (*PROTOBUF, S2S):
        return _protobuf_document(operation, body)
    document = _json_or_none(body)
    is_base64 = json_records.FORMATS.get(record_format.strip()) == "base64"
    if operation == "read" and is_base64 and isinstance(document, dict):
        for record in document.get("records", ()):
            _decode_base64(record)
    return document


def _json_or_none(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _text_or_bytes(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _batch_document(batch: AppendInput) -> dict[str, Any]:
    document: dict[str, Any] = {"records": []}
    for record in batch.records:
        one: dict[str, Any] = {}
        if record.timestamp is not None:
            one["timestamp"] = record.timestamp
        if record.headers:
            one["headers"] = [
                [_text_or_bytes(name), _text_or_bytes(value)] for name, value in record.headers
            ]
        one["body"] = _text_or_bytes(record.body)
        document["records"].append(one)
    if batch.match_seq_num is not None:
        document["match_seq_num"] = batch.match_seq_num
    if batch.fencing_token is not None:
        document["fencing_token"] = batch.fencing_token
    return document


def _decode_base64(record: dict[str, Any]) -> None:
    decode = json_records._from_base64  # noqa: SLF001  # the inverse of how it was encoded
    if "body" in record:
        record["body"] = _text_or_bytes(decode(record["body"]))
    if "headers" in record:
        record["headers"] = [
            [_text_or_bytes(decode(part)) for part in pair] for pair in record["headers"]
        ]


def _protobuf_document(operation: str | None, body: bytes) -> Any:
    from google.protobuf.message import DecodeError

    from s2mock.api.wire import messages

    try:
        if operation == "read":
            return _read_document(messages.ReadBatch.FromString(body))
        return _ack_document(messages.AppendAck.FromString(body))
    except DecodeError:
        return None


def _ack_document(ack: Any) -> dict[str, Any]:
    return {name: _position(getattr(ack, name)) for name in ("start", "end", "tail")}


def _position(position: Any) -> dict[str, int]:
    return {"seq_num": position.seq_num, "timestamp": position.timestamp}


def _read_document(batch: Any) -> dict[str, Any]:
    records = []
    for record in batch.records:
        one: dict[str, Any] = {"seq_num": record.seq_num, "timestamp": record.timestamp}
        if record.headers:
            one["headers"] = [
                [_text_or_bytes(head.name), _text_or_bytes(head.value)] for head in record.headers
            ]
        if record.body:
            one["body"] = _text_or_bytes(record.body)
        records.append(one)
    document: dict[str, Any] = {"records": records}
    if batch.HasField("tail"):
        document["tail"] = _position(batch.tail)
    return document
