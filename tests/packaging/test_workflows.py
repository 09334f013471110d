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


def job(name: str) -> str:
    """Return the text of a job of the release."""
    jobs = re.split(r"^  ([\w-]+):\n", WORKFLOWS["release.yml"], flags=re.MULTILINE)
    return dict(zip(jobs[1::2], jobs[2::2], strict=True))[name]


def test_nothing_is_allowed_but_what_publishing_needs() -> None:
    allowed = {
        name: re.findall(r"^ *([\w-]+): (?:read|write|write-all|read-all)$", text, re.MULTILINE)
        for name, text in WORKFLOWS.items()
    }

    assert allowed == {
        "docs.yml": ["contents", "pages", "id-token"],
        "executable.yml": ["contents"],
        "release.yml": ["contents", "id-token", "contents"],
        "test.yml": ["contents"],
    }
    for text in WORKFLOWS.values():
        assert "\npermissions:\n  contents: read\n" in text
    text = WORKFLOWS["release.yml"]
    assert text.count("write") == 2
    assert "id-token: write" in job("publish")
    assert "run:" not in job("publish")
    assert "contents: write" in job("release")
    # Code of the project runs in neither.
    assert "checkout" not in job("publish") + job("release")
    before, publish = WORKFLOWS["docs.yml"].split("\n  publish:\n")
    assert "write" not in before
    assert "run:" not in publish


def test_release_has_the_executable_of_each_system() -> None:
    assert "uses: ./.github/workflows/executable.yml\n" in job("executable")
    for name in ("publish", "release"):
        assert re.search(r"needs: \[build, executable\b", job(name))
    systems = re.findall(r"- \{name: ([\w-]+), os: ", WORKFLOWS["executable.yml"])
    assert {name.partition("-")[0] for name in systems} == {"linux", "darwin"}
    assert "artifacts/s2mock-*/*.tar.gz" in job("release")
    assert "name: s2mock-${{ matrix.name }}\n" in WORKFLOWS["executable.yml"]


def test_each_python_that_is_promised_is_tested() -> None:
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
    promised = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))

    [tested] = re.findall(r"python: \[(.*)\]", WORKFLOWS["test.yml"])

    assert [version.strip('"') for version in tested.split(", ")] == promised
