"""Locks over a fork: taken before it and let go on both sides, so that the child finds them open.

Without that a lock that another thread holds at that moment would be held in the child for ever.
"""

# For its hook, which takes a lock too: what is registered first is called last before a fork, and a
# loop may be about to log, or to load a module that will.
import logging  # noqa: F401
import os
import threading
from collections import deque
from enum import IntEnum
from operator import methodcaller
from typing import Final, Protocol

from s2mock.runtime.weak_set import SharedWeakSet


class Rank(IntEnum):
    """In which order locks are taken: none of a lower rank with one of a higher rank in hand."""

    LOOP = 0
    ADVICE = 1
    ACCOUNT = 2
    INNER = 3


class Lock(Protocol):
    """Any of the locks of `threading`."""

    def acquire(self) -> bool:
        """Take it."""

    def release(self) -> None:
        """Let it go."""


_locks: Final[dict[Rank, SharedWeakSet[Lock]]] = {rank: SharedWeakSet() for rank in Rank}
# One fork at a time. A thread that forks may itself make a lock before it does.
_forking: Final = threading.RLock()
# While it is held, all locks are, and a new one cannot be taken: see `take_at_fork`.
_are_all_taken = False


class _OfThisThread(threading.local):
    """What the fork that this thread is about to make has taken, in that order."""

    def __init__(self) -> None:
        self.taken: list[Lock] = []


_own: Final = _OfThisThread()


def take_at_fork(lock: Lock, rank: Rank) -> None:
    """Take this lock, for as long as it lives, whenever the process forks.

    Called when the lock is made, and so before anything takes it.
    """
    _locks[rank].add(lock)
    # Added first: either the fork finds it there, or it is waited for here, with none of the other
    # locks in hand, since the fork has them.
    if _are_all_taken:
        with _forking:
            pass


def _before_fork() -> None:
    global _are_all_taken  # noqa: PLW0603  # of the process, as a fork is
    _own.taken = []
    _take([_forking])
    while True:
        known = _known()
        _take(known)
        _are_all_taken = True
        if known == _known():
            return
        # A lock was made since, and its thread may hold it and wait for one of these.
        _are_all_taken = False
        _release(known)
        _own.taken = [_forking]


def _after_fork() -> None:
    global _are_all_taken  # noqa: PLW0603
    # Not there, it was an exception of a signal's that ended the wait for it.
    if _forking in _own.taken:
        _are_all_taken = False
    _release(_own.taken)
    _own.taken = []


def _known() -> list[Lock]:
    return [lock for rank in Rank for lock in _locks[rank]]


# One step each, which no signal interrupts between a lock and the next: what a handler raises ends
# the wait for a lock, and all that were taken until then are noted.


def _take(locks: list[Lock]) -> None:
    _own.taken.extend(filter(methodcaller("acquire"), locks))


def _release(locks: list[Lock]) -> None:
    deque(map(methodcaller("release"), reversed(locks)), maxlen=0)


os.register_at_fork(before=_before_fork, after_in_child=_after_fork, after_in_parent=_after_fork)
