"""Read sessions that follow a stream's tail, and what wakes them.

They are not part of the account's state. A stream's incarnation ties them to it.
"""

import threading
from collections import deque
from collections.abc import Callable, Hashable
from typing import Final, NamedTuple

from s2mock.registry.log.chunks import Span, Written
from s2mock.registry.values.positions import StreamPosition
from s2mock.runtime.clock import ClockTimer, ManualClock, Timekeeper

# How many appends a follower may lag behind before it is fed from the log, without a tail.
MAX_FOLLOWER_LAG: Final = 25


class LiveBatch(NamedTuple):
    """An append as followers get it, and the tail behind it; `shared` are its encoded forms."""

    span: Span
    tail: StreamPosition
    shared: dict[Hashable, bytes]


class Following:
    """The followers of one stream, and the latest appends, whole, whatever is trimmed since."""

    def __init__(self, stream: str) -> None:
        # Its name.
        self.stream = stream
        self.count = 0
        self.live: deque[LiveBatch] = deque(maxlen=MAX_FOLLOWER_LAG)
        # In the order in which they came.
        self.waiters: dict[Waiter, None] = {}

    def note(self, span: Span | None, written: Written | None) -> None:
        """The stream has changed, perhaps by an append."""
        if span is not None and written is not None:
            self.live.append(LiveBatch(span, written.tail, {}))
        self.wake()

    def wake(self) -> None:
        """Let every follower look."""
        waiters, self.waiters = self.waiters, {}
        for waiter in waiters:
            waiter.wake()

    def live_from(self, seq_num: int) -> LiveBatch | None:
        """The append that began there, if it is among the latest."""
        for batch in reversed(self.live):
            first = batch.span.first_seq_num
            if first == seq_num:
                return batch
            if first < seq_num:
                break
        return None


class Waiter:
    """One wait of one reader: for the account to wake it, or for its time to come.

    It is a `Wait` for whoever drives the reader; a thread may also `block` on it. `until` is of
    `Moment.monotonic`, in nanoseconds. Close it after the turn that follows the wait.
    """

    def __init__(
        self, timekeeper: Timekeeper, until: int, on_close: Callable[["Waiter"], None]
    ) -> None:
        self._timekeeper = timekeeper
        self._until = until
        self._on_close = on_close
        self._woken = False
        self._wake: Callable[[], None] | None = None
        self._alarm: ClockTimer | None = None
        # Of a thread that waits here, if one does.
        self._condition: threading.Condition | None = None
        self.error: Exception | None = None
        """What a clock of the user's own raised in place of waiting."""

    @property
    def until(self) -> int:
        """When its time comes, of `Moment.monotonic`."""
        return self._until

    @property
    def timeout(self) -> float | None:
        """Seconds of real time after which to go on; None where the clock wakes it."""
        return self._timekeeper.seconds_left(self._until)

    @property
    def needs_a_thread(self) -> bool:
        """Whether its clock has nothing but a call that blocks."""
        return self.timeout is None and not self._is_manual

    @property
    def advice(self) -> str | None:
        """What to tell whoever waits in the thread that would have to turn the clock."""
        if not self._is_manual:
            return None
        return (
            "the request waits for a manual clock, and is made in the thread that would turn it: "
            "make it in another thread, and turn the clock here"
        )

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` when it is time to go on."""
        self._wake = wake
        if self._woken:
            wake()
        elif self.timeout is None and not self._set_alarm():
            # A clock of the user's own has nothing but a call that blocks.
            self._condition = threading.Condition()
            threading.Thread(target=self._watch, name="s2mock-clock", daemon=True).start()

    def block(self) -> None:
        """Wait in this thread."""
        self._condition = condition = threading.Condition()
        with condition:
            if self._woken:
                return
            timeout = self.timeout
            if timeout is None and not self._set_alarm():
                self._timekeeper.clock.wait(condition, self._until)
            elif not self._woken:
                # The clock may have been turned that far by the time it was asked.
                condition.wait(timeout)

    def wake(self) -> None:
        """It is time to go on. From any thread."""
        self._release()
        if self._wake is not None:
            self._wake()

    def close(self) -> None:
        """The reader has had its turn, or waits no longer."""
        self._wake = None
        self._release()
        if self._alarm is not None:
            self._alarm.close()
        self._on_close(self)

    @property
    def _is_manual(self) -> bool:
        clock = self._timekeeper.clock
        return isinstance(clock, ManualClock) and type(clock).wait is ManualClock.wait

    def _set_alarm(self) -> bool:
        """Let a manual clock wake it; False where the clock is of another kind."""
        clock = self._timekeeper.clock
        if not isinstance(clock, ManualClock) or not self._is_manual:
            return False
        self._alarm = clock.call_at(self._until, self.wake)
        if self._alarm.rung:
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
            except Exception as error:  # noqa: BLE001  # the reader's to raise, not this thread's
                self.error = error
        self.wake()
