"""The clock of an asyncio event loop, for accounts that are served on that loop."""

import contextvars
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from s2mock.runtime.clock import NANOSECONDS, TimerClock

if TYPE_CHECKING:
    import asyncio


class LoopClock(TimerClock):
    """A clock that goes with an event loop: its dates are those of `start` plus the loop's time.

    A loop whose time is simulated makes hours pass at once. `loop` is the running one, if there is
    one; without a loop the clock stays at its start until `begin` gives it one. `start` is in
    nanoseconds since the Unix epoch; without one it is the time of the machine.
    """

    def __init__(
        self, loop: "asyncio.AbstractEventLoop | None" = None, start: int | None = None
    ) -> None:
        self._start = time.time_ns() if start is None else start
        self._latest = self._start
        self._loop: asyncio.AbstractEventLoop | None = None
        self._origin = 0.0
        # Timers that were set before there was a loop.
        self._early: list[LoopTimer] = []
        self._context = contextvars.copy_context()
        if loop is None:
            loop = _running_loop()
        if loop is not None:
            self.begin(loop)

    def __repr__(self) -> str:
        return "LoopClock()" if self._loop is None else f"LoopClock({self._loop!r})"

    def begin(self, loop: "asyncio.AbstractEventLoop") -> None:
        """Go with that loop from now on. It has no effect on a clock that goes with a loop."""
        if self._loop is None:
            self._origin = loop.time()
            self._context = contextvars.copy_context()
            self._loop = loop
            early, self._early = self._early, []
            for timer in early:
                timer.schedule(loop, self._context)

    def now(self) -> int:
        """Return nanoseconds since the Unix epoch, never less than an earlier result."""
        if self._loop is not None:
            passed = round((self._loop.time() - self._origin) * NANOSECONDS)
            self._latest = max(self._latest, self._start + passed)
        return self._latest

    def wait(self, condition: threading.Condition, until: int) -> None:
        """Wait for the condition, but no longer than the clock is before `until`.

        `until` is in nanoseconds since the epoch. The thread of the loop must not call it: the
        loop does not go on during the call.
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

    def call_at(self, until: int, wake: Callable[[], None], *, is_wait: bool = True) -> "LoopTimer":
        """Return a timer that calls `wake` on the loop when the clock reaches `until`.

        `until` is in nanoseconds since the epoch. `is_wait` is that of `ManualClock.call_at`, and
        has no effect.
        """
        del is_wait
        timer = LoopTimer(self, until, wake, is_due=until <= self.now())
        if timer.is_due:
            return timer
        if self._loop is None:
            self._early.append(timer)
        elif not self._loop.is_closed():
            timer.schedule(self._loop, self._context)
        return timer

    def stopped(self) -> NoReturn:
        """Raise `TypeError`: the clock goes on with its loop."""
        raise TypeError(
            "stopped() keeps a clock still that advances by itself, and this one goes with an "
            'event loop: make the mock with clock="auto"'
        )

    @property
    def is_in_loop(self) -> bool:
        """True in a callback or a task of its loop."""
        return self._loop is not None and _running_loop() is self._loop

    def seconds_until(self, until: int) -> float:
        """Return the seconds until that time, in nanoseconds since the epoch; 0 if it is over."""
        return max(0.0, (until - self.now()) / NANOSECONDS)

    def has_reached(self, until: int) -> None:
        """Note that a timer for that time is due, which loops may call a moment early."""
        self._latest = max(self._latest, until)


def _running_loop() -> "asyncio.AbstractEventLoop | None":
    """Return the loop that runs in this thread, if there is one."""
    # Only a program that has loaded asyncio has one. The way without an exception is documented.
    found = sys.modules.get("asyncio")
    return None if found is None else found._get_running_loop()  # noqa: SLF001


class LoopTimer:
    """A callback that a loop calls when a `LoopClock` reaches a time."""

    def __init__(
        self, clock: LoopClock, until: int, wake: Callable[[], None], *, is_due: bool
    ) -> None:
        self.is_due: bool = is_due
        self._clock = clock
        self._until = until
        self._wake = wake
        self._is_closed = False
        self._handle: asyncio.TimerHandle | None = None

    def schedule(self, loop: "asyncio.AbstractEventLoop", context: contextvars.Context) -> None:
        """Have the loop call the callback when the time has come, from any thread."""

        def set_timer() -> None:
            if not self._is_closed:
                seconds = self._clock.seconds_until(self._until)
                self._handle = loop.call_later(seconds, self._fire, context=context)

        if self._clock.is_in_loop:
            set_timer()
        else:
            loop.call_soon_threadsafe(set_timer, context=context)

    def close(self) -> None:
        """End the timer: its work is done, or not needed any more."""
        self._is_closed = True
        handle = self._handle
        # From another thread a handle cannot be cancelled; its callback finds the timer closed.
        if handle is not None and self._clock.is_in_loop:
            handle.cancel()

    def _fire(self) -> None:
        if not self._is_closed:
            self._clock.has_reached(self._until)
            self.is_due = True
            self._wake()
