"""Command records: fence and trim.

Source: reference: data_plane §3.2, §3.3 and §8.1; §10, cases 43 to 50.
"""

import pytest

from s2mock.contract.cases import case
from s2mock.contract.forms import APPEND_FORMS, READ_FORMS, Record, Refused, append_in, read_in
from s2mock.contract.passing_time import PassingTime
from s2mock.contract.records import Stream, create_stream, fence, trim

FENCE = (b"", b"fence")
TRIM = (b"", b"trim")


def trim_record(seq_num: int) -> Record:
    """A trim command for any of the forms but raw JSON."""
    return Record(seq_num.to_bytes(8, "big"), (TRIM,))


def refusal(form: str, stream: Stream, record: Record) -> tuple[int, object]:
    """Status and body of an append that must be refused."""
    with pytest.raises(Refused) as refused:
        append_in(form, stream, record)
    assert stream.tail_ok()["seq_num"] == 0
    return refused.value.status, refused.value.body


def invalid(message: str) -> tuple[int, object]:
    """A refusal by validation, with this message."""
    return 422, {"code": "invalid", "message": message}


@pytest.mark.parametrize("form", ["protobuf", "s2s", "json-base64"])
@case(43)
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"\xff", "invalid `fence` command: invalid UTF-8"),
        (
            b"x" * 37,
            "invalid `fence` command: fencing token must not exceed 36 bytes in length",
        ),
        (
            b"\xc3\xa9" * 20,
            "invalid `fence` command: fencing token must not exceed 36 bytes in length",
        ),
        (b"x" * 40 + b"\xff", "invalid `fence` command: invalid UTF-8"),
    ],
)
def test_bad_fence(stream: Stream, form: str, body: bytes, message: str) -> None:
    """A token is UTF-8 of at most 36 bytes (§3.2)."""
    assert refusal(form, stream, Record(body, (FENCE,))) == invalid(message)


@pytest.mark.sample(3)
@case(44)
@pytest.mark.parametrize("form", APPEND_FORMS)
@pytest.mark.parametrize("length", [0, 4, 7, 9, 10])
def test_bad_trim(stream: Stream, form: str, length: int) -> None:
    """The body is a number of exactly 8 bytes; the message names the length (§3.2)."""
    assert refusal(form, stream, Record(b"\x00" * length, (TRIM,))) == invalid(
        f"invalid `trim` command: earliest sequence number to trim to was {length} bytes, must be 8"
    )


@pytest.mark.sample(3)
@case(45)
@pytest.mark.parametrize("form", APPEND_FORMS)
@pytest.mark.parametrize("value", [b"not-a-command", b"", b"Fence", b"fence ", b"TRIM"])
def test_unknown_command(stream: Stream, form: str, value: bytes) -> None:
    """One header of empty name must be a command that S2 knows, exactly (§3.2)."""
    assert refusal(form, stream, Record(b"", ((b"", value),))) == invalid("unknown command")


