"""Where a read begins.

Source: reference: data_plane §4.3; §10, cases 61 to 63, 66, 67, 75, 78 to 81, 87, 88, 98 and 99.
Where the server goes further than the reference it is the server that counts: a timestamp start
is resolved to a sequence number before it is compared with the tail.
"""

from typing import Any

import pytest

from s2mock.api.wire.messages import ReadBatch
from s2mock.contract.cases import case
from s2mock.contract.client import Answer
from s2mock.contract.forms import READ_FORMS, Refused, read_in
from s2mock.contract.passing_time import PassingTime
from s2mock.contract.records import Stream, create_stream, trim

STREAMING = ("sse", "s2s")
LATEST = 3000


@pytest.fixture
def filled(stream: Stream) -> Stream:
    """Five records, of the timestamps 1000, 1500 … 3000."""
    stream.append_ok(*[{"body": "x", "timestamp": 1000 + 500 * number} for number in range(5)])
    return stream


def first_read(stream: Stream, mode: str, **query: Any) -> Answer | str:
    """The answer of a session that was refused, or what its first frame or event was.

    `heartbeat`, `batch`, or `end` where the session ended at once.
    """
    with stream.sse(**query) if mode == "sse" else stream.read_session(**query) as session:
        if session.status != 200:
            return session.answer()
        if mode == "sse":
            event = next(session.events())
            return {"ping": "heartbeat", "batch": "batch", None: "end"}[event.name]
        received = next(session.frames(), None)
        if received is None:
            return "end"
        return "batch" if received.message(ReadBatch).records else "heartbeat"


def assert_unwritten(stream: Stream, **query: Any) -> None:
    """A read is answered 416 with the tail, in every form, before anything is streamed."""
    tail = stream.tail_ok()
    for form in READ_FORMS:
        with pytest.raises(Refused) as refused:
            read_in(form, stream, headers=None, **query)
        assert (refused.value.status, refused.value.body) == (416, {"tail": tail}), form


def assert_unwritten_unary(stream: Stream, **query: Any) -> None:
    """A unary read is answered 416 with the tail."""
    answer = stream.read(**query)
    assert (answer.status, answer.json) == (416, {"tail": stream.tail_ok()})


@case(61)
def test_start_of_an_empty_stream(stream: Stream) -> None:
    """There is nothing at 0 yet: 416 with the tail, and neither code nor message (§1.3)."""
    answer = stream.read(seq_num=0)

    assert answer.status == 416
    assert answer.headers["content-type"] == "application/json"
    assert answer.body == b'{"tail":{"seq_num":0,"timestamp":0}}'


@pytest.mark.parametrize(
    "query",
    [{}, {"seq_num": 5}, {"tail_offset": 0}],
    ids=["default", "seq_num", "tail_offset"],
)
@pytest.mark.parametrize("clamp", [True, False])
@case(66, 87)
def test_start_at_the_tail(filled: Stream, query: dict[str, Any], clamp: bool) -> None:
    """416 if the read may not follow, even with clamp; else it waits there."""
    query["clamp"] = clamp
    assert_unwritten(filled, **query, count=10)
    assert_unwritten(filled, **query, bytes=10, wait=0)
    assert_unwritten(filled, **query, until=2**64 - 1)
    assert_unwritten_unary(filled, **query)
    assert_unwritten_unary(filled, **query, wait=0)
    for mode in STREAMING:
        assert first_read(filled, mode, **query) == "heartbeat"
        assert first_read(filled, mode, **query, count=10, wait=1) == "heartbeat"


@case(62, 80, 87, 88, 98)
@pytest.mark.parametrize(
    "query",
    [{"seq_num": 6}, {"seq_num": 999}, {"timestamp": LATEST + 1}, {"timestamp": 2**63}],
    ids=str,
)
def test_start_beyond_the_tail(filled: Stream, query: dict[str, Any]) -> None:
    """416 in any case, waiting or not, bounded or not."""
    assert_unwritten(filled, **query)
    assert_unwritten(filled, **query, wait=1)
    assert_unwritten(filled, **query, count=10)
    assert_unwritten(filled, **query, until=2**64 - 1)
    assert_unwritten(filled, **query, clamp=False)


@case(63, 87, 99)
@pytest.mark.parametrize(
    "query",
    [{"seq_num": 6}, {"seq_num": 2**64 - 1}, {"timestamp": LATEST + 1}],
    ids=["next", "far", "timestamp"],
)
def test_start_beyond_the_tail_is_clamped_to_it(filled: Stream, query: dict[str, Any]) -> None:
    """Then the start is the tail, and the rule for the tail holds."""
    query["clamp"] = True
    assert_unwritten(filled, **query, count=10)
    assert_unwritten_unary(filled, **query)
    for mode in STREAMING:
        assert first_read(filled, mode, **query) == "heartbeat"
        assert first_read(filled, mode, **query, count=10, wait=1) == "heartbeat"


def test_clamp_leaves_a_start_before_the_tail(filled: Stream) -> None:
    """It is for starts beyond only."""
    assert filled.seq_nums(seq_num=3, clamp=True) == [3, 4]
    assert filled.seq_nums(timestamp=2001, clamp=True) == [3, 4]


