"""A manual clock that a test turns only once readers wait on it."""

from s2mock import ManualClock

PATIENCE = 20.0


class WatchedClock(ManualClock):
    """A `ManualClock` with the patience of a busy machine."""

    def await_waiters(self, count: int) -> None:
        """Return when `count` waiters wait."""
        self.wait_for_waiters(count, timeout=PATIENCE)
