"""Build the executable of s2mock, which needs no Python: `make binary`.

    python build.py [--check]

The interpreter that runs this program goes into the executable, with all libraries, for the system
and the processor of this machine, and for its C library and newer ones. The result is the folder
`dist/s2mock`, with the program `s2mock` in it. With `--check` it only checks that this interpreter
can be used. The exit status is 1 if it cannot.
"""

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
WORK = ROOT / "build" / "executable"
RESULT = ROOT / "dist" / "s2mock"
EXTRAS = "history,tls,upstream"


def refusal(config: Mapping[str, Any]) -> str | None:
    """Return why an interpreter with these build variables cannot be used, or None if it can."""
    if config.get("PYTHONFRAMEWORK"):
        return None
    name = config.get("INSTSONAME") or "libpython"
    if config.get("Py_ENABLE_SHARED"):
        for place in (Path(str(config.get("LIBDIR"))) / name, name):
            try:
                ctypes.CDLL(str(place))
            except OSError:
                continue
            return None
        return (
            f"{sys.executable} has no shared library ({name} is not installed), which the "
            "executable needs: install it (on Debian, the package libpython3-dev), or name another "
            "Python, as in make binary PYTHON=/usr/bin/python3"
        )
    return (
        f"{sys.executable} was built without a shared library, which the executable needs: name "
        "another Python, as in make binary PYTHON=/usr/bin/python3, or build one with "
        "--enable-shared (with pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install 3.13)"
    )


def make_environment() -> Path:
    """Return an interpreter with s2mock, as pip installs it, its libraries and PyInstaller."""
    folder = WORK / f"python-{platform.python_version()}"
    python = folder / "bin" / "python"
    if not python.exists():
        run(sys.executable, "-m", "venv", str(folder))
        run(str(python), "-m", "pip", "install", "--quiet", "pip>=25.1")
    install = [str(python), "-m", "pip", "install", "--quiet"]
    run(*install, f".[{EXTRAS}]", "--group", "binary")
    # The version may be the same, with other files.
    run(*install, "--force-reinstall", "--no-deps", ".")
    return python


def run(*command: str) -> None:
    """Run a command in the checkout. Ends the process if it fails."""
    ended = subprocess.run(command, cwd=ROOT, check=False)
    if ended.returncode != 0:
        raise SystemExit(f"make binary: {' '.join(command)} ended with {ended.returncode}")


def remove_debug_symbols() -> None:
    """Remove them from Python's own library and modules, of which they are the larger part.

    Other libraries come without them, and some break.
    """
    strip = shutil.which("strip")
    if sys.platform != "linux" or strip is None:
        return
    own = [*RESULT.glob("_internal/libpython*"), *RESULT.glob("_internal/python*/lib-dynload/*")]
    for file in own:
        subprocess.run([strip, "--strip-debug", str(file)], check=True)


def add_licenses(python: Path) -> None:
    """Write the licenses of Python and of all libraries in the folder into one file."""
    command = [str(python), str(Path(__file__).parent / "licenses.py")]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    own = Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"
    text = own.read_text("utf-8", "replace") if own.exists() else "https://docs.python.org/license"
    (RESULT / "LICENSES.txt").write_text(
        f"==== Python {platform.python_version()}\n{text}\n{listed.stdout}", "utf-8"
    )


def main(arguments: list[str]) -> int:
    """Build the executable, and return the exit status."""
    if (message := refusal(sysconfig.get_config_vars())) is not None:
        sys.stderr.write(f"make binary: {message}\n")
        return 1
    if arguments == ["--check"]:
        return 0
    python = make_environment()
    options = ["--noconfirm", "--log-level", "WARN", "--distpath", str(RESULT.parent)]
    # The same input makes the same files.
    os.environ.setdefault("PYTHONHASHSEED", "1")
    spec = Path(__file__).parent / "s2mock.spec"
    run(str(python), "-m", "PyInstaller", *options, "--workpath", str(WORK / "work"), str(spec))
    remove_debug_symbols()
    add_licenses(python)
    run(str(RESULT / "s2mock"), "--version")
    size = sum(file.stat().st_size for file in RESULT.rglob("*") if file.is_file())
    print(f"the executable is {RESULT / 's2mock'}; its folder has {size / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
