"""A manual clock that advances by itself while every open request waits on it.

Loaded only for a mock with `clock="auto"`. What is known about the test and the server comes from
`Surroundings`, which the mock provides.
"""

import logging
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final, Protocol

from s2mock.runtime import failures
from s2mock.runtime.clock import ClockTimer, ManualClock
from s2mock.runtime.conversation import (
    CANCEL_HANDLE,
    READ,
    Application,
    Conversation,
    Head,
    ReadUnless,
    Reset,
    Step,
)
from s2mock.runtime.monotonic import monotonic
from s2mock.runtime.notifier import PATIENCE
from s2mock.runtime.weak_set import SharedWeakSet

_log = logging.getLogger("s2mock")

# The clock advances when nothing was sent or received for 20 ms of real time, in four ticks.
_TICK_SECONDS: Final = 0.005
_QUIET_TICKS: Final = 4
# On a busy machine a tick is late, and the test may not have had its turn. This number of late
# ticks does not count; later ones do, so that the clock goes on there, too.
_LATE_TICKS: Final = 40
# The log says why it does not advance before a client gives up, which takes 5 s in many of them.
_REPORTS: Final = (0.5, 1.0)

# The states of a request. While it runs, it is received, decided or sent.
_RUNS: Final = "is being received or answered"
_WAITS: Final = "is held, or waits for something other than the clock"
_ON_CLOCK: Final = "waits on the clock"
_FOLLOWS: Final = "follows a stream"
# It waits for its client, or for the end of the test: it is not counted.
_IDLE: Final = "is idle"


class Surroundings(Protocol):
    """What a clock that advances by itself has to know about its mock, and about the test."""

    @property
    def guard(self) -> AbstractContextManager[object]:
        """The lock of the account, which is held during a direct call."""

    def is_test_thread(self) -> bool:
        """True in the thread that runs the test."""

    def is_awaited(self) -> bool:
        """True if the test waits in a wait of the mock, or for the answer to a request."""

    def is_stuck(self) -> bool:
        """True if the test waits, without a timeout, for the answer to a request."""

    def settle(self) -> bool:
        """Let the servers handle what they have received; return False if one does not answer."""


class _Nowhere:
    """The surroundings of a clock that no mock has."""

    guard: AbstractContextManager[object] = nullcontext()

    def is_test_thread(self) -> bool:
        return False

    def is_awaited(self) -> bool:
        return False

    def is_stuck(self) -> bool:
        return False

    def settle(self) -> bool:
        return True


