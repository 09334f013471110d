"""A manual clock that tells a test when threads wait on it, so that it is not turned too early."""

import threading

from s2mock import ManualClock
from s2mock.registry.turn import Turn

PATIENCE = 20.0


class WatchedClock(ManualClock):
    """A `ManualClock` that counts who comes to wait."""

    def __init__(self, start: float = 1_704_067_200) -> None:
        super().__init__(start)
        self._arrivals = threading.Semaphore(0)

    def wait(self, condition: threading.Condition, until: int) -> None:
        """Wait, and have it counted."""
        self._arrivals.release()
        super().wait(condition, until)

    def await_waiters(self, count: int, turn: Turn) -> None:
        """Return when so many more have come, and wait by now."""
        for number in range(count):
            arrived = self._arrivals.acquire(timeout=PATIENCE)
            assert arrived, f"only {number} of {count} have come to wait"
        # They come with the lock in their hands, and let go of it when they wait.
        with turn.lock:
            pass
