"""What durations are measured with: it goes on whatever a test does to the machine's clock."""

import time
from typing import Final

# Held by name here, in tuples: tools that stop the wall clock for a test replace what a module
# knows as `time.monotonic_ns`, and durations have to go on.
_monotonic_ns: Final = (time.monotonic_ns,)
_monotonic: Final = (time.monotonic,)


def monotonic() -> float:
    """Seconds of real time, from anywhere."""
    return _monotonic[0]()


def monotonic_ns() -> int:
    """Nanoseconds of real time, from anywhere."""
    return _monotonic_ns[0]()
