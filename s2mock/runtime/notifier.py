"""Waits with a timeout for a change of state, in a thread, an event loop or a conversation."""

import sys
import threading
from collections.abc import Callable, Generator
from typing import Final, Generic, TypeVar

from s2mock.runtime.arguments import check_timeout
from s2mock.runtime.monotonic import monotonic

Result = TypeVar("Result")

PATIENCE: Final = 5.0
"""The default timeout of a wait in a test, in seconds of real time."""

MAX_HTTP_WAIT: Final = 86_400.0
"""The longest wait of a request at `/_s2mock`, in seconds of real time."""

_LOOP_ADVICE = (
    "; this call blocks the running event loop, so no other task of the loop could run: "
    "`await` the method of the same name that begins with async_"
)


class Notifier:
    """A list of callbacks that are called when a state, for which their owners wait, may be new.

    `notify` may be called from any thread, with any lock held.
    """

    __slots__ = ("_listeners", "remark")

    def __init__(self) -> None:
        # The keys, in the order in which they were added, and True for those of a test that waits.
        # No lock, which a fork would have to take: adding, removing and copying are one step each
        # for other threads.
        self._listeners: dict[Callable[[], object], bool] = {}
        self.remark: Callable[[], str] | None = None
        """Returns a text to put behind the message of a wait that took too long."""

    @property
    def has_listeners(self) -> bool:
        """True if `notify` has any callback to call."""
        return bool(self._listeners)

    @property
    def has_waits(self) -> bool:
        """True if a test waits for a notification."""
        return any(list(self._listeners.values()))

    def notify(self) -> None:
        """Call all callbacks, in the order in which they were added."""
        for listener in list(self._listeners):
            listener()

    def add(self, listener: Callable[[], object], *, is_wait: bool = False) -> None:
        """Call `listener` at each `notify` from now on; with `is_wait`, a test waits for that."""
        self._listeners[listener] = is_wait

    def remove(self, listener: Callable[[], object]) -> None:
        """Call `listener` no more, if it was added."""
        self._listeners.pop(listener, None)


class NotifierWait:
    """A wait of a conversation for a notifier, which implements `conversation.Wait`."""

    def __init__(self) -> None:
        self.timeout: float | None = None
        self._is_notified = False
        self._wake: Callable[[], None] | None = None

    def clear(self) -> None:
        """Forget earlier notifications, before the conversation looks at the state again."""
        self._wake = None
        self._is_notified = False

    def notify(self) -> None:
        """Resume the conversation, now or as soon as its driver waits."""
        self._is_notified = True
        if (wake := self._wake) is not None:
            wake()

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` at the next notification, or at once after an earlier one."""
        self._wake = wake
        if self._is_notified:
            wake()


class Pending(Generic[Result]):
    """A result that may not exist yet, with a blocking, an awaitable and a stepwise wait for it.

    `look` returns the result, or None as long as there is none. It is called at the beginning and
    after each notification. `missing` returns the message of the `TimeoutError` that each form of
    the wait raises after `timeout` seconds of real time; None, for `steps` alone, is no limit.
    `is_wait` is False where no test waits.
    """

    __slots__ = ("_is_wait", "_look", "_missing", "_notifier", "_timeout")

    def __init__(
        self,
        notifier: Notifier,
        look: Callable[[], Result | None],
        missing: Callable[[], str],
        timeout: float | None,
        *,
        is_wait: bool = True,
    ) -> None:
        self._is_wait = is_wait
        self._notifier = notifier
        self._look = look
        self._missing = missing
        self._timeout = timeout

    def wait(self) -> Result:
        """Block until there is a result, and return it.

        Raises `TimeoutError`, and `TypeError`, `ValueError` for a timeout that is no such number.
        """
        __tracebackhide__ = True
        timeout = self._timeout
        check_timeout(timeout)
        assert timeout is not None, "checked"
        notified = threading.Event()
        deadline = monotonic() + min(timeout, threading.TIMEOUT_MAX)
        self._notifier.add(notified.set, is_wait=self._is_wait)
        try:
            while True:
                notified.clear()
                if (found := self._look()) is not None:
                    return found
                if (left := deadline - monotonic()) <= 0:
                    raise TimeoutError(self._message() + loop_advice())
                notified.wait(left)
        finally:
            self._notifier.remove(notified.set)

    async def async_wait(self) -> Result:
        """Wait in an event loop until there is a result, and return it.

        Raises what `wait` raises.
        """
        __tracebackhide__ = True
        import asyncio  # loaded late: only a test with an event loop needs it

        timeout = self._timeout
        check_timeout(timeout)
        assert timeout is not None, "checked"
        notified = asyncio.Event()
        loop = asyncio.get_running_loop()

        def listener() -> None:
            # The loop may have been closed before another thread notifies.
            if not loop.is_closed():
                loop.call_soon_threadsafe(notified.set)

        deadline = monotonic() + min(timeout, threading.TIMEOUT_MAX)
        self._notifier.add(listener, is_wait=self._is_wait)
        try:
            while True:
                notified.clear()
                if (found := self._look()) is not None:
                    return found
                if (left := deadline - monotonic()) <= 0:
                    raise TimeoutError(self._message())
                try:
                    await asyncio.wait_for(notified.wait(), left)
                except TimeoutError:
                    continue
        finally:
            self._notifier.remove(listener)

    def steps(self) -> Generator[NotifierWait, None, Result]:
        """Yield the waits of a conversation until there is a result, and return it.

        Raises `TimeoutError`.
        """
        deadline = None if self._timeout is None else monotonic() + self._timeout
        wait = NotifierWait()
        self._notifier.add(wait.notify, is_wait=self._is_wait)
        try:
            while True:
                wait.clear()
                if (found := self._look()) is not None:
                    return found
                if deadline is not None:
                    wait.timeout = deadline - monotonic()
                    if wait.timeout <= 0:
                        raise TimeoutError(self._message())
                yield wait
        finally:
            self._notifier.remove(wait.notify)

    def _message(self) -> str:
        remark = self._notifier.remark
        return self._missing() + ("" if remark is None else remark())


def loop_advice() -> str:
    """Return the advice for a blocking wait in the thread of a running event loop, else ""."""
    asyncio = sys.modules.get("asyncio")
    # The only way to ask without an exception; asyncio documents it for such uses.
    is_in_a_loop = asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001
    return _LOOP_ADVICE if is_in_a_loop else ""
