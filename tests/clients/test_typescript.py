"""The npm package, packed and installed in an empty folder, in an environment without Python."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

import s2mock
from tests.clients.packing import PACKAGE, pack
from tests.executable import REPO, without_python
from tests.sdk.typescript_install import install

# Operations without a method of their own: pages for a browser, and what `control.call` can do.
WITHOUT_METHOD = {"describe", "getPage", "listCampaigns", "lookAtToken"}

pytestmark = [
    pytest.mark.skipif(
        shutil.which("node") is None or shutil.which("npm") is None,
        reason="node and npm are not on the PATH: the package for TypeScript cannot be run",
    ),
    pytest.mark.timeout(900),
    pytest.mark.slow,
    pytest.mark.long,
]


def run(
    command: list[str], folder: Path, env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def succeed(command: list[str], folder: Path, env: Mapping[str, str] | None = None) -> str:
    ended = run(command, folder, env)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


class Project:
    """A folder in which the packed package is installed, and an environment without Python."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.folder = folder
        self.env = env

    def run(self, *command: str, **env: str) -> "subprocess.CompletedProcess[str]":
        return run([*command], self.folder, {**self.env, **env})


@pytest.fixture(scope="module")
def tarball() -> Path:
    return pack()


@pytest.fixture(scope="module")
def project(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("project")
    env = without_python(folder / "bin", "node", "npm", "npx")
    tests = folder / "tests"
    shutil.copytree(PACKAGE / "test", tests, ignore=shutil.ignore_patterns("node_modules"))
    # With the user's settings of npm.
    online = {**os.environ, "PATH": env["PATH"]}
    succeed(["npm", "ci", "--no-audit", "--no-fund"], tests, online)
    command = ["npm", "install", "--no-save", "--no-audit", "--no-fund", str(tarball)]
    succeed(command, tests, online)
    return Project(tests, env)


def test_version_is_that_of_s2mock() -> None:
    assert json.loads((PACKAGE / "package.json").read_text())["version"] == s2mock.__version__


def test_types_are_those_of_the_description(tmp_path: Path) -> None:
    """They are generated, so each member of one is a member of the other."""
    install(PACKAGE)
    generated = tmp_path / "control.ts"
    description = REPO / "s2mock" / "control" / "openapi.json"
    command = ["npx", "--no-install", "openapi-typescript", str(description), "-o", str(generated)]
    succeed(command, PACKAGE)
    assert generated.read_text() == (PACKAGE / "src" / "control.ts").read_text(), (
        "the description has changed: npm run generate, in clients/typescript"
    )


def test_each_operation_has_a_method() -> None:
    """The compiler checks that the table of routes has each operation, and no other."""
    table = (PACKAGE / "src" / "routes.ts").read_text()
    listed = set(re.findall(r"^  (\w+): \[", table, re.MULTILINE))
    sources = [path.read_text() for path in (PACKAGE / "src").glob("*.ts")]
    used = {name for text in sources for name in re.findall(r'\((?:\s*)"(\w+)"', text)}
    assert listed - used == WITHOUT_METHOD


def test_routes_are_those_of_the_description() -> None:
    table = (PACKAGE / "src" / "routes.ts").read_text()
    listed = set(re.findall(r'^  (\w+): \["(\w+)", "(.*)"\],$', table, re.MULTILINE))
    document = json.loads((REPO / "s2mock" / "control" / "openapi.json").read_text())
    assert listed == {
        (operation["operationId"], method.upper(), path.removeprefix("/_s2mock"))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_package_has_what_it_needs(tarball: Path) -> None:
    document = json.loads((PACKAGE / "package.json").read_text())
    assert "dependencies" not in document
    listed = succeed(["tar", "-tzf", str(tarball)], PACKAGE).splitlines()
    kinds = {name.split("/")[1] for name in listed}
    assert kinds == {"LICENSE", "README.md", "executable", "lib", "package.json"}
    assert len([name for name in listed if name.endswith("/s2mock")]) == 1


def test_every_power_with_the_official_sdk(project: Project) -> None:
    ended = project.run("npx", "--no-install", "vitest", "run", "--reporter=json")
    report = json.loads(ended.stdout)
    failed = [
        f"{one['fullName']}: {one['failureMessages']}"
        for file in report["testResults"]
        for one in file["assertionResults"]
        if one["status"] != "passed"
    ]
    assert (ended.returncode, failed) == (0, []), ended.stdout + ended.stderr
    text = (project.folder / "powers.test.ts").read_text()
    declared = len(
        re.findall(r"^  (?:test|timed|automatic)(?:\.concurrent)?\(", text, re.MULTILINE)
    )
    assert report["numPassedTests"] == declared >= 20


def test_with_the_test_runner_of_node(project: Project) -> None:
    ended = project.run("node", "--test", "--test-reporter=tap", "node.test.mjs")
    counts = dict(re.findall(r"^# (tests|pass|skipped) (\d+)$", ended.stdout, re.MULTILINE))
    declared = (project.folder / "node.test.mjs").read_text().count("\ntest(")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert counts == {"tests": str(declared), "pass": str(declared), "skipped": "0"}


def test_mistakes_do_not_compile(project: Project) -> None:
    # The mistakes are marked with `@ts-expect-error`, which is an error where there is none.
    ended = project.run("npx", "--no-install", "tsc", "--project", "tsconfig.json")
    assert ended.returncode == 0, ended.stdout
    file = project.folder / "mistakes.ts"
    text = file.read_text()
    assert text.count("@ts-expect-error") >= 20
    file.write_text(text.replace("{ Dorp: {} }, { on", "{ Drop: {} }, { on"))
    try:
        ended = project.run("npx", "--no-install", "tsc", "--project", "tsconfig.json")
    finally:
        file.write_text(text)
    assert "Unused '@ts-expect-error' directive" in ended.stdout
    assert ended.returncode != 0


FAILING = """
import { S2 } from "@s2-dev/streamstore";
import { test } from "s2mock/vitest";

test("a client that looks for a basin", async ({ s2mock }) => {
  await new S2(s2mock.clientOptions).basins.getConfig({ basin: "no-such-basin" });
});
test("a fault that never fires", async ({ s2mock }) => {
  await s2mock.inject({ Drop: {} }, { on: "append" });
});
"""


def test_output_of_the_runner_has_the_timeline_of_a_failed_test(project: Project) -> None:
    folder = project.folder / "failing"
    folder.mkdir()
    (folder / "failing.test.ts").write_text(FAILING)
    # Without `globalSetup`, too, for which the worker starts a server.
    command = ["npx", "--no-install", "vitest", "run", "--root", str(folder)]
    ended = project.run(*command)
    shutil.rmtree(folder)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 1, said
    assert "--- s2mock: 1 exchange (a client that looks for a basin) ---" in said
    assert re.search(r"1 +\+0\.000 +get-basin-config +no-such-basin +404 +basin_not_found", said)
    assert 'a fault never fired: {"fault": {"Drop": {}}, "on": "append"}; no append arrived' in said
