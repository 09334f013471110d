"""Appends and reads as protobuf messages. Source: reference: data_plane §2.

The protobuf library is loaded with the first append: a server that is asked for none starts
without it.
"""

from functools import cache
from itertools import repeat
from typing import TYPE_CHECKING, Any

from s2mock.api.wire.proto_encoding import encode_ack, encode_batch, encode_records
from s2mock.registry.errors import BadProto
from s2mock.registry.reading import Batch
from s2mock.registry.records import AppendAck, AppendInput, AppendRecord, plain_records

if TYPE_CHECKING:
    from collections.abc import Iterable


def append_input(data: bytes) -> AppendInput:
    """The batch in an `AppendInput` message. Raises `BadProto`, `Invalid`."""
    messages, bad_message = _library()
    records: Iterable[AppendRecord]
    try:
        message = messages.PlainInput.FromString(data)
        if _has_only_known_fields(message):
            bodies = [record.body for record in message.records]
            records = plain_records(bodies, repeat(None, len(bodies)))
        else:
            message = messages.AppendInput.FromString(data)
            if not _has_only_known_fields(message):
                _refuse_misplaced_types(messages.AppendInput.FromString(data))
            records = map(_record, message.records)
    except bad_message:
        # The library says no more than the name of the message.
        raise BadProto("failed to decode Protobuf message: it is no `AppendInput`") from None
    return AppendInput(
        records,
        match_seq_num=message.match_seq_num if message.HasField("match_seq_num") else None,
        fencing_token=message.fencing_token if message.HasField("fencing_token") else None,
    )


@cache
def _library() -> tuple[Any, type[Exception]]:
    from google.protobuf.message import DecodeError

    from s2mock.api.wire import messages

    return messages, DecodeError


def _record(message: Any) -> AppendRecord:
    return AppendRecord(
        message.body,
        [(header.name, header.value) for header in message.headers],
        message.timestamp if message.HasField("timestamp") else None,
    )


def _has_only_known_fields(message: Any) -> bool:
    """Whether the message has no others; it loses them."""
    size = message.ByteSize()
    message.DiscardUnknownFields()
    return bool(message.ByteSize() == size)


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
    return encode_ack(ack)


def batch_to_proto(batch: Batch) -> bytes:
    """A `ReadBatch` message."""
    return encode_batch(encode_records(batch.rows), batch.tail)
