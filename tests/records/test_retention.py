"""Retention by age. Source: reference: data_plane §8.2."""

from collections.abc import Callable

import pytest

from s2mock import AppendRecord, S2Mock, Stream
from tests.records.reads import log_of, open_read
from tests.records.staged_clock import StagedClock

DAY = 24 * 60 * 60


def seq_nums(stream: Stream) -> list[int]:
    return [record.seq_num for record in stream.records]


def test_eight_days(mock: S2Mock, clock: StagedClock, stream: Stream) -> None:
    """Seven days are the default: the records are gone, the tail is where it was."""
    ack = stream.append([b"a", b"b"])
    clock.advance(8 * DAY)

    assert stream.records == ()
    assert stream.tail == ack.tail
    answer = mock.client.get(
        "/v1/streams/my-stream/records?seq_num=0", headers={"s2-basin": "my-basin"}
    )
    assert (answer.status_code, answer.json) == (200, {"records": []})
    assert stream.append([b"c"], match_seq_num=2).start.seq_num == 2
    assert seq_nums(stream) == [2]


def test_to_the_nanosecond(new_stream: Callable[..., Stream], clock: StagedClock) -> None:
    stream = new_stream(retention_policy=10)
    stream.append([b"a"])
    clock.advance(9.999999)
    assert seq_nums(stream) == [0]
    clock.advance(0.000001)
    assert seq_nums(stream) == []


def test_each_append_has_its_own_time(
    new_stream: Callable[..., Stream], clock: StagedClock
) -> None:
    stream = new_stream(retention_policy=10)
    for _ in range(3):
        stream.append([b"a", b"b"])
        clock.advance(4)

    assert seq_nums(stream) == [2, 3, 4, 5]
    clock.advance(4)
    assert seq_nums(stream) == [4, 5]
    clock.advance(4)
    assert seq_nums(stream) == []


def test_arrival_counts_not_the_timestamp(
    new_stream: Callable[..., Stream], clock: StagedClock
) -> None:
    stream = new_stream(retention_policy=10, timestamping_uncapped=True)
    stream.append([AppendRecord(timestamp=1)])
    stream.append([AppendRecord(timestamp=clock.milliseconds + DAY * 1000)])
    clock.advance(9)
    assert seq_nums(stream) == [0, 1]
    clock.advance(1)
    assert seq_nums(stream) == []


def test_infinite(new_stream: Callable[..., Stream], clock: StagedClock) -> None:
    stream = new_stream(retention_policy="infinite")
    stream.append([b"a"])
    clock.advance(100 * 365 * DAY)
    assert seq_nums(stream) == [0]


@pytest.mark.parametrize("years", [0, 238, 500, 7900])
def test_after_the_year_2262(
    new_stream: Callable[..., Stream], clock: StagedClock, years: int
) -> None:
    """The date up to which 64 bits have nanoseconds is no limit, whichever side is beyond it."""
    clock.advance(years * 365 * DAY)
    stream = new_stream(retention_policy=20 * 365 * DAY)
    stream.append([b"a", b"b"])
    stream.append([b"c"])
    stream.reconfigure(retention_policy="infinite")
    stream.append([b"d"])
    stream.reconfigure(retention_policy=10)
    stream.append([b"e"])
    assert seq_nums(stream) == [0, 1, 2, 3, 4]
    assert [record.timestamp for record in stream.records] == [clock.milliseconds] * 5
    clock.advance(10)
    assert seq_nums(stream) == [0, 1, 2, 3]
    clock.advance(20 * 365 * DAY - 10.000001)
    assert seq_nums(stream) == [0, 1, 2, 3]
    clock.advance(0.000001)
    assert seq_nums(stream) == [3]
    clock.advance((7974 - years - 20) * 365 * DAY)
    assert seq_nums(stream) == [3]


def test_longest_age(new_stream: Callable[..., Stream], clock: StagedClock) -> None:
    """As good as infinite, and no overflow."""
    stream = new_stream(retention_policy=2**64 - 1)
    stream.append([b"a"])
    clock.advance(200 * 365 * DAY)
    assert seq_nums(stream) == [0]


def test_reconfiguration_is_for_later_appends(
    new_stream: Callable[..., Stream], clock: StagedClock
) -> None:
    """Longer or shorter, old records keep what they were given; so holes come about."""
    stream = new_stream(retention_policy=100)
    stream.append([b"100"])
    stream.reconfigure(retention_policy=10)
    stream.append([b"10"])
    stream.reconfigure(retention_policy="infinite")
    stream.append([b"infinite"])
    stream.reconfigure(retention_policy=50)
    stream.append([b"50"])

    clock.advance(10)
    assert seq_nums(stream) == [0, 2, 3]
    clock.advance(40)
    assert seq_nums(stream) == [0, 2]
    clock.advance(50)
    assert seq_nums(stream) == [2]


