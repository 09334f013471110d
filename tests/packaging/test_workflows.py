"""The workflows: what they may, whose code they run, and on which Pythons."""

import re
import tomllib

import pytest

from tests.packaging.running import REPO

WORKFLOWS = {path.name: path.read_text() for path in (REPO / ".github/workflows").glob("*.yml")}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_each_action_is_of_one_version(name: str) -> None:
    used = re.findall(r"uses: (\S+)", WORKFLOWS[name])

    assert used
    for action in used:
        assert re.fullmatch(r"[\w/.-]+@v\d+\.\d+\.\d+|\./\S+", action), action


def test_nothing_is_allowed_but_what_publishing_needs() -> None:
    allowed = {
        name: re.findall(r"^ *([\w-]+): (?:read|write|write-all|read-all)$", text, re.MULTILINE)
        for name, text in WORKFLOWS.items()
    }

    assert allowed == {
        "docs.yml": ["contents", "pages", "id-token"],
        "executable.yml": ["contents"],
        "release.yml": ["contents", "id-token"],
        "test.yml": ["contents"],
    }
    for text in WORKFLOWS.values():
        assert "\npermissions:\n  contents: read\n" in text
    for name in ("release.yml", "docs.yml"):
        before, publish = WORKFLOWS[name].split("\n  publish:\n")
        assert "write" not in before
        assert "run:" not in publish


def test_each_python_that_is_promised_is_tested() -> None:
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
    promised = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))

    [tested] = re.findall(r"python: \[(.*)\]", WORKFLOWS["test.yml"])

    assert [version.strip('"') for version in tested.split(", ")] == promised
