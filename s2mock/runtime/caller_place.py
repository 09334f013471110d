"""The place in a user's code that called into this package, to name what it made."""

import sys
from typing import Final, NamedTuple

_PACKAGE: Final = __name__.partition(".")[0]


class CallerPlace(NamedTuple):
    """A file and the number of a line in it."""

    file: str
    line: int

    def __str__(self) -> str:
        """Return the name of the file without its directory, and the line."""
        name = self.file.replace("\\", "/").rpartition("/")[2]
        return f"{name}:{self.line}"


def caller_place() -> CallerPlace | None:
    """Return the innermost place outside of this package on the stack, None without one."""
    frame = sys._getframe(1)  # noqa: SLF001  # as the logging of the standard library does
    while True:
        if frame.f_globals.get("__name__", "").partition(".")[0] != _PACKAGE:
            return CallerPlace(frame.f_code.co_filename, frame.f_lineno)
        if frame.f_back is None:
            return None
        frame = frame.f_back
