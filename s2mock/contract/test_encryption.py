"""Encrypted streams. Source: reference: data_plane §9; §10, cases 30, 42, 111 and 127 to 133."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from s2mock.api.wire.messages import AppendAck, ReadBatch
from s2mock.contract.cases import case
from s2mock.contract.client import Answer, Client
from s2mock.contract.forms import APPEND_FORMS, READ_FORMS, Record, Refused, append_in, read_in
from s2mock.contract.passing_time import at_rest
from s2mock.contract.records import PROTOBUF, Stream, append_input, create_stream, fence, trim
from s2mock.contract.sessions import Event

CIPHERS = ("aegis-256", "aes-256-gcm")


def key(byte: int) -> dict[str, str]:
    """The header with a key of 32 equal bytes."""
    return {"s2-encryption-key": base64.b64encode(bytes([byte]) * 32).decode()}


OURS, THEIRS = key(1), key(2)
DECRYPTION_FAILED = {"code": "decryption_failed", "message": "record decryption failed"}


@pytest.fixture(params=CIPHERS)
def cipher(request: pytest.FixtureRequest) -> str:
    """One of the two ciphers."""
    return str(request.param)


@pytest.fixture
def encrypted(cipher: str, new_basin: Callable[..., Client]) -> Stream:
    """A fresh stream with that cipher."""
    return create_stream(new_basin(stream_cipher=cipher))


def refusal(call: Callable[..., object], *arguments: Any, **options: Any) -> tuple[int, Any]:
    """Status and body of a call that must be refused."""
    with pytest.raises(Refused) as refused:
        call(*arguments, **options)
    return refused.value.status, refused.value.body


def bad_header(message: str) -> tuple[int, Any]:
    """A refusal because of a header."""
    return 400, {"code": "bad_header", "message": message}


@case(127, 128)
def test_missing_key(encrypted: Stream, cipher: str) -> None:
    """400 in every form, as an HTTP answer before anything is streamed (§9)."""
    expected = bad_header(f"missing encryption key for stream cipher '{cipher}'")
    for form in APPEND_FORMS:
        assert refusal(append_in, form, encrypted, Record()) == expected
    for form in READ_FORMS:
        assert refusal(read_in, form, encrypted, seq_num=0) == expected
    with encrypted.append_session() as session:
        assert (session.status, session.headers["content-type"]) == (400, "application/json")
    assert encrypted.tail_ok()["seq_num"] == 0


@case(130)
@pytest.mark.parametrize("form", APPEND_FORMS)
def test_round_trip(encrypted: Stream, form: str) -> None:
    """With the key, records are as if they were not encrypted (§9)."""
    headers = ((b"name", b"value"), (b"name", b""))
    append_in(form, encrypted, Record(b"secret", headers), Record(), headers=OURS)

    for read_form in READ_FORMS:
        first, second = read_in(read_form, encrypted, seq_num=0, count=9, headers=OURS)
        assert (first.headers, first.body) == (headers, b"secret")
        assert (second.headers, second.body) == ((), b"")


@case(30)
def test_bytes_of_a_protobuf_round_trip(encrypted: Stream) -> None:
    """An ack of one record, and its body in plain (§9)."""
    answer = encrypted.append_protobuf(append_input(b"secret"), headers=OURS)
    assert answer.status == 200
    assert AppendAck.FromString(answer.body).end.seq_num == 1
    answer = encrypted.read(seq_num=0, headers={"accept": PROTOBUF, **OURS})
    (record,) = ReadBatch.FromString(answer.body).records
    assert record.body == b"secret"


@case(111)
def test_one_frame_and_the_end(encrypted: Stream) -> None:
    """A session that does not wait has the record in one regular frame (§6.5)."""
    encrypted.append_ok("secret", headers=OURS)
    with encrypted.read_session(seq_num=0, wait=0, headers=OURS) as session:
        (received,) = session.frames()
    assert received.flag == 0
    assert received.message(ReadBatch).records[0].body == b"secret"


@case(129)
def test_wrong_key(encrypted: Stream) -> None:
    """400 in a unary read; in a session an error after the 200 (§9)."""
    encrypted.append_ok("secret", headers=OURS)

    for form in ("json", "json-base64", "protobuf"):
        outcome = refusal(read_in, form, encrypted, seq_num=0, headers=THEIRS)
        assert outcome == (400, DECRYPTION_FAILED), form
    with encrypted.sse(seq_num=0, headers=THEIRS) as session:
        assert session.status == 200
        error = '{"code":"decryption_failed","message":"record decryption failed"}'
        assert list(session.events()) == [Event(("event: error", f"data: {error}"))]
    with encrypted.read_session(seq_num=0, headers=THEIRS) as session:
        assert session.status == 200
        (received,) = session.frames()
    assert (received.status, received.error) == (400, DECRYPTION_FAILED)


def test_the_whole_batch_is_withheld(encrypted: Stream) -> None:
    """One record of another key spoils those read with it, and only those (§9)."""
    encrypted.append_ok("ours", headers=OURS)
    encrypted.append_ok("theirs", headers=THEIRS)

    for form in READ_FORMS:
        both = refusal(read_in, form, encrypted, seq_num=0, count=2, headers=OURS)
        assert both[1] == DECRYPTION_FAILED
        for seq_num, headers, body in ((0, OURS, b"ours"), (1, THEIRS, b"theirs")):
            (record,) = read_in(form, encrypted, seq_num=seq_num, count=1, headers=headers)
            assert record.body == body


def test_a_follower_with_another_key(encrypted: Stream) -> None:
    """The follower gets the error when the record is appended (§9)."""
    with (
        encrypted.sse(headers=OURS) as sse,
        encrypted.read_session(headers=OURS) as s2s,
        encrypted.poll(wait=60, headers=OURS, seq_num=0) as poll,
    ):
        assert next(sse.events()).name == "ping"
        next(s2s.frames())
        assert at_rest(poll)
        encrypted.append_ok("theirs", headers=THEIRS)
        assert [event.json for event in sse.events()] == [DECRYPTION_FAILED]
        assert [frame.error for frame in s2s.frames()] == [DECRYPTION_FAILED]
        answer = poll.answer()
    assert (answer.status, answer.json) == (400, DECRYPTION_FAILED)


def test_commands_are_never_encrypted(encrypted: Stream) -> None:
    """Any well-formed key reads them (§9)."""
    encrypted.append_ok(fence("tok"), trim(0), headers=OURS)

    for form in READ_FORMS:
        read = read_in(form, encrypted, seq_num=0, count=9, headers=THEIRS)
        assert [record.body for record in read] == [b"tok", bytes(8)]
    # But they are not read without one.
    assert encrypted.read(seq_num=0).code == "bad_header"


@case(42)
def test_fencing(encrypted: Stream) -> None:
    """Conditions and commands work as on any stream, also in the first record (§9)."""
    encrypted.append_ok(fence("first"), fencing_token="", headers=OURS)
    mismatch = encrypted.append("a", fencing_token="", headers=OURS)
    assert (mismatch.status, mismatch.json) == (412, {"fencing_token_mismatch": "first"})
    encrypted.append_ok("a", fencing_token="first", match_seq_num=1, headers=OURS)
    encrypted.append_ok(fence("updated-token"), fencing_token="first", headers=OURS)
    old = encrypted.append("b", fencing_token="first", match_seq_num=3, headers=OURS)
    assert old.json == {"fencing_token_mismatch": "updated-token"}
    ack = encrypted.append_ok("b", fencing_token="updated-token", match_seq_num=3, headers=OURS)
    assert ack["end"]["seq_num"] == 4


def test_sizes_are_those_of_the_plain_records(encrypted: Stream) -> None:
    """Metering does not see the cipher (§1.7)."""
    encrypted.append_ok("aaaaa", "bbbbb", headers=OURS)

    assert encrypted.bodies(seq_num=0, bytes=25, headers=OURS) == ["aaaaa"]
    assert encrypted.bodies(seq_num=0, bytes=26, headers=OURS) == ["aaaaa", "bbbbb"]
    largest = Record(b"x" * (1024 * 1024 - 8))
    assert append_in("protobuf", encrypted, largest, headers=OURS) == (2, 3)


@case(7)
def test_the_tail_needs_no_key(encrypted: Stream) -> None:
    """And looks at none (§1.8)."""
    ack = encrypted.append_ok("secret", headers=OURS)

    assert encrypted.tail_ok() == ack["tail"]
    assert encrypted.tail(headers={"s2-encryption-key": "x" * 99}).status == 200


@case(133)
def test_deletion_needs_no_key(encrypted: Stream) -> None:
    """It is a call of the control plane (§9)."""
    encrypted.append_ok("secret", headers=OURS)

    assert encrypted.delete().status == 202


@pytest.mark.sample(3)
@case(131, 132)
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("!!!!", ": invalid base64"),
        ("A" * 43, ": invalid base64"),
        # Bits that are not zero after the last byte.
        ("A" * 42 + "B=", ": invalid base64"),
        ("=" * 44, ": invalid base64"),
        (base64.b64encode(bytes(4)).decode(), " length: 4"),
        (base64.b64encode(bytes(31)).decode(), " length: 31"),
        (base64.b64encode(bytes(33)).decode(), " length: 33"),
    ],
)
def test_malformed_key(encrypted: Stream, cipher: str, text: str, problem: str) -> None:
    """Strict base64 of 32 bytes; the message names the cipher (§9)."""
    kind, _, rest = problem.partition(":")
    expected = bad_header(f"invalid encryption key{kind} for stream cipher '{cipher}':{rest}")
    headers = {"s2-encryption-key": text}
    for form in APPEND_FORMS:
        assert refusal(append_in, form, encrypted, Record(), headers=headers) == expected
    for form in READ_FORMS:
        assert refusal(read_in, form, encrypted, headers=headers) == expected


@case(132)
@pytest.mark.parametrize(("text", "length"), [("", 0), ("A" * 45, 45), ("é" * 9, None)])
def test_key_of_impossible_length(s2: Client, text: str, length: int | None) -> None:
    """1 to 44 characters, on plain streams too, even on missing ones (§9)."""
    why = f"invalid encryption key: key material length {length} is out of range"
    message = "Invalid header `s2-encryption-key`: " + (why if length is not None else "not UTF-8")
    headers = {"s2-encryption-key": text}
    for stream in (create_stream(s2), Stream(s2, "missing")):
        for form in APPEND_FORMS:
            outcome = refusal(append_in, form, stream, Record(), headers=headers)
            assert outcome == bad_header(message)
        for form in READ_FORMS:
            outcome = refusal(read_in, form, stream, headers=headers)
            assert outcome == bad_header(message)


@case(131)
@pytest.mark.parametrize("text", ["!!!!", "x", "A" * 44, "   x   "])
def test_a_plain_stream_ignores_the_key(stream: Stream, text: str) -> None:
    """Any value that could be a key is ignored (§9)."""
    headers = {"s2-encryption-key": text}

    assert stream.append("plain", headers=headers).status == 200
    assert stream.bodies(seq_num=0, headers=headers) == stream.bodies(seq_num=0) == ["plain"]


def test_blanks_around_a_key(encrypted: Stream) -> None:
    """Blanks around a key are not part of it (§9)."""
    encrypted.append_ok("secret", headers={"s2-encryption-key": f" {OURS['s2-encryption-key']} "})

    assert encrypted.bodies(seq_num=0, headers=OURS) == ["secret"]


def test_a_stream_keeps_its_cipher(new_basin: Callable[..., Client]) -> None:
    """The basin's is copied at creation; later changes are for new streams (§9)."""
    basin = new_basin()
    before = create_stream(basin, "before")
    path = f"/v1/basins/{basin.basin}"

    def set_cipher(value: str | None) -> Answer:
        return basin.request("PATCH", path, {"stream_cipher": value})

    assert set_cipher("aegis-256").status == 200
    between = create_stream(basin, "between")
    assert set_cipher(None).status == 200
    after = create_stream(basin, "after")

    assert before.append("plain").status == after.append("plain").status == 200
    assert between.append("plain").code == "bad_header"
    ciphers = [(stream.info() or {})["cipher"] for stream in (before, between, after)]
    assert ciphers == [None, "aegis-256", None]
