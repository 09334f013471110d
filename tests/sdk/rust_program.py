"""The program of the Rust SDK in `rust`, which Cargo builds for minutes when it is first used."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

FOLDER: Final = Path(__file__).parent
TARGET: Final = Path(
    os.environ.get("CARGO_TARGET_DIR", FOLDER.parent.parent / "build" / "rust")
).resolve()
NEEDS_RUST: Final = pytest.mark.skipif(
    not os.environ.get("S2MOCK_TEST_RUST"),
    reason="the Rust SDK takes minutes to build: make fault-table-rust",
)


def build_program() -> str:
    """Return the path of the program, as it is now. One worker builds it, and the others wait."""
    if shutil.which("cargo") is None:
        pytest.skip("cargo is not on the PATH: the Rust SDK cannot be run")
    build = ["cargo", "build", "--locked", "--target-dir", TARGET]
    subprocess.run(build, cwd=FOLDER / "rust", check=True)
    return str(TARGET / "debug" / "scenario")
