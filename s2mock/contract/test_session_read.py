"""S2S read sessions.

Source: reference: data_plane §4.4 and §6.5; §10, cases 95 to 100, 109, 110 and 113.
"""

from typing import Any

import pytest

from s2mock.api.wire.messages import ReadBatch
from s2mock.contract.cases import case
from s2mock.contract.forms import read_in
from s2mock.contract.passing_time import PassingTime, at_rest
from s2mock.contract.records import (
    Stream,
    append_input,
    batch,
    create_stream,
    frame,
    heartbeat,
    position,
    seq_nums,
)


def test_bytes_of_a_read(stream: Stream) -> None:
    """A batch on the way to the tail; at the tail a heartbeat (§6.5, §6.7)."""
    timestamp = 1_700_000_000_000
    stream.append_ok({"body": "hi", "timestamp": timestamp}, {"timestamp": timestamp})
    with stream.read_session(seq_num=0, count=1) as session:
        assert session.status == 200
        batch_frame = "00 00 0e 00 0a 0b 10 80 d0 95 ff bc 31 22 02 68 69"
        assert session.rest() == bytes.fromhex(batch_frame)
    with stream.read_session() as session:
        heartbeat_frame = "00 00 0c 00 12 09 08 02 10 80 d0 95 ff bc 31"
        assert next(session.frames()).encode() == bytes.fromhex(heartbeat_frame)


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
        assert at_rest(session)
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


def test_tail_of_catching_up(stream: Stream) -> None:
    """The batch that reaches the tail may tell it, the heartbeat behind it does (§4.6)."""
    stream.append_ok("a")
    tail = stream.append_ok("b")["tail"]
    with stream.read_session(seq_num=0, count=1) as session:
        assert not batch(session).HasField("tail")
    with stream.read_session(seq_num=0) as session:
        message = batch(session)
        assert not message.HasField("tail") or position(message.tail) == tail
        assert heartbeat(session) == tail


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
    """Appends and other readers do not notice (§4.4)."""
    for number in range(3):
        with stream.read_session(seq_num=number) as gone:
            heartbeat(gone)
        stream.append_ok("x")
    with stream.sse(seq_num=0) as gone:
        next(gone.events())
    assert [record.seq_num for record in read_in("s2s", stream, seq_num=0, wait=0)] == [0, 1, 2]
