"""Tests that the benchmarks run. Their measurements are never asserted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parent.parent
# The quick ones; `scale` and `log` are made like `snapshot`, `startup` like `socket`.
# `socket` starts every peer server; moto alone takes seconds to load.
SUBJECTS = [
    pytest.param("socket", marks=pytest.mark.long),
    *("append", "read", "operations", "account", "in-process", "snapshot", "campaigns"),
    *("proxy", "kept"),
]


@pytest.mark.slow
@pytest.mark.whole(3)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_it_prints_its_rows(subject: str) -> None:
    unset = ("S2MOCK_BEFORE", "S2MOCK_REFERENCE")
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", subject],
        cwd=REPO,
        env={name: value for name, value in os.environ.items() if name not in unset},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    rows = [line for line in ran.stdout.splitlines() if line.startswith("| ")]
    # The heads of the columns, the line below them, and at least one measurement.
    assert len(rows) > 2
