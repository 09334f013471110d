"""Deletion as the data plane sees it. Source: reference: data_plane §8.5."""

from collections.abc import Callable

import pytest

from s2mock import (
    AppendRecord,
    S2Mock,
    Stream,
    StreamConfig,
    StreamDeletionPending,
    StreamNotFound,
)
from s2mock.registry.rules.append import Append, Target
from s2mock.registry.values.config import U64_MAX
from s2mock.registry.values.errors import Unavailable
from s2mock.registry.values.records import AppendInput
from tests.handles_inside import engine_of, incarnation_of
from tests.records.reads import Steps, following_of, log_of, open_read, said
from tests.records.staged_clock import StagedClock

PENDING_SECONDS = 30
FIRST = {"kind": "seq_num", "start": 0}


DELAYS = [0.0, PENDING_SECONDS, float("inf")]


@pytest.fixture(params=DELAYS, ids=["at-once", "pending", "never"])
def mock(request: pytest.FixtureRequest, clock: StagedClock) -> S2Mock:
    """An account in which a deletion is complete at once, after a while, or never."""
    return S2Mock(clock=clock, deletion_delay=request.param)


in_the_end = pytest.mark.parametrize("mock", DELAYS[:2], ids=["at-once", "pending"], indirect=True)


def next_said(stream: Stream, session: Steps) -> tuple[list[int], int | None]:
    [output] = said(stream, session, most=1)
    return output.seq_nums, output.tail


def append_in_session(stream: Stream) -> None:
    """Append as an open session of that very stream does."""
    target = Target(incarnation_of(stream), None, engine_of(stream).sessions.generation)
    batch = AppendInput([AppendRecord()])
    engine_of(stream).carry_out(Append(stream.basin.name, stream.name, batch, target=target))


class TestFollowers:
    """They get the record that the deletion writes, and then are told that the stream is gone."""

    def test_get_the_terminal_trim(self, stream: Stream, clock: StagedClock) -> None:
        stream.append([b"a"])
        session = open_read(stream)
        said(stream, session, most=1)
        clock.at(2, stream.delete)

        outputs = iter(session)
        batch = next(outputs)
        [record] = batch.records
        assert (record.seq_num, record.timestamp) == (1, clock.milliseconds)
        assert (record.headers, record.body) == (((b"", b"trim"),), b"\xff" * 8)
        assert record.metered_bytes == 22
        assert batch.tail == (2, clock.milliseconds)
        with pytest.raises(Unavailable) as gone:
            next(outputs)
        assert (gone.value.status, gone.value.code) == (503, "unavailable")
        assert gone.value.message == "streamer missing in action"
        assert following_of(stream) == (0, 0)

    def test_whose_limit_it_uses_up(self, stream: Stream, clock: StagedClock) -> None:
        session = open_read(stream, count=1, wait=60)
        clock.at(2, stream.delete)

        assert [output.seq_nums for output in said(stream, session)] == [[], [0]]

    @pytest.mark.parametrize("limits", [{"bytes": 21}, {"until": 1}])
    def test_whose_limit_it_exceeds(
        self, stream: Stream, clock: StagedClock, limits: dict[str, int]
    ) -> None:
        session = open_read(stream, wait=60, **limits)
        clock.at(2, stream.delete)

        assert [output.seq_nums for output in said(stream, session)] == [[]]

    def test_with_appends_still_to_get(self, stream: Stream) -> None:
        session = open_read(stream)
        said(stream, session, most=1)
        stream.append([b"a"])
        stream.append([b"b"])
        stream.delete()

        assert [next_said(stream, session) for _ in range(3)] == [([0], 1), ([1], 2), ([2], 3)]
        with pytest.raises(Unavailable):
            next_said(stream, session)

    def test_that_lag_too_far(self, stream: Stream) -> None:
        """Nothing is left in the log from which they could be fed."""
        session = open_read(stream)
        said(stream, session, most=1)
        for _ in range(30):
            stream.append([b"a"])
        stream.delete()

        with pytest.raises(Unavailable):
            next_said(stream, session)

    def test_several(self, stream: Stream) -> None:
        sessions = [open_read(stream) for _ in range(3)]
        for session in sessions:
            said(stream, session, most=1)
        stream.delete()

        for session in sessions:
            assert next_said(stream, session) == ([0], 1)
            with pytest.raises(Unavailable):
                next_said(stream, session)
        assert following_of(stream) == (0, 0)

    @in_the_end
    def test_of_a_stream_that_is_made_again(self, mock: S2Mock, clock: StagedClock) -> None:
        """They stay with the old one."""
        basin = mock.create_basin("my-basin")
        old = basin.create_stream("s")
        session = open_read(old)
        said(old, session, most=1)
        old.delete()
        clock.advance(PENDING_SECONDS)
        new = basin.create_stream("s")
        new.append([b"new"])

        assert next_said(old, session) == ([0], 1)
        with pytest.raises(Unavailable):
            next_said(old, session)

    @in_the_end
    def test_in_a_basin_that_is_deleted(self, mock: S2Mock, clock: StagedClock) -> None:
        """While that is pending its streams live on; then they end like any other."""
        basin = mock.create_basin("my-basin")
        stream = basin.create_stream("s")
        session = open_read(stream)
        said(stream, session, most=1)
        basin.delete()
        if "my-basin" in mock.basins:
            # Pending.
            stream.append([b"still"])
            assert next_said(stream, session) == ([0], 1)
        clock.advance(PENDING_SECONDS)

        records, tail = next_said(stream, session)
        assert (len(records), tail) == (1, records[0] + 1)
        with pytest.raises(Unavailable):
            next_said(stream, session)


