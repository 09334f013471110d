"""Each example project, run as its user runs it: in a folder of its own, with `pytest`."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parent.parent / "conftest_examples"

# How many tests each has; all of them pass.
PASSED = {
    "producer_and_consumer": 5,
    "python_sdk": 5,
    "requests_and_httpx": 7,
    "seeded_basin": 5,
    "server_sent_events": 5,
    "xdist": 20,
}

# Those in other languages, with what runs them.
OTHERS = {"go": "go", "rust": "cargo", "typescript": "npm"}

# The variables that pytest sets for nested runs, and that no user sets.
INHERITED = ("PYTEST_", "S2_", "COV_")


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", sorted(PASSED))
def test_passes(name: str, tmp_path: Path) -> None:
    project = tmp_path / name
    shutil.copytree(
        EXAMPLES / name, project, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache")
    )
    env = {key: value for key, value in os.environ.items() if not key.startswith(INHERITED)}

    run = subprocess.run(
        # Installed here, in no example's requirements, and slow to load.
        [sys.executable, "-m", "pytest", "-p", "no:schemathesis"],
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    outcomes = pytest.RunResult.parse_summary_nouns(run.stdout.splitlines())
    assert outcomes == {"passed": PASSED[name]}, run.stdout + run.stderr
    assert run.returncode == 0


def test_no_example_is_left_out() -> None:
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    listed = set(re.findall(r"^\| `(\w+)` \|", (EXAMPLES / "README.md").read_text(), re.MULTILINE))

    assert folders - {"__pycache__"} == PASSED.keys() | OTHERS.keys() == listed


@pytest.mark.parametrize("name", sorted(PASSED))
def test_requirements_are_complete(name: str) -> None:
    folder = EXAMPLES / name
    sources = "\n".join(path.read_text() for path in folder.glob("*.py"))
    imported = set(re.findall(r"^(?:from|import) (\w+)", sources, re.MULTILINE))
    of_its_own = {path.stem for path in folder.glob("*.py")}
    needed = imported - of_its_own - set(sys.stdlib_module_names)

    requirements = (folder / "requirements.txt").read_text().split()

    assert needed <= {requirement.replace("-", "_") for requirement in requirements}
    for requirement in requirements:
        assert distribution(requirement).version


def copied(name: str, tmp_path: Path) -> Path:
    if shutil.which(OTHERS[name]) is None:
        pytest.skip(f"{OTHERS[name]} is not on the PATH: the example in {name} cannot be run")
    ignored = shutil.ignore_patterns("node_modules", "target")
    return Path(shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=ignored))


def ran(command: list[str], folder: Path) -> str:
    """Return the output of the command, with a server of its own."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(INHERITED)}
    run = subprocess.run(
        [sys.executable, "-m", "s2mock", "run", "--", *command],
        cwd=folder,
        env={**env, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.mark.long
@pytest.mark.timeout(600)
def test_in_typescript(tmp_path: Path) -> None:
    folder = copied("typescript", tmp_path)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True)
    declared = (folder / "orders.test.ts").read_text().count("\ntest.concurrent(")
    report = json.loads(ran(["npx", "vitest", "run", "--reporter=json"], folder))
    assert report["numPassedTests"] == report["numTotalTests"] == declared > 0


@pytest.mark.long
@pytest.mark.timeout(600)
def test_in_go(tmp_path: Path) -> None:
    folder = copied("go", tmp_path)
    declared = (folder / "orders_test.go").read_text().count("\nfunc Test")
    said = ran(["go", "test", "-count=1", "-v", "./..."], folder)
    assert said.count("\n--- PASS: ") == declared > 0


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.skipif(
    not os.environ.get("S2MOCK_TEST_RUST"),
    reason="the Rust SDK takes minutes to build: S2MOCK_TEST_RUST=1 runs the example in rust",
)
def test_in_rust(tmp_path: Path) -> None:
    folder = copied("rust", tmp_path)
    declared = (folder / "tests" / "orders.rs").read_text().count("\n#[tokio::test")
    said = ran(["cargo", "test", "--locked", "--test", "orders"], folder)
    assert f"test result: ok. {declared} passed; 0 failed; 0 ignored" in said
    assert declared > 0


@pytest.mark.parametrize(
    "helper", ["go/s2mock_test.go", "rust/tests/s2mock/mod.rs", "typescript/s2mock.ts"]
)
def test_a_helper_is_short_enough_to_be_copied(helper: str) -> None:
    assert len((EXAMPLES / helper).read_text().splitlines()) <= 80
