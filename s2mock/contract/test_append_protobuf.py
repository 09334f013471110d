"""Protobuf bodies and answers of an append. Source: reference: data_plane §1.4, §2, §6.7."""

import pytest

from s2mock.api.wire.messages import AppendAck
from s2mock.contract.client import Answer
from s2mock.contract.records import PROTOBUF, Stream, append_input, fence

# Written out, so that nothing here depends on a protobuf library.
RECORD_HI = bytes.fromhex("0a 04 1a 02 68 69")
FENCE_TOK = bytes.fromhex("0a 0e 12 07 12 05 66 65 6e 63 65 1a 03 74 6f 6b")
TRIM_2 = bytes.fromhex("0a 12 12 06 12 04 74 72 69 6d 1a 08 00 00 00 00 00 00 00 02")
# One record of timestamp 1700000000000, header a=b and body `hi`.
FULL_RECORD = bytes.fromhex("0a 13 08 80 d0 95 ff bc 31 12 06 0a 01 61 12 01 62 1a 02 68 69")
MATCH_0 = bytes.fromhex("10 00")
EMPTY_TOKEN = bytes.fromhex("1a 00")

NO_VARINT = "invalid wire type: Varint (expected LengthDelimited)"


def append(stream: Stream, body: bytes, accept: str | None = PROTOBUF) -> Answer:
    """Append these bytes as protobuf."""
    return stream.append_bytes(body, PROTOBUF, headers={"accept": accept})


def test_bytes_of_an_append_and_its_ack(stream: Stream) -> None:
    """The wire, byte by byte (§2, §6.7)."""
    answer = append(stream, FULL_RECORD)

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/protobuf"
    assert answer.headers["content-length"] == str(len(answer.body))
    position = "10 80 d0 95 ff bc 31"
    assert answer.body == bytes.fromhex(
        f"0a 07 {position} 12 09 08 01 {position} 1a 09 08 01 {position}"
    )
    (record,) = stream.read_ok(seq_num=0)
    assert record == {
        "seq_num": 0,
        "timestamp": 1_700_000_000_000,
        "headers": [["a", "b"]],
        "body": "hi",
    }


def test_bytes_of_commands(stream: Stream) -> None:
    """A header whose name is left out is a header of empty name (§3.3, §6.7)."""
    assert append(stream, FENCE_TOK).status == 200
    assert stream.append("a", fencing_token="x").json == {"fencing_token_mismatch": "tok"}
    assert append(stream, TRIM_2).status == 200
    assert stream.tail_ok()["seq_num"] == 2


def test_all_positions_of_an_ack_are_present(stream: Stream) -> None:
    """Start is there though it is 0 at timestamp 0: zero bytes of it, not no start (§2)."""
    ack = append(stream, bytes.fromhex("0a 02 08 00"))
    assert ack.body == bytes.fromhex("0a 00 12 02 08 01 1a 02 08 01")


def test_a_zero_is_not_nothing(stream: Stream) -> None:
    """`match_seq_num` 0 and an empty `fencing_token` are conditions (§2)."""
    stream.append_ok(fence("mine"))

    assert append(stream, RECORD_HI + MATCH_0).json == {"seq_num_mismatch": 1}
    assert append(stream, RECORD_HI + EMPTY_TOKEN).json == {"fencing_token_mismatch": "mine"}
    assert append(stream, RECORD_HI).status == 200


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("ff", "invalid varint"),
        ("0a", "AppendInput.records: invalid varint"),
        ("0a 05 61", "AppendInput.records: buffer underflow"),
        ("0a 01 ff", "AppendInput.records: invalid varint"),
        ("0a 01 1a 05 68 65 6c 6c 6f", "AppendInput.records: delimited length exceeded"),
        ("0a 02 18 01", f"AppendRecord.body: AppendInput.records: {NO_VARINT}"),
        (
            "0a 04 12 02 08 01",
            f"Header.name: AppendRecord.headers: AppendInput.records: {NO_VARINT}",
        ),
        ("08 01", f"AppendInput.records: {NO_VARINT}"),
        ("0b", "AppendInput.records: invalid wire type: StartGroup (expected LengthDelimited)"),
        (
            "15 61 61 61 61",
            "AppendInput.match_seq_num: invalid wire type: ThirtyTwoBit (expected Varint)",
        ),
        ("0f", "invalid wire type value: 7"),
        ("00", "invalid tag value: 0"),
        ("80 80 80 80 10 00", "invalid key value: 4294967296"),
        ("7d 61 61 61", "buffer underflow"),
        ("7c", "unexpected end group tag"),
        ("7b 74", "unexpected end group tag"),
        ("7b", "invalid varint"),
        ("10" + "ff" * 11, "AppendInput.match_seq_num: invalid varint"),
        (
            "1a 01 ff",
            "AppendInput.fencing_token: invalid string value: data is not UTF-8 encoded",
        ),
    ],
)
def test_not_protobuf(stream: Stream, body: str, reason: str) -> None:
    """400 `bad_proto`, which says what is wrong and in which field (§1.3)."""
    answer = append(stream, bytes.fromhex(body))

    assert (answer.status, answer.code) == (400, "bad_proto")
    assert answer.message == f"failed to decode Protobuf message: {reason}"
    assert answer.headers["content-type"] == "application/json"
    assert stream.tail_ok()["seq_num"] == 0


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_groups_in_groups(stream: Stream, depth: int) -> None:
    """Unknown groups may be nested a hundred deep, enclosing messages included (§2)."""
    for groups, status in ((100 - depth, 200), (101 - depth, 400)):
        # Field 15: a byte to begin with, and one to end with.
        message = b"\x7b" * groups + b"\x7c" * groups
        if depth == 2:
            message = in_field(2, b"\x0a\x01a" + message)
        if depth >= 1:
            message = in_field(1, message)
        assert append(stream, RECORD_HI + message).status == status


