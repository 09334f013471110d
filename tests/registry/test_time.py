"""The clocks, and what falls due between two operations."""

import time

import pytest
from s2mock.registry.turn import Turn

from s2mock import ManualClock, SystemClock
from s2mock.registry.clock import NANOSECONDS


class TestManualClock:
    def test_stands_still_until_it_is_turned(self) -> None:
        clock = ManualClock()
        assert clock.now() == clock.now() == 1_704_067_200 * NANOSECONDS
        clock.advance(1.5)
        clock.advance(0)
        assert clock.now() == 1_704_067_200 * NANOSECONDS + 1_500_000_000

    def test_starts_where_it_is_told_to(self) -> None:
        assert ManualClock(0).now() == 0
        assert ManualClock(start=1.25).now() == 1_250_000_000

    def test_only_goes_forward(self) -> None:
        clock = ManualClock(5)
        with pytest.raises(ValueError, match=r"only goes forward: advance\(-1\)"):
            clock.advance(-1)
        assert clock.now() == 5 * NANOSECONDS


def test_system_clock_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([5, 3, 5, 7, 6])
    monkeypatch.setattr(time, "time_ns", lambda: next(readings))
    clock = SystemClock()
    assert [clock.now() for _ in range(5)] == [5, 5, 5, 7, 7]


class TestTurn:
    """What is due is done before the next operation that could see it, in order."""

    @pytest.fixture
    def done(self) -> list[str]:
        return []

    def test_agenda_is_kept_in_order_of_time_and_then_of_entry(self, done: list[str]) -> None:
        clock = ManualClock(0)
        turn = Turn(clock)
        with turn as now:
            for name, delay in [("late", 3.0), ("a", 2.0), ("b", 2.0), ("early", 1.0)]:
                turn.later(now, delay, lambda _, name=name: done.append(name))
            assert done == []
        clock.advance(2)
        # Nothing runs by itself.
        assert done == []
        with turn as now:
            assert (now, done) == (2 * NANOSECONDS, ["early", "a", "b"])
        clock.advance(0.999)
        with turn:
            assert len(done) == 3
        clock.advance(0.001)
        with turn:
            assert done[3:] == ["late"]
        with turn:
            assert len(done) == 4

    def test_at_once_and_never(self, done: list[str]) -> None:
        clock = ManualClock(0)
        turn = Turn(clock)
        with turn as now:
            turn.later(now, 0, lambda _: done.append("now"))
            assert done == ["now"]
            turn.later(now, float("inf"), lambda _: done.append("never"))
        clock.advance(10**12)
        with turn:
            assert done == ["now"]

    def test_turns_may_be_nested(self, done: list[str]) -> None:
        clock = ManualClock(0)
        turn = Turn(clock)
        with turn as now:
            turn.later(now, 1, lambda _: done.append("due"))
            clock.advance(1)
            with turn as inner:
                assert (inner, done) == (NANOSECONDS, ["due"])

    def test_turn_is_given_back_after_an_error(self, done: list[str]) -> None:
        turn = Turn(ManualClock(0))
        with pytest.raises(RuntimeError), turn:
            raise RuntimeError
        # From another thread, since the same one would get in anyway.
        from threading import Thread

        def take() -> None:
            with turn:
                done.append("taken")

        thread = Thread(target=take, daemon=True)
        thread.start()
        thread.join(timeout=5)
        assert done == ["taken"]
