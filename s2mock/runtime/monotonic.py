"""A clock for durations, which goes on when a test freezes the clock of the machine."""

import time
from typing import Final

# In tuples: libraries that freeze time for a test replace each attribute of a module that is the
# function `time.monotonic_ns`, but look into no tuple.
_monotonic_ns: Final = (time.monotonic_ns,)
_monotonic: Final = (time.monotonic,)


def monotonic() -> float:
    """Return seconds of real time since an arbitrary point."""
    return _monotonic[0]()


def monotonic_ns() -> int:
    """Return nanoseconds of real time since an arbitrary point."""
    return _monotonic_ns[0]()
