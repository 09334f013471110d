"""Unexpected exceptions within the fake, kept until a test reports them."""

import traceback
from collections import deque

# As text: an exception keeps alive all objects in its frames. Limited, since outside pytest no test
# takes them.
_noted: deque[str] = deque(maxlen=100)


def note(error: BaseException) -> None:
    """Keep the exception with its traceback. May be called from any thread."""
    _noted.append("".join(traceback.format_exception(error)))


def take() -> list[str]:
    """Return and remove the tracebacks that were noted, oldest first."""
    taken = []
    while _noted:
        taken.append(_noted.popleft())
    return taken
