"""S2S append sessions. Source: reference: data_plane §3.5, §6.1, §6.4; §10, cases 114 to 126."""

from typing import Any

import pytest

from s2mock.api.wire.messages import AppendAck, AppendInput
from s2mock.contract.cases import case
from s2mock.contract.passing_time import PassingTime, at_rest
from s2mock.contract.records import Stream, acks, append_input, create_stream, fence, frame
from s2mock.contract.sessions import Session


def send(session: Session, *bodies: bytes, **conditions: Any) -> None:
    """Send one input."""
    session.send(frame(append_input(*bodies, **conditions)))


def terminal(session: Session) -> tuple[int, Any]:
    """Status and JSON of the terminal frame, which must be the next and the last."""
    (received,) = session.frames()
    return received.status, received.error


def test_bytes_of_an_append(stream: Stream) -> None:
    """Frame in, frame out, and the end of the body (§6.7)."""
    with stream.append_session() as session:
        # A record of timestamp 1700000000000 and body `hi`.
        session.send(bytes.fromhex("00 00 0e 00 0a 0b 08 80 d0 95 ff bc 31 1a 02 68 69"))
        session.half_close()
        assert session.rest() == bytes.fromhex(
            "00 00 20 00 0a 07 10 80 d0 95 ff bc 31 12 09 08 01 10 80 d0 95 ff bc 31"
            "1a 09 08 01 10 80 d0 95 ff bc 31"
        )


def test_bytes_of_a_terminal_frame(stream: Stream) -> None:
    """Flag 0x80, the status in two bytes, compact JSON (§6.2, §6.7)."""
    stream.append_ok("a")
    with stream.append_session() as session:
        send(session, b"b", match_seq_num=0)
        body = b'{"seq_num_mismatch":1}'
        assert session.rest() == bytes.fromhex("00 00 19 80 01 9c") + body


def test_headers_come_before_any_input(stream: Stream) -> None:
    """Right after the request's own headers (§6.1)."""
    with stream.append_session(headers={"accept-encoding": "gzip, zstd"}) as session:
        assert session.status == 200
        assert session.headers["content-type"] == "s2s/proto"
        assert session.headers["cache-control"] == "no-cache, no-transform"
        assert session.headers["x-accel-buffering"] == "no"
        assert "content-encoding" not in session.headers
        assert "content-length" not in session.headers
        assert at_rest(session)


@pytest.mark.parametrize("content_type", ["s2s/proto; a=b", "S2S/Proto", "s2s/proto, text/plain"])
def test_content_types_that_are_s2s(stream: Stream, content_type: str) -> None:
    """The first item, in any case, with any parameters; Accept does not matter (§1.4)."""
    headers = {"content-type": content_type, "accept": "application/json"}
    with stream.append_session(headers=headers) as session:
        session.half_close()
        assert session.headers["content-type"] == "s2s/proto"
        assert session.rest() == b""


@case(114)
def test_each_input_has_its_ack(stream: Stream) -> None:
    """In order; after the half-close the body ends, without a terminal frame (§6.4)."""
    with stream.append_session() as session:
        for body in (b"a", b"b", b"c"):
            send(session, body)
        session.half_close()
        assert acks(session, 3) == [(0, 1), (1, 2), (2, 3)]
        assert list(session.frames()) == []
    assert stream.bodies(seq_num=0) == ["a", "b", "c"]


def test_an_ack_comes_while_the_request_is_open(stream: Stream) -> None:
    """One after the other, as inputs are sent (§6.4)."""
    with stream.append_session() as session:
        for number in range(5):
            send(session, b"x")
            assert acks(session, 1) == [(number, number + 1)]
            assert stream.tail_ok()["seq_num"] == number + 1


def test_acks_have_all_positions(stream: Stream) -> None:
    """Also where they are zero (§2)."""
    message = AppendInput()
    message.records.add(timestamp=0)
    with stream.append_session() as session:
        session.send(frame(message))
        assert next(session.frames()).payload == bytes.fromhex("0a 00 12 02 08 01 1a 02 08 01")


