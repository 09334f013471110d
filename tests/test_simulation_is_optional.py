"""`s2mock.simulation` on a Python without simloom, and in programs that do not simulate."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

HAS_SIMLOOM = find_spec("simloom") is not None


def run(code: str) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_nothing_imports_it() -> None:
    """With all that a test uses, on an event loop too."""
    code = """
import asyncio, sys
import s2mock, s2mock.pytest_plugin
from s2mock import Delay, S2Mock

async def main():
    with S2Mock(basins=["my-basin"], clock="loop") as mock:
        mock.inject(Delay(0), on="append", required=False)
        async with await mock.serve():
            pass

asyncio.run(main())
print([name for name in sys.modules if "simloom" in name or "s2mock.simulation" in name])
"""
    assert run(code).strip() == "[]"


@pytest.mark.skipif(HAS_SIMLOOM, reason="simloom is installed")
def test_without_simloom_the_import_says_what_to_install() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"Python 3.12 and newer: pip install 's2mock\["):
        import s2mock.simulation  # noqa: F401


def test_tests_that_were_not_run_are_listed_by_name(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
from tests.simulation import not_run

def pytest_terminal_summary(terminalreporter):
    not_run.write(terminalreporter)
"""
    )
    pytester.makepyfile(
        """
import pytest
from tests.simulation.not_run import REASON

@pytest.mark.skip(reason=REASON)
def test_world(): ...

@pytest.mark.skip(reason="of another reason")
def test_other(): ...
"""
    )
    result = pytester.runpytest("-p", "no:s2mock", "-p", "no:asyncio")
    lines = result.stdout.str().partition("simulations that were not run")[2].splitlines()
    assert any(line.endswith("::test_world") for line in lines)
    assert not any(line.endswith("::test_other") for line in lines[:4])
