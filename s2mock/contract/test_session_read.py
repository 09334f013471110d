"""S2S read sessions. Source: reference: data_plane §4.4, §6.5; §10, cases 95 to 111 and 113."""

from typing import Any

import pytest

from s2mock.api.wire.messages import ReadBatch
from s2mock.contract.cases import case
from s2mock.contract.forms import read_in
from s2mock.contract.passing_time import PassingTime
from s2mock.contract.records import Stream, append_input, batch, create_stream, frame
from s2mock.contract.sessions import Session


def heartbeat(session: Session) -> dict[str, int]:
    """The tail in the next frame, which must be a heartbeat: no records, a tail."""
    message = next(session.frames()).message(ReadBatch)
    assert not message.records, message
    assert message.HasField("tail")
    return position(message.tail)


def position(message: Any) -> dict[str, int]:
    """A StreamPosition as JSON has it."""
    return {"seq_num": message.seq_num, "timestamp": message.timestamp}


def seq_nums(message: Any) -> list[int]:
    """The sequence numbers in a ReadBatch."""
    return [record.seq_num for record in message.records]


def test_bytes_of_a_read(stream: Stream) -> None:
    """A batch, then the heartbeat at the tail (§6.5, §6.7)."""
    stream.append_ok({"body": "hi", "timestamp": 1_700_000_000_000})
    with stream.read_session(seq_num=0, wait=1) as session:
        assert session.status == 200
        received = b"".join(next(session.frames()).encode() for _ in range(2))

    assert received == bytes.fromhex(
        "00 00 0e 00 0a 0b 10 80 d0 95 ff bc 31 22 02 68 69"
        "00 00 0c 00 12 09 08 01 10 80 d0 95 ff bc 31"
    )


def test_bytes_of_a_heartbeat_on_an_empty_stream(stream: Stream) -> None:
    """The tail is present, though both its numbers are 0 (§2, §6.7)."""
    with stream.read_session(seq_num=0) as session:
        assert next(session.frames()).encode() == bytes.fromhex("00 00 03 00 12 00")


def test_headers(stream: Stream) -> None:
    """At once, and nothing on the way may hold the frames back (§6.1)."""
    with stream.read_session(headers={"accept-encoding": "gzip, zstd"}) as session:
        assert session.status == 200
        assert session.headers["content-type"] == "s2s/proto"
        assert session.headers["cache-control"] == "no-cache, no-transform"
        assert session.headers["x-accel-buffering"] == "no"
        assert "content-encoding" not in session.headers
        assert "content-length" not in session.headers


@pytest.mark.parametrize("content_type", ["s2s/proto; a=b", "S2S/Proto", "s2s/proto, text/plain"])
def test_content_types_that_are_s2s(stream: Stream, content_type: str) -> None:
    """The first item, in any case, with any parameters (§1.4)."""
    with stream.read_session(wait=0, headers={"content-type": content_type}) as session:
        assert session.headers["content-type"] == "s2s/proto"
        assert session.rest() == b""


@case(95)
def test_bounded(stream: Stream) -> None:
    """The session ends with its limit, without a terminal frame (§6.5)."""
    stream.append_ok("a", "b", "c", "d", "e")
    with stream.read_session(seq_num=0, count=2) as session:
        (received,) = session.frames()

    assert not received.terminal
    assert seq_nums(received.message(ReadBatch)) == [0, 1]


def test_bounded_without_wait_ends_at_the_tail(stream: Stream) -> None:
    """At the tail that there was when it began, without a heartbeat (§4.4)."""
    stream.append_ok("a", "b")
    with stream.read_session(seq_num=0, count=10) as session:
        (received,) = session.frames()
    assert seq_nums(received.message(ReadBatch)) == [0, 1]


@case(96)
def test_stays_open_at_the_tail(timed: PassingTime) -> None:
    """Records, a heartbeat, and then nothing for a while (§4.4)."""
    stream = create_stream(timed.s2)
    ack = stream.append_ok("a", "b")
    with stream.read_session(seq_num=0) as session:
        assert seq_nums(batch(session)) == [0, 1]
        assert heartbeat(session) == ack["tail"]
        timed.advance(2)
        assert not session.answered()
        stream.append_ok("c")
        assert seq_nums(batch(session)) == [2]


@case(97)
def test_what_is_appended_comes_at_once(stream: Stream) -> None:
    """One append, one batch, with the tail after it (§4.4, §4.6)."""
    with stream.read_session(seq_num=0) as session:
        assert heartbeat(session) == {"seq_num": 0, "timestamp": 0}
        for bodies in (["a"], ["b", "c"], [""]):
            ack = stream.append_ok(*bodies)
            message = next(session.frames()).message(ReadBatch)
            assert [record.body.decode() for record in message.records] == bodies
            assert position(message.tail) == ack["tail"]


@case(99)
def test_clamped(stream: Stream) -> None:
    """No batch, but a heartbeat with the tail (§4.3)."""
    ack = stream.append_ok("a")
    with stream.read_session(seq_num=10, clamp=True) as session:
        assert heartbeat(session) == ack["tail"]
        stream.append_ok("b")
        assert seq_nums(batch(session)) == [1]


