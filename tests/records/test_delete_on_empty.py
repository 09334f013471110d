"""Delete-on-empty: when a stream goes away by itself, and when it does not.

The moments are those of the running server (0.43.4), observed on it, with its pass of every minute
taken for exactly that. Source otherwise: reference: control_plane §5.10, data_plane §8.3.
"""

from collections.abc import Callable

import pytest

from s2mock import (
    AppendRecord,
    Basin,
    BasinConfig,
    S2Mock,
    Stream,
    StreamConfig,
    StreamDeletionPending,
    StreamNotFound,
)
from s2mock.registry.rules import deletion
from s2mock.registry.rules.deletion import delete_stream
from s2mock.registry.rules.read import CheckTail
from s2mock.registry.state import Change, StreamState
from s2mock.registry.values.errors import Unavailable
from s2mock.runtime.clock import NANOSECONDS, Moment
from tests.handles_inside import engine_of, incarnation_of
from tests.records.reads import open_read, said
from tests.records.staged_clock import StagedClock

TRIM_ALL = AppendRecord.trim(2**64 - 1)
YEAR = 365 * 24 * 60 * 60


def age_at_deletion(stream: Stream) -> float | None:
    """How old the stream becomes if nothing more happens to it, in seconds; `None` for ever."""
    created_at = stream.info.created_at
    engine_of(stream).clock.advance(2 * YEAR)
    if stream.name in stream.basin.streams:
        assert stream.info.deleted_at is None
        return None
    return (_deleted_at[incarnation_of(stream)] - created_at) / NANOSECONDS


# When streams were deleted, by their incarnations.
_deleted_at: dict[int, int] = {}


@pytest.fixture(autouse=True)
def _note_deletions(monkeypatch: pytest.MonkeyPatch) -> None:
    def noted(basin: str, stream: StreamState, moment: Moment, delay: float) -> Change:
        _deleted_at[stream.incarnation] = moment.now
        return delete_stream(basin, stream, moment, delay)

    monkeypatch.setattr(deletion, "delete_stream", noted)


Make = Callable[..., Stream]


class TestNeverWritten:
    @pytest.mark.parametrize("retention", [1, 7 * 24 * 60 * 60, "infinite"])
    @pytest.mark.parametrize("min_age", [1, 90, 3600])
    def test_min_age_counts_from_the_creation(
        self, new_stream: Make, retention: int | str, min_age: int
    ) -> None:
        """And nothing else does; within the next pass it is gone."""
        stream = new_stream(delete_on_empty_min_age=min_age, retention_policy=retention)
        assert age_at_deletion(stream) == min_age + 60

    def test_not_before(self, new_stream: Make, basin: Basin, clock: StagedClock) -> None:
        """With steps of the clock, as a test would see it."""
        stream = new_stream(delete_on_empty_min_age=90)
        clock.advance(90 + 59.999)
        assert basin.streams == (stream.name,)
        clock.advance(0.001)
        assert basin.streams == ()

    @pytest.mark.parametrize("min_age", [0, None])
    def test_without_it(self, new_stream: Make, min_age: int | None) -> None:
        assert age_at_deletion(new_stream(delete_on_empty_min_age=min_age)) is None

    def test_longest_age(self, new_stream: Make) -> None:
        assert age_at_deletion(new_stream(delete_on_empty_min_age=2**64 - 1)) is None

    def test_made_by_use(self, mock: S2Mock) -> None:
        defaults = StreamConfig(delete_on_empty_min_age=90)
        config = BasinConfig(default_stream_config=defaults, create_stream_on_read=True)
        mock.create_basin("auto-basin", config)
        mock.account.engine.carry_out(CheckTail("auto-basin", "s"))
        stream = mock.account.stream("auto-basin", "s")
        assert age_at_deletion(stream) == 150


