"""Conditions of an append: `match_seq_num` and `fencing_token`.

Source: reference: data_plane §3.5; §10, cases 21 to 23, 34 to 41 and 51.
"""

import pytest

from s2mock.contract.cases import case
from s2mock.contract.forms import APPEND_FORMS, Record, Refused, append_in
from s2mock.contract.records import Stream, append_input, fence


@case(21)
@pytest.mark.parametrize("form", APPEND_FORMS)
def test_matching_seq_num(stream: Stream, form: str) -> None:
    """It is compared with the next sequence number; 0 is a value like others (§2, §3.5)."""
    assert append_in(form, stream, Record(), Record(), match_seq_num=0) == (0, 2)
    assert append_in(form, stream, Record(), match_seq_num=2) == (2, 3)


@case(22)
@pytest.mark.parametrize("form", APPEND_FORMS)
def test_seq_num_mismatch(stream: Stream, form: str) -> None:
    """412 with the next sequence number, and neither code nor message (§1.3)."""
    stream.append_ok("a")

    with pytest.raises(Refused) as refused:
        append_in(form, stream, Record(), match_seq_num=0)
    assert (refused.value.status, refused.value.body) == (412, {"seq_num_mismatch": 1})


@case(23)
@pytest.mark.parametrize("number", [0, 2, 999, 2**64 - 1])
def test_seq_num_mismatch_changes_nothing(stream: Stream, number: int) -> None:
    """Too low or too high: the answer is the same JSON, and nothing was written (§3.5)."""
    stream.append_ok("a")
    answer = stream.append("b", match_seq_num=number)

    assert (answer.status, answer.body) == (412, b'{"seq_num_mismatch":1}')
    assert answer.headers["content-type"] == "application/json"
    assert stream.bodies(seq_num=0) == ["a"]
    assert stream.append_ok("c")["start"]["seq_num"] == 1


@case(34)
@pytest.mark.parametrize("form", APPEND_FORMS)
def test_append_with_the_token_in_force(stream: Stream, form: str) -> None:
    """A fence record sets the token for later appends (§3.3)."""
    stream.append_ok(fence("mine"))

    assert append_in(form, stream, Record(), fencing_token="mine") == (1, 2)


@case(35)
@pytest.mark.parametrize("form", APPEND_FORMS)
def test_append_with_another_token(stream: Stream, form: str) -> None:
    """412 with the token in force, and nothing is written (§1.3, §3.5)."""
    stream.append_ok(fence("théirs"))

    with pytest.raises(Refused) as refused:
        append_in(form, stream, Record(), fencing_token="mine")
    assert refused.value.status == 412
    assert refused.value.body == {"fencing_token_mismatch": "théirs"}
    assert stream.tail_ok()["seq_num"] == 1


def test_token_mismatch_byte_for_byte(stream: Stream) -> None:
    """Compact JSON; the token is text with any S2-Format (§1.3, §1.5)."""
    stream.append_ok(fence('é"\n'))
    answer = stream.append({}, fencing_token="", headers={"s2-format": "base64"})

    assert answer.status == 412
    assert answer.body.decode() == '{"fencing_token_mismatch":"é\\"\\n"}'


@case(36)
@pytest.mark.parametrize("form", APPEND_FORMS)
def test_empty_token_on_an_unfenced_stream(stream: Stream, form: str) -> None:
    """The initial token is empty, and an empty token is compared like any other (§3.5)."""
    assert append_in(form, stream, Record(), fencing_token="") == (0, 1)


@case(37, 38, 39)
def test_taking_over_a_stream(stream: Stream) -> None:
    """A conditional fence takes hold; the old token fails, the new one works (§3.5)."""
    stream.append_ok("a")
    stream.append_ok(fence("updated-token"), fencing_token="", match_seq_num=1)

    old = stream.append("b", fencing_token="", match_seq_num=2)
    assert (old.status, old.json) == (412, {"fencing_token_mismatch": "updated-token"})
    ack = stream.append_ok("b", fencing_token="updated-token", match_seq_num=2)
    assert (ack["start"]["seq_num"], ack["end"]["seq_num"]) == (2, 3)