@case(115)
def test_inputs_are_batches(stream: Stream) -> None:
    """An ack covers all records of its input (§6.4)."""
    with stream.append_session() as session:
        send(session, b"a", b"b")
        send(session, b"c", b"d", b"e")
        assert acks(session, 2) == [(0, 2), (2, 5)]


@case(116)
def test_no_input_at_all(stream: Stream) -> None:
    """200, and an empty body (§6.4)."""
    with stream.append_session() as session:
        session.half_close()
        assert (session.status, session.rest()) == (200, b"")
    assert stream.tail_ok()["seq_num"] == 0


@case(117)
def test_conditions_that_hold(stream: Stream) -> None:
    """They count the inputs before them, acknowledged or not (§3.5)."""
    with stream.append_session() as session:
        send(session, b"a", match_seq_num=0)
        send(session, b"b", match_seq_num=1)
        assert acks(session, 2) == [(0, 1), (1, 2)]


@case(118)
def test_a_condition_that_fails_ends_the_session(stream: Stream) -> None:
    """Acks first, then the terminal frame; what was sent after it is never applied (§6.4)."""
    with stream.append_session() as session:
        inputs = [append_input(b"x", match_seq_num=number) for number in (0, 0, 1)]
        session.send(b"".join(map(frame, inputs)))
        assert acks(session, 1) == [(0, 1)]
        assert terminal(session) == (412, {"seq_num_mismatch": 1})
    assert stream.bodies(seq_num=0) == ["x"]


def test_inputs_after_a_failure_without_conditions(stream: Stream) -> None:
    """Not applied either (§6.4)."""
    with stream.append_session() as session:
        # In one piece: the server may hang up once it has failed.
        inputs = [append_input(b"a", match_seq_num=5), *[append_input(b"b")] * 10]
        session.send(b"".join(map(frame, inputs)))
        assert terminal(session) == (412, {"seq_num_mismatch": 0})
    assert stream.tail_ok()["seq_num"] == 0


@case(119)
@pytest.mark.parametrize(
    ("condition", "error"),
    [
        ({"match_seq_num": 999}, {"seq_num_mismatch": 1}),
        ({"fencing_token": "mine"}, {"fencing_token_mismatch": "théirs"}),
        ({"fencing_token": "", "match_seq_num": 999}, {"fencing_token_mismatch": "théirs"}),
    ],
    ids=["match_seq_num", "fencing_token", "both"],
)
def test_failed_conditions(
    stream: Stream, condition: dict[str, Any], error: dict[str, Any]
) -> None:
    """A terminal frame with the body of the unary answer, never HTTP 412 (§6.4)."""
    stream.append_ok(fence("théirs"))
    with stream.append_session() as session:
        send(session, b"a", **condition)
        assert session.status == 200
        assert terminal(session) == (412, error)


@case(120)
def test_missing_stream(stream: Stream) -> None:
    """An HTTP answer, since the session was never opened (§6.1)."""
    missing = Stream(stream.client, "missing")
    with missing.append_session() as session:
        answer = session.answer()
    assert (answer.status, answer.code) == (404, "stream_not_found")
    assert answer.headers["content-type"] == "application/json"


@case(121)
def test_many_large_inputs(stream: Stream) -> None:
    """All acked in order; the tail never goes back (§6.4)."""
    with stream.append_session() as session:
        for _ in range(50):
            send(session, b"x" * 100_000)
        session.half_close()
        received = [item.message(AppendAck) for item in session.frames()]
    assert [ack.start.seq_num for ack in received] == list(range(50))
    assert [ack.end.seq_num for ack in received] == list(range(1, 51))
    tails = [ack.tail.seq_num for ack in received]
    assert tails == sorted(tails)
    assert all(ack.tail.seq_num >= ack.end.seq_num for ack in received)


