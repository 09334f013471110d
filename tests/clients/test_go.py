"""The Go module, with the official SDK, in an environment without Python.

`make test` runs a sample without the race detector, which compiles for long; `make go` runs all
tests with it.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.executable import REPO, build_executable, without_python

MODULE: Final = REPO / "clients" / "go"
IS_WHOLE: Final = bool(os.environ.get("S2MOCK_TEST_GO"))
# One test of each power, and the mistakes that do not compile.
SAMPLE: Final = (
    "TestFaultThatLosesAnAnswer|TestHeldAppend|TestHookDecides|TestWeekPasses|TestExchangeHas|"
    "TestSnapshotIs|TestForkGoes|TestTokenThat|TestSweepFinds|TestOrdersFind|TestCrashesOf|"
    "TestAccountsNeverMeet|TestTimelineIs|TestServerEnds|TestMistakes"
)

pytestmark = [
    pytest.mark.skipif(
        shutil.which("go") is None, reason="go is not on the PATH: the module for Go cannot be run"
    ),
    pytest.mark.timeout(900),
    pytest.mark.slow,
    pytest.mark.long,
]


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """An environment without Python, with the executable and the caches of go."""
    executable = build_executable()
    folder = tmp_path_factory.mktemp("go")
    # Without a C compiler, go would compile its library anew for that.
    compilers = [name for name in ("gcc", "clang", "as", "ld") if shutil.which(name)]
    clean = without_python(folder / "bin", "go", *compilers)
    names = ("GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS", "GOSUMDB")
    command = ["go", "env", "-json", *names]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert shutil.which("python3", path=clean["PATH"]) is None
    assert shutil.which("python", path=clean["PATH"]) is None
    return {**clean, **json.loads(found.stdout), "S2MOCK_BIN": str(executable)}


def run_tests(folder: Path, env: Mapping[str, str], *options: str) -> dict[str, str]:
    """Return the outcome of each test; pytest reports what they print."""
    kind = "-race" if IS_WHOLE else "-vet=off"
    ended = subprocess.run(
        ["go", "test", "-count=1", "-json", kind, *options, "./..."],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    events = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    print("".join(event.get("Output", "") for event in events), ended.stderr)
    assert ended.returncode == 0
    return {
        event["Test"]: event["Action"]
        for event in events
        if "Test" in event and event["Action"] in {"pass", "fail", "skip"}
    }


def declared_in(folder: Path) -> set[str]:
    texts = [path.read_text() for path in folder.glob("*_test.go")]
    return {
        name for text in texts for name in re.findall(r"^func (Test\w+)\(t ", text, re.MULTILINE)
    }


def test_types_and_routes_are_those_of_the_description(env: Mapping[str, str]) -> None:
    """The tests of the module itself compare them, each way."""
    outcomes = run_tests(MODULE, env)
    assert outcomes == dict.fromkeys(declared_in(MODULE / "s2mock"), "pass")


def test_each_power_with_the_official_sdk(env: Mapping[str, str]) -> None:
    options = () if IS_WHOLE else ("-run", f"^({SAMPLE})")
    outcomes = run_tests(MODULE / "test", env, *options)
    assert set(outcomes.values()) == {"pass"}
    declared = declared_in(MODULE / "test")
    wanted = {name for name in declared if IS_WHOLE or re.match(SAMPLE, name)}
    assert outcomes.keys() == wanted
    assert len(wanted) >= 12
    assert IS_WHOLE or len(wanted) == SAMPLE.count("|") + 1


def test_module_needs_the_standard_library_alone() -> None:
    assert "require" not in (MODULE / "go.mod").read_text()
    assert not (MODULE / "go.sum").exists()


def test_code_is_formatted() -> None:
    gofmt = shutil.which("gofmt")
    if gofmt is None:
        pytest.skip("gofmt is not on the PATH: the module for Go cannot be checked for its format")
    ended = subprocess.run([gofmt, "-l", str(MODULE)], capture_output=True, text=True, check=True)
    assert ended.stdout == ""
