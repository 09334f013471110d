"""What users are told of the next release: the files of `newsfragments/`, for towncrier."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.running import REPO

FOLDER = "newsfragments"


def draft(checkout: Path) -> "subprocess.CompletedProcess[str]":
    command = (sys.executable, "-m", "towncrier", "build", "--draft", "--version", "9.9.9")
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


def fragments(checkout: Path) -> list[Path]:
    return [path for path in (checkout / FOLDER).iterdir() if path.name != "README.md"]


def formless(checkout: Path) -> list[str]:
    """The names of fragments that would read ill in a list of sentences."""
    texts = {path.name: path.read_text("utf-8") for path in fragments(checkout)}
    return [
        name
        for name, text in texts.items()
        if not text.rstrip().endswith((".", "```")) or text.startswith(("-", "*", "#", " "))
    ]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What towncrier reads, with no fragments in it."""
    (tmp_path / FOLDER).mkdir()
    for name in ("pyproject.toml", "CHANGELOG.md", f"{FOLDER}/README.md"):
        shutil.copy(REPO / name, tmp_path / name)
    return tmp_path


def test_those_of_the_next_release_are_well_formed() -> None:
    drafted = draft(REPO)

    assert drafted.returncode == 0, drafted.stderr
    assert formless(REPO) == []


def test_a_release_puts_them_above_the_last_one(checkout: Path) -> None:
    (checkout / FOLDER / "+page.added.md").write_text("A page.\n")
    (checkout / FOLDER / "14.fixed.md").write_text("What was wrong.\n")

    command = (sys.executable, "-m", "towncrier", "build", "--yes", "--version", "9.9.9")
    subprocess.run([*command, "--date", "2124-01-01"], cwd=checkout, check=True)

    noted = (checkout / "CHANGELOG.md").read_text("utf-8")
    before, after = (REPO / "CHANGELOG.md").read_text("utf-8").split("## 0.2.0", 1)
    assert noted.startswith(
        f"{before}## 9.9.9 (2124-01-01)\n\n### Added\n\n- A page.\n\n"
        "### Fixed\n\n- What was wrong. (#14)\n"
    )
    assert noted.endswith(f"\n\n## 0.2.0{after}")
    assert fragments(checkout) == []


@pytest.mark.parametrize("name", ["page.md", "+page.news.md"])
def test_a_name_that_says_no_kind_is_an_error(checkout: Path, name: str) -> None:
    (checkout / FOLDER / name).write_text("A page.\n")

    drafted = draft(checkout)

    assert drafted.returncode != 0
    assert f"Invalid news fragment name: {name}" in drafted.stderr


@pytest.mark.parametrize("text", ["", "no end", "- a list of its own.", "# A heading."])
def test_a_text_that_is_no_sentence_is_found(checkout: Path, text: str) -> None:
    (checkout / FOLDER / "+page.added.md").write_text(text)

    assert formless(checkout) == ["+page.added.md"]
