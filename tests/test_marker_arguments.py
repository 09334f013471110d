"""Arguments of the marker that cannot work are refused, with what to do about it."""

import subprocess
import sys
from pathlib import Path

import pytest


def errors_of(marker: str, tmp_path: Path) -> str:
    (tmp_path / "test_it.py").write_text(
        f"import pytest\n@pytest.mark.s2_mock({marker})\ndef test_it(s2_mock): pass\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert pytest.RunResult.parse_summary_nouns(run.stdout.splitlines()) == {"errors": 1}
    return run.stdout


@pytest.mark.parametrize("name", ["host", "port"])
def test_what_all_tests_of_a_session_share(name: str, tmp_path: Path) -> None:
    errors = errors_of(f"{name}=8080", tmp_path)

    assert f"takes no {name}: the tests of a session share one socket" in errors
    assert f"--s2mock-{name}" in errors


@pytest.mark.parametrize("delay", [-1, "'1'", "float('nan')"])
def test_a_delay_that_is_none(delay: object, tmp_path: Path) -> None:
    errors = errors_of(f"deletion_delay={delay}", tmp_path)

    assert "deletion_delay must be 0 or more seconds, not " in errors
