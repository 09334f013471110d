"""The account's lock, its moments, and what becomes of it when the process forks."""

import os
import threading
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

from s2mock.registry.clock import Moment


class Turn:
    """The account's lock: `with engine.turn as moment:` is one operation, at that moment."""

    __slots__ = ("__weakref__", "_look", "is_mine", "lock")

    def __init__(self, look: Callable[[], Moment]) -> None:
        # Called in turn: the moment, once what has fallen due by then is done.
        self._look = look
        # Taken twice only by the end of a reader that is collected as garbage meanwhile.
        self.lock = threading.RLock()
        # Whether somebody is in turn: whoever holds the lock and asks, is.
        self.is_mine = False
        _turns.add(self)

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


# A forked child has the locks for itself, whoever held them.
_turns: Final[weakref.WeakSet[Turn]] = weakref.WeakSet()
_held: Final[list[Any]] = []


def _before_fork() -> None:
    for turn in list(_turns):
        turn.lock.acquire()
        _held.append(turn.lock)


def _after_fork() -> None:
    while _held:
        _held.pop().release()


os.register_at_fork(before=_before_fork, after_in_child=_after_fork, after_in_parent=_after_fork)
