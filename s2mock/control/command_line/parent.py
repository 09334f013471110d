"""The end of this process with the one that started it: `--with-parent`."""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

# Seconds between two looks, on a system that tells of no process's end.
_PAUSE: Final = 0.5


def end_with_parent() -> None:
    """Send SIGTERM to this process when the process that started it has ended.

    That is the parent, not the thread of it that made the call. A thread waits for its end.
    """
    parent = os.getppid()
    wait = _waiter_of(parent)
    threading.Thread(
        target=_end_after, args=(wait, parent), name="s2mock-parent", daemon=True
    ).start()


def _end_after(wait: Callable[[], object], parent: int) -> None:
    # It may have ended before its end could be waited for.
    if os.getppid() == parent:
        wait()
    os.kill(os.getpid(), signal.SIGTERM)


def _waiter_of(process: int) -> Callable[[], object]:
    """Return a function that returns when the process has ended."""
    with suppress(OSError):
        return _system_waiter(process)
    # A kernel before Linux 5.3, a sandbox without the call, or a process that has ended.
    return lambda: _look_again_and_again(process)


def _system_waiter(process: int) -> Callable[[], object]:
    """Return such a function, which the system wakes. Raises `OSError`."""
    if sys.platform == "linux":
        poll = select.poll()
        poll.register(os.pidfd_open(process), select.POLLIN)
        return poll.poll
    queue = select.kqueue()
    event = select.kevent(
        process, select.KQ_FILTER_PROC, select.KQ_EV_ADD, fflags=select.KQ_NOTE_EXIT
    )
    queue.control([event], 0)
    return lambda: queue.control(None, 1)


def _look_again_and_again(process: int) -> None:
    while os.getppid() == process:
        time.sleep(_PAUSE)
