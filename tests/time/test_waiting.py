"""Waits on the clocks: which of them are woken, when, and in which order."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from s2mock import ManualClock, SystemClock
from s2mock.registry.engine.engine import Engine
from s2mock.registry.log.batch import Batch
from s2mock.registry.log.read_request import ReadRequest
from s2mock.registry.rules.basins import CreateBasin
from s2mock.registry.rules.read import Read
from s2mock.registry.rules.streams import CreateStream
from s2mock.runtime.clock import NANOSECONDS
from s2mock.runtime.conversation import Wait
from s2mock.server.wsgi import block
from tests.registry.noting_engine import NotingEngine
from tests.time.watched_clock import PATIENCE, WatchedClock

if TYPE_CHECKING:
    from s2mock.registry.engine.read_session import ReadSession
    from s2mock.registry.engine.waiter import Waiter


@pytest.fixture
def clock() -> WatchedClock:
    return WatchedClock(0)


@pytest.fixture
def engine(clock: WatchedClock) -> Engine:
    return Engine(clock=clock)


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
    """Waits until `until`, and notes when it came back, as a reader does."""

    def __init__(self, engine: Engine, log: list[object], name: object, until: float) -> None:
        self.engine, self.log, self.name, self.until = engine, log, name, int(until * NANOSECONDS)

    def __call__(self) -> None:
        pause: Waiter | None = None
        while True:
            with self.engine.lock as moment:
                before, pause = pause, None
                if moment.monotonic < self.until:
                    pause = self.engine.sessions.wait_until(self.until)
                else:
                    self.log.append(self.name)
            if before is not None:
                before.close()
            if pause is None:
                return
            pause.block()


def wait_once(engine: Engine, until: int) -> int:
    """Wait once until then, and tell the time at which the turn after that came."""
    with engine.lock:
        pause = engine.sessions.wait_until(until)
    pause.block()
    with engine.lock as moment:
        pass
    pause.close()
    return moment.now


Start = Callable[..., threading.Thread]


class TestManualClock:
    def test_no_waiter_is_woken_early(
        self, clock: WatchedClock, engine: Engine, start: Start
    ) -> None:
        woken: list[object] = []
        for seconds in (10, 20):
            start(Waiter(engine, woken, seconds, seconds))
        clock.await_waiters(2)

        clock.advance(9.999999999)
        assert woken == []
        clock.advance(0.000000001)
        assert woken == [10]
        clock.advance(100)
        assert woken == [10, 20]

    @pytest.mark.sample(4)
    @pytest.mark.parametrize("seed", range(20))
    def test_order(self, clock: WatchedClock, engine: Engine, start: Start, seed: int) -> None:
        """However they came, they have their turn in the order in which their time came."""
        woken: list[object] = []
        times = random.Random(seed).sample(range(1, 1000), 30)
        for seconds in times:
            start(Waiter(engine, woken, seconds, seconds))
        clock.await_waiters(30)
        clock.advance(7 * 24 * 60 * 60)

        assert woken == sorted(times)

    def test_one_time_for_several(self, clock: WatchedClock, engine: Engine, start: Start) -> None:
        """In the order in which they came to wait."""
        woken: list[object] = []
        for name in range(20):
            start(Waiter(engine, woken, name, 5))
            clock.await_waiters(name + 1)
        clock.advance(5)

        assert woken == list(range(20))

    def test_a_waiter_that_waits_again(
        self, clock: WatchedClock, engine: Engine, start: Start
    ) -> None:
        """A wait begun by a waiter just woken is one of the next advance, not of this one."""
        times: list[int] = []

        def wait_twice() -> None:
            for _ in range(2):
                now = wait_once(engine, clock.now() + 5 * NANOSECONDS)
                times.append(now // NANOSECONDS)

        thread = start(wait_twice)
        clock.await_waiters(1)
        clock.advance(100)
        clock.await_waiters(1)
        assert times == [100]
        clock.advance(5)
        thread.join(PATIENCE)
        assert times == [100, 105]

    def test_a_time_that_has_passed(self, clock: WatchedClock, engine: Engine) -> None:
        """Not waited for at all."""
        clock.advance(10)
        assert wait_once(engine, 10 * NANOSECONDS) == 10 * NANOSECONDS
        assert wait_once(engine, 0) == 10 * NANOSECONDS

    def test_woken_before_its_time(self, clock: WatchedClock, engine: Engine, start: Start) -> None:
        """Then the clock has nothing more to do with it."""
        times: list[int] = []
        thread = start(lambda: times.append(wait_once(engine, 5 * NANOSECONDS)))
        clock.await_waiters(1)
        [pause] = engine.sessions.waiters
        pause.wake()
        thread.join(PATIENCE)
        assert times == [0]
        assert clock.waiters == 0
        assert not engine.sessions.waiters
        clock.advance(5)

    def test_woken_before_it_waits(self, clock: WatchedClock, engine: Engine) -> None:
        """An append may come between the turn and the wait; it is not slept through."""
        with engine.lock:
            pause = engine.sessions.wait_until(5 * NANOSECONDS)
        pause.wake()
        pause.block()
        pause.close()
        assert clock.waiters == 0

    def test_turned_before_it_waits(self, clock: WatchedClock, engine: Engine) -> None:
        with engine.lock:
            pause = engine.sessions.wait_until(5 * NANOSECONDS)
        clock.advance(5)
        pause.block()
        pause.close()

    def test_turned_by_many(self, clock: WatchedClock, engine: Engine, start: Start) -> None:
        """No second is lost, and no waiter oversleeps, with any number of callers of `advance`."""
        woken: list[object] = []
        for seconds in range(1, 41):
            start(Waiter(engine, woken, seconds, seconds))
        clock.await_waiters(40)

        def advance() -> None:
            for _ in range(10):
                clock.advance(1)

        turning = [start(advance) for _ in range(4)]
        for thread in turning:
            thread.join(PATIENCE)
        assert clock.now() == 40 * NANOSECONDS
        # Those that have just been woken may still be on their way.
        for _ in range(1000):
            with engine.lock:
                if len(woken) == 40:
                    break
            threading.Event().wait(0.01)
        assert sorted(map(int, woken)) == list(range(1, 41))

    def test_turned_while_they_come(
        self, clock: WatchedClock, engine: Engine, start: Start
    ) -> None:
        """A waiter that begins while the clock advances is woken or never waits."""
        woken: list[object] = []
        waiters = [start(Waiter(engine, woken, name, 3)) for name in range(30)]
        for _ in range(3):
            clock.advance(1)
        for waiter in waiters:
            waiter.join(PATIENCE)

        assert sorted(map(int, woken)) == list(range(30))

    def test_one_clock_for_two_accounts(self, clock: WatchedClock, start: Start) -> None:
        woken: list[object] = []
        engines = [Engine(clock=clock), Engine(clock=clock)]
        for seconds in range(1, 11):
            start(Waiter(engines[seconds % 2], woken, seconds, seconds))
        clock.await_waiters(10)
        clock.advance(10)
        assert woken == list(range(1, 11))

    def test_due_actions_run_before_the_waiters(self, clock: WatchedClock, start: Start) -> None:
        """Due actions come first, also where the clock wakes a waiter."""
        engine = NotingEngine(clock=clock)
        engine.later(3, "due")
        thread = start(Waiter(engine, engine.done, "woken", 5))
        clock.await_waiters(1)
        clock.advance(10)
        thread.join(PATIENCE)

        assert engine.done == [("due", 3), "woken"]

    def test_interrupted(
        self,
        clock: WatchedClock,
        engine: Engine,
        start: Start,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """`advance` does not wait for a waiter that was interrupted."""

        def interrupt(*_: object) -> bool:
            raise KeyboardInterrupt

        session = follower(engine)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Condition, "wait", interrupt)
            with pytest.raises(KeyboardInterrupt):
                drive(session)
        assert clock.waiters == 0
        start(clock.advance, 100).join(PATIENCE)
        assert clock.now() == 100 * NANOSECONDS

    def test_interrupted_on_a_condition(self, clock: WatchedClock, start: Start) -> None:
        """The same for a waiter on the clock itself."""

        class Interrupted(threading.Condition):
            def wait(self, *_: object) -> bool:
                raise KeyboardInterrupt

        condition = Interrupted()
        with condition, pytest.raises(KeyboardInterrupt):
            clock.wait(condition, 5 * NANOSECONDS)
        start(clock.advance, 10).join(PATIENCE)
        assert clock.now() == 10 * NANOSECONDS

    def test_a_condition_that_is_notified(self, clock: WatchedClock, start: Start) -> None:
        """`wait` is what a clock promises; it ends early when the condition is notified."""
        condition = threading.Condition()
        woken: list[int] = []

        def wait() -> None:
            with condition:
                clock.wait(condition, 5 * NANOSECONDS)
            woken.append(clock.now())

        thread = start(wait)
        clock.await_waiters(1)
        with condition:
            condition.notify_all()
        thread.join(PATIENCE)
        assert woken == [0]
        assert clock.waiters == 0

    def test_a_condition_for_which_the_clock_is_turned(
        self, clock: WatchedClock, start: Start
    ) -> None:
        condition = threading.Condition()
        woken: list[int] = []

        def wait() -> None:
            with condition:
                while clock.now() < 5 * NANOSECONDS:
                    clock.wait(condition, 5 * NANOSECONDS)
            woken.append(clock.now())

        thread = start(wait)
        clock.await_waiters(1)
        clock.advance(5)
        thread.join(PATIENCE)
        assert woken == [5 * NANOSECONDS]


def follower(engine: Engine) -> Iterator[Batch | Wait]:
    """The outcomes of a session at the tail of a stream."""
    engine.carry_out(CreateBasin("my-basin"))
    engine.carry_out(CreateStream("my-basin", "s"))
    reading = Read("my-basin", "s", ReadRequest(), is_session=True)
    session: ReadSession = engine.carry_out(reading)
    return session.batches()


def drive(outcomes: Iterator[Batch | Wait]) -> None:
    """Wait where the session waits, as a driver does."""
    with closing(outcomes):
        for outcome in outcomes:
            if not isinstance(outcome, Batch):
                block(outcome)


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

    def test_a_pause_ends(self) -> None:
        engine = Engine(clock=SystemClock())
        with engine.lock as before:
            pause = engine.sessions.wait_until(before.monotonic + 2_000_000)
        after = before
        while after.monotonic < before.monotonic + 2_000_000:
            pause.block()
            with engine.lock as after:
                pass
        pause.close()

    def test_woken(self, start: Start) -> None:
        engine = Engine(clock=SystemClock())
        waits = threading.Event()
        woken: list[int] = []

        def wait() -> None:
            with engine.lock as moment:
                pause = engine.sessions.wait_until(moment.monotonic + 3600 * NANOSECONDS)
                waits.set()
            pause.block()
            with engine.lock as moment:
                woken.append(moment.now)
            pause.close()

        thread = start(wait)
        waits.wait(PATIENCE)
        [pause] = engine.sessions.waiters
        pause.wake()
        thread.join(PATIENCE)
        assert len(woken) == 1


def test_time_in_fractions() -> None:
    """No nanosecond is lost in a thousand small steps."""
    clock = ManualClock(0)
    for _ in range(1000):
        clock.advance(0.1)
    assert clock.now() == 100 * NANOSECONDS
