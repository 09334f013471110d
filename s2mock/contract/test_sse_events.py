"""The events of an SSE read. Source: reference: data_plane §4.4, §5; §10, case 112."""

from typing import Any

import pytest

from s2mock.contract.cases import case
from s2mock.contract.passing_time import PassingTime, at_rest
from s2mock.contract.records import Stream, create_stream
from s2mock.contract.sessions import Event, Session

DONE = Event(("data: [DONE]",))


def test_bytes_of_a_bounded_read(stream: Stream) -> None:
    """Event, id, data; LF, one space after the colon, a blank line after each (§5)."""
    stream.append_ok({"body": "a\nb", "timestamp": 5, "headers": [["n", "é"]]})
    stream.append_ok({"timestamp": 7}, {"timestamp": 9})
    with stream.sse(seq_num=0, count=2) as session:
        body = session.rest().decode()

    # 8 + 2 + 1 + 2 + 3 bytes of the first record, 8 of the second.
    assert body == (
        "event: batch\n"
        "id: 1,2,24\n"
        'data: {"records":[{"seq_num":0,"timestamp":5,"headers":[["n","é"]],"body":"a\\nb"},'
        '{"seq_num":1,"timestamp":7}]}\n'
        "\n"
        "data: [DONE]\n"
        "\n"
    )


def test_headers(stream: Stream) -> None:
    """Nothing on the way may hold the events back (§5)."""
    headers = {"accept-encoding": "gzip, zstd"}
    with stream.sse(wait=0, headers=headers) as session:
        assert session.status == 200
        assert session.headers["content-type"] == "text/event-stream"
        assert session.headers["cache-control"] == "no-cache, no-transform"
        assert session.headers["x-accel-buffering"] == "no"
        assert "content-encoding" not in session.headers
        assert "content-length" not in session.headers


def test_long_events_are_not_compressed(stream: Stream) -> None:
    """With any `Accept-Encoding` (§5, §7)."""
    stream.append_ok("x" * 5000)
    with stream.sse(seq_num=0, wait=0, headers={"accept-encoding": "gzip, zstd"}) as session:
        assert "content-encoding" not in session.headers
        assert session.rest().startswith(b"event: batch\n")


@pytest.mark.parametrize(
    "accept",
    ["text/event-stream; charset=utf-8", "TEXT/Event-Stream", "text/event-stream, */*"],
)
def test_accepts_that_are_sse(stream: Stream, accept: str) -> None:
    """The first item, in any case, with any parameters (§1.4)."""
    answer = stream.read(wait=0, headers={"accept": accept})
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.body == b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    "accept", ["application/json, text/event-stream", "text/*", "event-stream"]
)
def test_accepts_that_are_not(stream: Stream, accept: str) -> None:
    """Anything else is JSON (§1.4)."""
    stream.append_ok("a")
    answer = stream.read(seq_num=0, headers={"accept": accept})
    assert answer.headers["content-type"] == "application/json"


def test_s2s_beats_sse(stream: Stream) -> None:
    """A Content-Type of `s2s/proto` takes precedence over any `Accept` (§1.4)."""
    headers = {"content-type": "s2s/proto", "accept": "text/event-stream"}
    answer = stream.read(wait=0, headers=headers)
    assert answer.headers["content-type"] == "s2s/proto"


def test_at_the_tail(stream: Stream) -> None:
    """A ping at once, with the server's time and the tail; no id (§5)."""
    ack = stream.append_ok({"timestamp": 5})
    with stream.sse() as session:
        ping = next(session.events())

    assert [line.partition(": ")[0] for line in ping.lines] == ["event", "data"]
    assert ping.name == "ping"
    assert list(ping.json) == ["timestamp", "tail"]
    assert ping.json["tail"] == ack["tail"] == {"seq_num": 1, "timestamp": 5}
    # Milliseconds: after 2001 and before 2286.
    assert 10**12 <= ping.json["timestamp"] < 10**13
    assert ping.lines[1] == (
        f'data: {{"timestamp":{ping.json["timestamp"]},"tail":{{"seq_num":1,"timestamp":5}}}}'
    )


