"""A clock for readers in the thread of the test: where they would wait, its time passes."""

import heapq
import threading
from collections.abc import Callable
from itertools import count

from s2mock import ManualClock
from s2mock.runtime.clock import NANOSECONDS


class StagedClock(ManualClock):
    """A clock that each wait advances: to the next action that was staged, else to the wait's end.

    So a follower can be iterated in one thread, together with what happens during its wait, and
    every moment is exact.
    """

    def __init__(self) -> None:
        super().__init__()
        self._start = self.now()
        self._staged: list[tuple[int, int, Callable[[], object]]] = []
        self._order = count()

    @property
    def seconds(self) -> float:
        """Seconds since the clock was made."""
        return (self.now() - self._start) / NANOSECONDS

    @property
    def milliseconds(self) -> int:
        """The time as S2 stamps it."""
        return self.now() // 1_000_000

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        """Have the action done when a wait reaches that time, in seconds since the start."""
        due = self._start + int(seconds * NANOSECONDS)
        assert due >= self.now(), "a time that has passed"
        heapq.heappush(self._staged, (due, next(self._order), action))

    def wait(self, _: threading.Condition, until: int) -> None:
        """Let time pass, without waiting."""
        if self._staged and self._staged[0][0] <= until:
            due, _order, action = heapq.heappop(self._staged)
            self._now = max(self._now, due)
            action()
        else:
            self._now = max(self._now, until)
