"""The clocks of an account: every date in the product comes from one of them."""

import os
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar, Final, NamedTuple, NoReturn, Protocol, Self

from s2mock.runtime.arguments import check_count, check_seconds
from s2mock.runtime.conversation import Application
from s2mock.runtime.monotonic import monotonic_ns
from s2mock.runtime.notifier import PATIENCE, Notifier, Pending
from s2mock.runtime.public_dir import PublicDir

NANOSECONDS: Final = 1_000_000_000
NEVER: Final = 1 << 70
"""A time, in nanoseconds since the Unix epoch, that no clock reaches: after the year 39000."""
# Dates are written with four digits of the year.
_LAST_SECOND: Final = 253_402_300_799
_LAST: Final = (_LAST_SECOND + 1) * NANOSECONDS - 1
_DEFAULT_START: Final = 1_704_067_200


class Clock(Protocol):
    """The two methods that an account needs of a clock."""

    def now(self) -> int:
        """Return nanoseconds since the Unix epoch, never less than an earlier result."""

    def wait(self, condition: threading.Condition, until: int) -> None:
        """Wait for the condition, but no longer than `until` (nanoseconds since the epoch).

        The caller holds the condition's lock. The wait may return early.
        """


class AccountClock(Clock, Protocol):
    """The clock of a mock, as a test has it. A clock of the user's own need not have `stopped`."""

    def stopped(self) -> AbstractContextManager[None]:
        """Return a block during which a clock that advances by itself (`"auto"`) is still.

        Raises `TypeError` for the clock of the machine.
        """


def nanoseconds(seconds: float) -> int:
    """Return the whole nanoseconds in `seconds`, which are 0 or more.

    A duration that leads any clock beyond the year 9999, also an infinite one, counts as about
    8,000 years.
    """
    return int(min(seconds, _LAST_SECOND) * NANOSECONDS)