def in_field(number: int, message: bytes) -> bytes:
    """A message of 128 to 16,383 bytes, in a field."""
    assert 0x80 <= len(message) < 0x4000
    return bytes([number << 3 | 2, len(message) & 0x7F | 0x80, len(message) >> 7]) + message


def test_unknown_fields_are_ignored(stream: Stream) -> None:
    """As always in protobuf (§2)."""
    assert append(stream, bytes.fromhex("78 01") + RECORD_HI).status == 200


def test_no_body_is_an_empty_batch(stream: Stream) -> None:
    """Nothing is a valid message, and a batch without records (§3.2)."""
    answer = append(stream, b"")
    assert (answer.status, answer.message) == (422, "record batch must not be empty")


@pytest.mark.parametrize(
    "content_type",
    ["application/protobuf", "application/x-protobuf", "Application/X-Protobuf; a=b"],
)
def test_content_types_that_are_protobuf(stream: Stream, content_type: str) -> None:
    """Two names, in any case, with any parameters (§1.4)."""
    assert stream.append_bytes(RECORD_HI, content_type).status == 200
    assert stream.bodies(seq_num=0) == ["hi"]


@pytest.mark.parametrize("accept", [PROTOBUF, "application/x-protobuf;q=0.1, application/json"])
def test_accept_protobuf(stream: Stream, accept: str) -> None:
    """The first item of Accept alone decides; the answer is never `x-protobuf` (§1.4)."""
    for answer in (
        append(stream, RECORD_HI, accept),
        stream.append("a", headers={"accept": accept}),
    ):
        assert answer.headers["content-type"] == "application/protobuf"
        assert AppendAck.FromString(answer.body).HasField("tail")


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "application/json",
        "text/event-stream",
        "text/html",
        "s2s/proto",
        "application/json, application/protobuf",
    ],
)
def test_accept_anything_else(stream: Stream, accept: str | None) -> None:
    """JSON, also for a protobuf body; there is no 406 (§1.4)."""
    answer = append(stream, RECORD_HI, accept)

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["end"]["seq_num"] == 1


def test_errors_are_json_whatever_is_accepted(stream: Stream) -> None:
    """Also conditions that failed (§1.3)."""
    for message, status in ((append_input(), 422), (append_input(b"a", match_seq_num=9), 412)):
        answer = stream.append_protobuf(message)
        assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
        assert answer.json


def test_longest_body(stream: Stream) -> None:
    """2 MiB, then 400 `bad_proto` (§1.7)."""
    # An unknown field, as long as needed.
    length = 2 * 1024 * 1024 - len(RECORD_HI) - 5
    padding = b"\x7a" + bytes(
        [length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14 | 0x80]
    )
    body = RECORD_HI + padding + b"\x00" + b"x" * length
    assert append(stream, body).status == 200

    answer = append(stream, body + b"\x00")
    assert (answer.status, answer.json) == (
        400,
        {
            "code": "bad_proto",
            "message": "Failed to buffer the request body: length limit exceeded",
        },
    )
