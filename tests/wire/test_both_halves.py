"""The client's half of the codec of records reads what the server's half writes, and vice versa."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mock.api.wire import json_records, proto_records
from s2mock.registry.log.batch import Batch
from s2mock.registry.values.errors import Invalid
from s2mock.registry.values.records import AppendAck, AppendInput, ReadBatch, Record, metered_bytes
from tests.wire.test_written_bytes import batches, headers, numbers, positions, strings

HEADERS = headers.filter(lambda pairs: all(name for name, _ in pairs))
RECORDS = st.builds(Record, strings, HEADERS, st.none() | numbers)


@st.composite
def inputs(draw: st.DrawFn) -> AppendInput:
    records = draw(st.lists(RECORDS, min_size=1, max_size=4))
    conditions = draw(st.none() | numbers), draw(st.none() | st.text(max_size=9))
    return AppendInput(records, match_seq_num=conditions[0], fencing_token=conditions[1])


def parts_of(batch: AppendInput) -> object:
    records = [(one.body, one.headers, one.timestamp) for one in batch.records]
    return records, batch.match_seq_num, batch.fencing_token


def as_read(batch: Batch) -> ReadBatch:
    records = (
        one._replace(metered_bytes=metered_bytes(one.headers, one.body)) for one in batch.records
    )
    return ReadBatch(tuple(records), batch.tail)


@given(inputs())
def test_append(batch: AppendInput) -> None:
    document = json.loads(json.dumps(json_records.input_to_json(batch)))
    assert parts_of(json_records.append_input(document, "base64")) == parts_of(batch)
    message = proto_records.input_to_proto(batch)
    assert parts_of(proto_records.append_input(message)) == parts_of(batch)


@given(st.builds(AppendAck, positions, positions, positions))
def test_acknowledgement(ack: AppendAck) -> None:
    assert json_records.ack_from_json(json_records.ack_to_json(ack)) == ack
    assert proto_records.ack_from_proto(proto_records.ack_to_proto(ack)) == ack


@given(batches())
def test_batch_of_a_read(batch: Batch) -> None:
    document = json.loads(json_records.batch_to_json(batch, "base64"))
    assert json_records.batch_from_json(document) == as_read(batch)
    assert proto_records.batch_from_proto(proto_records.batch_to_proto(batch)) == as_read(batch)


@given(batches())
def test_record(batch: Batch) -> None:
    for record in as_read(batch).records:
        for digest in (None, b"\0" * 32):
            one = record._replace(key_digest=digest)
            assert json_records.record_from_json(json_records.record_to_json(one)) == one


def test_malformed_bytes_are_an_error() -> None:
    for parse in (proto_records.ack_from_proto, proto_records.batch_from_proto):
        with pytest.raises(ValueError, match="message: "):
            parse(b"\xff")
    with pytest.raises(Invalid, match="Base64"):
        json_records.batch_from_json({"records": [{"body": "%"}]})
