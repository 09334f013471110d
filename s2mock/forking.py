"""Locks over a fork: taken before it and let go on both sides, so that the child finds them open.

Without that a lock that another thread holds at that moment would be held in the child for ever.
"""

# For its hook, which takes a lock too: what is registered first is called last before a fork, and a
# loop may be about to log, or to load a module that will.
import logging  # noqa: F401
import os
import threading
import weakref
from enum import IntEnum
from typing import Final, Protocol


class Rank(IntEnum):
    """In which order locks are taken: none of a lower rank with one of a higher rank in hand."""

    LOOP = 0
    ACCOUNT = 1
    INNER = 2


class Lock(Protocol):
    """Any of the locks of `threading`."""

    def acquire(self) -> bool:
        """Take it."""

    def release(self) -> None:
        """Let it go."""


_locks: Final[dict[Rank, "weakref.WeakSet[Lock]"]] = {rank: weakref.WeakSet() for rank in Rank}
# One fork at a time: what it has taken is its own.
_forking: Final = threading.Lock()
_taken: Final[list[Lock]] = []


def take_at_fork(lock: Lock, rank: Rank) -> None:
    """Take this lock, for as long as it lives, whenever the process forks."""
    _locks[rank].add(lock)


def _before_fork() -> None:
    _forking.acquire()
    for locks in _locks.values():
        for lock in list(locks):
            lock.acquire()
            _taken.append(lock)


def _after_fork() -> None:
    while _taken:
        _taken.pop().release()
    _forking.release()


os.register_at_fork(before=_before_fork, after_in_child=_after_fork, after_in_parent=_after_fork)
