"""Types and clients that users generate from `/_s2mock/openapi.json`, in TypeScript and in Go.

The programs in `typescript/` and `go/` make the same calls of the documentation, with what
openapi-typescript and oapi-codegen generate, on a server.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import s2mock.control
from s2mock import S2Mock
from tests.sdk.typescript_install import install

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
DESCRIPTION = Path(s2mock.control.__file__).parent / "openapi.json"

# The bodies of requests, and faults, as the documentation has them.
OF_THE_DOCS = (
    '{"basins": ["my-basin"], "clock": "manual"}',
    '{"on": "append", "at": "commit"}',
    '{"exchange": 1, "fault": {"Drop": {}}}',
    '{"on": "append", "fault": {"Fail": {"code": "unavailable", "committed": true}}}',
    (
        '{"on": "append", "stream": "orders/*", '
        '"fault": {"Fail": {"code": "unavailable", "committed": true}}}'
    ),
    '{"Answer": {"status": 502, "body": "<html>", "headers": {"content-type": "text/html"}}}',
    '{"Late": {"seconds": 1.5, "code": "storage"}}',
    '{"Drop": {"refused": true}}',
    '{"Cut": {"records": 2}}',
    '{"seconds": 60}',
    '{"kind": "orders", "actors": ["a", "b"], "options": {"basins": ["my-basin"]}}',
    '{"outcome": "failed", "message": "two records"}',
)
ACCOUNT, HOLD, RELEASE, FAIL, FAIL_ORDERS, ANSWER, LATE, DROP, CUT, MINUTE, ORDERS, FAILED = map(
    json.loads, OF_THE_DOCS
)
CALLS: list[list[Any]] = [
    ["POST", "/accounts", ACCOUNT],
    ["POST", "/snapshots", None],
    ["POST", "/holds", HOLD],
    ["GET", "/holds/1?count=1&wait=5", None],
    ["POST", "/holds/1/release", RELEASE],
    ["POST", "/faults", FAIL],
    ["GET", "/journal?operation=append&status=503&count=1&wait=5", None],
    ["POST", "/faults", FAIL_ORDERS],
    ["POST", "/faults", {"on": "append", "fault": ANSWER}],
    ["POST", "/faults", {"on": "append", "fault": LATE}],
    ["POST", "/faults", {"on": ["read", "check-tail"], "fault": [DROP, None], "times": None}],
    ["POST", "/faults", {"on": "read", "fault": CUT, "times": None, "required": False}],
    ["GET", "/faults", None],
    ["DELETE", "/faults/2", None],
    ["DELETE", "/faults/4", None],
    ["POST", "/clock/advance", MINUTE],
    ["GET", "/look/records?basin=my-basin&stream=log&count=1&wait=5", None],
    ["GET", "/look/stream?basin=my-basin&stream=log", None],
    ["POST", "/snapshots/1/restore", None],
    ["GET", "/look/stream?basin=my-basin&stream=none", None],
    ["POST", "/campaigns", ORDERS],
    ["POST", "/campaigns/1/attempts", None],
    ["POST", "/campaigns/1/attempts/1/actors/a/end", None],
    ["POST", "/campaigns/1/attempts/1/actors/b/end", None],
    ["POST", "/campaigns/1/attempts/1/end", FAILED],
    ["GET", "/campaigns/1", None],
    ["DELETE", "/campaigns/1", None],
    ["DELETE", "/accounts", None],
]

# A mistake in a program in Go, and what the compiler says of it.
MISTAKES = {
    ("Committed: ptr(true)", "Comitted: ptr(true)"): "unknown field Comitted",
    ("control.Drop{Refused:", "control.Dorp{Refused:"): "undefined: control.Dorp",
    ("FromDropFault", "FromDorpFault"): "FromDorpFault undefined",
    ("control.S2ErrorCodeStorage", "control.S2ErrorCodeStore"): "undefined: control.S2ErrorCode",
    ("failed.Effect.Kind", "failed.Effect.Knd"): "failed.Effect.Knd undefined",
    ("Cut{Records: ptr(2)}", 'Cut{Records: ptr("2")}'): "cannot use ptr",
}

TYPESCRIPT = pytest.mark.skipif(
    shutil.which("node") is None or shutil.which("npm") is None,
    reason="node and npm are not on the PATH: no types for TypeScript can be generated",
)
GO = pytest.mark.skipif(
    shutil.which("go") is None,
    reason="go is not on the PATH: no client for Go can be generated",
)


PAGE = (ROOT / "docs" / "how-to" / "other-languages.md").read_text("utf-8")
# The example in Go of the page is a part of a function.
FUNCTION = """package main

import (
	"context"
	"os"

	"s2mock/control/control"
)

