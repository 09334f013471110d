"""The one source of time: everything in the product that has a date asks the account's clock."""

import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from s2mock.runtime.arguments import check_seconds
from s2mock.runtime.monotonic import monotonic_ns
from s2mock.runtime.notifier import PATIENCE, Notifier, check_count

NANOSECONDS: Final = 1_000_000_000
NEVER: Final = 1 << 70
"""A time, in nanoseconds since the Unix epoch, that no clock reaches: after the year 39000."""
# Dates are written with four digits of the year.
_LAST_SECOND: Final = 253_402_300_799
_LAST: Final = (_LAST_SECOND + 1) * NANOSECONDS - 1
_DEFAULT_START: Final = 1_704_067_200


class Clock(Protocol):
    """What the account needs to know of time."""

    def now(self) -> int:
        """Nanoseconds since the Unix epoch; never less than an earlier answer."""

    def wait(self, condition: threading.Condition, until: int) -> None:
        """Wait to be notified, but no longer than `until` (nanoseconds since the epoch).

        The caller holds the condition's lock. It may return early.
        """


def nanoseconds(seconds: float) -> int:
    """Whole nanoseconds in `seconds`, which are 0 or more.

    Durations that lead any clock beyond the year 9999, infinite ones too, count as about 8,000
    years.
    """
    return int(min(seconds, _LAST_SECOND) * NANOSECONDS)


def check_clock(clock: Clock) -> Clock:
    """The clock, if it is one. Raises `TypeError`."""
    if isinstance(clock, type):
        raise TypeError(f"clock must be a clock, not a class: try {clock.__name__}()")
    if not (callable(getattr(clock, "now", None)) and callable(getattr(clock, "wait", None))):
        raise TypeError(f"clock must have now() and wait(), as ManualClock() has, not {clock!r}")
    return clock


class SystemClock:
    """The machine's own clock. Dates never run backwards, and durations never stand still."""

    def __init__(self) -> None:
        self._latest = 0

    def now(self) -> int:
        """Nanoseconds since the Unix epoch; never less than an earlier answer."""
        # Two threads may both write: each then has an answer that is not before its own earlier.
        now = time.time_ns()
        if now < self._latest:
            return self._latest
        self._latest = now
        return now

    def wait(self, condition: threading.Condition, until: int) -> None:
        """Wait to be notified, but no longer than `until` (nanoseconds since the epoch)."""
        if (left := until - self.now()) > 0:
            condition.wait(min(left / NANOSECONDS, threading.TIMEOUT_MAX))


