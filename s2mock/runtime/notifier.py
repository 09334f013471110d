"""Waiting with a limit until something has come, in a thread or in an event loop."""

import sys
import threading
from collections.abc import Callable, Generator
from typing import Final, TypeVar

from s2mock.runtime.arguments import check_timeout
from s2mock.runtime.monotonic import monotonic

Result = TypeVar("Result")

PATIENCE: Final = 5.0
"""How long to wait for what a test waits for, unless it says so: seconds of real time."""

MAX_HTTP_WAIT: Final = 86_400.0
"""How long a request at `/_s2mock` may wait at most: seconds of real time."""

_IN_A_LOOP = (
    "; this waits in the thread of a running event loop, where nothing else goes on meanwhile: "
    "`await` its twin, whose name begins with async_"
)


class NotifierWait:
    """The wait of a conversation for a bell, as `conversation.Wait` has it."""

    def __init__(self) -> None:
        self.timeout: float | None = None
        self._is_rung = False
        self._wake: Callable[[], None] | None = None

    def clear(self) -> None:
        """What was rung so far is being looked at."""
        self._wake = None
        self._is_rung = False

    def notify(self) -> None:
        """Something may have come."""
        self._is_rung = True
        if (wake := self._wake) is not None:
            wake()

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` when it is rung."""
        self._wake = wake
        if self._is_rung:
            wake()


class Notifier:
    """Rung when something may have come that somebody waits for. From any thread, under any lock.

    Who waits looks first, and again whenever it is rung; None is what there is nothing of.
    """

    __slots__ = ("_listeners",)

    def __init__(self) -> None:
        # The keys, in the order in which they began to listen. Without a lock, which a fork would
        # have to take: to add one, to remove one and to copy them is one step each for threads.
        self._listeners: dict[Callable[[], object], None] = {}

    @property
    def is_heard(self) -> bool:
        """Whether anybody waits."""
        return bool(self._listeners)

    def notify(self) -> None:
        """Let everybody look."""
        for listener in list(self._listeners):
            listener()

    def wait(
        self, look: Callable[[], Result | None], missing: Callable[[], str], timeout: float
    ) -> Result:
        """What `look` finds. Raises `TimeoutError` with what `missing` says."""
        check_timeout(timeout)
        rung = threading.Event()
        given_up = monotonic() + min(timeout, threading.TIMEOUT_MAX)
        self._listen(rung.set)
        try:
            while True:
                rung.clear()
                if (found := look()) is not None:
                    return found
                if (left := given_up - monotonic()) <= 0:
                    raise TimeoutError(missing() + loop_advice())
                rung.wait(left)
        finally:
            del self._listeners[rung.set]

    async def async_wait(
        self, look: Callable[[], Result | None], missing: Callable[[], str], timeout: float
    ) -> Result:
        """The same for an event loop, which goes on meanwhile."""
        import asyncio  # loaded by whoever has an event loop

        check_timeout(timeout)
        rung = asyncio.Event()
        loop = asyncio.get_running_loop()

        def listener() -> None:
            # The loop may be gone by the time that a thread rings.
            if not loop.is_closed():
                loop.call_soon_threadsafe(rung.set)

        given_up = monotonic() + min(timeout, threading.TIMEOUT_MAX)
        self._listen(listener)
        try:
            while True:
                rung.clear()
                if (found := look()) is not None:
                    return found
                if (left := given_up - monotonic()) <= 0:
                    raise TimeoutError(missing())
                try:
                    await asyncio.wait_for(rung.wait(), left)
                except TimeoutError:
                    continue
        finally:
            del self._listeners[listener]

    def steps(
        self,
        look: Callable[[], Result | None],
        missing: Callable[[], str],
        timeout: float | None,
    ) -> "Generator[NotifierWait, None, Result]":
        """The same for a conversation, whose driver goes on meanwhile; None is no limit."""
        given_up = None if timeout is None else monotonic() + timeout
        rung = NotifierWait()
        self._listeners[rung.notify] = None
        try:
            while True:
                rung.clear()
                if (found := look()) is not None:
                    return found
                if given_up is not None:
                    rung.timeout = given_up - monotonic()
                    if rung.timeout <= 0:
                        raise TimeoutError(missing())
                yield rung
        finally:
            self._forget(rung.notify)

    def _listen(self, listener: Callable[[], object]) -> None:
        self._listeners[listener] = None

    def _forget(self, listener: Callable[[], object]) -> None:
        self._listeners.pop(listener, None)


def loop_advice() -> str:
    """What to add for who has waited in the thread of a running event loop, else nothing."""
    asyncio = sys.modules.get("asyncio")
    # Nothing else tells without an exception; asyncio says that it is there for the like of this.
    is_in_a_loop = asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001
    return _IN_A_LOOP if is_in_a_loop else ""
