"""Standard streams of the command line: what it prints, and how it names itself."""

import os
import sys
from pathlib import Path
from typing import TextIO


def open_standard_streams() -> None:
    """Open the first three descriptors if they are closed, so that no socket gets their numbers."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115  # open until the end
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115


def say(text: str, stream: TextIO) -> None:
    """Print the text. A stream that cannot be written to does not stop the server."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        # The text that is left in the buffer would fail once more at the end of the process.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        if stream is sys.stdout:
            warn(f"cannot write to standard output: {error}")


def warn(message: str) -> None:
    """Print a line on standard error, with the name of the program before it."""
    say(f"s2mock: {message}\n", sys.stderr)


def fail(message: str) -> int:
    """Print what went wrong; return the exit status of a failure."""
    warn(message)
    return 1


def program() -> str:
    """Return what the user typed: `python -m s2mock`, or the script that pip installs."""
    return "python -m s2mock" if Path(sys.argv[0]).name == "__main__.py" else "s2mock"
