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

from s2mock.control.command_line.parser import make_parser
from tests.clients.packing import pack
from tests.clients.test_rust import CRATE, TARGET
from tests.docs.languages import file_of_page
from tests.executable import build_executable

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
    """Return the output of a command that must succeed, with a server of its own."""
    run = attempt(command, folder)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def attempt(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    env = {key: value for key, value in os.environ.items() if not key.startswith(INHERITED)}
    return subprocess.run(
        [sys.executable, "-m", "s2mock", "run", "--", *command],
        cwd=folder,
        env={**env, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def typescript(tmp_path: Path) -> Path:
    """Return a copy of the example in TypeScript, with the packed s2mock installed."""
    folder = copied("typescript", tmp_path)
    package = pack()
    for arguments in (["ci"], ["install", "--no-save", str(package)]):
        command = ["npm", *arguments, "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=folder, check=True)
    return folder


def run_typescript(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    env = {key: value for key, value in os.environ.items() if not key.startswith(INHERITED)}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_in_typescript(tmp_path: Path) -> None:
    folder = typescript(tmp_path)
    (folder / "page.test.ts").write_text(file_of_page("TypeScript"))
    texts = [file.read_text() for file in folder.glob("*.test.ts")]
    declared = sum(len(re.findall(r"^\w+\.concurrent\(", text, re.MULTILINE)) for text in texts)
    ended = run_typescript(["npx", "vitest", "run", "--reporter=json"], folder)
    report = json.loads(ended.stdout)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert report["numPassedTests"] == report["numTotalTests"] == declared > 0


def test_playwright_starts_a_server_and_waits_for_it() -> None:
    text = (EXAMPLES / "typescript" / "playwright.config.ts").read_text()
    command, url = re.findall(r'(?:command|url): "(.*)"', text)
    options = make_parser("serve").parse_args(command.removeprefix("npx s2mock ").split())
    assert options.with_parent
    assert url == f"http://{options.host}:{options.port}/health"


def go(tmp_path: Path) -> Path:
    """Return a copy of the example in Go, with the module of the checkout."""
    folder = copied("go", tmp_path)
    module = "github.com/s2mock/s2mock/clients/go"
    place = EXAMPLES.parent / "clients" / "go"
    subprocess.run(["go", "mod", "edit", f"-replace={module}={place}"], cwd=folder, check=True)
    return folder


@pytest.mark.long
@pytest.mark.timeout(600)
def test_in_go(tmp_path: Path) -> None:
    folder = go(tmp_path)
    (folder / "page").mkdir()
    (folder / "page" / "page_test.go").write_text(file_of_page("Go"))
    declared = sum(file.read_text().count("\nfunc Test") for file in folder.rglob("*_test.go"))
    ran(["go", "vet", "./..."], folder)
    said = ran(["go", "test", "-count=1", "-v", "./..."], folder)
    assert said.count("\n--- PASS: ") == declared > 0


def pasted_test(text: str) -> str:
    """Return the test to paste that a campaign's report ends with."""
    return text.partition("The shortest failure as a test of its own:\n\n")[2]


# The scenarios of the examples that have a bug, and the program of each in it and in its twin.
BUGS = {
    "twoCustomers": ("race", "take", "takeIfFree"),
    "oneShipment": ("shipment", "ship", "shipOnce"),
    "twoStarts": ("shipmentAgain", "ship", "shipOnce"),
}

# The message if an actor dies, and the other one does not end.
STUCK = (
    "b2 did not arrive; a has ended; "
    "b runs, and waits for nothing of the service: it has sent 1 operation"
)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_printed_test_in_typescript_is_red_on_the_bug_and_green_on_its_twin(tmp_path: Path) -> None:
    folder = typescript(tmp_path)
    file = folder / "campaigns.test.ts"
    # Only what is before the tests, and a campaign for each bug that is to fail.
    scenarios = file.read_text().partition("\ntest.concurrent(")[0]
    plans = {
        "twoCustomers": 'kind: "orders", actors: ["a", "b"]',
        "oneShipment": 'kind: "sweep", faults: [LOST], on: "append"',
        "twoStarts": 'kind: "crash", on: "append"',
    }

    def results(tests: list[str]) -> dict[str, str]:
        """Return the message of each test that has failed, "" for one that has passed."""
        file.write_text("\n".join([scenarios, *tests]))
        run = run_typescript(["npx", "vitest", "run", "--reporter=json", file.name], folder)
        [ran] = json.loads(run.stdout)["testResults"]
        return {one["title"]: "".join(one["failureMessages"]) for one in ran["assertionResults"]}

    found = results(
        [
            f'test("{name}", () => s2.campaign({{ {plan}, options }}, {name}));'
            for name, plan in plans.items()
        ]
    )
    assert found.keys() == BUGS.keys()
    # Before the lines of the stack.
    printed = [pasted_test(text).partition("\n    at ")[0] for text in found.values()]
    red = results(printed)
    assert [title.partition(":")[0] for title in red] == list(BUGS)
    assert all("the attempt failed" in message for message in red.values()), red
    for scenario, bug, twin in BUGS.values():
        old = f"{scenario}(attempt, {bug})"
        assert old in scenarios
        scenarios = scenarios.replace(old, f"{scenario}(attempt, {twin})")
    assert results(printed) == dict.fromkeys(red, "")
    # With an actor that dies and one that never ends it fails too, and does not hang.
    old = "race(attempt, takeIfFree)"
    assert old in scenarios
    hang = (
        "async (s2, name) => { await read(s2); if (name === 'ada') throw new Error('no money');"
        " await new Promise(() => {}); }"
    )
    scenarios = scenarios.replace(old, f"race(attempt, {hang})")
    [message] = results([printed[0].replace('"replay"', '"timeout": 1, "replay"')]).values()
    assert STUCK in message
    assert "a failed with Error: no money" in message


@pytest.mark.long
@pytest.mark.timeout(600)
def test_printed_test_in_go_is_red_on_the_bug_and_green_on_its_twin(tmp_path: Path) -> None:
    folder = go(tmp_path)
    file, pasted = folder / "programs_test.go", folder / "pasted_test.go"
    plans = {"twoCustomers": "Orders(ctx, sales", "oneShipment": "Sweep(ctx, sweep"}
    plans |= {"twoStarts": "Crashes(ctx, crash"}
    imported = '"github.com/s2mock/s2mock/clients/go/s2mock"'
    head = f'package orders\n\nimport (\n\t"testing"\n\n\t{imported}\n)\n\n'

    def output(tests: list[str], name: str) -> str:
        pasted.write_text(head + "\n".join(tests))
        run = attempt(["go", "test", "-count=1", "-v", "-run", name, "./..."], folder)
        return run.stdout + run.stderr

    found = output(
        [
            f"func TestBug{number}(t *testing.T) {{\n"
            f"\t_, err := s2mock.Start(t).{plan}, {name})\n\tt.Fatal(err)\n}}\n"
            for number, (name, plan) in enumerate(plans.items())
        ],
        "TestBug",
    )
    # Each is printed with the indentation of a failure, of eight spaces.
    printed = re.findall(r"^ {8}func Test.*?^ {8}\}$", found, re.MULTILINE | re.DOTALL)
    assert len(printed) == found.count("as a test of its own:") == len(BUGS), found
    tests = [text.replace("\n        ", "\n").strip() + "\n" for text in printed]
    names = re.findall(r"func (Test\w+)", "".join(tests))
    red = output(tests, "|".join(names))
    assert [f"--- FAIL: {name} " in red for name in names] == [True] * len(BUGS), red
    assert red.count("the attempt failed") == len(BUGS)
    text = file.read_text()
    for scenario, bug, twin in BUGS.values():
        old = f"{scenario}(ctx, a, Orders.{bug[:1].upper()}{bug[1:]})"
        assert old in text
        text = text.replace(old, f"{scenario}(ctx, a, Orders.{twin[:1].upper()}{twin[1:]})")
    file.write_text(text)
    green = output(tests, "|".join(names))
    assert [f"--- PASS: {name} " in green for name in names] == [True] * len(BUGS), green
    # With an actor that dies and one that never ends it fails too, and does not hang.
    old = "race(ctx, a, Orders.TakeIfFree)"
    assert old in text
    hang = (
        "func(o Orders, ctx context.Context, name string) error {"
        ' if _, err := o.Stream.CheckTail(ctx); err != nil || name == "ada" {'
        ' return fmt.Errorf("no money %v", err) }; select {} }'
    )
    file.write_text(text.replace(old, f"race(ctx, a, {hang})"))
    stuck = output([tests[0].replace('"replay"', '"timeout": 1, "replay"')], names[0])
    assert STUCK in stuck
    assert "; a failed with no money" in stuck


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.skipif(
    not os.environ.get("S2MOCK_TEST_RUST"),
    reason="the Rust SDK takes minutes to build: S2MOCK_TEST_RUST=1 runs the example in rust",
)
def test_in_rust(tmp_path: Path) -> None:
    """It uses the crate by its path, and the build of the SDK of `make rust`."""
    folder = copied("rust", tmp_path / "conftest_examples")
    ignored = shutil.ignore_patterns("target")
    shutil.copytree(CRATE, tmp_path / "clients" / "rust", ignore=ignored)
    tests = (folder / "tests" / "orders.rs").read_text()
    declared = tests.count("\n#[tokio::test")
    env = {key: value for key, value in os.environ.items() if not key.startswith(INHERITED)}
    command = ["cargo", "test", "--locked", "--test", "orders", "--target-dir", str(TARGET)]
    run = subprocess.run(
        command,
        cwd=folder,
        env={**env, "S2MOCK_BIN": str(build_executable())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"test result: ok. {declared} passed; 0 failed; 0 ignored" in run.stdout
    assert declared > 0
