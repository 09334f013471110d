"""What the upstream's answer to an operation says of its effect."""

import json
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from s2mock.api.content_coding import BodyTooLong, CorruptBody, inflate
from s2mock.api.records.headers import PROTOBUF, media_type
from s2mock.api.responses import BatchRead
from s2mock.api.wire import json_records, proto_records
from s2mock.api.wire.json_records import Format
from s2mock.registry.log.batch import Batch
from s2mock.registry.log.chunks import Chunk, Span, Written
from s2mock.registry.operation import Operation
from s2mock.registry.state import Effect
from s2mock.registry.values.errors import S2Error
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import AppendAck, Record, SequencedRecord

_MAX_BODY_BYTES: Final = 64 * 1024 * 1024
_EFFECTS: Final = {
    "reconfigure-basin": Effect("updated"),
    "reconfigure-stream": Effect("updated"),
    "delete-basin": Effect("deleted"),
    "delete-stream": Effect("deleted"),
    "issue-access-token": Effect("created"),
    "revoke-access-token": Effect("deleted"),
    "set-default-location": Effect("updated"),
}
_PROVISIONED: Final = {"created": Effect("created"), "updated": Effect("updated")}


def decoded_body(body: bytes, coding: str | None) -> bytes:
    """Return a body without its content coding; as it is, if that is not possible."""
    if coding is None:
        return body
    try:
        return inflate(body, coding, _MAX_BODY_BYTES)
    except (BodyTooLong, CorruptBody):
        return body


def effect_of(operation: Operation, headers: dict[str, str], body: bytes) -> Effect | None:
    """Return the effect of an operation that the upstream has answered with success."""
    if operation.name == "append":
        ack = _ack_in(headers, body)
        return None if ack is None else appended(ack)
    provisioned = headers.get("s2-provision-result")
    if provisioned is not None:
        return _PROVISIONED.get(provisioned)
    return _EFFECTS.get(operation.name)


def appended(ack: AppendAck) -> Effect:
    """Return the effect of a batch that was acknowledged."""
    return Effect("appended", ack.start.seq_num, ack.end.seq_num - 1)


def _ack_in(headers: dict[str, str], body: bytes) -> AppendAck | None:
    try:
        if media_type(headers.get("content-type")) in PROTOBUF:
            return proto_records.ack_from_proto(body)
        return json_records.ack_from_json(json.loads(body))
    except (ValueError, KeyError, TypeError):
        return None


def batch_read(headers: dict[str, str], body: bytes, record_format: Format) -> BatchRead | None:
    """Return the batch in the answer to a unary read; None if it is not understood."""
    if media_type(headers.get("content-type")) in PROTOBUF:
        batch = batch_in_message(body)
        encode = proto_records.batch_to_proto
        return None if batch is None else BatchRead(batch, encode)
    batch = batch_in_json(body, record_format)
    return None if batch is None else BatchRead(batch, partial(_to_json, record_format))


def _to_json(record_format: Format, batch: Batch) -> bytes:
    return json_records.batch_to_json(batch, record_format).encode()


def batch_in_message(data: bytes) -> Batch | None:
    """Return the batch in a `ReadBatch` message; None if it is not understood."""
    try:
        read = proto_records.batch_from_proto(data)
    except ValueError:
        return None
    return make_batch(read.records, read.tail)


def batch_in_json(data: bytes, record_format: Format) -> Batch | None:
    """Return the batch in a JSON document; None if it is not understood."""
    try:
        document = json.loads(data)
        records = [
            json_records.sequenced_record(record, record_format) for record in document["records"]
        ]
        tail = document.get("tail")
        return make_batch(records, None if tail is None else StreamPosition(**tail))
    except (ValueError, KeyError, TypeError, S2Error):
        return None


def make_batch(
    records: Sequence[SequencedRecord], tail: StreamPosition | None, at: int = 0
) -> Batch:
    """Return a batch of these records."""
    return Batch([*_spans(records)], tail, at=at)


def _spans(records: Sequence[SequencedRecord]) -> Iterable[Span]:
    """Yield a span for each run of records with sequence numbers one after the other."""
    start = 0
    while start < len(records):
        end = start + 1
        while end < len(records) and records[end].seq_num == records[end - 1].seq_num + 1:
            end += 1
        yield _span(records[start:end])
        start = end


def _span(records: Sequence[SequencedRecord]) -> Span:
    chunk = Chunk(None, records[0].seq_num)
    chunk.extend(
        Written(
            [Record(one.body, one.headers, one.timestamp) for one in records],
            [one.metered_bytes for one in records],
            [one.timestamp for one in records],
            0,
            None,
            StreamPosition(records[-1].seq_num + 1, records[-1].timestamp),
            "",
            0,
        ),
        0,
    )
    return Span(chunk, 0, len(records))
