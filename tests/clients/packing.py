"""The npm package as `npm pack` makes it, with the executable in it, built once for all tests."""

import fcntl
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Final

from tests.executable import REPO, build_executable
from tests.sdk.typescript_install import install

PACKAGE: Final = REPO / "clients" / "typescript"
_FOLDER: Final = REPO / "build" / "npm"


def pack() -> Path:
    """Return the package as a file. Skips the test if this Python makes no executable."""
    executable = build_executable()
    install(PACKAGE)
    _FOLDER.mkdir(parents=True, exist_ok=True)
    stamp = _FOLDER / "packed-from"
    with (_FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = _hash_sources(executable)
        if not stamp.exists() or stamp.read_text() != state:
            command = ["npm", "pack", "--json", "--pack-destination", str(_FOLDER)]
            packed = subprocess.run(
                command, cwd=PACKAGE, capture_output=True, text=True, check=False
            )
            assert packed.returncode == 0, packed.stdout + packed.stderr
            stamp.write_text(state)
    version = json.loads((PACKAGE / "package.json").read_text())["version"]
    return _FOLDER / f"s2mock-{version}.tgz"


def _hash_sources(executable: Path) -> str:
    found = hashlib.sha256(str(executable.stat().st_mtime_ns).encode())
    folders = [PACKAGE / "src", PACKAGE / "scripts"]
    files = [path for folder in folders for path in folder.iterdir()]
    for path in [*sorted(files), *sorted(PACKAGE.glob("*.json")), PACKAGE / "README.md"]:
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()
