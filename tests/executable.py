"""The executable of `make binary`, built once for all tests, and an environment without Python."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

REPO: Final = Path(__file__).parent.parent
EXECUTABLE: Final = REPO / "dist" / "s2mock" / "s2mock"
BUILD: Final = (sys.executable, str(REPO / ".ci" / "executable" / "build.py"))
# The state of the sources from which it was built.
_STAMP: Final = REPO / "build" / "executable" / "built-from"


def build_executable() -> Path:
    """Return the executable, built from the sources as they are now.

    Skips the test if this Python cannot be put into one. Two workers never build at once.
    """
    check = subprocess.run([*BUILD, "--check"], capture_output=True, text=True, check=False)
    if check.returncode != 0:
        pytest.skip(check.stderr.strip())
    _STAMP.parent.mkdir(parents=True, exist_ok=True)
    with (_STAMP.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = _hash_sources()
        if not EXECUTABLE.exists() or not _STAMP.exists() or _STAMP.read_text() != state:
            built = subprocess.run(BUILD, capture_output=True, text=True, check=False)
            assert built.returncode == 0, built.stdout + built.stderr
            _STAMP.write_text(state)
    return EXECUTABLE


def _hash_sources() -> str:
    found = hashlib.sha256(f"{sys.version} {sys.base_prefix}".encode())
    folders = [REPO / "s2mock", REPO / ".ci" / "executable"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    for path in sorted([*files, REPO / "pyproject.toml", REPO / "hatch_build.py"]):
        if "__pycache__" not in path.parts:
            found.update(f"{path.relative_to(REPO)}\n".encode() + path.read_bytes())
    return found.hexdigest()


def without_python(folder: Path, *programs: str) -> dict[str, str]:
    """Return an environment whose PATH has these programs and a shell, and no Python.

    `folder` is made for them. Nothing of the environment of this process is in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("sh", "env", *programs):
        if (path := shutil.which(name)) is None:
            pytest.skip(f"{name} is not on the PATH")
        if not (folder / name).exists():
            (folder / name).symlink_to(Path(path).resolve())
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    return {"PATH": str(folder), "HOME": str(home), "TMPDIR": os.environ.get("TMPDIR", "/tmp")}
