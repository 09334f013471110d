"""The official SDK is never advised of its own requests, whatever it does in its flows."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FLOWS = ["append", "append_retries", "basins", "read", "sessions", "streams"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["append", "append_retries", "basins", "read", "sessions", "streams"]
)
def test_its_flows_give_no_advice(name: str) -> None:
    arguments = ["-q", "-n", "0", "-o", "s2mock_advice=on", "-Werror::s2mock.S2Advice"]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, str(HERE / f"test_python_{name}.py")],
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