class AutoClock(ManualClock):
    """A `ManualClock` that advances to its next timer by itself.

    It does so when at least one request is open, all open requests wait on the clock, and nothing
    was sent or received for 20 ms of real time. A request that is held keeps it still. Read
    sessions that follow a stream advance it only while the test itself waits: in a wait of the
    mock, or for the answer to a request.
    """

    is_automatic = True

    def __init__(self, start: float | None = None) -> None:
        super().__init__(start)
        # Changes with each sign of activity: a step of a request, a new timer, another time.
        self._activity = 0
        self._requests: SharedWeakSet[OpenRequest] = SharedWeakSet()
        self._stops = 0
        self._surroundings: Surroundings = _Nowhere()
        self._thread: threading.Thread | None = None
        # Set to end a tick early.
        self._ticks = threading.Event()
        self._is_over = False
        # How often the time was changed, by itself or by a test.
        self._moves = 0

    def attach(self, surroundings: Surroundings) -> None:
        """Use the clock for a mock with these surroundings."""
        self._surroundings = surroundings

    def close(self) -> None:
        """Advance no more: the mock is closed."""
        self._is_over = True
        self._ticks.set()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Keep the clock still until the block ends; `advance` moves it all the same."""
        self.stop()
        try:
            yield
        finally:
            self.go_on()

    def stop(self) -> None:
        """Keep the clock still, until `go_on` has been called as often."""
        with self._lock:
            self._stops += 1

    def go_on(self) -> None:
        """End what the latest `stop` began. Raises `ValueError` if the clock is not stopped."""
        with self._lock:
            if not self._stops:
                raise ValueError("the clock is not stopped: call stop() first")
            self._stops -= 1
            self._activity += 1

    def watch(self, application: Application) -> Application:
        """Return the application with each of its requests known to the clock."""

        def converse(environ: dict[str, Any]) -> Conversation:
            return OpenRequest(self, environ, application(environ))

        return converse

    def call_at(self, until: int, wake: Callable[[], None], *, is_wait: bool = True) -> ClockTimer:
        """Return a timer, as `ManualClock.call_at` does."""
        timer = super().call_at(until, wake, is_wait=is_wait)
        self._activity += 1
        self._begin_to_drive()
        return timer

    def is_test_thread(self) -> bool:
        """True in the thread that runs the test."""
        return self._surroundings.is_test_thread()

    def add_request(self, request: "OpenRequest") -> None:
        """Count a request until `end_request`."""
        self._activity += 1
        self._requests.add(request)

    def end_request(self, request: "OpenRequest") -> None:
        """Count a request no more."""
        self._activity += 1
        self._requests.discard(request)

    def note_step(self) -> None:
        """Note that a request goes on."""
        self._activity += 1

    @property
    def stillness(self) -> str | None:
        """The reason why the clock does not advance by itself, None if it does."""
        if self._stops:
            return "stopped() keeps it still"
        requests = [request for request in self._requests if request.state is not _IDLE]
        if not requests:
            return "no open request waits on it"
        for request in requests:
            if request.state not in (_ON_CLOCK, _FOLLOWS):
                return f"{request} {request.state}"
            if request.is_woken:
                return f"{request} {_RUNS}"
        if self.notifier.has_waits:
            return "wait_for_waiters() is called, and the test is to advance the clock then"
        if not self._waiting:
            return "no time is known that a request waits for"
        is_followed = all(request.state is _FOLLOWS for request in requests)
        if is_followed and not self._surroundings.is_awaited():
            return (
                f"{requests[0]} follows a stream, and nothing else is open: heartbeats advance the "
                "clock only while the test waits, in a wait of the mock or for an answer"
            )
        return None

    @property
    def remark(self) -> str:
        """The text behind the message of a wait that took too long."""
        stillness = self.stillness
        if stillness is None:
            return ""
        return f'; the clock, which is "auto", does not advance: {stillness}'

    @property
    def has_moved(self) -> Callable[[], bool]:
        """A function that returns True if the clock has moved since the last call."""
        seen = self._moves

        def has_moved() -> bool:
            nonlocal seen
            before, seen = seen, self._moves
            return seen != before

        return has_moved

    # The thread that advances it, which lives while there are timers.

    def _begin_to_drive(self) -> None:
        with self._lock:
            if self._thread is not None or self._is_over or not self._waiting:
                return
            self._thread = threading.Thread(
                target=self._drive, name="s2mock-auto-clock", daemon=True
            )
        self._thread.start()

    def _has_to_go_on(self) -> bool:
        with self._lock:
            if self._waiting and not self._is_over:
                return True
            self._thread = None
            return False

    def _drive(self) -> None:
        seen, quiet, late, still_since, reports = -1, 0, 0, monotonic(), 0
        while self._has_to_go_on():
            began = monotonic()
            self._ticks.wait(_TICK_SECONDS)
            if self._activity != seen:
                seen, quiet, late = self._activity, 0, 0
                still_since, reports = monotonic(), 0
                continue
            if monotonic() - began > 2 * _TICK_SECONDS and late < _LATE_TICKS:
                late += 1
                continue
            quiet += 1
            if quiet < _QUIET_TICKS:
                continue
            quiet = 0
            stillness = self.stillness
            if stillness is None:
                self._advance_to_next(seen)
            elif reports < 2 and monotonic() - still_since > _REPORTS[reports] * PATIENCE:
                self._report(stillness, _REPORTS[reports] * PATIENCE, is_last=reports > 0)
                reports += 1

    def _advance_to_next(self, seen: int) -> None:
        """Advance to the next timer, unless there was any activity after `seen`."""
        try:
            if not self._surroundings.settle():
                return
            with self._surroundings.guard, self._lock:
                if self._activity != seen or self._is_over or self.stillness is not None:
                    return
                due = self._move(min(timer.until for timer in self._waiting))
            self._fire(due)
        except Exception as error:  # noqa: BLE001  # the test has to know of each
            _log.exception("s2mock failed to advance the clock")
            failures.note(error)
            self.close()

    def _report(self, stillness: str, seconds: float, *, is_last: bool) -> None:
        """Say why the clock does not advance; at last, end the request for which the test waits."""
        states = {request: request.state for request in self._requests}
        if not {_ON_CLOCK, _FOLLOWS} & set(states.values()) or self._stops:
            return
        text = f'the clock, which is "auto", has not advanced for {seconds:g} s: {stillness}'
        if not is_last:
            _log.warning("%s", text)
        elif self._surroundings.is_stuck():
            # The test waits for one of them, and a session that follows is the least likely.
            order = (_ON_CLOCK, _WAITS, _RUNS, _FOLLOWS)
            stuck = sorted(
                (one for one, state in states.items() if state in order),
                key=lambda one: order.index(states[one]),
            )
            failures.note(TimeoutError(f"a test that waits for {stuck[0]}: {text}"))
            for request in stuck:
                request.cancel()

    def _move(self, now: int) -> list[ClockTimer]:
        self._moves += 1
        self._activity += 1
        return super()._move(now)

    def _reset_after_fork(self) -> None:
        super()._reset_after_fork()
        self._thread = None
        self._ticks = threading.Event()
        self._requests = SharedWeakSet()


class OpenRequest(Generator[Step, Any, None]):
    """A conversation that tells its clock what it waits for."""

    def __init__(
        self, clock: AutoClock, environ: dict[str, Any], conversation: Conversation
    ) -> None:
        self.state: str = _RUNS
        self._step: Step | None = None
        self._clock = clock
        self._conversation = conversation
        self._environ = environ
        self._has_head = False
        self._has_begun = False
        self._drop: Callable[[Reset], object] | None = None

    def __str__(self) -> str:
        query = self._environ.get("QUERY_STRING")
        path = f"{self._environ['PATH_INFO']}{f'?{query}' if query else ''}"
        return f"{self._environ['REQUEST_METHOD']} {path}"

    @property
    def is_woken(self) -> bool:
        """True if its wait has ended, as by an append, and it has not gone on yet."""
        return getattr(self._step, "is_woken", False)

    def cancel(self) -> None:
        """Drop the request with its connection, from any thread."""
        if self._drop is not None:
            self._drop(Reset(connection=True))

    def send(self, value: Any) -> Step:
        """Resume the conversation, and return its next step."""
        if not self._has_begun:
            self._has_begun = True
            self._clock.add_request(self)
            return CANCEL_HANDLE
        if self._drop is None:
            self._drop, value = value, None
        return self._resume(self._conversation.send, value)

    def throw(self, *raised: Any) -> Step:
        """Resume the conversation with an exception, and return its next step."""
        return self._resume(self._conversation.throw, *raised)

    def close(self) -> None:
        """Close the conversation."""
        self._clock.end_request(self)
        self._conversation.close()

    def _resume(self, resume: Callable[..., Step], *arguments: Any) -> Step:
        self.state = _RUNS
        self._clock.note_step()
        try:
            step = resume(*arguments)
        except BaseException:
            self._clock.end_request(self)
            raise
        self._step = step
        self.state = self._state_at(step)
        self._clock.note_step()
        return step

    def _state_at(self, step: Step) -> str:
        if step is READ or isinstance(step, ReadUnless):
            # Behind the head of its response, a session waits for the next batch of its client.
            return _IDLE if self._has_head else _RUNS
        if isinstance(step, Head):
            self._has_head = True
        if not hasattr(step, "subscribe"):
            return _RUNS
        if getattr(step, "is_endless", False):
            return _IDLE
        if not getattr(step, "is_on_clock", False):
            return _WAITS
        if not getattr(step, "is_follower", False):
            return _ON_CLOCK
        # By WSGI, a call is made in the thread that waits for it.
        is_by_wsgi = self._environ.get("s2mock.connection") is None
        return _ON_CLOCK if is_by_wsgi and self._clock.is_test_thread() else _FOLLOWS