@case(67)
@pytest.mark.parametrize(
    ("offset", "seq_nums"),
    [(1, [4]), (2, [3, 4]), (3, [2, 3, 4]), (5, [0, 1, 2, 3, 4]), (999, [0, 1, 2, 3, 4])],
)
def test_tail_offset(filled: Stream, offset: int, seq_nums: list[int]) -> None:
    """Counted back from the tail, to 0 at most (§4.1)."""
    for form in READ_FORMS:
        read = read_in(form, filled, tail_offset=offset, wait=0)
        assert [record.seq_num for record in read] == seq_nums


@case(78)
@pytest.mark.parametrize(
    ("timestamp", "seq_nums"),
    [
        (0, [0, 1, 2, 3, 4]),
        (1000, [0, 1, 2, 3, 4]),
        (1001, [1, 2, 3, 4]),
        (1500, [1, 2, 3, 4]),
        (2999, [4]),
        (3000, [4]),
    ],
)
def test_timestamp(filled: Stream, timestamp: int, seq_nums: list[int]) -> None:
    """The first record at that time or later (§4.1)."""
    for form in READ_FORMS:
        read = read_in(form, filled, timestamp=timestamp, wait=0)
        assert [record.seq_num for record in read] == seq_nums


@case(79)
def test_timestamp_with_limits(filled: Stream) -> None:
    """The start is found first, then limits count from there (§4.1)."""
    assert filled.seq_nums(timestamp=2000, count=1) == [2]
    assert filled.seq_nums(timestamp=1500, bytes=9 + 5) == [1]


@case(81)
def test_timestamp_of_several_records(stream: Stream) -> None:
    """The first of them (§4.3)."""
    stream.append_ok(*[{"timestamp": timestamp} for timestamp in (1, 7, 7, 7, 9)])

    assert stream.seq_nums(timestamp=7) == [1, 2, 3, 4]
    assert stream.seq_nums(timestamp=2) == [1, 2, 3, 4]


def test_timestamp_on_an_empty_stream(stream: Stream) -> None:
    """0 is not beyond the tail's timestamp, and resolves to the tail: 416 (§4.3)."""
    assert_unwritten(stream, timestamp=0, count=1)
    assert_unwritten_unary(stream, timestamp=0)
    assert_unwritten(stream, timestamp=1)
    for mode in STREAMING:
        assert first_read(stream, mode, timestamp=0) == "heartbeat"
        assert first_read(stream, mode, timestamp=0, wait=0) == "end"


@pytest.mark.parametrize("query", [{"seq_num": 5}, {}, {"seq_num": 9, "clamp": True}], ids=str)
def test_wait_of_zero_at_the_tail(filled: Stream, query: dict[str, Any]) -> None:
    """An unbounded session may follow, but has no time to: it ends without a heartbeat (§4.3)."""
    for mode in STREAMING:
        assert first_read(filled, mode, **query, wait=0) == "end"
    for form in ("sse", "s2s"):
        assert read_in(form, filled, headers=None, **query, wait=0) == []


@pytest.mark.sample(3)
@pytest.mark.parametrize("bound", [{"count": 0}, {"bytes": 0}, {"count": 0, "bytes": 9}], ids=str)
@case(75)
def test_limit_of_zero(filled: Stream, bound: dict[str, Any]) -> None:
    """Nothing is asked for, so nothing is missing: 200, wherever the start is (§4.4).

    At once, also with a `wait`.
    """
    starts: list[dict[str, Any]] = [{}, {"seq_num": 0}, {"seq_num": 5}, {"seq_num": 999}]
    starts += [{"timestamp": 2**63}, {"seq_num": 0, "wait": 60}, {"wait": 60}]
    for start in starts:
        for form in READ_FORMS:
            assert read_in(form, filled, headers=None, **start, **bound) == [], (form, start)
        for mode in STREAMING:
            assert first_read(filled, mode, **start, **bound) == "end"
    assert filled.read(seq_num=999, **bound).body == b'{"records":[]}'


def test_all_records_before_the_tail_are_gone(timed: PassingTime) -> None:
    """A start by number below the tail is no error; a timestamp resolves to the tail (§4.3)."""
    stream = create_stream(timed.s2)
    stream.append_ok(*[{"timestamp": 10 * number} for number in range(1, 4)])
    stream.append_ok(trim(99) | {"timestamp": 40})
    for _ in range(50):
        if not stream.seq_nums(seq_num=0):
            break
        timed.advance(0.1)

    queries: list[dict[str, Any]] = [{"seq_num": 0}, {"tail_offset": 2}]
    for query in queries:
        for form in READ_FORMS:
            assert read_in(form, stream, headers=None, **query, count=9) == []
        assert stream.read(**query).body == b'{"records":[]}'
        for mode in STREAMING:
            assert first_read(stream, mode, **query, count=9) == "end"
            assert first_read(stream, mode, **query) == "heartbeat"
    assert_unwritten(stream, timestamp=20, count=9)
    assert_unwritten_unary(stream, timestamp=40)
    for mode in STREAMING:
        assert first_read(stream, mode, timestamp=20) == "heartbeat"


def test_unwritten_is_json_in_every_mode(filled: Stream) -> None:
    """An ordinary HTTP answer, known before the stream starts (§4.3)."""
    for mode in STREAMING:
        answer = first_read(filled, mode, seq_num=999)
        assert isinstance(answer, Answer)
        assert answer.headers["content-type"] == "application/json"
        assert answer.body == b'{"tail":{"seq_num":5,"timestamp":3000}}'
    answer = filled.read(seq_num=999, headers={"accept": "application/protobuf"})
    assert (answer.status, answer.headers["content-type"]) == (416, "application/json")
