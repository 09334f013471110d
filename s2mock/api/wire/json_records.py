"""Appends and reads as JSON, in the two formats of `S2-Format`.

Sources: reference: data_plane §1.5 (formats), §1.6 (dialect), §3.1, §3.4, §4.6 (shapes).
"""

import base64
from collections.abc import Callable
from typing import Any, Literal

from s2mock.registry.encryption import strict_base64
from s2mock.registry.errors import Invalid
from s2mock.registry.reading import Batch
from s2mock.registry.records import AppendAck, AppendInput, AppendRecord, StreamPosition

Format = Literal["raw", "base64"]

# How `S2-Format` may be written; compared as sent.
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


def append_input(document: dict[str, Any], form: Format) -> AppendInput:
    """The batch in a document that the schema accepts. Raises `Invalid`."""
    decode = _DECODERS[form]
    records = [
        AppendRecord(
            decode(record.get("body", "")),
            [(decode(name), decode(value)) for name, value in record.get("headers", ())],
            record.get("timestamp"),
        )
        for record in document["records"]
    ]
    return AppendInput(
        records,
        match_seq_num=document.get("match_seq_num"),
        fencing_token=document.get("fencing_token"),
    )


def position_to_json(position: StreamPosition) -> dict[str, int]:
    """A `StreamPosition`."""
    return {"seq_num": position.seq_num, "timestamp": position.timestamp}


def ack_to_json(ack: AppendAck) -> dict[str, Any]:
    """An `AppendAck`."""
    return {name: position_to_json(position) for name, position in ack._asdict().items()}


def batch_to_json(batch: Batch, form: Format) -> dict[str, Any]:
    """A `ReadBatch`: what is empty or unknown is left out."""
    encode = _ENCODERS[form]
    records = []
    for record in batch.records:
        document: dict[str, Any] = {"seq_num": record.seq_num, "timestamp": record.timestamp}
        if record.headers:
            document["headers"] = [[encode(name), encode(value)] for name, value in record.headers]
        if record.body:
            document["body"] = encode(record.body)
        records.append(document)
    whole: dict[str, Any] = {"records": records}
    if batch.tail is not None:
        whole["tail"] = position_to_json(batch.tail)
    return whole
