"""Locks that are acquired before a fork, and released in the parent and in the child.

Without that, a lock that another thread holds during the fork would stay locked in the child.
"""

# Imported for its fork hook, which acquires a lock too. Of hooks before a fork, the first to be
# registered is called last, and an event loop may be about to log, or to load a module that logs.
import logging  # noqa: F401
import os
import threading
from collections import deque
from enum import IntEnum
from operator import methodcaller
from typing import Final, Protocol

from s2mock.runtime.weak_set import SharedWeakSet


class Rank(IntEnum):
    """The order in which locks are acquired: a lower rank never while a higher one is held."""

    LOOP = 0
    ADVICE = 1
    ACCOUNT = 2
    INNER = 3


class Lock(Protocol):
    """The methods that all locks of `threading` have."""

    def acquire(self) -> bool:
        """Block until the lock is acquired."""

    def release(self) -> None:
        """Release the lock, which is held."""


_locks: Final[dict[Rank, SharedWeakSet[Lock]]] = {rank: SharedWeakSet() for rank in Rank}
# One fork at a time. A thread that forks may itself make a lock before it does.
_forking: Final = threading.RLock()
# True while a fork holds all locks, and a new one must not be acquired: see `take_at_fork`.
_are_all_taken = False


class _OfThisThread(threading.local):
    """The locks that this thread has acquired for its fork, in that order."""

    def __init__(self) -> None:
        self.taken: list[Lock] = []


_own: Final = _OfThisThread()


def take_at_fork(lock: Lock, rank: Rank) -> None:
    """Acquire this lock at each fork of the process, as long as the lock exists.

    Call this when the lock is created, before any thread acquires it.
    """
    _locks[rank].add(lock)
    # Added first: either the fork acquires this lock too, or this thread waits here for the fork,
    # and holds none of the other locks, since the fork does.
    if _are_all_taken:
        with _forking:
            pass


def _before_fork() -> None:
    global _are_all_taken  # noqa: PLW0603  # state of the process, as a fork is
    _own.taken = []
    _take([_forking])
    while True:
        known = _known()
        _take(known)
        _are_all_taken = True
        if known == _known():
            return
        # Another thread has created a lock, and may hold it and wait for one of these.
        _are_all_taken = False
        _release(known)
        _own.taken = [_forking]


def _after_fork() -> None:
    global _are_all_taken  # noqa: PLW0603
    # If it is not there, an exception of a signal handler ended the wait for it.
    if _forking in _own.taken:
        _are_all_taken = False
    _release(_own.taken)
    _own.taken = []


def _known() -> list[Lock]:
    return [lock for rank in Rank for lock in _locks[rank]]


# Each a single call into C, which no signal handler interrupts between two locks. An exception of a
# handler ends the wait for a lock, and all locks that were acquired until then are in the list.


def _take(locks: list[Lock]) -> None:
    _own.taken.extend(filter(methodcaller("acquire"), locks))


def _release(locks: list[Lock]) -> None:
    deque(map(methodcaller("release"), reversed(locks)), maxlen=0)


os.register_at_fork(before=_before_fork, after_in_child=_after_fork, after_in_parent=_after_fork)
