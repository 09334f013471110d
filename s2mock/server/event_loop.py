"""The asyncio event loop of a server that has its own thread."""

import asyncio
import selectors
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import Context
from typing import Any, TypeVarTuple

from s2mock.runtime.fork_locks import Rank, take_at_fork

Arguments = TypeVarTuple("Arguments")


def monotonic_now(
    # Bound at import, so that no library that freezes time replaces it.
    clock: Callable[[int], float] = time.clock_gettime,
    clock_id: int = time.CLOCK_MONOTONIC,
) -> float:
    """Return seconds of the system's monotonic clock, also while a test has frozen the time."""
    return clock(clock_id)


class ServerLoop(asyncio.SelectorEventLoop):
    """An asyncio loop that survives failing callbacks, frozen clocks and forks of the process.

    `on_failure` is called with every exception that a callback raises; the loop goes on.
    """

    def __init__(self, on_failure: Callable[[BaseException], object]) -> None:
        self._forkable_selector = ForkableSelector()
        self._is_abandoned = False
        super().__init__(self._forkable_selector)
        # The variable PYTHONASYNCIODEBUG is meant for the loop under test, and slows this one.
        self.set_debug(False)

        def report(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            on_failure(context.get("exception") or RuntimeError(context["message"]))

        self.set_exception_handler(report)

    def time(self) -> float:
        """Return seconds of the monotonic clock, as `monotonic_now`."""
        return monotonic_now()

    def call_after_each_turn(self, function: Callable[[], object]) -> None:
        """Call the function after the callbacks of each turn, before the loop waits."""
        self._forkable_selector.before_select = function

    def call_soon(
        self,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """As of any loop."""
        self._forkable_selector.is_to_return = True
        return super().call_soon(callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """As of any loop."""
        self._forkable_selector.is_to_return = True
        return super().call_at(when, callback, *args, context=context)

    def is_running(self) -> bool:
        """Return True if a thread of this process runs the loop."""
        return super().is_running() and not self._is_abandoned

    def run(self) -> None:
        """Run until `stop` is called. A fork waits until the callbacks of a turn have returned."""
        with self._forkable_selector.callbacks:
            self.run_forever()

    def abandon(self) -> None:
        """Let `close` give back the descriptors in a forked child, which has no such thread.

        asyncio's wake-up pipe has no public name; only `close` closes both of its ends. `close`
        demands a loop that is not running, and unregisters the pipe at the selector. The selector
        has let go of the operating system's object before that: the parent shares it, and would
        lose its registrations.
        """
        self._forkable_selector.abandon()
        self._is_abandoned = True


class ForkableSelector(selectors.BaseSelector):
    """The system's selector, with a lock held while callbacks run, and an end without effect.

    The lock is released only during `select`. A fork takes it, and so finds the loop between two
    turns: a module that a callback is importing would stay locked in the child forever.
    """

    def __init__(self) -> None:
        self._selector: selectors.BaseSelector = selectors.DefaultSelector()
        self.before_select: Callable[[], object] = bool
        """Called at the end of each turn, when all of its callbacks have returned."""
        self.is_to_return: bool = False
        """Set to True by a new call of the loop, for which `select` must not wait."""
        self.callbacks = threading.RLock()
        take_at_fork(self.callbacks, Rank.LOOP)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As the system's selector, with `callbacks` released during the wait."""
        # The loop has computed the timeout before that.
        self.is_to_return = False
        self.before_select()
        if self.is_to_return:
            timeout = 0
        self.callbacks.release()
        try:
            return self._selector.select(timeout)
        finally:
            self.callbacks.acquire()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As the system's selector."""
        return self._selector.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """As the system's selector."""
        return self._selector.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As the system's selector."""
        return self._selector.modify(fileobj, events, data)

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        """As the system's selector."""
        return self._selector.get_key(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """As the system's selector."""
        return self._selector.get_map()

    def close(self) -> None:
        """As the system's selector."""
        self._selector.close()

    def abandon(self) -> None:
        """Close the system's selector in a forked child, without unregistering anything."""
        # A kqueue is not inherited, and closing it fails.
        with suppress(OSError):
            self._selector.close()
        self._selector = _EmptySelector()


class _EmptySelector(selectors.BaseSelector):
    """A selector without descriptors: nothing can be registered, and nothing is ever ready."""

    def register(self, *_: Any) -> selectors.SelectorKey:
        raise RuntimeError("the server belongs to the parent of this process")

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        raise KeyError(fileobj)

    def select(self, _: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return {}
