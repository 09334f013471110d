"""The event loop: sockets, calls and timers on one thread.

A loop of its own and not asyncio's, since two things must hold that asyncio's has no public way
to: after a fork the child closes everything without touching what the parent still uses, and a
clock that a test has frozen or set back stops nothing. It also starts faster.
"""

import heapq
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

from s2mock.runtime.fork_locks import Rank, take_at_fork

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE

# The selector takes no more than 2^31 ms. After this time, the loop looks at its timers again.
_MAX_SELECT_SECONDS = 86_400.0
# So many timers may be cancelled and still wait in the heap before it is swept.
_MIN_CANCELLED = 64


def _now(
    # Held here, where no library that freezes time replaces it.
    clock: Callable[[int], float] = time.clock_gettime,
    clock_id: int = time.CLOCK_MONOTONIC,
) -> float:
    return clock(clock_id)


class Timer:
    """A call that is due at `when`, on the loop's clock."""

    __slots__ = ("arguments", "function", "when")

    def __init__(
        self, when: float, function: Callable[..., object], arguments: tuple[Any, ...]
    ) -> None:
        self.when: float = when
        self.function: Callable[..., object] | None = function
        self.arguments: tuple[Any, ...] = arguments


class Loop:
    """Calls functions when sockets are ready, when they are due, or when asked to.

    All methods but `call_soon_threadsafe` and `stop` are for the thread that runs the loop.
    `on_failure` is told of every exception that comes out of a call.
    """

    def __init__(self, on_failure: Callable[[Exception], object]) -> None:
        self._on_failure = on_failure
        self._selector = selectors.DefaultSelector()
        self._ready: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = count()
        self._cancelled = 0
        self._asleep = False
        self._stopping = False
        self._has_ended = False
        # Held while calls are made: a fork finds the loop at rest. A module that it was loading
        # would be locked in the child for ever.
        self._busy = threading.RLock()
        take_at_fork(self._busy, Rank.LOOP)
        self._waker, self._wakened = socket.socketpair()
        self._waker.setblocking(False)
        self._wakened.setblocking(False)
        self._selector.register(self._wakened, READ, self._drain)

    def time(self) -> float:
        """Seconds on a clock that only goes forward, in real time."""
        return _now()

    def call_soon(self, function: Callable[..., object], *arguments: object) -> None:
        """Call it in the next turn."""
        self._ready.append((function, arguments))

    def call_soon_threadsafe(self, function: Callable[..., object], *arguments: object) -> None:
        """Call it in the next turn; from any thread. After the loop has ended it does nothing."""
        if self._has_ended:
            return
        self._ready.append((function, arguments))
        if self._asleep:
            self._wake()

    def call_later(
        self, delay: float, function: Callable[..., object], *arguments: object
    ) -> Timer:
        """Call it when `delay` seconds have passed."""
        timer = Timer(_now() + delay, function, arguments)
        heapq.heappush(self._timers, (timer.when, next(self._numbers), timer))
        return timer

    def cancel(self, timer: Timer) -> None:
        """Do not call it. One that has been called does not mind."""
        if timer.function is None:
            return
        timer.function = None
        timer.arguments = ()
        self._cancelled += 1
        if self._cancelled > _MIN_CANCELLED and self._cancelled * 2 > len(self._timers):
            self._timers = [entry for entry in self._timers if entry[2].function is not None]
            heapq.heapify(self._timers)
            self._cancelled = 0

    def watch(self, watched: socket.socket, events: int, callback: Callable[[int], object]) -> None:
        """Call `callback` with what the socket is ready for, whenever it is."""
        self._selector.register(watched, events, callback)

    def rewatch(
        self, watched: socket.socket, events: int, callback: Callable[[int], object]
    ) -> None:
        """Watch it for other events than before."""
        self._selector.modify(watched, events, callback)

    def unwatch(self, watched: socket.socket) -> None:
        """Do not watch it any more."""
        self._selector.unregister(watched)

    def run(self) -> None:
        """Run until `stop` is called."""
        while not self._stopping:
            try:
                self._turn()
            except Exception as error:  # noqa: BLE001  # whatever it is
                # A fault in one callback is not to end all connections.
                self._on_failure(error)

    def stop(self) -> None:
        """End the loop after this turn; from any thread."""
        self._stopping = True
        self._wake()

    def close(self) -> None:
        """Give back the descriptors, once the loop has ended."""
        self._has_ended = True
        self._ready.clear()
        self._timers.clear()
        self._selector.close()
        self._waker.close()
        self._wakened.close()

    def abandon(self) -> None:
        """Give back the descriptors in a forked child, where the loop's thread is not.

        They are shared with the parent: none may be unregistered, only closed.
        """
        self._stopping = self._has_ended = True
        # A kqueue is not inherited; closing it fails.
        with suppress(OSError):
            self._selector.close()
        self._waker.close()
        self._wakened.close()

    def _turn(self) -> None:
        self._asleep = True
        # Looked at after `_asleep` is set: who appends later sees it, and wakes the loop.
        timeout = 0.0 if self._ready or self._stopping else self._time_to_next()
        events = self._selector.select(timeout)
        self._asleep = False
        with self._busy:
            for key, mask in events:
                # One callback may close a socket that another event of this turn speaks of.
                if key.fileobj.fileno() >= 0:  # type: ignore[union-attr]  # sockets only
                    self._ready.append((key.data, (mask,)))
            if self._timers:
                self._take_due_timers()
            # What these append is for the next turn, so that sockets are looked at in between.
            for _ in range(len(self._ready)):
                function, arguments = self._ready.popleft()
                function(*arguments)

    def _time_to_next(self) -> float | None:
        while self._timers and self._timers[0][2].function is None:
            heapq.heappop(self._timers)
            self._cancelled -= 1
        if not self._timers:
            return None
        return min(max(self._timers[0][0] - _now(), 0.0), _MAX_SELECT_SECONDS)

    def _take_due_timers(self) -> None:
        now = _now()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            if timer.function is None:
                self._cancelled -= 1
            else:
                self._ready.append((timer.function, timer.arguments))
                timer.function = None

    def _wake(self) -> None:
        self._asleep = False
        # Full, it wakes the loop as well; closed, there is no loop to be woken.
        with suppress(OSError):
            self._waker.send(b"\0")

    def _drain(self, _: int) -> None:
        with suppress(BlockingIOError):
            while self._wakened.recv(4096):
                pass