def _date(now: int) -> str:
    """Return the date of nanoseconds since the Unix epoch, as S2 writes it, to the millisecond."""
    from datetime import UTC, datetime  # loaded late: no test needs it otherwise

    moment = datetime.fromtimestamp(now // NANOSECONDS, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{now % NANOSECONDS // 1_000_000:03}Z"


def check_clock(clock: Clock) -> Clock:
    """Return the clock if it has the methods of one. Raises `TypeError`."""
    if isinstance(clock, type):
        raise TypeError(f"clock must be a clock, not a class: try {clock.__name__}()")
    if not (callable(getattr(clock, "now", None)) and callable(getattr(clock, "wait", None))):
        raise TypeError(f"clock must have now() and wait(), as ManualClock() has, not {clock!r}")
    return clock


class SystemClock:
    """The clock of the machine, whose dates never decrease."""

    def __init__(self) -> None:
        self._latest = 0

    def __repr__(self) -> str:
        return f"<SystemClock at {_date(self.now())}>"

    def now(self) -> int:
        """Return nanoseconds since the Unix epoch, never less than an earlier result."""
        # Two threads may both write. Each result is still not before an earlier one of its thread.
        now = time.time_ns()
        if now < self._latest:
            return self._latest
        self._latest = now
        return now

    def wait(self, condition: threading.Condition, until: int) -> None:
        """Wait for the condition, but no longer than `until` (nanoseconds since the epoch)."""
        if (left := until - self.now()) > 0:
            condition.wait(min(left / NANOSECONDS, threading.TIMEOUT_MAX))

    def stopped(self) -> NoReturn:
        """Raise `TypeError`: the clock of the machine goes on."""
        raise TypeError(
            "stopped() keeps a clock still that advances by itself, and this is the clock of the "
            'machine: make the mock with clock="auto"'
        )


class Timer(Protocol):
    """A callback that a clock calls at a time."""

    is_due: bool

    def close(self) -> None:
        """End the timer: its work is done, or not needed any more."""


class TimerClock:
    """A clock that calls a function at a time, so that a wait for it needs no thread."""

    def call_at(self, until: int, wake: Callable[[], None], *, is_wait: bool = True) -> Timer:
        """Return a timer that calls `wake` when the clock reaches `until`.

        `until` is in nanoseconds since the epoch. Without `is_wait` no request waits for it.
        """
        raise NotImplementedError


def timers_of(clock: Clock) -> TimerClock | None:
    """Return the clock if it has timers, None for one that offers nothing but a blocking wait."""
    if isinstance(clock, ManualClock):
        # One with a wait of the user's own is to be waited for in that way.
        return clock if type(clock).wait is ManualClock.wait else None
    return clock if isinstance(clock, TimerClock) else None


class ManualClock(PublicDir, TimerClock):
    """A clock that moves only when the test advances it.

    `start` is in seconds since the Unix epoch. Without one it is the time of the snapshot that
    an account begins with, or else 2024-01-01T00:00:00Z. Raises `TypeError` if `start` is no
    number, and `ValueError` if it is not from 1970 to the year 9999.
    """

    is_automatic: ClassVar[bool] = False
    """True for a clock that advances by itself (`clock="auto"`)."""
    _for_s2mock = frozenset(
        {
            *("at", "begin_at", "call_at", "close", "fresh", "has_moved", "is_automatic"),
            *("notifier", "on_advance", "remark", "waiters_pending", "watch"),
        }
    )

    def __init__(self, start: float | None = None) -> None:
        # True once the start is fixed: it was given, or the time was read or advanced.
        self._has_begun = start is not None
        start = _DEFAULT_START if start is None else start
        check_seconds("start", start)
        if not 0 <= start < _LAST_SECOND + 1:
            raise ValueError(
                f"start must be seconds since 1970, up to the year 9999, not {start!r}"
            )
        self._now = min(int(start * NANOSECONDS), _LAST)
        # The given start, or None if there was none.
        self._start = self._now if self._has_begun else None
        self._lock = threading.Lock()
        self._waiting: list[ClockTimer] = []
        self.notifier: Final = Notifier()
        """Notified when a wait for this clock begins."""
        self.on_advance: Callable[[int], object] | None = None
        """Called with the new time before the clock is advanced; an exception prevents that."""
        _after_fork.add(self)

    def __repr__(self) -> str:
        # Not `now()`, which would fix the start.
        waiting = f", {self.waiters} waiting" if self.waiters else ""
        return f"<{type(self).__name__} at {_date(self._now)}{waiting}>"

    @classmethod
    def at(cls, now: int) -> Self:
        """Return a clock whose time is `now`, in nanoseconds since the Unix epoch."""
        clock = cls()
        clock.begin_at(now)
        clock._has_begun, clock._start = True, now
        return clock

    def fresh(self) -> "ManualClock":
        """Return a new clock with the start of this one.

        Raises `ValueError` if this one was advanced: the times of the two would differ.
        """
        start = _DEFAULT_START * NANOSECONDS if self._start is None else self._start
        if self._now != start:
            raise ValueError(
                f"clock was advanced by {(self._now - start) / NANOSECONDS:g} s, and each test "
                "gets a copy of it with the same start: advance the copy with "
                "s2_mock.advance(seconds), or give the clock another start"
            )
        return ManualClock() if self._start is None else ManualClock.at(start)

    def begin_at(self, now: int) -> None:
        """Start at `now`, unless a start was given, or the time was read or advanced.

        `now` is in nanoseconds since the Unix epoch.
        """
        with self._lock:
            if not self._has_begun:
                self._now = now

    def now(self) -> int:
        """Return nanoseconds since the Unix epoch."""
        self._has_begun = True
        return self._now

    def wait(self, condition: threading.Condition, until: int) -> None:
        """Wait for the condition, but no longer than the clock is before `until`.

        `until` is in nanoseconds since the epoch.
        """

        def wake() -> None:
            with condition:
                condition.notify_all()

        timer = self.call_at(until, wake)
        try:
            if not timer.is_due:
                condition.wait()
        finally:
            timer.close()

    def call_at(
        self, until: int, wake: Callable[[], None], *, is_wait: bool = True
    ) -> "ClockTimer":
        """Return a timer that calls `wake` when the clock is advanced to `until`.

        The thread that advances the clock makes the call. `until` is in nanoseconds since the
        epoch. Close the timer once its work is done: `advance` waits for that. Without `is_wait`
        it is none of the `waiters`: no request waits for it.
        """
        with self._lock:
            timer = ClockTimer(self, until, wake, is_due=until <= self._now, is_wait=is_wait)
            if not timer.is_due:
                self._waiting.append(timer)
                if is_wait:
                    self.notifier.notify()
        return timer

    @property
    def waiters(self) -> int:
        """The number of waits for this clock that are under way."""
        return sum(timer.is_wait for timer in list(self._waiting))

    def wait_for_waiters(self, count: int = 1, *, timeout: float = PATIENCE) -> None:
        """Block until `count` waits for this clock are under way, so that `advance` ends them.

        A read session that follows at the tail waits for its next heartbeat, a delayed operation
        for the end of its delay. Waits that are under way already count. `timeout` is in seconds
        of real time; after it, `TimeoutError` says how many there are. Raises `TypeError`,
        `ValueError`.
        """
        __tracebackhide__ = True
        self.waiters_pending(count, timeout).wait()

    async def async_wait_for_waiters(
        self,
        count: int = 1,
        *,
        timeout: float = PATIENCE,  # as in `wait_for_waiters`
    ) -> None:
        """Wait in an event loop, as `wait_for_waiters` does in a thread."""
        __tracebackhide__ = True
        await self.waiters_pending(count, timeout).async_wait()

    def waiters_pending(self, count: int, timeout: float) -> Pending[bool]:
        """Return the wait for `count` waiters on this clock. Raises `TypeError`, `ValueError`."""
        check_count("count", count)
        return Pending(
            self.notifier,
            lambda: True if self.waiters >= count else None,
            lambda: f"{self.waiters} of {count} waited on the clock within {timeout:g} s",
            timeout,
        )

    def stopped(self) -> AbstractContextManager[None]:
        """Return a block without an effect, in which the clock is still, as it is always."""
        return nullcontext()

    def watch(self, application: Application) -> Application:
        """Return the application; a clock that advances by itself gets to know its requests."""
        return application

    def close(self) -> None:
        """Do nothing; a clock that advances by itself does not any more."""

    @property
    def remark(self) -> str:
        """The text behind the message of a wait that took too long."""
        return ""

    @property
    def has_moved(self) -> Callable[[], bool] | None:
        """A function that returns True if the clock has moved by itself since the last call."""
        return None

    def advance(self, seconds: float) -> None:
        """Move the clock forward by `seconds`, and end each wait for a time until then.

        The waits end one after the other, the earliest first, before this returns. Raises
        `TypeError` if `seconds` is no number, and `ValueError` if it is negative or leads beyond
        the year 9999.
        """
        check_seconds("seconds", seconds)
        if seconds < 0:
            raise ValueError(f"a clock only goes forward: advance({seconds!r}) is negative")
        with self._lock:
            # False for NaN, too.
            now = self._now + nanoseconds(seconds) if seconds <= _LAST_SECOND else None
            if now is None or now > _LAST:
                raise ValueError(
                    f"seconds must lead to a time up to the year 9999, not {seconds!r}"
                )
            due = self._move(now)
        self._fire(due)

    def _move(self, now: int) -> "list[ClockTimer]":
        """Set the time, and return the timers that are due. With the lock held."""
        if self.on_advance is not None:
            self.on_advance(now)
        self._now, self._has_begun = now, True
        return [timer for timer in self._waiting if timer.until <= now]

    def _fire(self, due: "list[ClockTimer]") -> None:
        for timer in sorted(due, key=lambda timer: timer.until):
            timer.fire()

    def _forget(self, timer: "ClockTimer") -> None:
        with self._lock:
            if timer in self._waiting:
                self._waiting.remove(timer)

    def _reset_after_fork(self) -> None:
        self._lock = threading.Lock()
        self._waiting = []


class ClockTimer:
    """A callback that a `ManualClock` calls when it is advanced to a time."""

    # How long `advance` waits for the timer to be closed, in seconds. That is at once, unless what
    # was woken waits for the thread that advances the clock.
    _PATIENCE = 1.0

    def __init__(
        self,
        clock: ManualClock,
        until: int,
        wake: Callable[[], None],
        *,
        is_due: bool,
        is_wait: bool,
    ) -> None:
        self.until = until
        self.is_wait = is_wait
        self.is_due: bool = is_due
        self._clock = clock
        self._wake = wake
        self._closed = threading.Event()

    def fire(self) -> None:
        """Call the callback, and wait until the timer is closed."""
        self.is_due = True
        self._wake()
        self._closed.wait(self._PATIENCE)

    def close(self) -> None:
        """End the timer: its work is done, or not needed any more."""
        self._clock._forget(self)  # noqa: SLF001  # two halves of one thing
        self._closed.set()


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
    """The clock of an account, read as one `Moment` at a time."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.shift = 0
        # A subclass may have another time than the machine; durations are then measured with it.
        self._is_system = type(clock) is SystemClock

    def moment(self) -> Moment:
        """Read the clock once, and return that moment."""
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
