"""The account's lock, which gives each operation its moment."""

import threading
from collections.abc import Callable
from types import TracebackType

from s2mock.runtime.clock import Moment
from s2mock.runtime.fork_locks import Rank, take_at_fork


class AccountLock:
    """The account's lock: `with engine.lock as moment:` is one operation, at that moment."""

    __slots__ = ("is_held", "look", "mutex")

    def __init__(self, look: Callable[[], Moment]) -> None:
        # Called with the lock held: returns the moment, once all actions due by then are done.
        self.look = look
        # Taken twice only where a read session is collected as garbage while its thread holds it.
        self.mutex: threading.RLock = threading.RLock()
        # True during an operation. Only the thread that holds the lock may rely on it.
        self.is_held: bool = False
        take_at_fork(self.mutex, Rank.ACCOUNT)

    def __enter__(self) -> Moment:
        return self.acquire()

    def acquire(self) -> Moment:
        """Take the lock and return the moment, once all actions due by then are done."""
        self.mutex.acquire()
        if self.is_held:
            self.mutex.release()
            raise AssertionError("an operation within an operation")
        self.is_held = True
        try:
            return self.look()
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Release the lock at the end of the operation."""
        self.is_held = False
        self.mutex.release()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