class TestTimestampOfTheTerminalTrim:
    @pytest.mark.parametrize(
        ("config", "expected"),
        [
            ({}, "now"),
            ({"timestamping_mode": "client-require"}, "now"),
            ({"timestamping_mode": "arrival"}, "now"),
            ({"timestamping_mode": "arrival", "timestamping_uncapped": True}, "now"),
            ({"timestamping_uncapped": True}, U64_MAX),
            ({"timestamping_mode": "client-require", "timestamping_uncapped": True}, U64_MAX),
        ],
    )
    def test_by_mode(
        self,
        new_stream: Callable[..., Stream],
        clock: StagedClock,
        config: dict[str, object],
        expected: object,
    ) -> None:
        stream = new_stream(**config)
        stream.append([AppendRecord(timestamp=5)])
        session = open_read(stream)
        said(stream, session, most=1)
        stream.delete()

        assert next(iter(session)).records[0].timestamp == (
            clock.milliseconds if expected == "now" else expected
        )

    def test_never_below_the_tail(
        self, new_stream: Callable[..., Stream], clock: StagedClock
    ) -> None:
        stream = new_stream(timestamping_uncapped=True)
        future = clock.milliseconds + 10_000
        stream.append([AppendRecord(timestamp=future)])
        stream.reconfigure(timestamping_uncapped=False)
        session = open_read(stream)
        said(stream, session, most=1)
        stream.delete()

        assert next(iter(session)).records[0].timestamp == future


def test_a_catch_up_in_progress(stream: Stream) -> None:
    """It ends early: the data is gone."""
    stream.append([b""] * 1000)
    stream.append([b""] * 1000)
    bounded = open_read(stream, **FIRST, count=5000)
    following = open_read(stream, **FIRST)
    for session in (bounded, following):
        assert len(said(stream, session, most=1)[0].seq_nums) == 1000
    stream.delete()

    assert said(stream, bounded) == []
    with pytest.raises(Unavailable):
        next_said(stream, following)


def test_calls_while_it_is_pending_and_after(stream: Stream, clock: StagedClock) -> None:
    stream.append([b"a"])
    stream.delete()

    def errors() -> set[type[Exception]]:
        found = set()
        for call in (
            lambda: stream.tail,
            lambda: stream.records,
            lambda: stream.append([b"b"]),
            lambda: stream.append([b"b"], match_seq_num=9),
        ):
            with pytest.raises((StreamDeletionPending, StreamNotFound)) as refused:
                call()
            found.add(type(refused.value))
        return found

    if stream.name in stream.basin.streams:
        assert errors() == {StreamDeletionPending}
        with pytest.raises(StreamDeletionPending):
            append_in_session(stream)
        clock.advance(PENDING_SECONDS)
    if engine_of(stream).settings.deletion_delay != float("inf"):
        assert errors() == {StreamNotFound}
        # For a caller that had it open, it is a stream that has gone.
        with pytest.raises(Unavailable):
            append_in_session(stream)


@in_the_end
def test_made_again(mock: S2Mock, clock: StagedClock) -> None:
    """From the beginning: no records, no fence, no trim point (§8.5)."""
    basin = mock.create_basin("my-basin")
    old = basin.create_stream("s")
    old.append([b"a", AppendRecord.fence("mine"), AppendRecord.trim(1)])
    old.delete()
    clock.advance(PENDING_SECONDS)

    new = basin.create_stream("s", StreamConfig(timestamping_uncapped=True))
    assert (new.tail, new.records, new.fencing_token) == ((0, 0), (), "")
    new.append([b"b"], fencing_token="", match_seq_num=0)
    assert len(new.records) == 1
    # A caller that had the old one open does not write into the new one.
    with pytest.raises(Unavailable):
        append_in_session(old)
    assert len(new.records) == 1


def test_a_stream_that_was_never_written(stream: Stream) -> None:
    """Nothing is left of its terminal record."""
    stream.delete()
    if stream.name in stream.basin.streams:
        assert log_of(stream).is_empty
