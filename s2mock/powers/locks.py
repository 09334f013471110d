"""Locks that a forked child finds open, whoever held them in the parent."""

import os
import threading
import weakref
from typing import Final

_locks: Final[weakref.WeakSet[threading.Lock]] = weakref.WeakSet()
_held: Final[list[threading.Lock]] = []


def new_lock() -> threading.Lock:
    """A lock that is taken before the process forks, and let go on both sides."""
    lock = threading.Lock()
    _locks.add(lock)
    return lock


def _before_fork() -> None:
    # Nobody takes another lock with one of these in hand, so they come in any order.
    for lock in list(_locks):
        lock.acquire()
        _held.append(lock)


def _after_fork() -> None:
    while _held:
        _held.pop().release()


os.register_at_fork(before=_before_fork, after_in_child=_after_fork, after_in_parent=_after_fork)