class ManualClock:
    """A clock that stands still until the test turns it.

    `start` is in seconds since the Unix epoch. Without one it is the time of the snapshot that
    an account begins with, or else 2024-01-01T00:00:00Z. Raises `TypeError` and `ValueError` for
    what is no such number.
    """

    def __init__(self, start: float | None = None) -> None:
        # Whether it may begin elsewhere no more.
        self._has_begun = start is not None
        start = _DEFAULT_START if start is None else start
        check_seconds("start", start)
        if not 0 <= start < _LAST_SECOND + 1:
            raise ValueError(
                f"start must be seconds since 1970, up to the year 9999, not {start!r}"
            )
        self._now = min(int(start * NANOSECONDS), _LAST)
        # Where it began, unless it may begin elsewhere.
        self._start = self._now if self._has_begun else None
        self._lock = threading.Lock()
        self._waiting: list[ClockTimer] = []
        self.bell: Final = Notifier()
        """Rung when somebody begins to wait on it."""
        _after_fork.add(self)

    @classmethod
    def at(cls, now: int) -> "ManualClock":
        """A clock that stands at `now`, in nanoseconds since the Unix epoch."""
        clock = cls()
        clock.begin_at(now)
        clock._has_begun, clock._start = True, now
        return clock

    def fresh(self) -> "ManualClock":
        """Return a clock that begins where this one began, which has not been turned.

        Raises `ValueError` if this one was turned, for the other would not be where it is.
        """
        start = _DEFAULT_START * NANOSECONDS if self._start is None else self._start
        if self._now != start:
            raise ValueError(
                f"clock was turned by {(self._now - start) / NANOSECONDS:g} s, and a test has a "
                "copy that begins where it began: turn the test's own with "
                "s2_mock.advance(seconds), or give the clock another start"
            )
        return ManualClock() if self._start is None else ManualClock.at(start)

    def begin_at(self, now: int) -> None:
        """Stand at `now`, unless it was given a start, or somebody has looked at it or turned it.

        `now` is in nanoseconds since the Unix epoch.
        """
        with self._lock:
            if not self._has_begun:
                self._now = now

    def now(self) -> int:
        """Nanoseconds since the Unix epoch."""
        self._has_begun = True
        return self._now

    def wait(self, condition: threading.Condition, until: int) -> None:
        """Wait to be notified, or for the clock to be turned to `until`."""

        def wake() -> None:
            with condition:
                condition.notify_all()

        alarm = self.call_at(until, wake)
        try:
            if not alarm.rung:
                condition.wait()
        finally:
            alarm.close()

    def call_at(self, until: int, wake: Callable[[], None]) -> "ClockTimer":
        """Have `wake` called when the clock is turned to `until`, from the thread that turns it.

        `until` is in nanoseconds since the epoch. Close the alarm once its work is done: a turn
        of the clock waits for that.
        """
        with self._lock:
            alarm = ClockTimer(self, until, wake, rung=until <= self._now)
            if not alarm.rung:
                self._waiting.append(alarm)
                self.bell.notify()
        return alarm

    @property
    def waiters(self) -> int:
        """How many wait on it now."""
        return len(self._waiting)

    def wait_for_waiters(self, count: int = 1, *, timeout: float = PATIENCE) -> None:
        """Wait until so many wait on this clock, so that turning it meets them.

        A read session that follows at the tail waits for its next heartbeat, a delayed operation
        for the end of its delay. Those that wait already count. `timeout` is in seconds of real
        time; after it, `TimeoutError` says how many there are. Raises `TypeError`, `ValueError`.
        """
        check_count("count", count)
        self.bell.wait(
            lambda: self._has_waiters(count), lambda: self._waiters_missing(count, timeout), timeout
        )

    async def async_wait_for_waiters(
        self,
        count: int = 1,
        *,
        timeout: float = PATIENCE,  # as its twin has it
    ) -> None:
        """As `wait_for_waiters`, for an event loop."""
        check_count("count", count)
        await self.bell.async_wait(
            lambda: self._has_waiters(count), lambda: self._waiters_missing(count, timeout), timeout
        )

    def _has_waiters(self, count: int) -> bool | None:
        return True if len(self._waiting) >= count else None

    def _waiters_missing(self, count: int, timeout: float) -> str:
        return f"{len(self._waiting)} of {count} waited on the clock within {timeout:g} s"

    def advance(self, seconds: float) -> None:
        """Turn the clock forward by `seconds`. Whoever waits for a moment by then goes on.

        They go on one after the other, the earliest first, before this returns. Raises
        `TypeError` and `ValueError` for what is no number of seconds, a negative one, and one that
        leads beyond the year 9999.
        """
        check_seconds("seconds", seconds)
        if seconds < 0:
            raise ValueError(f"a clock only goes forward: advance({seconds!r}) is negative")
        with self._lock:
            # Not a number is no time at all.
            now = self._now + nanoseconds(seconds) if seconds <= _LAST_SECOND else None
            if now is None or now > _LAST:
                raise ValueError(
                    f"seconds must lead to a time up to the year 9999, not {seconds!r}"
                )
            self._now, self._has_begun = now, True
            due = [alarm for alarm in self._waiting if alarm.until <= now]
        for alarm in sorted(due, key=lambda alarm: alarm.until):
            alarm.notify()

    def _forget(self, alarm: "ClockTimer") -> None:
        with self._lock:
            if alarm in self._waiting:
                self._waiting.remove(alarm)

    def _reset_after_fork(self) -> None:
        self._lock = threading.Lock()
        self._waiting = []


class ClockTimer:
    """Somebody who waits on a `ManualClock`."""

    # How long a turn of the clock waits for one who has been woken, in seconds. It is over at
    # once, unless that one stands behind the thread that turns the clock.
    _PATIENCE = 1.0

    def __init__(
        self, clock: ManualClock, until: int, wake: Callable[[], None], *, rung: bool
    ) -> None:
        self.until = until
        self.rung: bool = rung
        self._clock = clock
        self._wake = wake
        self._done = threading.Event()

    def notify(self) -> None:
        """Wake the one who waits, and wait until it has had its turn."""
        self.rung = True
        self._wake()
        self._done.wait(self._PATIENCE)

    def close(self) -> None:
        """The one who waited has had its turn, or waits no longer."""
        self._clock._forget(self)  # noqa: SLF001  # two halves of one thing
        self._done.set()


class Moment(NamedTuple):
    """The one point in time of an operation, in three measures, each in nanoseconds.

    `now` is the date, since the Unix epoch. `account_time` is the date less what restored snapshots
    have shifted it by: scheduled actions and expiry go by it. `monotonic` is for durations, from
    any beginning.
    """

    now: int
    account_time: int
    monotonic: int


class Timekeeper:
    """An account's view of its clock: one look is one moment."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.shift = 0
        # A subclass may tell another time than the machine's; then durations go by that.
        self._is_system = type(clock) is SystemClock

    def moment(self) -> Moment:
        """Look at the clock."""
        now = self.clock.now()
        monotonic = monotonic_ns() if self._is_system else now
        # `Moment(...)` costs twice as much, for each operation.
        return tuple.__new__(Moment, (now, now - self.shift, monotonic))

    def seconds_left(self, until: int) -> float | None:
        """Return the seconds of real time until `Moment.monotonic` is `until`.

        None for a clock that is not the machine's: only the clock itself can end such a wait.
        """
        if self._is_system:
            return max(0.0, (until - monotonic_ns()) / NANOSECONDS)
        return None


_after_fork: weakref.WeakSet[ManualClock] = weakref.WeakSet()


def _reset_after_fork() -> None:
    for clock in list(_after_fork):
        clock._reset_after_fork()  # noqa: SLF001


os.register_at_fork(after_in_child=_reset_after_fork)
