"""Answers whose bytes are written by hand: the same bytes as the libraries would write.

Source: reference: data_plane §1.6 and §2.
"""

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from s2mock.api.wire import messages
from s2mock.api.wire.json_records import Format, batch_to_json
from s2mock.api.wire.proto_encoder import encode_batch, encode_record, varint
from s2mock.api.wire.proto_records import ack_to_proto, batch_to_proto
from s2mock.registry.log.batch import Batch
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import AppendAck, SequencedRecord
from tests.wire.batches import batch_of

# Where a number needs one byte more than the one before, and where the digits in common change.
EDGES = sorted({(1 << bits) + step for bits in range(7, 64, 7) for step in (-1, 0, 1)} | {0, 1})
numbers = st.sampled_from([*EDGES, 2**64 - 1]) | st.integers(0, 2**64 - 1)
lengths = st.sampled_from([0, 1, 59, 60, 61, 62, 63, 110, 127, 128, 16_383, 16_384])
strings = st.binary(max_size=5) | st.builds(bytes, lengths)
headers = st.lists(st.tuples(strings, strings), max_size=3).map(tuple)
positions = st.builds(StreamPosition, numbers, numbers)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    """Draw records as in a stream: the numbers go up by one, and times seldom differ."""
    seq_num = draw(numbers)
    timestamp = draw(numbers)
    records = []
    for _ in range(draw(st.integers(0, 6))):
        timestamp = draw(st.sampled_from([timestamp, min(timestamp + 1, 2**64 - 1)]) | numbers)
        extra = draw(st.just(()) | headers)
        records.append(SequencedRecord(seq_num, timestamp, extra, draw(strings), 0))
        seq_num = draw(st.just(min(seq_num + 1, 2**64 - 1)) | numbers)
    return batch_of(records, draw(st.none() | positions))


def by_the_library(batch: Batch) -> bytes:
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


LONG = batch_of(
    [
        SequencedRecord(number, 1_700_000_000_000 + number // 3, (), b"x" * (number % 140), 0)
        for number in range(500)
    ],
    StreamPosition(500, 0),
)


@given(batches())
@example(LONG)
def test_a_batch_as_protobuf(batch: Batch) -> None:
    expected = by_the_library(batch)
    assert batch_to_proto(batch) == expected
    encoded = [encode_record(r.seq_num, r.timestamp, r.headers, r.body) for r in batch.records]
    assert encode_batch(encoded, batch.tail) == expected


@given(st.builds(AppendAck, positions, positions, positions))
def test_an_ack_as_protobuf(ack: AppendAck) -> None:
    message = messages.AppendAck()
    for field, position in zip((message.start, message.end, message.tail), ack, strict=True):
        field.SetInParent()
        field.seq_num, field.timestamp = position
    assert ack_to_proto(ack) == message.SerializeToString()


@pytest.mark.parametrize("number", [*EDGES, 2**64 - 1])
def test_a_number(number: int) -> None:
    position = messages.AppendAck().start
    position.seq_num = number
    assert (b"\x08" + varint(number) if number else b"") == position.SerializeToString()


texts = st.text(max_size=6).map(str.encode) | st.sampled_from(
    [b'"\\/\x00\x1f\x7f\n\r\t', "\u2028\u2029é😀".encode(), b"\xff\xc3(", b"\xed\xa0\x80"]
)


@given(batches(), st.lists(texts, max_size=6), st.sampled_from(["raw", "base64"]))
def test_a_batch_as_json(batch: Batch, bodies: list[bytes], form: Format) -> None:
    records = [
        record._replace(body=body, headers=((body, b"v"), *record.headers[:1]) if body else ())
        for record, body in zip(batch.records, bodies, strict=False)
    ]
    batch = batch_of((*records, *batch.records[len(records) :]), batch.tail)

    def text(data: bytes) -> str:
        return data.decode("utf-8", "replace") if form == "raw" else base64.b64encode(data).decode()

    documents = []
    for record in batch.records:
        document: dict[str, Any] = {"seq_num": record.seq_num, "timestamp": record.timestamp}
        if record.headers:
            document["headers"] = [[text(name), text(value)] for name, value in record.headers]
        if record.body:
            document["body"] = text(record.body)
        documents.append(document)
    whole: dict[str, Any] = {"records": documents}
    if batch.tail is not None:
        whole["tail"] = batch.tail._asdict()
    expected = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    assert batch_to_json(batch, form) == expected
