"""Where a read starts, and whether it starts at all: the table of reference: data_plane §4.3.

The running server resolves a timestamp that nothing has before it looks whether the start is the
tail, and lets a limit of zero win over everything; so do these tests.
"""

from collections.abc import Callable

import pytest

from s2mock import AppendRecord, Stream
from s2mock.registry.values.config import U64_MAX
from s2mock.registry.values.errors import ReadUnwritten
from tests.records.reads import open_read, read, said, seq_nums
from tests.records.staged_clock import StagedClock

# The modes of a read: what bounds it, and whether it waits.
UNARY = {"count": 1000, "bytes": 1 << 20}
LONG_POLL = {**UNARY, "wait": 4}
STREAMING = {}
BOUNDED = {"until": U64_MAX}

AT_TAIL = {
    "seq_num": {"kind": "seq_num", "start": 3},
    "tail_offset": {"kind": "tail_offset", "start": 0},
    "default": {},
}
BEYOND = {
    "seq_num": {"kind": "seq_num", "start": 4},
    "far seq_num": {"kind": "seq_num", "start": U64_MAX},
    "timestamp": {"kind": "timestamp", "start": 31},
    "far timestamp": {"kind": "timestamp", "start": U64_MAX - 1},
}


@pytest.fixture
def three(stream: Stream) -> Stream:
    """Three records with the timestamps 10, 20 and 30."""
    stream.append([AppendRecord(timestamp=10 * number) for number in (1, 2, 3)])
    return stream


def refuses(stream: Stream, **wanted: object) -> bool:
    """Whether there is nothing to read, with the tail as the answer."""
    with pytest.raises(ReadUnwritten) as refused:
        open_read(stream, **wanted)
    tail = stream.tail
    assert refused.value.tail == tail
    assert refused.value.status == 416
    assert refused.value.body() == {"tail": {"seq_num": tail.seq_num, "timestamp": tail.timestamp}}
    return True


def follows(stream: Stream, clock: StagedClock, **wanted: object) -> bool:
    """Whether the read says where the tail is, and then what comes."""
    session = open_read(stream, **wanted)
    tail = stream.tail.seq_num
    assert said(stream, session, most=1) == [(clock.seconds, [], tail)]
    clock.at(clock.seconds + 1, lambda: stream.append([b"new"]))
    assert said(stream, session, most=1) == [(clock.seconds, [tail], tail + 1)]
    return True


@pytest.mark.parametrize("start", AT_TAIL.values(), ids=AT_TAIL)
class TestAtTheTail:
    @pytest.mark.parametrize("mode", [UNARY, {**UNARY, "wait": 0}, BOUNDED])
    @pytest.mark.parametrize("clamp", [False, True])
    def test_bounded_without_wait(
        self, three: Stream, start: dict[str, object], mode: dict[str, object], clamp: bool
    ) -> None:
        assert refuses(three, **start, **mode, clamp=clamp)

    @pytest.mark.parametrize("mode", [LONG_POLL, STREAMING, {**BOUNDED, "wait": 4}])
    def test_that_may_follow(
        self,
        three: Stream,
        clock: StagedClock,
        start: dict[str, object],
        mode: dict[str, object],
    ) -> None:
        assert follows(three, clock, **start, **mode)

    def test_unbounded_with_a_wait_of_zero(self, three: Stream, start: dict[str, object]) -> None:
        """Ends at once, without a heartbeat."""
        assert read(three, **start, wait=0) == []


@pytest.mark.parametrize("start", BEYOND.values(), ids=BEYOND)
class TestBeyondTheTail:
    @pytest.mark.parametrize("mode", [UNARY, LONG_POLL, STREAMING, BOUNDED])
    def test_without_clamp(
        self, three: Stream, start: dict[str, object], mode: dict[str, object]
    ) -> None:
        assert refuses(three, **start, **mode)

    @pytest.mark.parametrize("mode", [UNARY, BOUNDED])
    def test_clamped_where_it_cannot_follow(
        self, three: Stream, start: dict[str, object], mode: dict[str, object]
    ) -> None:
        assert refuses(three, **start, **mode, clamp=True)

    @pytest.mark.parametrize("mode", [LONG_POLL, STREAMING])
    def test_clamped_to_the_tail(
        self,
        three: Stream,
        clock: StagedClock,
        start: dict[str, object],
        mode: dict[str, object],
    ) -> None:
        assert follows(three, clock, **start, **mode, clamp=True)


class TestEmptyStream:
    @pytest.mark.parametrize("kind", ["seq_num", "timestamp", "tail_offset"])
    def test_from_zero(self, stream: Stream, clock: StagedClock, kind: str) -> None:
        assert refuses(stream, kind=kind, start=0, **UNARY)
        assert refuses(stream, kind=kind, start=0, **BOUNDED)
        assert follows(stream, clock, kind=kind, start=0)

    def test_long_poll_by_timestamp(self, stream: Stream, clock: StagedClock) -> None:
        assert follows(stream, clock, kind="timestamp", start=0, **LONG_POLL)

    def test_any_tail_offset(self, stream: Stream) -> None:
        assert refuses(stream, kind="tail_offset", start=U64_MAX, **UNARY)

    def test_beyond(self, stream: Stream) -> None:
        assert refuses(stream, kind="seq_num", start=1)
        assert refuses(stream, kind="timestamp", start=1)


