"""What the tests of packaging share: one build, and one environment that has the wheel."""

import fcntl
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.running import REPO, run


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Have a folder filled by the first worker of the run that needs it, for all others too."""
    base = tmp_path_factory.getbasetemp()
    # A worker of pytest-xdist has a folder of its own within that of the run.
    of_the_run = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def once(name: str, fill: Callable[[Path], None]) -> Path:
        folder, filled = of_the_run / name, of_the_run / f"{name}-is-filled"
        with (of_the_run / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not filled.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                filled.touch()
        return folder

    return once


@pytest.fixture(scope="session")
def built(once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """The folder with the sdist, and the wheel that was built from it."""

    def build(out: Path) -> None:
        subprocess.run([sys.executable, "-m", "build", "--outdir", out, REPO], check=True)

    return once("dist", build)


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    [wheel] = built.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def sdist(built: Path) -> Path:
    [sdist] = built.glob("*.tar.gz")
    return sdist


@pytest.fixture(scope="session")
def python(wheel: Path, once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """The interpreter of a fresh virtual environment that has the wheel and nothing else."""

    def install(folder: Path) -> None:
        venv.create(folder, with_pip=True, system_site_packages=False)
        pip = (folder / "bin" / "python", "-m", "pip")
        installed = run(*pip, "install", "--quiet", wheel, cwd=folder)
        assert installed.returncode == 0, installed.stderr

    return once("fresh", install) / "bin" / "python"