@case(97)
def test_what_is_appended_comes_at_once(stream: Stream) -> None:
    """One append, one batch, with the tail after it (§4.4, §4.6)."""
    with stream.sse(seq_num=0) as session:
        assert next(session.events()).name == "ping"
        for number, bodies in enumerate((["a"], ["b", "c"])):
            ack = stream.append_ok(*bodies)
            batch = next(session.events())
            assert batch.name == "batch"
            assert [record["body"] for record in batch.json["records"]] == bodies
            assert batch.json["tail"] == ack["tail"]
            assert batch.field("id") == ["0,1,9", "2,3,27"][number]
            assert list(batch.json) == ["records", "tail"]


@case(100)
def test_catching_up_and_then_following(stream: Stream) -> None:
    """What is there, then a ping with the tail, then what comes (§4.4)."""
    stream.append_ok("a", "b", "c")
    with stream.sse(tail_offset=2) as session:
        events = session.events()
        batch = next(events)
        assert [record["seq_num"] for record in batch.json["records"]] == [1, 2]
        ping = next(events)
        assert (ping.name, ping.json["tail"]) == ("ping", stream.tail_ok())
        ack = stream.append_ok("d")
        live = next(events).json
        assert [record["seq_num"] for record in live["records"]] == [3]
        assert live["tail"] == ack["tail"]


def test_tail_of_catching_up(stream: Stream) -> None:
    """The batch that reaches the tail may tell it, the ping behind it does (§4.6)."""
    tail = stream.append_ok("a")["tail"]
    with stream.sse(seq_num=0) as session:
        events = session.events()
        assert next(events).json.get("tail", tail) == tail
        assert next(events).json["tail"] == tail


@case(112)
def test_base64(stream: Stream) -> None:
    """Names, values and bodies in base64, in both kinds of batches (§1.5)."""
    record = {"body": "hi", "headers": [["n", ""], ["m", "é"]]}
    in_base64 = {"headers": [["bg==", ""], ["bQ==", "w6k="]], "body": "aGk="}
    stream.append_ok(record)
    with stream.sse(seq_num=0, headers={"s2-format": "base64"}) as session:
        events = session.events()
        caught_up = next(events).json["records"][0]
        assert {name: caught_up[name] for name in in_base64} == in_base64
        assert next(events).name == "ping"
        stream.append_ok(record)
        followed = next(events).json["records"][0]
        assert {name: followed[name] for name in in_base64} == in_base64


@case(101)
def test_the_wait_ends_the_session(timed: PassingTime) -> None:
    """With `[DONE]`, not earlier, although pings were sent (§4.4)."""
    stream = create_stream(timed.s2)
    began = timed.now()
    with stream.sse(tail_offset=0, wait=1) as session:
        events = session.events()
        assert next(events).name == "ping"
        timed.until_answered(session, 1)
        assert list(events) == [DONE]
    assert timed.now() - began >= 1


def ping_within(timed: PassingTime, session: Session) -> float:
    """How long the next ping takes, in seconds."""
    began = timed.now()
    # The next ping is drawn when this one has been sent.
    assert at_rest(session)
    timed.advance(4.5)
    assert at_rest(session), "a ping within five seconds"
    timed.until_answered(session, 10.5)
    assert next(session.events()).name == "ping"
    return timed.now() - began


@case(102)
def test_pings_come_every_five_to_fifteen_seconds(timed: PassingTime) -> None:
    """Without data; they do not extend the wait (§4.4, §5)."""
    timed.needs(40)
    stream = create_stream(timed.s2)
    began = timed.now()
    with stream.sse(wait=40, timeout=20) as session:
        assert next(session.events()).name == "ping"
        assert ping_within(timed, session) <= 16
        while True:
            timed.until_answered(session, 15)
            event = next(session.events())
            if event == DONE:
                break
            assert event.name == "ping"
    assert timed.now() - began >= 40


def test_nothing_follows_done(stream: Stream) -> None:
    """The body ends (§5)."""
    stream.append_ok("a")
    with stream.sse(seq_num=0, count=1) as session:
        assert [event.name for event in session.events()] == ["batch", None]


def test_no_event_for_no_records(stream: Stream) -> None:
    """Batches are never empty (§5)."""
    stream.append_ok("aaaaa")
    queries: list[dict[str, Any]] = [{"bytes": 12}, {"count": 0}, {"until": 0}]
    for query in queries:
        with stream.sse(seq_num=0, **query) as session:
            assert list(session.events()) == [DONE]
