"""The installation of npm packages by a lock file: the official TypeScript SDK, and others."""

import fcntl
import subprocess
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "typescript"
# What `npm ci` was run for; npm keeps no such note that it could be asked for.
_STAMP: Final = Path("node_modules") / ".installed-for"


def install(folder: Path = FOLDER) -> None:
    """Install the packages if they are not installed, and not by two workers at a time."""
    wanted = (folder / "package-lock.json").read_text()
    stamp = folder / _STAMP
    with (folder / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return
        subprocess.run(["npm", "ci"], cwd=folder, check=True)
        stamp.write_text(wanted)
