"""A batch means the same by whichever way it is read: bodies alone are read by a shorter one."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mock.api.wire import json_records, messages, proto_records
from s2mock.registry.values.errors import Invalid, S2Error
from s2mock.registry.values.records import MAX_BATCH_BYTES, AppendInput, AppendRecord

MEBIBYTE = "x" * MAX_BATCH_BYTES
bodies = st.text(max_size=3)
timestamps = st.none() | st.integers(0, 2**64 - 1)
headers = st.lists(st.tuples(st.sampled_from(["a", "é"]), bodies), max_size=2)


@st.composite
def documents(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Records that have bodies alone, or times too, or headers here and there."""
    fields = {"body": bodies}
    if draw(st.booleans()):
        fields["timestamp"] = timestamps
    if draw(st.booleans()):
        fields["headers"] = headers
    return draw(st.lists(st.fixed_dictionaries({}, optional=fields), min_size=1, max_size=4))


def one_by_one(records: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [
        seen(
            AppendRecord(
                record.get("body", "").encode(),
                [(name.encode(), value.encode()) for name, value in record.get("headers", ())],
                record.get("timestamp"),
            )
        )
        for record in records
    ]


def seen(record: AppendRecord) -> tuple[Any, ...]:
    return tuple(getattr(record, name) for name in AppendRecord.__slots__)


@given(documents())
def test_json(records: list[dict[str, Any]]) -> None:
    batch = json_records.append_input({"records": records}, "raw")
    assert [seen(record) for record in batch.records] == one_by_one(records)


@given(documents(), st.none() | st.integers(0, 2**64 - 1), st.none() | bodies, st.booleans())
def test_protobuf(
    records: list[dict[str, Any]], match: int | None, token: str | None, unknown: bool
) -> None:
    message = messages.AppendInput(match_seq_num=match, fencing_token=token)
    for record in records:
        added = message.records.add(body=record.get("body", "").encode())
        if record.get("timestamp") is not None:
            added.timestamp = record["timestamp"]
        for name, value in record.get("headers", ()):
            added.headers.add(name=name.encode(), value=value.encode())
    # Field 15, which S2 does not have.
    data = message.SerializeToString() + (b"\x78\x01" if unknown else b"")
    batch = proto_records.append_input(data)
    assert [seen(record) for record in batch.records] == one_by_one(records)
    assert (batch.match_seq_num, batch.fencing_token) == (match, token)


EMPTY_NAME = {"headers": [["", ""], ["", ""]]}
TOO_LARGE = {"body": MEBIBYTE}


@pytest.mark.parametrize(
    ("records", "form", "message"),
    [
        # Each record is looked at before they are counted, and they are counted before measured.
        ([{}] * 1001, "raw", "record batch must not exceed 1000 records"),
        ([{}] * 1001 + [EMPTY_NAME], "raw", "invalid header: empty name"),
        ([EMPTY_NAME] + [{}] * 1001, "raw", "invalid header: empty name"),
        ([{}] * 1001 + [TOO_LARGE], "raw", "record must have metered size less than 1 MiB"),
        ([{}] * 1001 + [{"body": "!"}], "base64", "invalid Base64 encoding"),
        ([{"body": "!"}, EMPTY_NAME], "base64", "invalid Base64 encoding"),
        ([EMPTY_NAME, {"body": "!"}], "base64", "invalid header: empty name"),
        ([{"body": MEBIBYTE[8:]}, EMPTY_NAME], "raw", "invalid header: empty name"),
        ([{"body": MEBIBYTE[8:]}] + [{}] * 1000, "raw", "must not exceed 1000 records"),
        ([{"body": MEBIBYTE[8:]}, {}], "raw", "must not exceed a metered size of 1 MiB"),
        ([TOO_LARGE], "raw", "record must have metered size less than 1 MiB"),
    ],
)
def test_the_first_fault_of_a_batch(
    records: list[dict[str, Any]], form: json_records.Format, message: str
) -> None:
    """Observed on s2-lite 0.43.4."""
    with pytest.raises(Invalid, match=message):
        json_records.append_input({"records": records}, form)


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (b"\x0a\0" * 1001, "invalid", "record batch must not exceed 1000 records"),
        (b"\x0a\0" * 1001 + b"\x0a\4\x12\0\x12\0", "invalid", "invalid header: empty name"),
        (b"\x0a\4\x12\0\x12\0" + b"\x0a\0" * 1001, "invalid", "invalid header: empty name"),
        (b"\x0a\0" * 1001 + b"\x0a\2\x18\1", "bad_proto", "AppendRecord.body: .*invalid wire type"),
        (b"\x0a\0" * 1001 + b"\x1a\x30" + b"x" * 48, "invalid", "must not exceed 1000 records"),
        (b"\x0a\0\x1a\x30" + b"x" * 48, "invalid", "fencing token must not exceed 36 bytes"),
        (b"\x0a\0" * 1001 + b"\xff", "bad_proto", "failed to decode Protobuf message"),
        (b"\x1a\x01\xff", "bad_proto", "failed to decode Protobuf message"),
    ],
)
def test_the_first_fault_of_a_message(data: bytes, code: str, message: str) -> None:
    """Observed on s2-lite 0.43.4, but for the words behind `failed to decode`."""
    with pytest.raises(S2Error, match=message) as refused:
        proto_records.append_input(data)
    assert refused.value.code == code


def test_no_more_is_kept_of_a_batch_than_may_be_written() -> None:
    made = 0

    def records() -> Any:
        nonlocal made
        for _ in range(5000):
            made += 1
            yield AppendRecord()

    with pytest.raises(Invalid, match="1000 records"):
        AppendInput(records())
    assert made == 5000


@st.composite
def almost_plain(draw: st.DrawFn) -> bytes:
    """A message of bodies alone, of which a byte may be another one, or the end is missing."""
    sizes = draw(st.lists(st.sampled_from([0, 1, 2, 125, 126, 127, 128, 16383]), max_size=4))
    message = messages.AppendInput(match_seq_num=draw(st.none() | st.just(300)))
    for size in sizes:
        message.records.add(body=b"x" * size)
    data = bytearray(message.SerializeToString())
    heads = [at for at, byte in enumerate(data) if byte != ord("x")]
    if heads and draw(st.booleans()):
        # One that has a meaning: a key, a length, or a part of one.
        data[draw(st.sampled_from(heads))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)


def outcome_of(read: Callable[[bytes], AppendInput], data: bytes) -> object:
    try:
        batch = read(data)
    except S2Error as error:
        return error.code, str(error)
    return [seen(record) for record in batch.records], batch.match_seq_num, batch.fencing_token


@given(almost_plain())
def test_bodies_alone_are_read_as_the_strict_parser_reads_them(data: bytes) -> None:
    strictly = outcome_of(proto_records._read_strictly, data)
    assert outcome_of(proto_records.append_input, data) == strictly
