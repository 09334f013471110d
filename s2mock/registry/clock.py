"""The one source of time: everything in the product that has a date asks the account's clock."""

import threading
import time
from typing import Protocol

NANOSECONDS = 1_000_000_000


class Clock(Protocol):
    """What the account needs to know of time."""

    def now(self) -> int:
        """Nanoseconds since the Unix epoch; never less than an earlier answer."""


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


class ManualClock:
    """A clock that stands still until the test turns it.

    `start` is in seconds since the Unix epoch; the default is 2024-01-01T00:00:00Z.
    """

    def __init__(self, start: float = 1_704_067_200) -> None:
        self._now = int(start * NANOSECONDS)
        self._lock = threading.Lock()

    def now(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Turn the clock forward. Raises `ValueError` for a negative number of seconds."""
        if seconds < 0:
            raise ValueError(f"a clock only goes forward: advance({seconds!r}) is negative")
        with self._lock:
            self._now += int(seconds * NANOSECONDS)
