"""Deletion as the data plane sees it. Source: reference: data_plane §8.5; §10, cases 9, 10."""

from collections.abc import Callable
from typing import Any

import pytest

from s2mock.api.wire.messages import AppendAck, ReadBatch
from s2mock.contract.cases import case
from s2mock.contract.client import Answer
from s2mock.contract.forms import APPEND_FORMS, READ_FORMS, Record, Refused, append_in, read_in
from s2mock.contract.passing_time import PassingTime, at_rest
from s2mock.contract.records import (
    PROTOBUF,
    Stream,
    acks,
    append_input,
    batch,
    create_stream,
    fence,
    frame,
)

PENDING = (409, {"code": "stream_deletion_pending", "message": "stream deletion pending"})
UNAVAILABLE = {"code": "unavailable", "message": "streamer missing in action"}
MARKER = [["", "trim"]]


@case(9, 10)
def test_while_the_deletion_is_pending(deleted_stream: Stream) -> None:
    """409 to every call; deleting again is fine (§8.5)."""
    stream = deleted_stream

    def outcome(answer: Answer) -> tuple[int, Any]:
        return answer.status, answer.json

    assert outcome(stream.tail()) == PENDING
    assert outcome(stream.append("a")) == PENDING
    assert outcome(stream.read(seq_num=0)) == PENDING
    assert stream.delete().status == 202
    with stream.append_session() as session:
        assert outcome(session.answer()) == PENDING
    with stream.read_session() as session:
        assert outcome(session.answer()) == PENDING
    with stream.sse() as session:
        assert outcome(session.answer()) == PENDING


def test_pending_for_every_form_of_append(deleted_stream: Stream) -> None:
    """Before conditions are looked at, and after validation (§1.2, §8.5)."""
    for form in APPEND_FORMS:
        with pytest.raises(Refused) as refused:
            append_in(form, deleted_stream, Record(), match_seq_num=12345)
        assert (refused.value.status, refused.value.body) == PENDING
    assert deleted_stream.append().status == 422


def test_pending_for_every_form_of_read(deleted_stream: Stream) -> None:
    """With any start (§8.5)."""
    for form in READ_FORMS:
        with pytest.raises(Refused) as refused:
            read_in(form, deleted_stream, seq_num=2**63)
        assert (refused.value.status, refused.value.body) == PENDING


def test_streams_to_create_in_a_deleted_basin(lingering_stream: Callable[..., Stream]) -> None:
    """409 while the basin's deletion is pending, if the stream would be created (§8.4)."""
    flags = {"create_stream_on_append": True, "create_stream_on_read": True}
    basin = lingering_stream(**flags).client
    assert basin.request("DELETE", f"/v1/basins/{basin.basin}").status == 202

    stream = Stream(basin, "new")
    message = f"basin `{basin.basin}` is being deleted"
    for answer in (stream.append("a"), stream.read(), stream.tail()):
        assert answer.status == 409
        assert answer.json == {"code": "basin_deletion_pending", "message": message}


def test_streams_to_miss_in_a_deleted_basin(lingering_stream: Callable[..., Stream]) -> None:
    """404 if it would not (§8.4)."""
    basin = lingering_stream().client
    assert basin.request("DELETE", f"/v1/basins/{basin.basin}").status == 202

    stream = Stream(basin, "new")
    for answer in (stream.append("a"), stream.read(), stream.tail()):
        assert (answer.status, answer.code) == (404, "stream_not_found")


def gone(timed: PassingTime, stream: Stream) -> None:
    """Delete the stream and give the removal the time that it takes."""
    assert stream.delete().status == 202
    for _ in range(50):
        if stream.tail().status == 404:
            return
        timed.advance(0.1)
    raise AssertionError(f"still there: {stream.tail()}")


def test_a_new_stream_of_the_same_name(timed: PassingTime) -> None:
    """Starts from nothing: no records, no token, no timestamp (§8.5)."""
    stream = create_stream(timed.s2)
    stream.append_ok(fence("mine"), "a")
    gone(timed, stream)
    assert stream.append("a").code == "stream_not_found"
    assert stream.read(seq_num=0).code == "stream_not_found"

    create_stream(timed.s2)
    assert stream.tail_ok() == {"seq_num": 0, "timestamp": 0}
    assert stream.read(seq_num=0).status == 416
    ack = stream.append_ok({"body": "b", "timestamp": 5}, fencing_token="", match_seq_num=0)
    assert ack["start"] == {"seq_num": 0, "timestamp": 5}
    assert stream.bodies(seq_num=0) == ["b"]


def test_an_sse_follower(stream: Stream) -> None:
    """Gets a trim record as the last batch, then an error, and no `[DONE]` (§8.5)."""
    ack = stream.append_ok("a")
    with stream.sse(seq_num=0) as session:
        events = session.events()
        assert [next(events).name for _ in range(2)] == ["batch", "ping"]
        stream.delete()
        marker, error = events

    (record,) = marker.json["records"]
    assert record["seq_num"] == 1
    assert record["timestamp"] >= ack["tail"]["timestamp"]
    assert (record["headers"], record["body"]) == (MARKER, "\ufffd" * 8)
    assert marker.json["tail"] == {"seq_num": 2, "timestamp": record["timestamp"]}
    # 9 bytes of the first record, 22 of the trim.
    assert marker.field("id") == "1,2,31"
    assert (error.name, error.json) == ("error", UNAVAILABLE)