@case(46)
@pytest.mark.parametrize("form", APPEND_FORMS)
@pytest.mark.parametrize(
    "headers",
    [(FENCE, (b"extra", b"value")), ((b"extra", b"value"), FENCE), (FENCE, FENCE)],
    ids=["first", "last", "twice"],
)
def test_empty_name_beside_other_headers(
    stream: Stream, form: str, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    """A command has one header; elsewhere an empty name is an error (§3.2)."""
    assert refusal(form, stream, Record(b"x", headers)) == invalid("invalid header: empty name")


@pytest.mark.parametrize("form", READ_FORMS)
def test_commands_are_ordinary_records_otherwise(stream: Stream, form: str) -> None:
    """They take sequence numbers and timestamps and are read back as sent (§3.3)."""
    stream.append_ok(fence("tok"), "data", fence(""), trim(0))

    read = read_in(form, stream, seq_num=0, count=4)
    assert [(record.seq_num, record.headers, record.body) for record in read] == [
        (0, (FENCE,), b"tok"),
        (1, (), b"data"),
        (2, (FENCE,), b""),
        (3, (TRIM,), bytes(8)),
    ]


@case(93)
def test_commands_in_json_byte_for_byte(stream: Stream) -> None:
    """An empty fence has no body, a trim always has one (§4.6)."""
    stream.append_ok(fence("") | {"timestamp": 1}, trim(0) | {"timestamp": 2})

    assert stream.read(seq_num=0).body == (
        b'{"records":[{"seq_num":0,"timestamp":1,"headers":[["","fence"]]},'
        b'{"seq_num":1,"timestamp":2,"headers":[["","trim"]],'
        b'"body":"\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000"}]}'
    )
    assert stream.read(seq_num=0, headers={"s2-format": "base64"}).body == (
        b'{"records":[{"seq_num":0,"timestamp":1,"headers":[["","ZmVuY2U="]]},'
        b'{"seq_num":1,"timestamp":2,"headers":[["","dHJpbQ=="]],"body":"AAAAAAAAAAA="}]}'
    )


def settle(timed: PassingTime, stream: Stream, left: list[int]) -> None:
    """Give a trim the time that it takes, until these sequence numbers are left."""
    for _ in range(50):
        if stream.seq_nums(seq_num=0) == left:
            return
        timed.advance(0.1)
    assert stream.seq_nums(seq_num=0) == left


@case(47)
@pytest.mark.parametrize("form", ["protobuf", "s2s", "json-base64"])
def test_trim_is_acked_like_a_record(stream: Stream, form: str) -> None:
    """It has a sequence number of its own (§8.1)."""
    stream.append_ok("a", "b", "c")

    assert append_in(form, stream, trim_record(2)) == (3, 4)


@case(48)
def test_trim_beyond_the_tail(stream: Stream) -> None:
    """It removes all there is, itself included, and the stream stays usable (§8.1)."""
    stream.append_ok("a")
    assert append_in("protobuf", stream, trim_record(999_999)) == (1, 2)

    ack = stream.append_ok("b")
    assert (ack["start"]["seq_num"], ack["end"]["seq_num"]) == (2, 3)
    assert stream.bodies(seq_num=2) == ["b"]


@case(49, 50)
@pytest.mark.parametrize(("point", "left"), [(3, [3, 4, 5]), (1, [1, 2, 3, 4, 5]), (5, [5])])
def test_trim_removes_what_is_before_its_point(
    timed: PassingTime, point: int, left: list[int]
) -> None:
    """A read from the trimmed range begins at the first record left, without an error (§8.1)."""
    stream = create_stream(timed.s2)
    stream.append_ok(*[{"body": str(number), "timestamp": 10 * number} for number in range(5)])
    stream.append_ok(trim(point))
    settle(timed, stream, left)

    for form in READ_FORMS:
        for start in ("seq_num=0", "tail_offset=6", "timestamp=0"):
            name, _, value = start.partition("=")
            read = read_in(form, stream, headers=None, wait=0, **{name: value})
            assert [record.seq_num for record in read] == left, (form, start)
    assert stream.tail_ok()["seq_num"] == 6
    assert stream.append_ok("next")["start"]["seq_num"] == 6


def test_trim_point_never_moves_back(timed: PassingTime) -> None:
    """A lower point, and 0, are accepted and do nothing (§8.1)."""
    stream = create_stream(timed.s2)
    stream.append_ok("a", "b", "c", trim(2))
    settle(timed, stream, [2, 3])
    stream.append_ok(trim(1), trim(0))
    settle(timed, stream, [2, 3, 4, 5])


def test_highest_trim_of_a_batch_wins(timed: PassingTime) -> None:
    """Several trims in one batch keep the maximum (§3.3)."""
    stream = create_stream(timed.s2)
    stream.append_ok("a", "b", "c")
    stream.append_ok(trim(2), trim(1))
    settle(timed, stream, [2, 3, 4])


def test_trim_beyond_the_tail_is_capped_for_good(timed: PassingTime) -> None:
    """It takes nothing that comes later, and a later trim still has its effect (§8.1)."""
    stream = create_stream(timed.s2)
    stream.append_ok("a", trim(99))
    settle(timed, stream, [])
    stream.append_ok("b", "c", "d")
    stream.append_ok(trim(4))
    settle(timed, stream, [4, 5])


def test_trim_in_the_middle_of_a_batch(timed: PassingTime) -> None:
    """Records after it in its own batch stay, however high its number (§8.1)."""
    stream = create_stream(timed.s2)
    stream.append_ok("a", trim(99), "b", "c")
    settle(timed, stream, [2, 3])


def test_everything_trimmed(timed: PassingTime) -> None:
    """Nothing is left below the tail: 200 without records; tail and token stay (§4.3, §8.1)."""
    stream = create_stream(timed.s2)
    stream.append_ok(fence("mine"), "a", trim(99))
    settle(timed, stream, [])

    answer = stream.read(seq_num=0)
    assert (answer.status, answer.body) == (200, b'{"records":[]}')
    assert stream.tail_ok()["seq_num"] == 3
    assert stream.append("b", fencing_token="").json == {"fencing_token_mismatch": "mine"}
    assert stream.append_ok("b", match_seq_num=3)["start"]["seq_num"] == 3


def test_a_trim_by_hand_to_the_highest_number_is_no_deletion(stream: Stream) -> None:
    """A body of eight 0xFF is limited like any other trim (§8.5)."""
    append_in("protobuf", stream, Record(b"a"), trim_record(2**64 - 1))

    assert stream.append_ok("b")["start"]["seq_num"] == 2
    assert stream.bodies(seq_num=2) == ["b"]
