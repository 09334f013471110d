"""The wait of one read session, or of one delayed operation, on an account's clock."""

import threading
from collections.abc import Callable

from s2mock.runtime.clock import ManualClock, Timekeeper, Timer, timers_of


class Waiter:
    """One wait of one reader, until the account wakes it or its time has come.

    It is a `Wait` for the driver of the reader; a thread may also `block` on it. `until` is of
    `Moment.monotonic`, in nanoseconds. Close it after the step that follows the wait.
    """

    def __init__(
        self, timekeeper: Timekeeper, until: int, on_close: Callable[["Waiter"], None]
    ) -> None:
        self._timekeeper = timekeeper
        self._until = until
        self._on_close = on_close
        self._woken = False
        self._wake: Callable[[], None] | None = None
        self._timer: Timer | None = None
        # Of the thread that blocks here, if one does.
        self._condition: threading.Condition | None = None
        self.is_follower: bool = False
        """True for a read session without an end, which waits for its next heartbeat."""
        self.error: Exception | None = None
        """The exception that a clock of the user's own raised in place of waiting."""

    @property
    def until(self) -> int:
        """The time at which it ends, of `Moment.monotonic`."""
        return self._until

    @property
    def timeout(self) -> float | None:
        """Seconds of real time until it ends; None if a clock ends it."""
        return self._timekeeper.seconds_left(self._until)

    @property
    def needs_a_thread(self) -> bool:
        """True if its clock offers nothing but a call that blocks."""
        return self.timeout is None and timers_of(self._timekeeper.clock) is None

    @property
    def is_on_clock(self) -> bool:
        """True if only a manual clock ends it, or a change of the account."""
        return isinstance(timers_of(self._timekeeper.clock), ManualClock)

    @property
    def is_woken(self) -> bool:
        """True once the wait has ended."""
        return self._woken

    @property
    def has_progress(self) -> Callable[[], bool] | None:
        """A function that returns True if the clock has moved by itself since the last call."""
        clock = self._timekeeper.clock
        return clock.has_moved if isinstance(clock, ManualClock) else None

    @property
    def advice(self) -> str | None:
        """The message for a wait in the only thread that could turn the clock, or None."""
        clock = timers_of(self._timekeeper.clock)
        if clock is None:
            return None
        if isinstance(clock, ManualClock):
            if clock.is_automatic:
                return f"the request waits for a clock that advances by itself{clock.remark}"
            return (
                "the request waits for a manual clock, and is made in the thread that would turn "
                "it: make it in another thread, and turn the clock here"
            )
        return (
            "the request waits for the clock of an event loop, and is made in the thread of that "
            "loop: make it with an asyncio client to the URL of serve()"
        )

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` when the wait has ended."""
        self._wake = wake
        if self._woken:
            wake()
        elif self.timeout is None and not self._set_timer():
            # A clock of the user's own offers nothing but a call that blocks.
            self._condition = threading.Condition()
            threading.Thread(target=self._watch, name="s2mock-clock", daemon=True).start()

    def block(self) -> None:
        """Block this thread until the wait has ended."""
        self._condition = condition = threading.Condition()
        with condition:
            if self._woken:
                return
            timeout = self.timeout
            if timeout is None and not self._set_timer():
                self._timekeeper.clock.wait(condition, self._until)
            elif not self._woken:
                # The clock may have been turned that far by the time it was asked.
                condition.wait(timeout)

    def wake(self) -> None:
        """End the wait. Call it from any thread."""
        self._release()
        if self._wake is not None:
            self._wake()

    def close(self) -> None:
        """Release its timer, after the reader's step or in place of it."""
        self._wake = None
        self._release()
        if self._timer is not None:
            self._timer.close()
        self._on_close(self)

    def _set_timer(self) -> bool:
        """Set a timer of the clock; return False for a clock without timers."""
        clock = timers_of(self._timekeeper.clock)
        if clock is None:
            return False
        self._timer = clock.call_at(self._until, self.wake)
        if self._timer.is_due:
            self.wake()
        return True

    def _release(self) -> None:
        self._woken = True
        if self._condition is not None:
            with self._condition:
                self._condition.notify_all()

    def _watch(self) -> None:
        condition = self._condition
        assert condition is not None
        with condition:
            if self._woken:
                return
            try:
                self._timekeeper.clock.wait(condition, self._until)
            except Exception as error:  # noqa: BLE001  # the reader raises it, not this thread
                self.error = error
        self.wake()
