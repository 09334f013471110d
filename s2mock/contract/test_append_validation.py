"""What a batch and a record must satisfy.

Source: reference: data_plane §1.7 and §3.2; §10, cases 19 and 20.
"""

import base64
from typing import Any

import pytest

from s2mock.contract.cases import case
from s2mock.contract.forms import APPEND_FORMS, Record, Refused, append_in
from s2mock.contract.records import Stream

MIB = 1024 * 1024
EMPTY_NAME = ((b"", b"value"), (b"name", b""))


def refusal(form: str, stream: Stream, *records: Record) -> str:
    """The message of an append that must be refused as invalid, and must change nothing."""
    with pytest.raises(Refused) as refused:
        append_in(form, stream, *records)
    assert refused.value.status == 422
    assert refused.value.body.keys() == {"code", "message"}
    assert refused.value.body["code"] == "invalid"
    assert stream.tail_ok() == {"seq_num": 0, "timestamp": 0}
    return str(refused.value.body["message"])


@case(19)
@pytest.mark.parametrize("form", APPEND_FORMS)
def test_no_records(stream: Stream, form: str) -> None:
    """A batch has at least one record (§3.2)."""
    assert refusal(form, stream) == "record batch must not be empty"


@case(20)
@pytest.mark.parametrize("form", APPEND_FORMS)
def test_too_many_records(stream: Stream, form: str) -> None:
    """And 1000 at most (§3.2)."""
    records = [Record()] * 1001
    assert refusal(form, stream, *records) == "record batch must not exceed 1000 records"


@case(20)
@pytest.mark.parametrize("form", APPEND_FORMS)
def test_largest_record(stream: Stream, form: str) -> None:
    """1 MiB metered passes, one byte more does not; names and values count (§1.7)."""
    # 8 of the record, 2 of the header, 3 + 5 of its name and value.
    body = b"x" * (MIB - 18)
    headers = ((b"key", b"value"),)
    message = "record must have metered size less than 1 MiB"
    assert refusal(form, stream, Record(body + b"x", headers)) == message

    assert append_in(form, stream, Record(body, headers)) == (0, 1)


@case(20)
@pytest.mark.parametrize("form", APPEND_FORMS)
def test_largest_batch(stream: Stream, form: str) -> None:
    """The metered sizes of a batch add up to 1 MiB at most (§1.7)."""
    half = Record(b"x" * (MIB // 2 - 8))
    longer = Record(half.body + b"x")
    message = "record batch must not exceed a metered size of 1 MiB"
    assert refusal(form, stream, half, longer) == message

    assert append_in(form, stream, half, half) == (0, 2)


def test_sizes_are_bytes_of_utf8(stream: Stream) -> None:
    """Not characters (§1.7)."""
    for length, status in ((MIB // 2 - 4, 200), (MIB // 2 - 3, 422)):
        body = '{"records":[{"body":"%s"}]}' % ("é" * length)
        assert stream.append_bytes(body.encode()).status == status


def test_base64_is_metered_decoded(stream: Stream) -> None:
    """Metering is always on raw bytes (§1.7)."""
    body = base64.b64encode(bytes(MIB - 8)).decode()
    assert stream.append({"body": body}, headers={"s2-format": "base64"}).status == 200
    body = base64.b64encode(bytes(MIB - 7)).decode()
    assert stream.append({"body": body}, headers={"s2-format": "base64"}).status == 422


@pytest.mark.parametrize("form", APPEND_FORMS)
@pytest.mark.parametrize(
    "headers",
    [EMPTY_NAME, EMPTY_NAME[::-1], ((b"", b""), (b"", b""))],
    ids=["first", "last", "both"],
)
def test_empty_header_name(
    stream: Stream, form: str, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    """Names must not be empty, where the record is not a command (§3.2)."""
    assert refusal(form, stream, Record(b"", headers)) == "invalid header: empty name"


BAD_BASE64 = ["YQ", "YQ=", "YQ===", "Y Q=", " YQ==", "YQ==\n", "YR==", "YWJ=", "-_-_", "=", "é"]


@pytest.mark.sample(4)
@pytest.mark.parametrize("text", BAD_BASE64)
@pytest.mark.parametrize("place", ["body", "name", "value"])
def test_bad_base64(stream: Stream, place: str, text: str) -> None:
    """Standard alphabet, padded, no whitespace, canonical trailing bits (§1.5)."""
    places: dict[str, dict[str, Any]] = {
        "body": {"body": text},
        "name": {"headers": [[text, ""]]},
        "value": {"headers": [["YQ==", text]]},
    }
    for name in ("base64", "json-binsafe"):
        answer = stream.append(places[place], headers={"s2-format": name})
        assert answer.status == 422
        assert answer.body == b'{"code":"invalid","message":"invalid Base64 encoding"}'
    assert stream.tail_ok()["seq_num"] == 0


@pytest.mark.parametrize("name", ["raw", "json", " raw ", None])
def test_text_in_raw_format_is_not_decoded(stream: Stream, name: str | None) -> None:
    """`raw`, also spelled `json`, is the default: the bytes are the string's UTF-8 (§1.5)."""
    stream.append_ok({"body": "YQ=="}, headers={"s2-format": name})

    assert stream.bodies(seq_num=0) == ["YQ=="]


def test_records_are_checked_before_the_batch(stream: Stream) -> None:
    """The first bad record is named, though the batch is too long as well (§3.2)."""
    records = [Record()] * 1001 + [Record(b"", EMPTY_NAME), Record(b"", ((b"", b"nope"),))]
    for form in APPEND_FORMS:
        assert refusal(form, stream, *records) == "invalid header: empty name"


def test_the_batch_is_checked_before_a_token_in_protobuf(stream: Stream) -> None:
    """A protobuf token is validated last (§3.2)."""
    with pytest.raises(Refused) as refused:
        append_in("protobuf", stream, fencing_token="x" * 37)
    assert refused.value.body["message"] == "record batch must not be empty"


def test_a_bad_record_spoils_its_batch(stream: Stream) -> None:
    """A batch is appended whole or not at all (§3.5)."""
    refusal("protobuf", stream, Record(b"good"), Record(b"", EMPTY_NAME))
