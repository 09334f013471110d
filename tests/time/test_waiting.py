"""Waiting on the clocks: who is woken, when, and in which order."""

import random
import threading
from collections.abc import Callable, Iterator

import pytest

from s2mock import ManualClock, SystemClock
from s2mock.registry.clock import NANOSECONDS
from s2mock.registry.turn import Turn
from tests.time.watched_clock import PATIENCE, WatchedClock


@pytest.fixture
def clock() -> WatchedClock:
    return WatchedClock(0)


@pytest.fixture
def turn(clock: WatchedClock) -> Turn:
    return Turn(clock)


@pytest.fixture
def start() -> Iterator[Callable[..., threading.Thread]]:
    """Starts threads that must have ended when the test has."""
    threads: list[threading.Thread] = []

    def start(target: Callable[..., object], *arguments: object) -> threading.Thread:
        threads.append(threading.Thread(target=target, args=arguments, daemon=True))
        threads[-1].start()
        return threads[-1]

    yield start
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "a thread still waits"


class Waiter:
    """Waits in turn until so many seconds, and says when it came back."""

    def __init__(self, turn: Turn, log: list[object], name: object, until: float) -> None:
        self.turn, self.log, self.name, self.until = turn, log, name, int(until * NANOSECONDS)
        self.condition = threading.Condition(turn.lock)

    def __call__(self) -> None:
        with self.turn as entered:
            now = entered
            while now < self.until:
                now = self.turn.wait(self.condition, self.until)
            self.log.append(self.name)


Start = Callable[..., threading.Thread]


