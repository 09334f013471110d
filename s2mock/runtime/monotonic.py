"""A clock for durations, which goes on when a test freezes the clock of the machine."""

import time
from collections.abc import Callable
from threading import get_ident
from typing import Final, TypeAlias

_Clocks: TypeAlias = tuple[Callable[[], float], Callable[[], int]]

# In a tuple: libraries that freeze time for a test replace each attribute of a module that is the
# function `time.monotonic_ns`, but look into no tuple.
_REAL: Final[_Clocks] = (time.monotonic, time.monotonic_ns)
_clocks = _REAL


def monotonic() -> float:
    """Return seconds of real time since an arbitrary point."""
    return _clocks[0]()


def monotonic_ns() -> int:
    """Return nanoseconds of real time since an arbitrary point."""
    return _clocks[1]()


def replace_in_this_thread(seconds: Callable[[], float], is_over: Callable[[], bool]) -> None:
    """Have `seconds` measure the durations of the calling thread until `is_over`.

    That is for a thread in which time is simulated. The other threads keep the clock of the
    machine.
    """
    global _clocks  # noqa: PLW0603  # one for the process, as the clock of the machine
    thread = get_ident()

    def replaced() -> float:
        if is_over():
            restore()
        return seconds() if get_ident() == thread and not is_over() else _REAL[0]()

    _clocks = (replaced, lambda: int(replaced() * 1_000_000_000))


def restore() -> None:
    """Have the clock of the machine measure the durations of all threads again."""
    global _clocks  # noqa: PLW0603
    _clocks = _REAL
