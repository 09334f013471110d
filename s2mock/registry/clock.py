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
        self._waiting: dict[threading.Condition, int] = {}

    def now(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return self._now

    def wait(self, condition: threading.Condition, until: int) -> None:
        """Wait to be notified, or for the clock to be turned to `until`."""
        with self._lock:
            if until <= self._now:
                return
            self._waiting[condition] = until
        condition.wait()
        with self._lock:
            self._waiting.pop(condition, None)

    def advance(self, seconds: float) -> None:
        """Turn the clock forward, and wake who waited for that, the earliest first.

        Raises `ValueError` for a negative number of seconds.
        """
        if seconds < 0:
            raise ValueError(f"a clock only goes forward: advance({seconds!r}) is negative")
        with self._lock:
            self._now += int(seconds * NANOSECONDS)
            due = [waiting for waiting in self._waiting.items() if waiting[1] <= self._now]
        for condition, _ in sorted(due, key=lambda waiting: waiting[1]):
            with condition:
                condition.notify_all()
