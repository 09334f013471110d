"""The official SDKs through a mock to its upstream: their own tests here, with that option."""

import subprocess
import sys
from pathlib import Path

import pytest

from s2mock import S2Mock
from tests.sampling import IS_WHOLE
from tests.upstream.sdk_suites import differences, run_flow

REPO = Path(__file__).parent.parent.parent
# Of each SDK those that need no option of the engine; in the others such an option is an error.
SUITES = {
    "python": ("test_python_append_retries.py", ""),
    "python sessions": ("test_python_sessions.py", "not Following"),
    "python streams": ("test_python_streams.py", "not pending"),
    "python transport": ("test_python_transport.py", "not clock"),
    "python reads": ("test_python_read.py", "not wait and not eight_days"),
    "typescript": ("test_typescript.py", "operations or retries or records or faults"),
    "go": ("test_go.py", "faults or flood"),
}
if IS_WHOLE:
    SUITES["flood of typescript"] = ("test_typescript.py", "flood")


@pytest.mark.long
@pytest.mark.whole
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SUITES)
def test_an_sdk_works_through_the_mock(real: S2Mock, name: str) -> None:
    file, only = SUITES[name]
    command = [sys.executable, "-m", "pytest", "-q", f"tests/sdk/{file}", "-p", "no:schemathesis"]
    command += [f"--s2mock-upstream={real.url}", "--s2mock-basin-prefix=ci-*-"]
    if name.startswith("python"):
        command += ["-m", "not slow"]
    if only:
        command += ["-k", only]
    ran = subprocess.run(command, cwd=REPO, check=False, capture_output=True, text=True)

    assert ran.returncode == 0, ran.stdout[-4000:]
    assert len(real.journal) > 0
    assert real.basins == ()


@pytest.mark.timeout(120)
def test_the_python_sdk_sees_the_same_through_the_mock_as_straight(
    real: S2Mock, mock: S2Mock
) -> None:
    straight = run_flow(real.url, "straight-basin")
    through = run_flow(mock.url, "through-basin")

    assert differences(straight, through) == []
    assert len(straight) > 30
