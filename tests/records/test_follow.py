"""Following: heartbeats, waiting, live batches and their cuts, and lagging behind.

Source: reference: data_plane §4.4.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from s2mock import AppendRecord, S2Mock, Stream
from s2mock.registry.engine.sessions import MAX_FOLLOWER_LAG
from s2mock.registry.values.errors import Unavailable
from tests.handles_inside import engine_of
from tests.records.reads import Said, Steps, following_of, open_read, read, said
from tests.records.staged_clock import StagedClock

if TYPE_CHECKING:
    from s2mock.registry.log.batch import Batch

FIRST = {"kind": "seq_num", "start": 0}


def heartbeats(outputs: list[Said]) -> bool:
    return all(not output.seq_nums for output in outputs)


class TestHeartbeats:
    def test_pauses(self, stream: Stream) -> None:
        """The first at once, then every 5 to 15 s, drawn anew each time."""
        stream.append([b"a"])
        outputs = said(stream, open_read(stream), most=400)

        assert outputs[0] == (0, [], 1)
        assert heartbeats(outputs)
        assert {output.tail for output in outputs} == {1}
        times = [output.seconds for output in outputs]
        pauses = [later - earlier for earlier, later in pairwise(times)]
        assert all(5 <= pause <= 15 for pause in pauses)
        # Uniform: each of the ten seconds is met, and the mean is in the middle.
        assert {int(pause) for pause in pauses} == set(range(5, 15))
        assert 9 < sum(pauses) / len(pauses) < 11

    def test_same_seed_same_pauses(self) -> None:
        """All randomness comes from the account, so a test is repeatable."""

        def times() -> list[float]:
            clock = StagedClock()
            stream = S2Mock(clock=clock).create_basin("my-basin").create_stream("s")
            return [output.seconds for output in said(stream, open_read(stream), most=20)]

        assert times() == times()

    def test_pauses_are_not_all_alike_for_two_readers(self, stream: Stream) -> None:
        one = said(stream, open_read(stream), most=10)
        two = said(stream, open_read(stream), most=10)

        start = two[0].seconds
        assert [output.seconds - start for output in two] != [output.seconds for output in one]

    def test_latest_known_tail(self, stream: Stream, clock: StagedClock) -> None:
        clock.at(1, lambda: stream.append([b"a", b"b"]))
        outputs = said(stream, open_read(stream), most=3)

        assert outputs[:2] == [(0, [], 0), (1, [0, 1], 2)]
        assert (outputs[2].seq_nums, outputs[2].tail) == ([], 2)
        assert 1 + 5 <= outputs[2].seconds <= 1 + 15

    def test_a_batch_postpones_them(self, stream: Stream, clock: StagedClock) -> None:
        """Drawn anew after every output."""
        for second in range(4, 60, 4):
            clock.at(second, lambda: stream.append([b"a"]))
        outputs = said(stream, open_read(stream), most=15)

        assert [output.seconds for output in outputs] == [0, *range(4, 60, 4)]

    def test_after_catching_up(self, stream: Stream) -> None:
        stream.append([b"a"])
        outputs = said(stream, open_read(stream, tell_tail=True, **FIRST), most=3)

        assert outputs[:2] == [(0, [0], 1), (0, [], 1)]
        assert heartbeats(outputs[2:])

    def test_a_turn_over_many_pauses_gives_one(self, stream: Stream, clock: StagedClock) -> None:
        """Seven days at once, and the reader is told once that it is alive."""
        session = open_read(stream)
        assert said(stream, session, most=1) == [(0, [], 0)]
        clock.at(1, lambda: clock.advance(7 * 24 * 60 * 60))
        clock.at(1, lambda: None)
        [output] = said(stream, session, most=1)
        assert output.seconds == 1 + 7 * 24 * 60 * 60
        [output] = said(stream, session, most=1)
        assert 5 <= output.seconds - (1 + 7 * 24 * 60 * 60) <= 15


class TestWait:
    def test_nothing_comes(self, stream: Stream) -> None:
        """Heartbeats do not extend it."""
        outputs = read(stream, wait=60)

        assert heartbeats(outputs)
        assert 5 <= len(outputs) <= 12
        assert outputs[-1].seconds < 60
        assert engine_of(stream).clock.seconds == 60

    def test_shorter_than_a_pause(self, stream: Stream, clock: StagedClock) -> None:
        assert read(stream, wait=4) == [(0, [], 0)]
        assert clock.seconds == 4

    def test_a_live_batch_starts_it_anew(self, stream: Stream, clock: StagedClock) -> None:
        for second in (3, 6, 9):
            clock.at(second, lambda: stream.append([b"a"]))

        assert read(stream, wait=4) == [(0, [], 0), (3, [0], 1), (6, [1], 2), (9, [2], 3)]
        assert clock.seconds == 13

    def test_it_counts_from_the_tail(self, stream: Stream, clock: StagedClock) -> None:
        """A reader that takes long over the log has the whole wait at its end."""
        stream.append([b"a"] * 1000)
        stream.append([b"a"])
        session = open_read(stream, **FIRST, wait=4)
        assert len(said(stream, session, most=1)[0].seq_nums) == 1000
        clock.advance(100)
        assert said(stream, session, most=2) == [(100, [1000], None), (100, [], 1001)]
        assert said(stream, session) == []
        assert clock.seconds == 104

    def test_a_bounded_read_waits_too(self, stream: Stream, clock: StagedClock) -> None:
        stream.append([b"a"])
        clock.at(1, lambda: stream.append([b"b"]))

        assert read(stream, **FIRST, count=5, wait=4) == [(0, [0], None), (0, [], 1), (1, [1], 2)]
        assert clock.seconds == 5

    def test_longest_wait(self, stream: Stream) -> None:
        outputs = said(stream, open_read(stream, wait=2**32 - 1), most=50)
        assert len(outputs) == 50

    def test_turned_beyond_its_end(self, stream: Stream, clock: StagedClock) -> None:
        """The wait was over before the heartbeat was due: there is none any more."""
        session = open_read(stream, wait=4)
        assert said(stream, session, most=1) == [(0, [], 0)]
        clock.at(3, lambda: clock.advance(100))
        assert said(stream, session) == []


class TestLiveBatches:
    """One append is one batch, with the tail behind it."""

    def test_whole_appends(self, stream: Stream, clock: StagedClock) -> None:
        for second, size in [(1, 1), (2, 1000), (3, 3)]:
            clock.at(second, lambda size=size: stream.append([b"a"] * size))
        outputs = said(stream, open_read(stream), most=4)[1:]

        assert [(o.seconds, len(o.seq_nums), o.tail) for o in outputs] == [
            (1, 1, 1),
            (2, 1000, 1001),
            (3, 3, 1004),
        ]

    def test_appends_between_two_outputs(self, stream: Stream) -> None:
        session = open_read(stream)
        said(stream, session, most=1)
        stream.append([b"a"])
        stream.append([b"b", b"c"])

        assert said(stream, session, most=2) == [(0, [0], 1), (0, [1, 2], 3)]

    def test_trimmed_after_the_append(self, stream: Stream) -> None:
        """A follower gets each append as it was, also if it has been trimmed since."""
        session = open_read(stream)
        said(stream, session, most=1)
        stream.append([b"a"])
        stream.append([b"b", AppendRecord.trim(99)])
        assert stream.records == ()

        assert said(stream, session, most=2) == [(0, [0], 1), (0, [1, 2], 3)]

    def test_before_it_has_come_to_the_tail(self, stream: Stream) -> None:
        """A reader that does not follow yet reads from the log: appends run together."""
        stream.append([b"a"])
        session = open_read(stream, **FIRST)
        assert said(stream, session, most=1) == [(0, [0], None)]
        stream.append([b"b"])
        stream.append([b"c"])

        assert said(stream, session, most=2) == [(0, [1, 2], None), (0, [], 3)]

    @pytest.mark.parametrize(
        ("limits", "delivered"),
        [
            ({"count": 2}, [[0, 1]]),
            ({"count": 3}, [[0, 1, 2]]),
            ({"count": 4}, [[0, 1, 2], [3]]),
            ({"count": 6}, [[0, 1, 2], [3, 4, 5]]),
            ({"bytes": 18}, [[0, 1]]),
            ({"bytes": 27}, [[0, 1, 2]]),
            ({"bytes": 28}, [[0, 1, 2]]),
            ({"bytes": 8}, []),
            ({"until": 20}, [[0]]),
            ({"until": 31}, [[0, 1, 2]]),
            ({"until": 10}, []),
            ({"until": 41}, [[0, 1, 2], [3]]),
        ],
    )
    def test_cut_to_the_limits(
        self,
        stream: Stream,
        clock: StagedClock,
        limits: dict[str, int],
        delivered: list[list[int]],
    ) -> None:
        """What is cut ends the read; the tail is that of the whole append."""
        for second, start in [(1, 10), (2, 40)]:
            batch = [AppendRecord(b"a", timestamp=start + 10 * n) for n in range(3)]
            clock.at(second, lambda batch=batch: stream.append(batch))
        outputs = read(stream, wait=60, **limits)

        assert [output.seq_nums for output in outputs if output.seq_nums] == delivered
        assert [output.tail for output in outputs if output.seq_nums] == [3, 6][: len(delivered)]
        # It ended with an append, not by waiting; unless its bytes are left over.
        if limits != {"bytes": 27}:
            assert clock.seconds <= 2


class TestLag:
    """More than 25 appends behind, a follower is fed from the log. Nothing is lost (§4.4)."""

    def lagging(self, stream: Stream, appends: int) -> Steps:
        session = open_read(stream, tell_tail=True)
        said(stream, session, most=1)
        for number in range(appends):
            stream.append([b"a"] * (1 + number % 2))
        return session

    def test_just_not_too_far(self, stream: Stream) -> None:
        session = self.lagging(stream, MAX_FOLLOWER_LAG)
        outputs = said(stream, session, most=MAX_FOLLOWER_LAG)

        assert [len(output.seq_nums) for output in outputs] == [1, 2] * 12 + [1]
        assert [output.tail for output in outputs] == [o.seq_nums[-1] + 1 for o in outputs]

    def test_too_far(self, stream: Stream, clock: StagedClock) -> None:
        session = self.lagging(stream, MAX_FOLLOWER_LAG + 1)
        total = stream.tail.seq_num

        assert said(stream, session, most=2) == [(0, list(range(total)), total), (0, [], total)]
        # Then it follows again.
        clock.at(1, lambda: stream.append([b"a"]))
        clock.at(1, lambda: stream.append([b"a"]))
        assert said(stream, session, most=2) == [
            (1, [total], total + 1),
            (1, [total + 1], total + 2),
        ]

    def test_far_behind(self, stream: Stream) -> None:
        session = open_read(stream)
        said(stream, session, most=1)
        for _ in range(120):
            stream.append([b"a"] * 20)

        outputs = said(stream, session, most=4)
        assert [len(output.seq_nums) for output in outputs] == [1000, 1000, 400, 0]
        assert [n for output in outputs for n in output.seq_nums] == list(range(2400))

    def test_what_was_trimmed_is_missed(self, stream: Stream) -> None:
        """Fed from the log, it gets what is left there."""
        session = self.lagging(stream, MAX_FOLLOWER_LAG + 1)
        total = stream.tail.seq_num
        stream.append([AppendRecord.trim(5)])

        assert said(stream, session, most=1) == [(0, list(range(5, total + 1)), total + 1)]

    def test_one_lags_and_one_does_not(self, stream: Stream) -> None:
        slow, quick = open_read(stream), open_read(stream)
        said(stream, slow, most=1)
        said(stream, quick, most=1)
        for number in range(40):
            stream.append([b"a"])
            assert said(stream, quick, most=1) == [(0, [number], number + 1)]

        assert said(stream, slow, most=1) == [(0, list(range(40)), None)]


class TestLeaving:
    """What is kept for followers goes with the last of them."""

    def test_the_last_one_takes_the_latest_appends_along(self, stream: Stream) -> None:
        one, two = iter(open_read(stream)), iter(open_read(stream))
        next(one), next(two)
        stream.append([b"a"])
        assert following_of(stream) == (2, 1)

        one.close()
        assert following_of(stream) == (1, 1)
        two.close()
        assert following_of(stream) == (0, 0)
        stream.append([b"b"])
        assert following_of(stream) == (0, 0)

    @pytest.mark.parametrize("appends", [0, 1, 30])
    def test_one_that_is_forgotten(self, stream: Stream, appends: int) -> None:
        """Let go without a word, as by a loop that is left."""
        for _ in open_read(stream):
            break
        for _ in range(appends):
            stream.append([b"a"])

        assert following_of(stream) == (0, 0)

    def test_waits_that_are_over(self, stream: Stream) -> None:
        """A follower that has had a hundred heartbeats waits once, and not a hundred times."""
        session = open_read(stream)
        assert len(said(stream, session, most=100)) == 100
        [following] = engine_of(stream).sessions.following.values()
        assert len(following.waiters) <= 1
        assert len(engine_of(stream).sessions.waiters) <= 1

    def test_at_its_end(self, stream: Stream) -> None:
        read(stream, wait=1)
        assert following_of(stream) == (0, 0)

    def test_appends_before_the_first_follower_are_not_kept(self, stream: Stream) -> None:
        stream.append([b"a"])
        assert following_of(stream) == (0, 0)

    def test_reset(self, mock: S2Mock, stream: Stream) -> None:
        """A session of an account that was reset ends as by a deletion."""
        outputs = iter(open_read(stream))
        next(outputs)
        mock.reset()

        with pytest.raises(Unavailable):
            next(outputs)

    def test_reset_before_it_began(self, mock: S2Mock, stream: Stream) -> None:
        stream.append([b"a"])
        session = open_read(stream, **FIRST)
        mock.reset()

        with pytest.raises(Unavailable):
            list(session)

    def test_reset_while_it_rests(self, mock: S2Mock, stream: Stream, clock: StagedClock) -> None:
        session = open_read(stream)
        clock.at(1, mock.reset)

        with pytest.raises(Unavailable):
            said(stream, session)
        assert clock.seconds == 1

    def test_iterated_again(self, stream: Stream) -> None:
        """It goes on where it stopped; until then it was no follower."""
        session = open_read(stream)
        for _ in session:
            break
        stream.append([b"a"])
        again: list[Batch] = []
        for batch in session:
            again.append(batch)
            if len(again) == 2:
                break

        assert [len(batch.records) for batch in again] == [1, 0]


def test_a_reconfiguration_does_not_disturb(
    stream: Stream, clock: StagedClock, new_stream: Callable[..., Stream]
) -> None:
    clock.at(1, lambda: stream.reconfigure(timestamping_mode="arrival"))
    clock.at(2, lambda: stream.append([AppendRecord(timestamp=5)]))
    clock.at(3, lambda: new_stream().append([b"elsewhere"]))

    assert said(stream, open_read(stream), most=2) == [(0, [], 0), (2, [0], 1)]
    assert stream.records[0].timestamp == clock.milliseconds
