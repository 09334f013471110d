"""The account's lock and its moments."""

import threading
from collections.abc import Callable
from types import TracebackType

from s2mock.runtime.clock import Moment
from s2mock.runtime.fork_locks import Rank, take_at_fork


class AccountLock:
    """The account's lock: `with engine.turn as moment:` is one operation, at that moment."""

    __slots__ = ("_look", "is_mine", "lock")

    def __init__(self, look: Callable[[], Moment]) -> None:
        # Called in turn: the moment, once what has fallen due by then is done.
        self._look = look
        # Taken twice only by the end of a reader that is collected as garbage meanwhile.
        self.lock: threading.RLock = threading.RLock()
        # Whether somebody is in turn: whoever holds the lock and asks, is.
        self.is_mine: bool = False
        take_at_fork(self.lock, Rank.ACCOUNT)

    def __enter__(self) -> Moment:
        return self.begin()

    def begin(self) -> Moment:
        """Take the lock; the moment, once what has fallen due by then is done."""
        self.lock.acquire()
        if self.is_mine:
            self.lock.release()
            raise AssertionError("an operation within an operation")
        self.is_mine = True
        try:
            return self._look()
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """Give the lock back."""
        self.is_mine = False
        self.lock.release()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