@case(121)
def test_pipelined_inputs(stream: Stream) -> None:
    """Many in one chunk, and one in many chunks (§6.2)."""
    inputs = b"".join(frame(append_input(b"%d" % number)) for number in range(32))
    with stream.append_session() as session:
        session.send(inputs)
        assert acks(session, 32) == [(number, number + 1) for number in range(32)]
        for byte in inputs[:40]:
            session.send(bytes([byte]))
        session.send(inputs[40:])
        session.half_close()
        assert acks(session, 32)[-1] == (63, 64)
        assert list(session.frames()) == []
    assert stream.bodies(seq_num=0) == [str(number) for number in range(32)] * 2


@case(122)
def test_an_idle_session_survives(timed: PassingTime) -> None:
    """A minute between two inputs (§6.4)."""
    timed.needs(61)
    stream = create_stream(timed.s2)
    with stream.append_session() as session:
        send(session, b"a")
        assert acks(session, 1) == [(0, 1)]
        timed.advance(61)
        assert at_rest(session)
        send(session, b"b")
        assert acks(session, 1) == [(1, 2)]


@case(123)
def test_an_empty_token_on_every_input(stream: Stream) -> None:
    """It is the token of an unfenced stream (§3.5)."""
    with stream.append_session() as session:
        for _ in range(3):
            send(session, b"x", fencing_token="")
        assert acks(session, 3) == [(0, 1), (1, 2), (2, 3)]


def test_a_fence_within_the_session(stream: Stream) -> None:
    """Commands act on the inputs that follow (§3.3)."""
    fencing = AppendInput(fencing_token="")
    fencing.records.add(body=b"new").headers.add(name=b"", value=b"fence")
    with stream.append_session() as session:
        session.send(frame(fencing))
        send(session, b"a", fencing_token="new")
        send(session, b"b", fencing_token="")
        assert acks(session, 2) == [(0, 1), (1, 2)]
        assert terminal(session) == (412, {"fencing_token_mismatch": "new"})


@case(125)
def test_an_invalid_input(stream: Stream) -> None:
    """Inputs before it are applied and acked, then 422, at once (§6.4)."""
    invalid = AppendInput()
    invalid.records.add().headers.add(name=b"", value=b"nope")
    with stream.append_session() as session:
        session.send(b"".join(map(frame, (append_input(b"a"), invalid, append_input(b"b")))))
        assert acks(session, 1) == [(0, 1)]
        assert terminal(session) == (422, {"code": "invalid", "message": "unknown command"})
    assert stream.bodies(seq_num=0) == ["a"]


def test_a_missing_timestamp(stream: Stream) -> None:
    """Found when the input is appended; a terminal frame as well (§6.4)."""
    stream.reconfigure(timestamping={"mode": "client-require"})
    with stream.append_session() as session:
        send(session, b"a")
        assert terminal(session) == (
            422,
            {"code": "invalid", "message": "record timestamp was required but was missing"},
        )


def test_two_sessions_on_one_stream(stream: Stream) -> None:
    """Their inputs are serialized; a failure ends its own session only (§3.5)."""
    with stream.append_session() as one, stream.append_session() as two:
        send(one, b"a")
        assert acks(one, 1) == [(0, 1)]
        send(two, b"b")
        assert acks(two, 1) == [(1, 2)]
        send(one, b"c", match_seq_num=1)
        assert terminal(one) == (412, {"seq_num_mismatch": 2})
        send(two, b"d")
        assert acks(two, 1) == [(2, 3)]


def test_a_writer_may_go_at_any_time(stream: Stream) -> None:
    """What it was told is appended stays (§6.4)."""
    with stream.append_session() as session:
        send(session, b"a")
        assert acks(session, 1) == [(0, 1)]
        # The beginning of a frame.
        session.send(b"\x00\x00")
    assert stream.append_ok("b")["start"]["seq_num"] == 1
