"""What has gone wrong in the fake itself, until a test is told of it."""

import traceback
from collections import deque

# As text, since an exception keeps alive what its frames hold. Where there is no test, nobody asks.
_noted: deque[str] = deque(maxlen=100)


def note(error: BaseException) -> None:
    """Remember it, with its traceback; from any thread."""
    _noted.append("".join(traceback.format_exception(error)))


def take() -> list[str]:
    """The tracebacks since this was last asked, oldest first."""
    taken = []
    while _noted:
        taken.append(_noted.popleft())
    return taken
