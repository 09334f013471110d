"""`make pythons`: the tests on each version of Python that is found."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.packaging.running import REPO, run

VERSION = "{}.{}".format(*sys.version_info)


def script(path: Path, *lines: str) -> None:
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """A folder for the PATH: what is found is in there, and a `make` that says what it is told."""
    folder = tmp_path / "bin"
    folder.mkdir()
    sh = shutil.which("sh")
    assert sh is not None
    (folder / "sh").symlink_to(sh)
    script(folder / "make", 'echo "make $*"')
    return folder


def pythons(found: Path, *versions: str) -> tuple[int, list[str]]:
    """The exit status, and the lines that are printed."""
    ended = run(sys.executable, REPO / ".ci/pythons.py", *versions, cwd=found, PATH=str(found))
    assert ended.stderr == ""
    return ended.returncode, ended.stdout.splitlines()


def told(version: str) -> list[str]:
    """What is printed of a version of which the tests are run."""
    return [
        f"Python {version}: {sys.executable}",
        f"make --no-print-directory test PYTHON={sys.executable} VENV=.venv-{version}",
    ]


def test_on_the_path(found: Path) -> None:
    script(found / f"python{VERSION}", f'exec {sys.executable} "$@"')
    status, lines = pythons(found, VERSION, "3.99")
    assert lines == [*told(VERSION), f"Python {VERSION}: passed", "Python 3.99: not found"]
    assert status == 0


def test_with_pyenv(found: Path, tmp_path: Path) -> None:
    """The newest of a version; what is on the PATH for it does not run."""
    script(found / f"python{VERSION}", "exit 127")
    for release in ("2", "10"):
        folder = tmp_path / f"{VERSION}.{release}" / "bin"
        folder.mkdir(parents=True)
        script(folder / "python", f'[ {release} = 10 ] && exec {sys.executable} "$@"')
    script(
        found / "pyenv",
        f'[ "$1" = versions ] && printf "2.7.18\\n{VERSION}.2\\n{VERSION}.10\\n{VERSION}-dev\\n"',
        f'[ "$1" = prefix ] && echo "{tmp_path}/$2"',
        "exit 0",
    )
    status, lines = pythons(found, VERSION)
    assert lines == [*told(VERSION), f"Python {VERSION}: passed"]
    assert status == 0


def test_of_another_version_than_its_name_says(found: Path) -> None:
    script(found / "python3.99", f'exec {sys.executable} "$@"')
    assert pythons(found, "3.99") == (1, ["Python 3.99: not found"])


def test_a_failure_is_said_at_the_end(found: Path) -> None:
    script(found / f"python{VERSION}", f'exec {sys.executable} "$@"')
    script(found / "make", "exit 2")
    status, lines = pythons(found, VERSION, "3.99")
    assert lines[1:] == [f"Python {VERSION}: failed", "Python 3.99: not found"]
    assert status == 1


def test_make_has_it_run() -> None:
    printed = run("make", "--dry-run", "pythons", "PYTHONS=3.98 3.99", cwd=REPO).stdout
    assert ".ci/pythons.py 3.98 3.99\n" in printed