class TestWritten:
    def test_records_for_ever(self, new_stream: Make) -> None:
        stream = new_stream(delete_on_empty_min_age=90, retention_policy="infinite")
        stream.append([b"a"])
        assert age_at_deletion(stream) is None

    @pytest.mark.parametrize(
        ("retention", "expected"),
        [
            # Expired when it is looked at first, at 150.
            (50, 150),
            (149, 150),
            # Looked at again when the last record has expired, but not within ten minutes.
            (151, 150 + 600 + 60),
            (700, 150 + 600 + 60),
            (1000, 1000 + 60),
            (7 * 24 * 60 * 60, 7 * 24 * 60 * 60 + 60),
        ],
    )
    def test_records_that_expire(self, new_stream: Make, retention: int, expected: int) -> None:
        stream = new_stream(delete_on_empty_min_age=90, retention_policy=retention)
        stream.append([b"a"])
        assert age_at_deletion(stream) == expected

    def test_the_last_of_many_records_counts(self, new_stream: Make, clock: StagedClock) -> None:
        """Looked at when the first has expired, and when ten minutes have passed since."""
        stream = new_stream(delete_on_empty_min_age=90, retention_policy=1000)
        stream.append([b"a"])
        clock.advance(500)
        stream.append([b"b"])
        assert age_at_deletion(stream) == 1000 + 60 + 600 + 60

    def test_a_write_makes_it_young(self, new_stream: Make, clock: StagedClock) -> None:
        """Empty when it is looked at, but written less than 90 s before."""
        stream = new_stream(delete_on_empty_min_age=90, retention_policy=1)
        clock.advance(100)
        stream.append([b"a"])
        assert age_at_deletion(stream) == 150 + 600 + 60

    def test_a_write_long_ago_does_not(self, new_stream: Make, clock: StagedClock) -> None:
        stream = new_stream(delete_on_empty_min_age=90, retention_policy=1)
        clock.advance(10)
        stream.append([b"a"])
        assert age_at_deletion(stream) == 150

    def test_never_while_it_is_written(
        self, new_stream: Make, basin: Basin, clock: StagedClock
    ) -> None:
        """Empty again and again, but never for as long as it must be."""
        stream = new_stream(delete_on_empty_min_age=90, retention_policy=1)
        for _ in range(200):
            clock.advance(45)
            assert basin.streams == (stream.name,)
            stream.append([b"a"])

    def test_retention_that_becomes_infinite(self, new_stream: Make, clock: StagedClock) -> None:
        """The records that are there keep their time (§8.2), and so end."""
        stream = new_stream(delete_on_empty_min_age=90, retention_policy=1000)
        stream.append([b"a"])
        clock.advance(10)
        stream.reconfigure(retention_policy="infinite")
        assert age_at_deletion(stream) == 1000 + 60


class TestTrimmed:
    @pytest.mark.parametrize(
        ("min_age", "expected"),
        [
            # In the next pass it is old enough,
            (1, 1000 + 60),
            (60, 1000 + 60),
            # or it must wait for ten minutes,
            (61, 1000 + 60 + 600 + 60),
            (600, 1000 + 60 + 600 + 60),
            # or for its age.
            (3600, 1000 + 3600 + 60),
        ],
    )
    @pytest.mark.parametrize("retention", [7 * 24 * 60 * 60, "infinite"])
    def test_emptied(
        self,
        new_stream: Make,
        clock: StagedClock,
        retention: int | str,
        min_age: int,
        expected: int,
    ) -> None:
        stream = new_stream(delete_on_empty_min_age=min_age, retention_policy=retention)
        stream.append([b"a"])
        clock.advance(1000)
        stream.append([TRIM_ALL])
        assert age_at_deletion(stream) == expected

    def test_not_emptied(self, new_stream: Make, clock: StagedClock) -> None:
        stream = new_stream(delete_on_empty_min_age=90, retention_policy="infinite")
        stream.append([b"a", b"b"])
        clock.advance(1000)
        stream.append([AppendRecord.trim(2)])
        assert age_at_deletion(stream) is None

    def test_written_again(self, new_stream: Make) -> None:
        stream = new_stream(delete_on_empty_min_age=1, retention_policy="infinite")
        stream.append([TRIM_ALL])
        stream.append([b"a"])
        assert age_at_deletion(stream) is None

    def test_written_and_emptied_again(self, new_stream: Make, clock: StagedClock) -> None:
        stream = new_stream(delete_on_empty_min_age=30, retention_policy="infinite")
        for _ in range(50):
            stream.append([TRIM_ALL])
            clock.advance(20)
        # Always younger than 30 s in the pass; the last time after 980 s.
        age = age_at_deletion(stream)
        assert age is not None
        assert 980 + 30 <= age <= 980 + 30 + 660

    def test_one_check_however_often(self, new_stream: Make) -> None:
        """A thousand trims leave no thousand entries in the schedule."""
        stream = new_stream(delete_on_empty_min_age=3600)
        for _ in range(1000):
            stream.append([TRIM_ALL])
        assert engine_of(stream).state.schedule.size <= 2


