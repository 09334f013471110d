"""The official SDKs against any server: what became of each test of theirs, or was seen by it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from s2mock import S2Mock
from s2mock.handles.mock_base import sdk_environment

REPO: Final = Path(__file__).parent.parent.parent
GO: Final = REPO / "tests" / "sdk" / "go"
GO_SDK: Final = "github.com/s2-streamstore/s2-sdk-go/s2"
TYPESCRIPT: Final = REPO / "tests" / "sdk" / "typescript"
# s2-lite deletes and trims in the background: by the load of the machine a follower is sent the
# record of the deletion or not, and a read has records from before the trim point or not, straight
# to it, too.
UNSTEADY: Final = ("a deletion is seen by a follower", "trim, over ")


def run_flow(url: str, basin: str) -> list[Any]:
    """What the program of the Python SDK sees, in a basin of that name."""
    command = [sys.executable, "-m", "tests.upstream.sdk_flow", basin]
    ran = _run(command, REPO, url)
    assert ran.returncode == 0, ran.stderr[-4000:]
    seen: list[Any] = json.loads(ran.stdout)
    return seen


def run_typescript(url: str, file: str) -> dict[str, str]:
    """The outcome of each test in a file for the TypeScript SDK."""
    ran = _run(["node", "--test", "--test-reporter=tap", file], TYPESCRIPT, url)
    found = re.findall(r"^\s*(not ok|ok) \d+ - (.*)$", ran.stdout, re.MULTILINE)
    assert found, ran.stdout + ran.stderr
    return {name: outcome for outcome, name in found if not name.startswith(UNSTEADY)}


def run_go(url: str, only: str = ".") -> dict[str, str]:
    """The outcome of each test that the Go SDK has of its own."""
    ran = _run(["go", "test", "-count=1", "-json", "-run", only, GO_SDK], GO, url)
    events = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    found = {
        event["Test"]: event["Action"]
        for event in events
        if "Test" in event and event["Action"] in ("pass", "fail", "skip")
    }
    assert found, ran.stdout + ran.stderr
    return found


def differences(straight: Any, through: Any) -> list[Any]:
    """What differs between two results, each with both sides."""
    if isinstance(straight, dict):
        names = straight.keys() | through.keys()
        pairs = [(name, straight.get(name), through.get(name)) for name in sorted(names)]
        return [pair for pair in pairs if pair[1] != pair[2]]
    different = [pair for pair in zip(straight, through, strict=False) if pair[0] != pair[1]]
    return different or ([(len(straight), len(through))] if straight != through else [])


def compare_typescript(upstream: str, file: str) -> list[Any]:
    """What differs between a file for the TypeScript SDK straight and through a mock.

    Its basins have their own names straight, and a prefix through the mock.
    """
    basins = [{"name": "my-basin", "streams": ["logs"]}]
    seeded = basins if file.startswith("records") else []
    with S2Mock(upstream=upstream, basins=seeded):
        straight = run_typescript(upstream, file)
    with S2Mock(upstream=upstream, basins=seeded, basin_prefix="ci-*-") as mock:
        through = run_typescript(mock.url, file)
    assert "ok" in straight.values()
    return differences(straight, through)


def _run(command: list[str], folder: Path, url: str) -> "subprocess.CompletedProcess[str]":
    env = os.environ | sdk_environment(url, "s2mock")
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
