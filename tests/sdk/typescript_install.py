"""The installation of the official TypeScript SDK, by its lock file."""

import fcntl
import subprocess
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "typescript"
_INSTALLED: Final = FOLDER / "node_modules"
# What `npm ci` was run for; npm keeps no such note that it could be asked for.
_STAMP: Final = _INSTALLED / ".installed-for"


def install() -> None:
    """Install the SDK if it is not installed, and not by two workers at a time."""
    wanted = (FOLDER / "package-lock.json").read_text()
    with (FOLDER / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _STAMP.exists() and _STAMP.read_text() == wanted:
            return
        subprocess.run(["npm", "ci"], cwd=FOLDER, check=True)
        _STAMP.write_text(wanted)
