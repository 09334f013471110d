"""Documents of bodies: equal for JSON and protobuf.

They have the structure of S2's JSON. Bodies and headers of records are `str` if they are UTF-8,
else `bytes`.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from s2mock.api.records.headers import PROTOBUF, S2S, media_type
from s2mock.api.wire import json_records, proto_records
from s2mock.registry.values.errors import S2Error
from s2mock.registry.values.records import AppendInput, Header, ReadBatch

# What a codec raises for a document that is none of its form.
_MALFORMED: Final = (S2Error, ValueError, TypeError, AttributeError, LookupError)


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
    except _MALFORMED:
        return _json_or_none(body)
    return document


def decode_response(
    operation: str | None, content_type: str, record_format: str, body: bytes | None
) -> Any:
    """Return the document of a response's body; None if it is empty or malformed."""
    if not body:
        return None
    if media_type(content_type) in (*PROTOBUF, S2S):
        try:
            if operation == "read":
                return _read_document(proto_records.batch_from_proto(body))
            return json_records.ack_to_json(proto_records.ack_from_proto(body))
        except ValueError:
            return None
    document = _json_or_none(body)
    is_base64 = json_records.FORMATS.get(record_format.strip()) == "base64"
    if operation == "read" and is_base64:
        with suppress(*_MALFORMED):
            return _read_document(json_records.batch_from_json(document))
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
            one["headers"] = _headers_document(record.headers)
        one["body"] = _text_or_bytes(record.body)
        document["records"].append(one)
    if batch.match_seq_num is not None:
        document["match_seq_num"] = batch.match_seq_num
    if batch.fencing_token is not None:
        document["fencing_token"] = batch.fencing_token
    return document


def _read_document(batch: ReadBatch) -> dict[str, Any]:
    document: dict[str, Any] = {"records": []}
    for record in batch.records:
        one: dict[str, Any] = {"seq_num": record.seq_num, "timestamp": record.timestamp}
        if record.headers:
            one["headers"] = _headers_document(record.headers)
        if record.body:
            one["body"] = _text_or_bytes(record.body)
        document["records"].append(one)
    if batch.tail is not None:
        document["tail"] = json_records.position_to_json(batch.tail)
    return document


def _headers_document(headers: Iterable[Header]) -> list[list[str | bytes]]:
    return [[_text_or_bytes(name), _text_or_bytes(value)] for name, value in headers]
