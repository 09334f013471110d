"""How S2S read sessions end: by their limits and by their wait.

Source: reference: data_plane §4.4 and §6.5; §10, cases 101 to 108.
"""

from typing import Any

import pytest

from s2mock.api.wire.messages import ReadBatch
from s2mock.contract.cases import case
from s2mock.contract.passing_time import PassingTime, at_rest
from s2mock.contract.records import Stream, batch, create_stream, heartbeat, position, seq_nums


@case(101)
@pytest.mark.parametrize("query", [{"tail_offset": 0}, {"count": 5}, {"bytes": 99}], ids=str)
def test_the_wait_ends_the_session(timed: PassingTime, query: dict[str, Any]) -> None:
    """Not earlier, by the end of the body (§4.4)."""
    stream = create_stream(timed.s2)
    began = timed.now()
    with stream.read_session(wait=1, **query) as session:
        heartbeat(session)
        timed.until_answered(session, 1)
        assert list(session.frames()) == []
    assert timed.now() - began >= 1


@case(102)
def test_heartbeats_do_not_extend_the_wait(timed: PassingTime) -> None:
    """They come every 5 to 15 s while nothing is appended (§4.4)."""
    timed.needs(40)
    stream = create_stream(timed.s2)
    began = latest = timed.now()
    with stream.read_session(wait=40, timeout=20) as session:
        heartbeat(session)
        for _ in range(2):
            # The next heartbeat is drawn when this one has been sent.
            assert at_rest(session)
            timed.advance(4.5)
            assert at_rest(session), "a heartbeat within five seconds"
            timed.until_answered(session, 10.5)
            heartbeat(session)
            assert timed.now() - latest <= 16
            latest = timed.now()
        timed.advance(began + 39.5 - timed.now())
        while session.answered():
            heartbeat(session)
        timed.advance(0.5)
        for received in session.frames():
            assert not received.message(ReadBatch).records
    assert timed.now() - began >= 40


@case(103)
def test_each_batch_starts_the_wait_again(timed: PassingTime) -> None:
    """The wait is for the next batch, in SSE too (§4.4)."""
    timed.needs(5)
    stream = create_stream(timed.s2)
    with stream.read_session(wait=3) as s2s, stream.sse(wait=3) as sse:
        heartbeat(s2s)
        assert next(sse.events()).name == "ping"
        began = timed.now()
        timed.advance(1.625)
        stream.append_ok("a")
        assert seq_nums(batch(s2s)) == [0]
        assert next(sse.events()).name == "batch"
        timed.advance(1.625)
        assert timed.now() - began >= 3
        assert at_rest(s2s)
        assert at_rest(sse)
        timed.until_answered(s2s, 1.375)
        assert list(s2s.frames()) == []
        timed.until_answered(sse, 1.375)
        assert [event.lines for event in sse.events()] == [("data: [DONE]",)]
        assert timed.now() - began >= 1.625 + 3


@case(104)
def test_count_reached_within_an_append(stream: Stream) -> None:
    """What is there, the first two of three that come, and the end (§4.4)."""
    stream.append_ok("a")
    with stream.read_session(seq_num=0, count=3, wait=60) as session:
        assert seq_nums(batch(session)) == [0]
        heartbeat(session)
        ack = stream.append_ok("b", "c", "d")
        (received,) = session.frames()

    message = received.message(ReadBatch)
    assert seq_nums(message) == [1, 2]
    # The tail is that after the whole append.
    assert position(message.tail) == ack["tail"]


@case(105)
def test_count_reached_exactly(stream: Stream) -> None:
    """The session ends at once, not at the deadline (§4.4)."""
    with stream.read_session(count=2, wait=60) as session:
        heartbeat(session)
        stream.append_ok("a", "b")
        (received,) = session.frames()
    assert seq_nums(received.message(ReadBatch)) == [0, 1]


def test_count_over_several_appends(stream: Stream) -> None:
    """The limit is that of the whole session (§4.4)."""
    with stream.read_session(count=3, wait=60) as session:
        heartbeat(session)
        for number in range(3):
            stream.append_ok("x")
            assert seq_nums(batch(session)) == [number]
        assert list(session.frames()) == []


@case(106)
def test_bytes_reached_within_an_append(stream: Stream) -> None:
    """Records that fit, then the end (§4.4)."""
    with stream.read_session(bytes=2 * 9, wait=60) as session:
        heartbeat(session)
        stream.append_ok("a", "b", "c")
        (received,) = session.frames()
    assert seq_nums(received.message(ReadBatch)) == [0, 1]


@case(107)
def test_bytes_less_than_what_comes(stream: Stream) -> None:
    """The session ends without a batch (§4.4)."""
    with stream.read_session(bytes=8, wait=60) as session:
        heartbeat(session)
        stream.append_ok("a")
        assert list(session.frames()) == []


@case(108)
def test_until_reached_while_following(stream: Stream) -> None:
    """What is before comes, what is not ends the session (§4.4)."""
    stream.append_ok({"timestamp": 1000})
    with stream.read_session(until=2500, wait=60) as session:
        heartbeat(session)
        stream.append_ok({"timestamp": 2000})
        assert seq_nums(batch(session)) == [1]
        stream.append_ok({"timestamp": 3000})
        assert list(session.frames()) == []