class TestHoles:
    """Reads over a log from whose middle records have expired."""

    def read(self, stream: Stream, **wanted: object) -> list[int]:
        session = open_read(stream, count=1000, **wanted)
        return [record.seq_num for batch in session for record in batch.records]

    def holed(self, new_stream: Callable[..., Stream], clock: StagedClock) -> Stream:
        """Of eight records with the timestamps 0, 10, 20... those at 2, 3 and 6 are left."""
        stream = new_stream(retention_policy=5)
        for seq_num in range(8):
            stream.reconfigure(retention_policy=100 if seq_num in (2, 3, 6) else 5)
            stream.append([AppendRecord(timestamp=10 * seq_num)])
        clock.advance(5)
        return stream

    def test_by_sequence_number(
        self, new_stream: Callable[..., Stream], clock: StagedClock
    ) -> None:
        stream = self.holed(new_stream, clock)
        starts = {start: self.read(stream, kind="seq_num", start=start) for start in range(8)}
        assert starts == {
            0: [2, 3, 6],
            1: [2, 3, 6],
            2: [2, 3, 6],
            3: [3, 6],
            4: [6],
            5: [6],
            6: [6],
            7: [],
        }

    def test_by_tail_offset(self, new_stream: Callable[..., Stream], clock: StagedClock) -> None:
        """It counts sequence numbers, not the records that are left (§4.1)."""
        stream = self.holed(new_stream, clock)
        assert self.read(stream, kind="tail_offset", start=2) == [6]
        assert self.read(stream, kind="tail_offset", start=5) == [3, 6]

    def test_by_timestamp(self, new_stream: Callable[..., Stream], clock: StagedClock) -> None:
        stream = self.holed(new_stream, clock)
        assert self.read(stream, kind="timestamp", start=0) == [2, 3, 6]
        assert self.read(stream, kind="timestamp", start=25) == [3, 6]
        assert self.read(stream, kind="timestamp", start=31) == [6]

    def test_index_and_records_stay_together(
        self, new_stream: Callable[..., Stream], clock: StagedClock
    ) -> None:
        stream = self.holed(new_stream, clock)
        stream.append([AppendRecord.trim(3, timestamp=80), AppendRecord(timestamp=90)])
        assert seq_nums(stream) == [3, 6, 8, 9]
        assert self.read(stream, kind="timestamp", start=30) == [3, 6, 8, 9]
        assert self.read(stream, kind="timestamp", start=61) == [8, 9]
        clock.advance(1000)
        assert seq_nums(stream) == []
        stream.append([b"z"])
        assert self.read(stream, kind="timestamp", start=0) == [10]


class TestMemory:
    """Expired records are not kept, also without a reader; counted in what the log holds."""

    @staticmethod
    def kept(stream: Stream) -> int:
        return sum(len(chunk.stored) for chunk in log_of(stream).chunks)

    def test_a_log_that_is_only_written(
        self, new_stream: Callable[..., Stream], clock: StagedClock
    ) -> None:
        stream = new_stream(retention_policy=60)
        most = 0
        for _ in range(600):
            stream.append([b"x"] * 100)
            clock.advance(1)
            most = max(most, self.kept(stream))
        # Those of a minute, and at most a chunk before them.
        assert most <= 60 * 100 + 2 * 1100
        assert len(log_of(stream).chunks) <= most // 1000 + 1
        assert stream.records[-1].seq_num == 59_999

    def test_large_records_go_at_once(
        self, new_stream: Callable[..., Stream], clock: StagedClock
    ) -> None:
        """A chunk of them would be a gigabyte: what is gone of it is let go."""
        stream = new_stream(retention_policy=10)
        body = bytes(20_000)
        for _ in range(100):
            stream.append([body])
            clock.advance(1)
            assert self.kept(stream) <= 11
        assert [record.seq_num for record in stream.records] == list(range(91, 100))

    def test_one_that_is_kept_longer_keeps_nothing_else(
        self, new_stream: Callable[..., Stream], clock: StagedClock
    ) -> None:
        """An age that changes leaves records that outlive those behind them."""
        stream = new_stream(retention_policy=10)
        for number in range(5000):
            if number % 1000 == 500:
                stream.reconfigure(retention_policy="infinite")
            stream.append([b"x"])
            stream.reconfigure(retention_policy=10)
        clock.advance(10)
        stream.append([b"last"])
        lasting = [500, 1500, 2500, 3500, 4500]
        assert seq_nums(stream) == [*lasting, 5000]
        assert self.kept(stream) <= 1000

    def test_what_a_snapshot_holds_is_not_touched(
        self, mock: S2Mock, new_stream: Callable[..., Stream], clock: StagedClock
    ) -> None:
        stream = new_stream(retention_policy=10)
        stream.append([bytes(20_000)] * 50)
        clock.advance(5)
        stream.append([b"b"] * 1000)
        snapshot = mock.snapshot()
        clock.advance(5)
        stream.append([b"c"])
        assert self.kept(stream) == 1001
        mock.restore(snapshot)
        assert seq_nums(stream) == list(range(1050))
        clock.advance(5)
        assert seq_nums(stream) == list(range(50, 1050))
