"""The one source of time: everything in the product that has a date asks the account's clock."""

import threading
import time
from typing import Protocol

NANOSECONDS = 1_000_000_000


class Clock(Protocol):
    """What the account needs to know of time."""

    def now(self) -> int:
        """Nanoseconds since the Unix epoch; never less than an earlier answer."""

    def wait(self, condition: threading.Condition, until: int) -> None:
        """Wait to be notified, but no longer than `until` (nanoseconds since the epoch).

        The caller holds the condition's lock. It may return early.
        """


class SystemClock:
    """The machine's own clock, held back from running backwards."""

    def __init__(self) -> None:
        self._latest = 0
        self._lock = threading.Lock()

    def now(self) -> int:
        """Nanoseconds since the Unix epoch; never less than an earlier answer."""
        with self._lock:
            self._latest = max(self._latest, time.time_ns())
            return self._latest

    def wait(self, condition: threading.Condition, until: int) -> None:
        """Wait to be notified, but no longer than `until` (nanoseconds since the epoch)."""
        if (left := until - self.now()) > 0:
            condition.wait(left / NANOSECONDS)


class ManualClock:
    """A clock that stands still until the test turns it.

    `start` is in seconds since the Unix epoch; the default is 2024-01-01T00:00:00Z.
    """

    def __init__(self, start: float = 1_704_067_200) -> None:
        self._now = int(start * NANOSECONDS)
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []

    def now(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return self._now

    def wait(self, condition: threading.Condition, until: int) -> None:
        """Wait to be notified, or for the clock to be turned to `until`."""
        waiting = _Waiting(condition, until)
        with self._lock:
            if until <= self._now:
                return
            self._waiting.append(waiting)
        try:
            condition.wait()
        finally:
            with self._lock:
                self._waiting.remove(waiting)
            waiting.has_left.set()

    def advance(self, seconds: float) -> None:
        """Turn the clock forward, and wake who waited for that, the earliest first.

        Each has its turn before the next one is woken, so it must not be called by who holds the
        lock that they need. Raises `ValueError` for a negative number of seconds.
        """
        if seconds < 0:
            raise ValueError(f"a clock only goes forward: advance({seconds!r}) is negative")
        with self._lock:
            self._now += int(seconds * NANOSECONDS)
            due = [waiting for waiting in self._waiting if waiting.until <= self._now]
        for waiting in sorted(due, key=lambda waiting: waiting.until):
            with waiting.condition:
                waiting.condition.notify_all()
            waiting.has_left.wait()


class _Waiting:
    """Somebody who waits on a manual clock."""

    def __init__(self, condition: threading.Condition, until: int) -> None:
        self.condition = condition
        self.until = until
        self.has_left = threading.Event()
