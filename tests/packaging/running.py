"""Commands, run without anything of this checkout."""

import os
import subprocess
from pathlib import Path

REPO = Path(__file__).parent.parent.parent


def run(*command: str | Path, cwd: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=cwd, env=clean_env() | env, capture_output=True, text=True, check=False
    )


def clean_env() -> dict[str, str]:
    """An environment in which nothing of this checkout or this test run can be found."""
    ours = ("MAKE", "MFLAGS", "PYTEST_", "PYTHON", "S2_", "VENV", "VIRTUAL_ENV")
    return {key: value for key, value in os.environ.items() if not key.startswith(ours)}
