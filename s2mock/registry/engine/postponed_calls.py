"""Calls that are carried out later: each at a time of the account's clock.

They are no part of the account's state: no snapshot has them. Like scheduled actions they are
carried out before the next operation that could see them. An `Alarm` has the account look at its
clock when one is due, for those that wait for a change without any operation.
"""

import threading
from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from s2mock.registry.engine.account_lock import AccountLock
from s2mock.registry.engine.sessions import Sessions
from s2mock.registry.operation import Call, Dropped
from s2mock.runtime.clock import Timer, TimerClock, timers_of

if TYPE_CHECKING:
    from s2mock.registry.engine.waiter import Waiter

WhenOver = Callable[[Exception | None], object]
"""Called with None when a call was carried out, with its `S2Error` when it was refused, and with
`Dropped` when it never will be. The account's lock is held."""


class PostponedCall(NamedTuple):
    """A call that waits for its time, of `Moment.monotonic`."""

    due: int
    number: int
    call: Call
    when_over: WhenOver


class PostponedCalls:
    """The calls of one account that wait for their time. Use it with the account's lock held."""

    def __init__(self, lock: AccountLock, sessions: Sessions) -> None:
        self._heap: list[PostponedCall] = []
        self._last_number = 0
        self._alarm = _Alarm(lock, sessions, self)

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def next_due(self) -> int | None:
        """The time of the earliest, or None."""
        return self._heap[0].due if self._heap else None

    def add(self, due: int, call: Call, when_over: WhenOver) -> None:
        """Add a call; at the same time, the earlier added is carried out first."""
        self._last_number += 1
        heappush(self._heap, PostponedCall(due, self._last_number, call, when_over))
        self._alarm.set()

    def pop(self) -> PostponedCall:
        """Remove and return the earliest."""
        earliest = heappop(self._heap)
        # It may have been carried out for another reason than the alarm, which is for the next now.
        self._alarm.set()
        return earliest

    def drop(self) -> None:
        """Remove all."""
        if not self._heap:
            return
        dropped, self._heap = self._heap, []
        self._alarm.set()
        for one in dropped:
            one.when_over(Dropped())


class _Alarm:
    """Takes the account's lock whenever a call is due, so that it is carried out then.

    A manual clock does that while it is advanced, the clock of a loop in a callback. Any other
    clock is waited for in one thread for all calls of the account, which ends with the last of
    them.
    """

    def __init__(self, lock: AccountLock, sessions: Sessions, calls: PostponedCalls) -> None:
        self._lock = lock
        self._sessions = sessions
        self._calls = calls
        self._timer: Timer | None = None
        self._thread: threading.Thread | None = None
        self._waiter: Waiter | None = None

    def set(self) -> None:
        """Wait for the earliest call from now on. With the account's lock held."""
        if (clock := timers_of(self._sessions.timekeeper.clock)) is not None:
            self._set_timer(clock)
            return
        if self._thread is not None and self._thread.is_alive():
            if self._waiter is not None:
                self._waiter.wake()
        elif len(self._calls):
            # There is none yet, or it was left behind by a fork.
            self._thread = threading.Thread(target=self._watch, name="s2mock-late", daemon=True)
            self._thread.start()

    def _set_timer(self, clock: TimerClock) -> None:
        if self._timer is not None:
            self._timer.close()
            self._timer = None
        if (due := self._calls.next_due) is not None:
            self._timer = clock.call_at(due, self._look, is_wait=False)

    def _look(self) -> None:
        """Carry out what is due, and wait for the next. In the thread that calls timers."""
        while True:
            if self._timer is not None:
                # `advance` waits for that.
                self._timer.close()
            with self._lock:
                self.set()
            if self._timer is None or not self._timer.is_due:
                return

    def _watch(self) -> None:
        while True:
            # To take the lock carries out what is due.
            with self._lock:
                if (due := self._calls.next_due) is None:
                    self._thread = None
                    return
                waiter = self._waiter = self._sessions.wait_until(due)
            try:
                waiter.block()
            except Exception:  # noqa: BLE001  # of a clock of the user's own, whose waits all fail
                return
            finally:
                waiter.close()