func page(ctx context.Context) (*control.InjectResponse, error) {{
{block}
	return injected, err
}}
"""


def block_of_page(language: str) -> str:
    """Return the first example of the page in a language."""
    return PAGE.partition(f"```{{code-block}} {language}\n")[2].partition("```")[0]


def test_calls_are_those_of_the_documentation() -> None:
    assert [text for text in OF_THE_DOCS if text not in PAGE] == []
    options = (HERE / "go" / "oapi-codegen.yaml").read_text()
    assert options == block_of_page("yaml")


def run(command: list[str], folder: Path, env: Mapping[str, str] | None = None) -> str:
    """Return the output of a command that must succeed."""
    ran = attempt(command, folder, env)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def attempt(
    command: list[str], folder: Path, env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | (env or {}),
        capture_output=True,
        text=True,
        check=False,
    )


def calls_of(command: list[str], folder: Path) -> list[list[Any]]:
    """Return the requests that a program prints, without the prefix of their paths."""
    with S2Mock(control=True) as mock:
        output = run(command, folder, {"S2MOCK_URL": mock.url})
    calls = [json.loads(line) for line in output.splitlines()]
    return [[method, path.removeprefix("/_s2mock"), body] for method, path, body in calls]


@pytest.fixture(scope="module")
def typescript(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in TypeScript with its types."""
    install(HERE / "typescript")
    folder = tmp_path_factory.mktemp("types") / "typescript"
    ignored = shutil.ignore_patterns("node_modules")
    shutil.copytree(HERE / "typescript", folder, ignore=ignored)
    (folder / "node_modules").symlink_to(HERE / "typescript" / "node_modules")
    run(["npx", "--no-install", "openapi-typescript", str(DESCRIPTION), "-o", "control.ts"], folder)
    (folder / "page.ts").write_text(block_of_page("ts").replace("./s2mock.js", "./control.js"))
    return folder


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the module in Go with its client."""
    folder = tmp_path_factory.mktemp("client") / "go"
    shutil.copytree(HERE / "go", folder)
    (folder / "control").mkdir()
    (folder / "page.go").write_text(FUNCTION.format(block=block_of_page("go")))
    generator = ["go", "tool", "oapi-codegen", "-config", "oapi-codegen.yaml", str(DESCRIPTION)]
    ran = attempt(generator, folder)
    assert (ran.returncode, ran.stdout, without_downloads(ran.stderr)) == (0, "", [])
    return folder


def without_downloads(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("go: downloading ")]


@TYPESCRIPT
@pytest.mark.long
@pytest.mark.slow
@pytest.mark.timeout(600)
class TestTypeScript:
    def test_calls_compile_and_mistakes_do_not(self, typescript: Path) -> None:
        # The mistakes are marked with `@ts-expect-error`, which is an error where there is none.
        run(["npx", "--no-install", "tsc", "--project", "."], typescript)
        assert calls_of(["node", "built/calls.js"], typescript) == CALLS

    def test_compiler_reports_a_mark_without_a_mistake(self, typescript: Path) -> None:
        mistakes = (typescript / "mistakes.ts").read_text()
        (typescript / "mistakes.ts").write_text(mistakes.replace("{ Dorp: {} }", "{ Drop: {} }"))
        try:
            ran = attempt(["npx", "--no-install", "tsc", "--project", "."], typescript)
        finally:
            (typescript / "mistakes.ts").write_text(mistakes)
        assert "Unused '@ts-expect-error' directive" in ran.stdout
        assert ran.returncode != 0

    def test_no_type_is_without_members(self, typescript: Path) -> None:
        types = (typescript / "control.ts").read_text()
        empty = [line.strip() for line in types.splitlines() if "Record<string, never>" in line]
        assert empty == [
            "export type webhooks = Record<string, never>;",
            # Of S2: `{"infinite": {}}`.
            "InfiniteRetention: Record<string, never>;",
            "export type $defs = Record<string, never>;",
        ]


@GO
@pytest.mark.long
@pytest.mark.slow
@pytest.mark.timeout(600)
class TestGo:
    def test_calls_compile(self, go: Path) -> None:
        run(["go", "vet", "./..."], go)
        run(["go", "build", "-o", "calls", "."], go)
        assert calls_of(["./calls"], go) == CALLS

    def test_default_options_compile(self, go: Path) -> None:
        folder = go / "default"
        folder.mkdir()
        generator = ["go", "tool", "oapi-codegen", "-package", "control", "-generate"]
        client = run([*generator, "types,client", str(DESCRIPTION)], go)
        (folder / "control.go").write_text(client)
        run(["go", "build", "./default"], go)

    @pytest.mark.parametrize(("right", "wrong"), MISTAKES)
    def test_mistake_does_not_compile(self, go: Path, right: str, wrong: str) -> None:
        calls = (go / "calls.go").read_text()
        assert right in calls
        (go / "calls.go").write_text(calls.replace(right, wrong))
        try:
            ran = attempt(["go", "vet", "."], go)
        finally:
            (go / "calls.go").write_text(calls)
        assert ran.returncode != 0
        assert MISTAKES[right, wrong] in ran.stderr

    def test_no_type_is_without_members(self, go: Path) -> None:
        types = (go / "control" / "control.go").read_text().splitlines()
        members = [line.split()[:2] for line in types if line.startswith("\t") and "`json:" in line]
        loose = {(name, kind) for name, kind in members if "interface{}" in kind}
        assert loose == {
            # Of an exchange: the body of a request or response of S2.
            ("Document", "interface{}"),
            # Of this description itself.
            ("Components", "map[string]interface{}"),
            ("Paths", "map[string]interface{}"),
        }
