"""Appends and reads as protobuf messages. Source: reference: data_plane §2.

The protobuf library is loaded with the first of them: a server that is asked for none starts
without it.
"""

from typing import Any

from s2mock.registry.errors import BadProto
from s2mock.registry.reading import Batch
from s2mock.registry.records import AppendAck, AppendInput, AppendRecord


def append_input(data: bytes) -> AppendInput:
    """The batch in an `AppendInput` message. Raises `BadProto`, `Invalid`."""
    from google.protobuf.message import DecodeError

    from s2mock.api.wire import messages

    try:
        message = messages.AppendInput.FromString(data)
    except DecodeError as error:
        raise BadProto(f"failed to decode Protobuf message: {error}") from None
    size = message.ByteSize()
    message.DiscardUnknownFields()
    if message.ByteSize() != size:
        _refuse_misplaced_types(messages.AppendInput.FromString(data))
    records = [
        AppendRecord(
            record.body,
            [(header.name, header.value) for header in record.headers],
            record.timestamp if record.HasField("timestamp") else None,
        )
        for record in message.records
    ]
    return AppendInput(
        records,
        match_seq_num=message.match_seq_num if message.HasField("match_seq_num") else None,
        fencing_token=message.fencing_token if message.HasField("fencing_token") else None,
    )


def _refuse_misplaced_types(message: Any) -> None:
    """The library takes a known field of the wrong wire type for an unknown one; S2 refuses it."""
    from google.protobuf.unknown_fields import UnknownFieldSet

    known = message.DESCRIPTOR.fields_by_number
    unknown_fields: Any = UnknownFieldSet(message)
    for unknown in unknown_fields:
        if unknown.field_number in known:
            name = known[unknown.field_number].full_name.removeprefix("s2mock.v1.")
            raise BadProto(f"failed to decode Protobuf message: {name}: invalid wire type")
    for field, value in message.ListFields():
        if field.message_type is not None:
            for item in value:
                _refuse_misplaced_types(item)


def ack_to_proto(ack: AppendAck) -> bytes:
    """An `AppendAck` message, its three positions present also where they are zero."""
    from s2mock.api.wire import messages

    message = messages.AppendAck()
    for field, position in zip((message.start, message.end, message.tail), ack, strict=True):
        field.SetInParent()
        field.seq_num, field.timestamp = position
    data: bytes = message.SerializeToString()
    return data


def batch_to_proto(batch: Batch) -> bytes:
    """A `ReadBatch` message."""
    from s2mock.api.wire import messages

    message = messages.ReadBatch()
    for record in batch.records:
        added = message.records.add(
            seq_num=record.seq_num, timestamp=record.timestamp, body=record.body
        )
        for name, value in record.headers:
            added.headers.add(name=name, value=value)
    if batch.tail is not None:
        message.tail.SetInParent()
        message.tail.seq_num, message.tail.timestamp = batch.tail
    data: bytes = message.SerializeToString()
    return data