class TestReconfigured:
    def test_switched_on(self, new_stream: Make, clock: StagedClock) -> None:
        """A stream that is empty for long is gone in the next pass."""
        stream = new_stream()
        clock.advance(1000)
        stream.reconfigure(delete_on_empty_min_age=90)
        assert age_at_deletion(stream) == 1060

    def test_switched_on_by_ensure(self, basin: Basin, clock: StagedClock) -> None:
        stream = basin.create_stream("s")
        clock.advance(1000)
        basin.ensure_stream("s", StreamConfig(delete_on_empty_min_age=90))
        assert age_at_deletion(stream) == 1060

    def test_switched_on_for_a_young_stream(self, new_stream: Make, clock: StagedClock) -> None:
        stream = new_stream()
        clock.advance(10)
        stream.reconfigure(delete_on_empty_min_age=900)
        assert age_at_deletion(stream) == 900 + 60

    def test_switched_off(self, new_stream: Make, clock: StagedClock) -> None:
        stream = new_stream(delete_on_empty_min_age=90)
        clock.advance(100)
        stream.reconfigure(delete_on_empty_min_age=0)
        assert age_at_deletion(stream) is None

    def test_switched_off_and_on(self, new_stream: Make, clock: StagedClock) -> None:
        stream = new_stream(delete_on_empty_min_age=90)
        clock.advance(100)
        stream.reconfigure(delete_on_empty_min_age=0)
        clock.advance(100)
        stream.reconfigure(delete_on_empty_min_age=90)
        assert age_at_deletion(stream) == 260

    @pytest.mark.parametrize(
        ("before", "after", "expected"), [(100, 10_000, 10_060), (10_000, 100, 560)]
    )
    def test_another_age(
        self, new_stream: Make, clock: StagedClock, before: int, after: int, expected: int
    ) -> None:
        stream = new_stream(delete_on_empty_min_age=before)
        clock.advance(150 if before == 100 else 500)
        stream.reconfigure(delete_on_empty_min_age=after)
        assert age_at_deletion(stream) == expected

    def test_to_what_it_was(self, new_stream: Make, clock: StagedClock) -> None:
        """No change, no look."""
        stream = new_stream(delete_on_empty_min_age=1000)
        clock.advance(500)
        stream.reconfigure(delete_on_empty_min_age=1000, storage_class="standard")
        assert age_at_deletion(stream) == 1060


class TestTheDeletion:
    """It is one like any other (§8.3)."""

    def test_of_many_at_once(self, basin: Basin, clock: StagedClock) -> None:
        config = StreamConfig(delete_on_empty_min_age=90)
        for number in range(3000):
            basin.create_stream(f"s{number}", config)
        clock.advance(1000)
        assert basin.streams == ()

    def test_under_a_follower(self, new_stream: Make) -> None:
        """Readers do not keep it alive, and see what a deletion shows."""
        stream = new_stream(delete_on_empty_min_age=90)
        session = open_read(stream)
        outputs = said(stream, session, most=1)
        while not outputs[-1].seq_nums:
            outputs += said(stream, session, most=1)

        assert 150 <= outputs[-1].seconds <= 165
        assert outputs[-1].seq_nums == [0]
        with pytest.raises(Unavailable):
            said(stream, session, most=1)

    def test_the_name_is_free(self, new_stream: Make, basin: Basin, clock: StagedClock) -> None:
        old = new_stream(delete_on_empty_min_age=1)
        old.append([b"a", AppendRecord.fence("f"), TRIM_ALL])
        clock.advance(1000)
        new = basin.create_stream(old.name)
        assert new.tail == (0, 0)
        assert age_at_deletion(new) is None

    def test_deleted_and_made_again_before(
        self, new_stream: Make, basin: Basin, clock: StagedClock
    ) -> None:
        """The check was for the old one."""
        old = new_stream(delete_on_empty_min_age=90)
        clock.advance(10)
        old.delete()
        new = basin.create_stream(old.name, StreamConfig(delete_on_empty_min_age=500))
        assert age_at_deletion(new) == 560

    def test_pending(self, clock: StagedClock) -> None:
        basin = S2Mock(clock=clock, deletion_delay=30).create_basin("my-basin")
        stream = basin.create_stream("s", StreamConfig(delete_on_empty_min_age=90))
        clock.advance(150)
        with pytest.raises(StreamDeletionPending):
            stream.append([b"a"])
        clock.advance(29)
        assert basin.streams == ("s",)
        clock.advance(1)
        assert basin.streams == ()

    def test_all_in_one_step(self, clock: StagedClock) -> None:
        """The deletion happens when it is due, not at the next request."""
        basin = S2Mock(clock=clock, deletion_delay=30).create_basin("my-basin")
        basin.create_stream("s", StreamConfig(delete_on_empty_min_age=90))
        clock.advance(180)
        assert basin.streams == ()

    def test_in_a_basin_that_is_gone(self, new_stream: Make, clock: StagedClock) -> None:
        stream = new_stream(delete_on_empty_min_age=90)
        stream.basin.delete()
        clock.advance(1000)
        with pytest.raises(StreamNotFound):
            _ = stream.info
