"""The clocks, and what falls due between two operations."""

import re
import threading
import time
from math import inf, nan
from threading import Thread

import pytest

from s2mock import ManualClock, SystemClock
from s2mock.registry.engine.engine import Engine
from s2mock.registry.state import Change
from s2mock.runtime.clock import NANOSECONDS
from tests.registry.noting_engine import NotingEngine

# 9999-12-31T23:59:59Z
LAST_SECOND = 253_402_300_799


class TestManualClock:
    def test_stays_until_it_is_advanced(self) -> None:
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

    @pytest.mark.parametrize("seconds", [1e300, 1e12, inf, nan, 10**400])
    def test_no_further_than_the_year_9999(self, seconds: float) -> None:
        clock = ManualClock(5)
        with pytest.raises(
            ValueError,
            match=r"seconds must lead to a time up to the year 9999, not "
            + re.escape(repr(seconds)),
        ):
            clock.advance(seconds)
        assert clock.now() == 5 * NANOSECONDS
        with pytest.raises(
            ValueError,
            match=r"start must be seconds since 1970, up to the year 9999, not "
            + re.escape(repr(seconds)),
        ):
            ManualClock(seconds)

    def test_up_to_the_end_of_the_year_9999(self) -> None:
        clock = ManualClock(LAST_SECOND)
        clock.advance(0.5)
        with pytest.raises(ValueError, match="up to the year 9999, not 0.6"):
            clock.advance(0.6)
        assert clock.now() == LAST_SECOND * NANOSECONDS + 500_000_000
        # As a date in a snapshot's file may have it.
        last = ManualClock.at((LAST_SECOND + 1) * NANOSECONDS - 1)
        last.advance(0)
        with pytest.raises(ValueError, match="up to the year 9999"):
            last.advance(1e-9)


def test_system_clock_waits_longer_than_the_system_can() -> None:
    """It wakes early at most, which its callers expect."""
    condition = threading.Condition()
    with condition:
        threading.Thread(target=notify, args=(condition,), daemon=True).start()
        SystemClock().wait(condition, 10**30)


def notify(condition: threading.Condition) -> None:
    with condition:
        condition.notify_all()


def test_system_clock_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([5, 3, 5, 7, 6])
    monkeypatch.setattr(time, "time_ns", lambda: next(readings))
    clock = SystemClock()
    assert [clock.now() for _ in range(5)] == [5, 5, 5, 7, 7]


def enters_from_a_thread(engine: Engine) -> bool:
    """Whether another thread has its turn; the one that has the lock would get in anyway."""
    entered = []

    def enter() -> None:
        with engine.lock:
            entered.append(True)

    thread = Thread(target=enter, daemon=True)
    thread.start()
    thread.join(timeout=5)
    return bool(entered)


class TestTurn:
    """What is due is done before the next operation that could see it, in order."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock(0)

    @pytest.fixture
    def engine(self, clock: ManualClock) -> NotingEngine:
        return NotingEngine(clock=clock)

    def test_schedule_is_kept_in_order_of_time_and_then_of_entry(
        self, engine: NotingEngine, clock: ManualClock
    ) -> None:
        for name, delay in [("late", 3.0), ("a", 2.0), ("b", 2.0), ("early", 1.0)]:
            engine.later(delay, name)
        assert engine.done == []
        clock.advance(2)
        # Nothing runs by itself.
        assert engine.done == []
        with engine.lock as moment:
            assert moment == (2 * NANOSECONDS,) * 3
            # Each at its own time, not at that of the request that came.
            assert engine.done == [("early", 1), ("a", 2), ("b", 2)]
        clock.advance(0.999)
        with engine.lock:
            assert len(engine.done) == 3
        clock.advance(0.001)
        with engine.lock:
            assert engine.done[3:] == [("late", 3)]
        with engine.lock:
            assert len(engine.done) == 4

    def test_at_once_and_never(self, engine: NotingEngine, clock: ManualClock) -> None:
        engine.later(0, "now")
        with engine.lock:
            assert engine.done == [("now", 0)]
        engine.later(inf, "never")
        clock.advance(10**10)
        with engine.lock:
            assert engine.done == [("now", 0)]

    def test_an_operation_within_an_operation_is_refused(self, engine: NotingEngine) -> None:
        """One operation has one moment; so there is no second one within it."""
        with engine.lock:
            with pytest.raises(AssertionError, match="an operation within an operation"):
                engine.lock.__enter__()
            assert engine.lock.is_held
        assert not engine.lock.is_held

    def test_nothing_is_committed_without_the_lock(self, engine: NotingEngine) -> None:
        with engine.lock as moment:
            pass
        with pytest.raises(AssertionError, match="committed without the lock"):
            engine.store.commit(Change(), moment)

    def test_turn_is_given_back_after_an_error(self, engine: NotingEngine) -> None:
        with pytest.raises(RuntimeError), engine.lock:
            raise RuntimeError
        assert enters_from_a_thread(engine)

    def test_turn_is_given_back_after_an_error_in_what_was_due(
        self, engine: NotingEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It fails the first request, and keeps no lock."""

        def fail(*_: object) -> Change:
            raise ZeroDivisionError

        engine.later(0, "due")
        with monkeypatch.context() as patch:
            patch.setattr(engine, "_decide_due", fail)
            with pytest.raises(ZeroDivisionError), engine.lock:
                pass
        assert enters_from_a_thread(engine)