@case(100)
def test_catching_up_and_then_following(stream: Stream) -> None:
    """The end of what is there, a tail report, then what comes (§4.4)."""
    stream.append_ok("a")
    ack = stream.append_ok("b", "c")
    with stream.read_session(tail_offset=2) as session:
        assert seq_nums(batch(session)) == [1, 2]
        assert heartbeat(session) == ack["tail"]
        ack = stream.append_ok("d")
        message = batch(session)
        assert seq_nums(message) == [3]
        assert position(message.tail) == ack["tail"]


def test_catching_up_tells_no_tail(stream: Stream) -> None:
    """Not even in the batch that reaches it: the heartbeat does (§4.6)."""
    stream.append_ok("a")
    stream.append_ok("b")
    with stream.read_session(seq_num=0) as session:
        assert not batch(session).HasField("tail")
        heartbeat(session)


def test_batches_of_catching_up(stream: Stream) -> None:
    """Whole appends are joined and cut: 1000 records, 1 MiB metered (§4.4)."""
    stream.append_ok("x" * 700_000)
    stream.append_ok("x" * 700_000)
    stream.append_ok(*["x"] * 900)
    stream.append_ok(*["x"] * 900)
    with stream.read_session(seq_num=0) as session:
        spans = [seq_nums(batch(session)) for _ in range(3)]

    assert spans[0] == [0]
    assert spans[1] == list(range(1, 1001))
    assert spans[2] == list(range(1001, 1802))


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
            timed.advance(4.9)
            assert not session.answered(), "a heartbeat within five seconds"
            timed.until_answered(session, 10.1)
            heartbeat(session)
            assert timed.now() - latest <= 16
            latest = timed.now()
        while timed.now() - began < 39:
            timed.advance(1)
        timed.until_answered(session, 1)
        for received in session.frames():
            assert not received.message(ReadBatch).records
    assert timed.now() - began >= 40


@case(103)
def test_each_batch_starts_the_wait_again(timed: PassingTime) -> None:
    """The wait is for the next batch (§4.4)."""
    timed.needs(4)
    stream = create_stream(timed.s2)
    with stream.read_session(wait=2) as session:
        heartbeat(session)
        timed.advance(1.5)
        stream.append_ok("a")
        assert seq_nums(batch(session)) == [0]
        batch_at = timed.now()
        timed.advance(1.5)
        assert not session.answered(within=0.1)
        timed.until_answered(session, 0.5)
        assert list(session.frames()) == []
        assert timed.now() - batch_at >= 2


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


@case(109)
def test_a_follower_that_does_not_read(stream: Stream) -> None:
    """Fifty appends later it gets all of them, in order, and goes on within its limits (§4.4)."""
    # More than fits between the two, so that the server has to hold back.
    filler = "x" * 200_000
    with stream.read_session(
        seq_num=0, count=53, wait=60, receive_buffer=65_536, timeout=30
    ) as session:
        heartbeat(session)
        for number in range(50):
            stream.append_ok(f"{number} {filler}")
        numbers: list[str] = []
        while len(numbers) < 50:
            numbers += [record.body.decode().split()[0] for record in batch(session).records]
        assert numbers == [str(number) for number in range(50)]
        stream.append_ok("live")
        assert seq_nums(batch(session)) == [50]
        stream.append_ok("a", "b", "c")
        assert seq_nums(batch(session)) == [51, 52]
        assert list(session.frames()) == []


@case(110)
def test_an_idle_session_survives(timed: PassingTime) -> None:
    """A minute without records, and then one (§4.4)."""
    timed.needs(61)
    stream = create_stream(timed.s2)
    with stream.read_session(seq_num=0) as session:
        heartbeat(session)
        timed.advance(61)
        stream.append_ok("late")
        assert [record.body for record in batch(session).records] == [b"late"]


@case(113)
def test_a_thousand_records_while_reading(stream: Stream) -> None:
    """No gap, no record twice, the order kept (§4.4)."""
    with stream.read_session(seq_num=0) as session, stream.append_session() as producer:
        bodies = [f"record {number}" for number in range(1024)]
        for start in range(0, 1024, 32):
            some = [body.encode() for body in bodies[start : start + 32]]
            producer.send(frame(append_input(*some)))
        producer.half_close()
        read: list[Any] = []
        while len(read) < 1024:
            read += batch(session).records
    assert [record.seq_num for record in read] == list(range(1024))
    assert [record.body.decode() for record in read] == bodies


def test_many_followers(stream: Stream) -> None:
    """Each gets every record (§4)."""
    sessions = [stream.read_session(seq_num=0) for _ in range(30)]
    for session in sessions:
        heartbeat(session)
    stream.append_ok("a")
    stream.append_ok("b")
    for session in sessions:
        with session:
            assert [seq_nums(batch(session)) for _ in range(2)] == [[0], [1]]


def test_a_reader_may_go_at_any_time(stream: Stream) -> None:
    """Appends and other readers do not notice (§12)."""
    for number in range(3):
        with stream.read_session(seq_num=number) as gone:
            heartbeat(gone)
        stream.append_ok("x")
    with stream.sse(seq_num=0) as gone:
        next(gone.events())
    assert [record.seq_num for record in read_in("s2s", stream, seq_num=0, wait=0)] == [0, 1, 2]
