"""The codec of appends and reads as protobuf messages: the server's half, then the client's.

Source: reference: data_plane §2. The protobuf library is loaded with the first append that
needs it, so that a server starts faster: one of records with more than bodies.
"""

from functools import cache
from typing import Any

from s2mock.api.wire.proto_encoder import encode_ack, encode_batch, encode_records
from s2mock.api.wire.proto_parser import RECORD_KEY, read_bodies, read_input
from s2mock.registry.log.batch import Batch
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import (
    AppendAck,
    AppendInput,
    ReadBatch,
    Record,
    SequencedRecord,
    metered_bytes,
)

# The least number that needs 64 bits.
_64_BITS = 1 << 63


def append_input(data: bytes) -> AppendInput:
    """Return the batch in an `AppendInput` message. Raises `BadProto`, `Invalid`."""
    bodies, at = read_bodies(data)
    if not data.startswith(RECORD_KEY, at):
        records, match_seq_num, fencing_token = read_input(data[at:])
        if not records:
            return AppendInput(bodies, match_seq_num=match_seq_num, fencing_token=fencing_token)
    messages, bad_message = _library()
    try:
        message = messages.AppendInput.FromString(data)
    except bad_message:
        return _read_strictly(data)
    if not _is_ordinary(message, data) or any(map(_has_64_bits, message.records)):
        return _read_strictly(data)
    return AppendInput(
        map(_record, message.records),
        match_seq_num=message.match_seq_num if message.HasField("match_seq_num") else None,
        fencing_token=message.fencing_token if message.HasField("fencing_token") else None,
    )


@cache
def _library() -> tuple[Any, type[Exception]]:
    from google.protobuf.message import DecodeError

    from s2mock.api.wire import messages

    return messages, DecodeError


def _record(message: Any) -> Record:
    return Record(
        message.body,
        [(header.name, header.value) for header in message.headers],
        message.timestamp if message.HasField("timestamp") else None,
    )


def _is_ordinary(message: Any, data: bytes) -> bool:
    """True if the message has only known fields, each in its shortest form.

    Removes unknown fields from the message.
    """
    message.DiscardUnknownFields()
    return bool(message.ByteSize() == len(data)) and message.match_seq_num < _64_BITS


def _has_64_bits(message: Any) -> bool:
    # The library drops bits above 64, after which the encoded length may still be equal.
    return bool(message.timestamp >= _64_BITS)


def _read_strictly(data: bytes) -> AppendInput:
    records, match_seq_num, fencing_token = read_input(data)
    return AppendInput(
        (Record(body, headers, timestamp) for body, headers, timestamp in records),
        match_seq_num=match_seq_num,
        fencing_token=fencing_token,
    )


def ack_to_proto(ack: AppendAck) -> bytes:
    """Return an `AppendAck` message, whose three positions are present even if zero."""
    return encode_ack(ack)


def batch_to_proto(batch: Batch) -> bytes:
    """Return the message of a `ReadBatch`."""
    return encode_batch(encode_records(batch.stored_rows), batch.tail)


# The client's half.


def input_to_proto(batch: AppendInput) -> bytes:
    """Return the `AppendInput` message of a batch."""
    message = _library()[0].AppendInput()
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


def ack_from_proto(data: bytes) -> AppendAck:
    """Return the acknowledgement in an `AppendAck` message. Raises `ValueError`."""
    message = _parse("AppendAck", data)
    return AppendAck(*(_position(getattr(message, name)) for name in AppendAck._fields))


def batch_from_proto(data: bytes) -> ReadBatch:
    """Return the batch in a `ReadBatch` message. Raises `ValueError`."""
    message = _parse("ReadBatch", data)
    records = []
    for record in message.records:
        headers = tuple((header.name, header.value) for header in record.headers)
        size = metered_bytes(headers, record.body)
        records.append(
            SequencedRecord(record.seq_num, record.timestamp, headers, record.body, size)
        )
    return ReadBatch(tuple(records), _position(message.tail) if message.HasField("tail") else None)


def _parse(name: str, data: bytes) -> Any:
    messages, bad_message = _library()
    try:
        return getattr(messages, name).FromString(data)
    except bad_message as error:
        raise ValueError(f"this is no {name} message: {error}") from None


def _position(message: Any) -> StreamPosition:
    return StreamPosition(message.seq_num, message.timestamp)