class TestWithinTheLog:
    @pytest.mark.parametrize(
        ("kind", "start", "expected"),
        [
            ("seq_num", 0, [0, 1, 2]),
            ("seq_num", 2, [2]),
            ("tail_offset", 1, [2]),
            ("tail_offset", 3, [0, 1, 2]),
            ("tail_offset", 4, [0, 1, 2]),
            ("tail_offset", U64_MAX, [0, 1, 2]),
            ("timestamp", 0, [0, 1, 2]),
            ("timestamp", 10, [0, 1, 2]),
            ("timestamp", 11, [1, 2]),
            ("timestamp", 30, [2]),
        ],
    )
    def test_start(self, three: Stream, kind: str, start: int, expected: list[int]) -> None:
        assert seq_nums(three, kind=kind, start=start, **UNARY) == expected

    def test_first_of_equal_timestamps(self, stream: Stream) -> None:
        stream.append([AppendRecord(timestamp=t) for t in (1, 5, 5, 5, 9)])

        assert seq_nums(stream, kind="timestamp", start=5, **UNARY) == [1, 2, 3, 4]
        assert seq_nums(stream, kind="timestamp", start=6, **UNARY) == [4]

    def test_clamp_does_not_matter(self, three: Stream) -> None:
        assert seq_nums(three, kind="seq_num", start=1, clamp=True, **UNARY) == [1, 2]


class TestNothingLeft:
    """A start below the tail, of which nothing survives (row 5)."""

    @pytest.fixture(params=["trimmed", "expired"])
    def emptied(
        self,
        request: pytest.FixtureRequest,
        new_stream: Callable[..., Stream],
        clock: StagedClock,
    ) -> Stream:
        stream = new_stream(retention_policy=10)
        stream.append([AppendRecord(timestamp=10), AppendRecord(timestamp=20)])
        if request.param == "trimmed":
            stream.append([AppendRecord.trim(U64_MAX, timestamp=30)])
        else:
            stream.append([AppendRecord(timestamp=30)])
            clock.advance(10)
        return stream

    @pytest.mark.parametrize("start", [0, 2])
    @pytest.mark.parametrize("mode", [LONG_POLL, STREAMING])
    def test_by_sequence_number(
        self, emptied: Stream, clock: StagedClock, start: int, mode: dict[str, object]
    ) -> None:
        assert read(emptied, kind="seq_num", start=start, **UNARY) == []
        assert read(emptied, kind="seq_num", start=start, **BOUNDED) == []
        assert follows(emptied, clock, kind="seq_num", start=start, **mode)

    @pytest.mark.parametrize("mode", [LONG_POLL, STREAMING])
    def test_by_timestamp(
        self, emptied: Stream, clock: StagedClock, mode: dict[str, object]
    ) -> None:
        """The timestamp resolves to the tail, and then counts as a start at the tail."""
        assert refuses(emptied, kind="timestamp", start=10, **UNARY)
        assert refuses(emptied, kind="timestamp", start=30, **BOUNDED)
        assert follows(emptied, clock, kind="timestamp", start=10, **mode)

    def test_from_the_tail(self, emptied: Stream) -> None:
        assert refuses(emptied, kind="seq_num", start=3, **UNARY)
        assert refuses(emptied, kind="tail_offset", start=0, **UNARY)

    def test_what_comes_later_is_found(self, emptied: Stream) -> None:
        emptied.append([b"new"])
        assert seq_nums(emptied, kind="seq_num", start=0, **UNARY) == [3]
        assert seq_nums(emptied, kind="timestamp", start=0, **UNARY) == [3]
        assert seq_nums(emptied, kind="tail_offset", start=3, **UNARY) == [3]


@pytest.mark.sample(4)
@pytest.mark.parametrize("limit", [{"count": 0}, {"bytes": 0}, {"count": 0, "bytes": 9}])
@pytest.mark.parametrize("wait", [None, 0, 5])
@pytest.mark.parametrize("start", [{}, *BEYOND.values(), {"kind": "seq_num", "start": 0}])
def test_a_limit_of_zero(
    three: Stream,
    limit: dict[str, int],
    wait: int | None,
    start: dict[str, object],
) -> None:
    """Nothing, at once, wherever it starts and however long it may wait."""
    assert read(three, **start, **limit, wait=wait) == []


def test_a_read_takes_its_place_when_it_is_made(three: Stream) -> None:
    """What is appended before the first output was not there for a bounded read."""
    bounded = open_read(three, kind="seq_num", start=0, **UNARY)
    behind = open_read(three, kind="tail_offset", start=1)
    three.append([b"new"])

    assert said(three, bounded) == [(0, [0, 1, 2], None)]
    assert [output.seq_nums for output in said(three, behind, most=2)] == [[2], [3]]