@case(40)
def test_fence_without_a_token_lifts_the_fence(stream: Stream) -> None:
    """An append without token is not checked at all, also on a fenced stream (§3.5)."""
    stream.append_ok(fence("mine"))
    stream.append_ok(fence(""))

    stream.append_ok("a")
    stream.append_ok("b", fencing_token="")
    assert stream.append("c", fencing_token="mine").json == {"fencing_token_mismatch": ""}


@case(41)
def test_fence_lifted_with_its_token(stream: Stream) -> None:
    """The whole life of a fence (§3.3)."""
    stream.append_ok(fence("mine"))
    stream.append_ok("a", fencing_token="mine")
    stream.append_ok(fence(""), fencing_token="mine")

    assert stream.append_ok("b")["end"]["seq_num"] == 4


def test_append_without_token_on_a_fenced_stream(stream: Stream) -> None:
    """No token given, no check (§3.5)."""
    stream.append_ok(fence("mine"))

    assert stream.append_ok("a")["start"]["seq_num"] == 1
    assert stream.append_ok("a", fencing_token=None)["start"]["seq_num"] == 2


def test_fencing_is_reported_before_the_sequence_number(stream: Stream) -> None:
    """If both conditions fail (§3.5)."""
    stream.append_ok(fence("theirs"))
    answer = stream.append("a", fencing_token="mine", match_seq_num=999)

    assert (answer.status, answer.json) == (412, {"fencing_token_mismatch": "theirs"})


def test_a_batch_is_checked_against_the_old_token(stream: Stream) -> None:
    """Commands act on later appends only (§3.3)."""
    stream.append_ok(fence("old"))
    refused = stream.append(fence("new"), "a", fencing_token="new")
    assert refused.json == {"fencing_token_mismatch": "old"}

    stream.append_ok(fence("new"), "a", fencing_token="old")
    assert stream.append("b", fencing_token="old").json == {"fencing_token_mismatch": "new"}


def test_a_refused_batch_leaves_the_token(stream: Stream) -> None:
    """A batch is atomic: its fence does not take hold if its condition fails (§3.5)."""
    stream.append_ok(fence("old"))
    assert stream.append(fence("new"), match_seq_num=7).status == 412

    stream.append_ok("a", fencing_token="old")


def test_last_fence_of_a_batch_wins(stream: Stream) -> None:
    """Several commands in one batch are applied in order (§3.3)."""
    stream.append_ok(fence("one"), "a", fence("two"))

    assert stream.append("b", fencing_token="one").json == {"fencing_token_mismatch": "two"}
    stream.append_ok("b", fencing_token="two")


def test_tokens_are_compared_exactly(stream: Stream) -> None:
    """Case and spaces count (§3.5)."""
    stream.append_ok(fence("Token "))

    for near in ("token ", "Token", "TOKEN "):
        assert stream.append("a", fencing_token=near).status == 412, near
    stream.append_ok("a", fencing_token="Token ")


@pytest.mark.parametrize("token", ["x" * 36, "é" * 18, "€" * 12, "😀" * 9])
def test_longest_token(stream: Stream, token: str) -> None:
    """36 bytes of UTF-8, in the fence and in the condition (§1.7)."""
    stream.append_ok(fence(token))

    stream.append_ok("a", fencing_token=token)
    assert stream.append("a", fencing_token="").json == {"fencing_token_mismatch": token}


@case(51)
@pytest.mark.parametrize("token", ["x" * 37, "é" * 18 + "x", "€" * 12 + "x"])
def test_token_too_long(stream: Stream, token: str) -> None:
    """In JSON it fails while parsing, in protobuf while validating (§3.2)."""
    in_json = stream.append("a", fencing_token=token)
    assert (in_json.status, in_json.code) == (400, "bad_json")

    message = append_input(b"a", fencing_token=token)
    in_protobuf = stream.append_protobuf(message)
    assert in_protobuf.status == 422
    assert in_protobuf.json == {
        "code": "invalid",
        "message": "fencing token must not exceed 36 bytes in length",
    }
    with pytest.raises(Refused) as refused:
        append_in("s2s", stream, Record(), fencing_token=token)
    assert (refused.value.status, refused.value.body) == (422, in_protobuf.json)
    assert stream.tail_ok()["seq_num"] == 0
