"""Unary reads with `wait`: long polls.

Source: reference: data_plane §4.2 to §4.6; §10, cases 64 and 65.
"""

from typing import Any

import pytest

from s2mock.api.wire.messages import ReadBatch
from s2mock.contract.cases import case
from s2mock.contract.client import Answer
from s2mock.contract.forms import UNARY_FORMS
from s2mock.contract.passing_time import PassingTime, at_rest
from s2mock.contract.records import PROTOBUF, Stream, create_stream
from s2mock.contract.sessions import Session


def waiting(session: Session) -> Session:
    """Return a read that has been sent, is not answered, and has probably arrived."""
    assert at_rest(session), session.answer()
    return session


HEADERS: dict[str, dict[str, str]] = {
    "json": {},
    "json-base64": {"s2-format": "base64"},
    "protobuf": {"accept": PROTOBUF},
}


def positions(form: str, answer: Answer) -> tuple[list[int], dict[str, int] | None]:
    """The sequence numbers of the records in an answer, and its tail."""
    assert answer.status == 200, answer
    if form == "protobuf":
        message = ReadBatch.FromString(answer.body)
        tail = {"seq_num": message.tail.seq_num, "timestamp": message.tail.timestamp}
        seq_nums = [record.seq_num for record in message.records]
        return seq_nums, tail if message.HasField("tail") else None
    records = answer.json["records"]
    return [record["seq_num"] for record in records], answer.json.get("tail")


@case(64, 65)
@pytest.mark.parametrize("form", UNARY_FORMS)
def test_nothing_comes(timed: PassingTime, form: str) -> None:
    """After the wait, 200 without records and without tail, wherever it waited (§4.3, §4.5)."""
    stream = create_stream(timed.s2)
    queries: list[dict[str, Any]] = [{"seq_num": 0}, {}, {"timestamp": 0}]
    queries += [{"seq_num": 10, "clamp": True}, {"count": 5}, {"until": 9}]
    began = timed.now()
    polls = [stream.poll(headers=HEADERS[form], wait=1, **query) for query in queries]
    waiting(polls[-1])

    nothing = b"" if form == "protobuf" else b'{"records":[]}'
    for poll, query in zip(polls, queries, strict=True):
        with poll:
            timed.until_answered(poll, 1)
            answer = poll.answer()
            assert timed.now() - began >= 1
            assert (answer.status, answer.body) == (200, nothing), query


@pytest.mark.parametrize("form", UNARY_FORMS)
@case(64)
def test_something_comes(stream: Stream, form: str) -> None:
    """The answer is that append, with the tail after it (§4.5, §4.6)."""
    stream.append_ok("before")
    with stream.poll(headers=HEADERS[form], wait=60) as poll:
        waiting(poll)
        ack = stream.append_ok("a", "b")
        answer = poll.answer()

    assert positions(form, answer) == ([1, 2], ack["tail"])


def test_answer_of_a_long_poll_byte_for_byte(stream: Stream) -> None:
    """Records, then tail (§4.6)."""
    with stream.poll(seq_num=0, wait=60) as poll:
        waiting(poll)
        stream.append_ok({"body": "a", "timestamp": 5, "headers": [["n", "v"]]})
        body = poll.answer().body

    assert body == (
        b'{"records":[{"seq_num":0,"timestamp":5,"headers":[["n","v"]],"body":"a"}],'
        b'"tail":{"seq_num":1,"timestamp":5}}'
    )


@pytest.mark.parametrize("form", UNARY_FORMS)
def test_a_wait_does_not_delay_what_is_there(stream: Stream, form: str) -> None:
    """Records that are there are answered at once, without a tail (§4.5)."""
    stream.append_ok("a", "b")
    answer = stream.read(seq_num=0, wait=60, headers=HEADERS[form])
    assert positions(form, answer) == ([0, 1], None)

    answer = stream.read(seq_num=1, count=5, wait=60, headers=HEADERS[form])
    assert positions(form, answer) == ([1], None)


@pytest.mark.parametrize("form", UNARY_FORMS)
def test_a_wait_of_zero_is_none(stream: Stream, form: str) -> None:
    """416, and no tail in the batch (§4.2)."""
    stream.append_ok("a")

    assert stream.read(wait=0, headers=HEADERS[form]).status == 416
    assert positions(form, stream.read(seq_num=0, wait=0, headers=HEADERS[form])) == ([0], None)


@pytest.mark.parametrize("form", UNARY_FORMS)
@pytest.mark.parametrize(
    ("query", "seq_nums"),
    [
        ({"count": 2}, [0, 1]),
        ({"count": 3}, [0, 1, 2]),
        ({"bytes": 17}, [0]),
        ({"until": 30}, [0, 1]),
    ],
    ids=str,
)
def test_limits_of_what_comes(
    stream: Stream, form: str, query: dict[str, Any], seq_nums: list[int]
) -> None:
    """An append is cut to the limits; the tail is that after the whole of it (§4.4)."""
    with stream.poll(headers=HEADERS[form], wait=60, **query) as poll:
        waiting(poll)
        ack = stream.append_ok(*[{"body": "x", "timestamp": 10 * n} for n in (1, 2, 3)])
        answer = poll.answer()

    assert positions(form, answer) == (seq_nums, ack["tail"])


@pytest.mark.parametrize("query", [{"bytes": 8}, {"until": 10}], ids=str)
def test_what_comes_is_all_refused(stream: Stream, query: dict[str, Any]) -> None:
    """The first record does not fit: 200 without records, at once (§4.4)."""
    with stream.poll(wait=60, **query) as poll:
        waiting(poll)
        stream.append_ok({"body": "x", "timestamp": 10})
        assert poll.answer().body == b'{"records":[]}'


def test_a_refused_append_wakes_nobody(stream: Stream) -> None:
    """A refused append does not end a wait (§3.5)."""
    with stream.poll(wait=60) as poll:
        waiting(poll)
        assert stream.append("a", match_seq_num=9).status == 412
        waiting(poll)
        stream.append_ok("b")
        assert poll.answer().json["records"][0]["body"] == "b"


def test_many_polls_are_answered_by_one_append(stream: Stream) -> None:
    """Each waiting read gets the record (§4)."""
    polls = [stream.poll(wait=60) for _ in range(20)]
    waiting(polls[-1])
    ack = stream.append_ok("a")

    for poll in polls:
        with poll:
            assert positions("json", poll.answer()) == ([0], ack["tail"])


def test_the_other_stream_wakes_nobody(stream: Stream) -> None:
    """A read waits for one stream (§4)."""
    other = create_stream(stream.client, "other")
    with stream.poll(wait=60) as poll:
        waiting(poll)
        other.append_ok("a")
        waiting(poll)


def test_head_waits_like_get(timed: PassingTime) -> None:
    """HEAD is GET without its body (§1.1)."""
    stream = create_stream(timed.s2)
    with Session(stream.client, "HEAD", stream.target(wait=1)) as session:
        waiting(session)
        timed.until_answered(session, 1)
        assert session.status == 200
        assert session.headers["content-length"] == "14"


def test_the_longest_wait_is_a_minute(timed: PassingTime) -> None:
    """A unary wait is limited to 60 s, silently (§1.7)."""
    stream = create_stream(timed.s2)
    began = timed.now()
    with stream.poll(wait=3600, timeout=100) as poll:
        waiting(poll)
        timed.until_answered(poll, 60)
        assert poll.answer().body == b'{"records":[]}'

    assert 60 <= timed.now() - began < 3600
