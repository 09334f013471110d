"""The check of banned words, `.ci/words.py`."""

import sys
from pathlib import Path

import pytest

from tests.packaging.running import REPO, run

SCRIPT = REPO / ".ci" / "words.py"
BANNED = "whoever"


def check(*paths: Path) -> tuple[int, list[str]]:
    """Return the exit status and the lines of the output."""
    ended = run(sys.executable, SCRIPT, *map(str, paths), cwd=REPO)
    assert ended.stderr == ""
    return ended.returncode, ended.stdout.splitlines()


@pytest.mark.slow
def test_checked_folders_have_no_banned_word() -> None:
    assert check() == (0, [])


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.py", f'"""A client, or {BANNED} sends."""\n', 1),
        ("a.py", f"x = 1\n# For {BANNED} waits.\n", 2),
        ("a.py", f'raise ValueError(f"{{x}} is for\\n {BANNED} waits")\n', 2),
        ("a.md", f"# A title\n\nFor {BANNED} waits.\n", 3),
        ("Makefile", f"# For {BANNED} waits.\n", 1),
    ],
)
def test_banned_word_is_an_error_with_its_place(
    tmp_path: Path, name: str, content: str, line: int
) -> None:
    file = tmp_path / name
    file.write_text(content)
    status, [found] = check(tmp_path)
    assert status == 1
    assert found.startswith(f"{file.as_posix()}:{line}: '{BANNED}': write ")


def test_each_banned_word_is_found(tmp_path: Path) -> None:
    words = [
        *("who", "whoever", "nobody", "somebody", "anybody", "Everybody", "anyone", "so many"),
        *("stands", "stand", "stood", "Meanwhile", "whatever"),
    ]
    (tmp_path / "a.md").write_text("".join(f"A text with {word} in it.\n" for word in words))
    status, found = check(tmp_path)
    assert status == 1
    assert [line.split("'")[1] for line in found] == words


def test_similar_words_are_allowed(tmp_path: Path) -> None:
    texts = ["standalone", "understand", "any one of these", "whole", "some", "bodies"]
    (tmp_path / "a.md").write_text("".join(f"A text with {text} in it.\n" for text in texts))
    assert check(tmp_path) == (0, [])


def test_names_in_code_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f'{BANNED} = {{"{BANNED}": 1}}\n')
    assert check(tmp_path) == (0, [])


@pytest.mark.slow
def test_counts_are_of_all_packages() -> None:
    ended = run(sys.executable, SCRIPT, "--counts", cwd=REPO)
    counts = dict(reversed(line.split()) for line in ended.stdout.splitlines())
    assert ended.returncode == 0
    assert counts["s2mock/runtime"] == "0"
    assert {"docs", "tests", "s2mock/registry"} <= counts.keys()
