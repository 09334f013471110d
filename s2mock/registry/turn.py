"""One operation at a time, and what falls due between operations.

Nothing runs in the background: what a real service does later (the end of a deletion) stands in
an agenda and is carried out, in order, before the next operation that could see it.
"""

import heapq
import threading
from collections.abc import Callable
from itertools import count
from types import TracebackType

from s2mock.registry.clock import NANOSECONDS, Clock


class Turn:
    """The account's lock: `with turn as now:` is one operation, at `now` (ns since the epoch)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.lock = threading.RLock()
        self._agenda: list[tuple[int, int, Callable[[int], None]]] = []
        self._order = count()

    def __enter__(self) -> int:
        self.lock.acquire()
        try:
            return self._settled()
        except BaseException:
            self.lock.release()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.lock.release()

    def wait(self, condition: threading.Condition, until: int) -> int:
        """Let others have their turn until `condition` is notified or it is `until`.

        The condition is one of the turn's `lock`. Returns the new time.
        """
        self._clock.wait(condition, until)
        return self._settled()

    def _settled(self) -> int:
        now = self._clock.now()
        while self._agenda and self._agenda[0][0] <= now:
            due, _, action = heapq.heappop(self._agenda)
            action(due)
        return now

    def later(self, now: int, delay: float, action: Callable[[int], None]) -> None:
        """Carry out `action` `delay` seconds after `now`: at once if 0, never if infinite.

        The action is told the time at which it fell due.
        """
        if delay == 0:
            action(now)
        elif delay != float("inf"):
            due = now + int(delay * NANOSECONDS)
            heapq.heappush(self._agenda, (due, next(self._order), action))