class TestManualClock:
    def test_nobody_is_woken_early(self, clock: WatchedClock, turn: Turn, start: Start) -> None:
        woken: list[object] = []
        for seconds in (10, 20):
            start(Waiter(turn, woken, seconds, seconds))
        clock.await_waiters(2, turn)

        clock.advance(9.999999999)
        with turn:
            assert woken == []
        clock.advance(0.000000001)
        with turn:
            assert woken == [10]
        clock.advance(100)
        with turn:
            assert woken == [10, 20]

    @pytest.mark.parametrize("seed", range(20))
    def test_order(self, clock: WatchedClock, turn: Turn, start: Start, seed: int) -> None:
        """However they came, they have their turn in the order in which their time came."""
        woken: list[object] = []
        times = random.Random(seed).sample(range(1, 1000), 30)
        for seconds in times:
            start(Waiter(turn, woken, seconds, seconds))
        clock.await_waiters(30, turn)
        clock.advance(7 * 24 * 60 * 60)

        with turn:
            assert woken == sorted(times)

    def test_one_time_for_several(self, clock: WatchedClock, turn: Turn, start: Start) -> None:
        """In the order in which they came to wait."""
        woken: list[object] = []
        for name in range(20):
            start(Waiter(turn, woken, name, 5))
            clock.await_waiters(1, turn)
        clock.advance(5)

        with turn:
            assert woken == list(range(20))

    def test_who_waits_again(self, clock: WatchedClock, turn: Turn, start: Start) -> None:
        """A wait begun by somebody just woken is one of the next advance, not of this one."""
        times: list[int] = []
        condition = threading.Condition(turn.lock)

        def wait_twice() -> None:
            with turn:
                for _ in range(2):
                    now = turn.wait(condition, clock.now() + 5 * NANOSECONDS)
                    times.append(now // NANOSECONDS)

        thread = start(wait_twice)
        clock.await_waiters(1, turn)
        clock.advance(100)
        clock.await_waiters(1, turn)
        assert times == [100]
        clock.advance(5)
        thread.join(PATIENCE)
        assert times == [100, 105]

    def test_a_time_that_has_passed(self, clock: WatchedClock, turn: Turn) -> None:
        """Not waited for at all."""
        clock.advance(10)
        condition = threading.Condition(turn.lock)
        with turn:
            assert turn.wait(condition, 10 * NANOSECONDS) == 10 * NANOSECONDS
            assert turn.wait(condition, 0) == 10 * NANOSECONDS

    def test_notified_before_its_time(self, clock: WatchedClock, turn: Turn, start: Start) -> None:
        """Then the clock has nothing more to do with it."""
        times: list[int] = []
        condition = threading.Condition(turn.lock)

        def wait() -> None:
            with turn as now:
                times.append(turn.wait(condition, now + 5 * NANOSECONDS))

        thread = start(wait)
        clock.await_waiters(1, turn)
        with turn:
            condition.notify_all()
        thread.join(PATIENCE)
        assert times == [0]
        assert not clock._waiting
        clock.advance(5)

    def test_turned_by_many(self, clock: WatchedClock, turn: Turn, start: Start) -> None:
        """No second is lost, and nobody oversleeps, whoever turns the clock."""
        woken: list[object] = []
        for seconds in range(1, 41):
            start(Waiter(turn, woken, seconds, seconds))
        clock.await_waiters(40, turn)

        def advance() -> None:
            for _ in range(10):
                clock.advance(1)

        turning = [start(advance) for _ in range(4)]
        for thread in turning:
            thread.join(PATIENCE)
        assert clock.now() == 40 * NANOSECONDS
        # Those that have just been woken may still be on their way.
        for _ in range(1000):
            with turn:
                if len(woken) == 40:
                    break
            threading.Event().wait(0.01)
        assert sorted(map(int, woken)) == list(range(1, 41))

    def test_turned_while_they_come(self, clock: WatchedClock, turn: Turn, start: Start) -> None:
        """Who comes to wait at the moment at which the clock is turned is woken or never waits."""
        woken: list[object] = []
        waiters = [start(Waiter(turn, woken, name, 3)) for name in range(30)]
        for _ in range(3):
            clock.advance(1)
        for waiter in waiters:
            waiter.join(PATIENCE)

        assert sorted(map(int, woken)) == list(range(30))

    def test_one_clock_for_two_accounts(self, clock: WatchedClock, start: Start) -> None:
        woken: list[object] = []
        turns = [Turn(clock), Turn(clock)]
        for seconds in range(1, 11):
            start(Waiter(turns[seconds % 2], woken, seconds, seconds))
        clock.await_waiters(10, turns[0])
        with turns[1].lock:
            pass
        clock.advance(10)
        with turns[0], turns[1]:
            assert sorted(map(int, woken)) == list(range(1, 11))

    def test_what_is_due_is_done_before_who_waits_looks(
        self, clock: WatchedClock, turn: Turn, start: Start
    ) -> None:
        """The agenda comes first, also where the clock wakes somebody."""
        log: list[object] = []
        with turn as now:
            turn.later(now, 3, lambda due: log.append(("due", due // NANOSECONDS)))
        thread = start(Waiter(turn, log, "woken", 5))
        clock.await_waiters(1, turn)
        clock.advance(10)
        thread.join(PATIENCE)

        assert log == [("due", 3), "woken"]

    def test_interrupted(self, clock: WatchedClock, turn: Turn, start: Start) -> None:
        """Who was torn out of its wait is waited for by nobody."""

        class Interrupted(threading.Condition):
            def wait(self, *_: object) -> bool:
                raise KeyboardInterrupt

        with turn, pytest.raises(KeyboardInterrupt):
            turn.wait(Interrupted(turn.lock), 5 * NANOSECONDS)
        start(clock.advance, 10).join(PATIENCE)
        assert clock.now() == 10 * NANOSECONDS


class TestSystemClock:
    def test_a_time_that_has_passed(self) -> None:
        clock = SystemClock()
        condition = threading.Condition()
        with condition:
            clock.wait(condition, 0)
            clock.wait(condition, clock.now())

    def test_time_passes(self) -> None:
        clock = SystemClock()
        condition = threading.Condition()
        until = clock.now() + 2_000_000
        with condition:
            while clock.now() < until:
                clock.wait(condition, until)
        assert clock.now() >= until

    def test_notified(self, start: Start) -> None:
        clock = SystemClock()
        turn = Turn(clock)
        condition = threading.Condition(turn.lock)
        waits = threading.Event()
        woken: list[int] = []

        def wait() -> None:
            with turn as now:
                waits.set()
                woken.append(turn.wait(condition, now + 3600 * NANOSECONDS))

        thread = start(wait)
        waits.wait(PATIENCE)
        with turn:
            condition.notify_all()
        thread.join(PATIENCE)
        assert len(woken) == 1


def test_an_action_that_fails(clock: WatchedClock, turn: Turn, start: Start) -> None:
    """It fails whoever comes first, and locks nobody out."""

    def fail(_: int) -> None:
        raise ZeroDivisionError

    with turn as now:
        turn.later(now, 5, fail)
    clock.advance(5)
    with pytest.raises(ZeroDivisionError), turn:
        pass
    entered: list[int] = []

    def enter() -> None:
        with turn as now:
            entered.append(now)

    start(enter).join(PATIENCE)
    assert entered == [5 * NANOSECONDS]


def test_time_in_fractions() -> None:
    """No nanosecond is lost in a thousand small steps."""
    clock = ManualClock(0)
    for _ in range(1000):
        clock.advance(0.1)
    assert clock.now() == 100 * NANOSECONDS