def test_an_s2s_follower(stream: Stream) -> None:
    """The same in frames: eight bytes 0xFF, then a terminal 503 (§8.5)."""
    with stream.read_session(seq_num=0) as session:
        next(session.frames())
        stream.delete()
        marker = batch(session)
        (received,) = session.frames()

    (record,) = marker.records
    assert record.body == b"\xff" * 8
    assert [(header.name, header.value) for header in record.headers] == [(b"", b"trim")]
    assert (marker.tail.seq_num, marker.tail.timestamp) == (1, record.timestamp)
    assert (received.status, received.error) == (503, UNAVAILABLE)


@pytest.mark.parametrize(
    ("headers", "body"),
    [({}, "\ufffd" * 8), ({"s2-format": "base64"}, "//////////8=")],
    ids=["raw", "base64"],
)
def test_a_long_poll(stream: Stream, headers: dict[str, str], body: str) -> None:
    """200 with that record, like any other that comes (§8.5)."""
    with stream.poll(seq_num=0, wait=60, headers=headers) as poll:
        assert at_rest(poll)
        stream.delete()
        answer = poll.answer()

    assert answer.status == 200
    (record,) = answer.json["records"]
    assert (record["seq_num"], record["body"]) == (0, body)
    assert answer.json["tail"] == {"seq_num": 1, "timestamp": record["timestamp"]}


def test_a_long_poll_in_protobuf(stream: Stream) -> None:
    """The same (§8.5)."""
    with stream.poll(seq_num=0, wait=60, headers={"accept": PROTOBUF}) as poll:
        assert at_rest(poll)
        stream.delete()
        message = ReadBatch.FromString(poll.answer().body)
    assert message.records[0].body == b"\xff" * 8
    assert message.tail.seq_num == 1


def test_a_follower_that_has_enough(stream: Stream) -> None:
    """The record counts: a limit that it reaches ends the session well (§8.5)."""
    with stream.sse(seq_num=0, count=1, wait=60) as session:
        events = session.events()
        assert next(events).name == "ping"
        stream.delete()
        assert [event.name for event in events] == ["batch", None]


def test_a_follower_whose_limit_it_exceeds(stream: Stream) -> None:
    """22 bytes, and a timestamp of now (§8.5)."""
    with stream.sse(seq_num=0, bytes=21, wait=60) as in_bytes, stream.sse(until=5, wait=60) as time:
        assert next(in_bytes.events()).name == next(time.events()).name == "ping"
        stream.delete()
        for session in (in_bytes, time):
            assert [event.lines for event in session.events()] == [("data: [DONE]",)]


@pytest.mark.parametrize(
    ("timestamping", "highest"),
    [({"uncapped": True}, True), ({"mode": "arrival", "uncapped": True}, False)],
    ids=["uncapped", "arrival"],
)
def test_timestamp_of_the_last_record(
    stream: Stream, timestamping: dict[str, Any], highest: bool
) -> None:
    """Now, or the highest of all where clients may set the future (§8.5)."""
    stream.reconfigure(timestamping=timestamping)
    with stream.read_session(seq_num=0) as session:
        next(session.frames())
        stream.delete()
        timestamp = batch(session).records[0].timestamp
    assert (timestamp == 2**64 - 1) is highest


def test_an_append_session(timed: PassingTime) -> None:
    """The next input is answered 409 or 503, also if the name is in use again (§8.5)."""
    stream = create_stream(timed.s2)
    with stream.append_session() as session:
        session.send(frame(append_input(b"a")))
        assert acks(session, 1) == [(0, 1)]
        gone(timed, stream)
        create_stream(timed.s2)
        session.send(frame(append_input(b"b")))
        (received,) = session.frames()
    assert (received.status, received.error) in [PENDING, (503, UNAVAILABLE)]
    assert stream.tail_ok()["seq_num"] == 0


def test_an_append_session_that_has_no_more_to_say(timed: PassingTime) -> None:
    """Ends well (§6.4)."""
    stream = create_stream(timed.s2)
    with stream.append_session() as session:
        session.send(frame(append_input(b"a")))
        assert next(session.frames()).message(AppendAck).end.seq_num == 1
        gone(timed, stream)
        session.half_close()
        assert list(session.frames()) == []


def test_streams_of_a_deleted_basin(timed: PassingTime) -> None:
    """Go with it, in time (§8.5)."""
    stream = create_stream(timed.s2)
    stream.append_ok("a")
    assert timed.s2.request("DELETE", f"/v1/basins/{timed.s2.basin}").status == 202
    for _ in range(50):
        answer = stream.tail()
        if answer.status != 200:
            break
        timed.advance(0.1)
    assert answer.code in ("stream_deletion_pending", "stream_not_found", "basin_not_found")
