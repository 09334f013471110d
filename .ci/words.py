"""Check the words of the project: `make lint`.

    python .ci/words.py [--counts] [PATH ...]

Reads docstrings, comments and texts of Python files, and all lines of other text files. Prints each
banned word with its place and what to write instead; the exit status is then 1. PATH is a file or a
folder, by default each of CHECKED. With `--counts` it prints the number of banned words in each
package, also in those that are not checked yet, and the exit status is 0.
"""

import argparse
import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent

# What is clean, and has to stay so. Add a folder or a file once `--counts` shows 0 for it.
CHECKED = (
    ".ci",
    ".github",
    ".pre-commit-config.yaml",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "Makefile",
    "README.md",
    "benchmarks",
    "clients",
    "conftest_examples",
    "docs",
    "hatch_build.py",
    "newsfragments",
    "pyproject.toml",
    "s2mock",
    "tests",
)

# A pattern, and what to write instead. Programs are not people: a client, a request or a thread
# sends, waits, holds, returns.
BANNED = {
    r"who|whom|whoever": "the client, the caller, the test, the server, ...; `you` for the reader",
    r"(?:no|some|any|every)body": "no client, a caller, any thread, every waiter, ...",
    r"(?:some|any|every|no )one": "a client, any caller, ...; `one of them` for a thing",
    r"so many": "a number, with the name of the argument: after `count` records",
    r"stands?|stood": "is, has, contains; `means` for `stands for`",
    r"meanwhile": "at the same time, during the wait, until then",
    r"whatever": "any, each, all",
}

# The beginning of a path, a regular expression of a text that may have a banned word, and the
# reason: S2's own texts, texts of HTTP, quotations.
EXCEPTIONS = (
    ("Dockerfile", r"^USER nobody$", "the name of a user of the system"),
    (".ci/words.py", r".*`count`.*|^so many$|^is, has.*|\^USER.*", "the list itself"),
    ("tests/test_words.py", r"so[ ]many", "the words that the test puts in"),
    ("", r"\b(?:every|any|no )one of (?:them|these|those|the)\b", "about things"),
)

SUFFIXES = (
    *(".cfg", ".css", ".go", ".html", ".ini", ".js", ".md", ".mjs", ".py", ".rs", ".toml", ".ts"),
    *(".yaml", ".yml"),
)
NAMES = ("Dockerfile", "Makefile", "run")

_PATTERNS = [
    (re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), instead)
    for pattern, instead in BANNED.items()
]
_ANY = re.compile(rf"\b(?:{'|'.join(BANNED)})\b", re.IGNORECASE)


class Found(NamedTuple):
    """A banned word, its place, and what to write instead of it."""

    path: str
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.word!r}: write {self.instead}"


# Folders that are built or installed.
NOT_OURS = ("build", "dist", "__pycache__", "node_modules", "target")


def files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the text files among the paths and below them, without hidden and built ones."""
    for path in paths:
        if path.is_dir():
            yield from files(
                sorted(
                    below
                    for below in path.iterdir()
                    if not below.name.startswith(".") and below.name not in NOT_OURS
                )
            )
        elif path.suffix in SUFFIXES or path.name in NAMES:
            yield path


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the texts of a file, each with the number of its first line."""
    content = path.read_text("utf-8")
    if path.suffix != ".py":
        yield from enumerate(content.splitlines(), 1)
        return
    # To find the tokens of a file takes longer than all the rest.
    if any("#" in line and _ANY.search(line) for line in content.splitlines()):
        for token in tokenize.generate_tokens(io.StringIO(content).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    for node in ast.walk(ast.parse(content)):
        # A text without a space is a name, a key or a value, not a message.
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


def check(path: Path) -> Iterator[Found]:
    """Yield the banned words in a file."""
    name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.as_posix()
    exceptions = [re.compile(pattern) for start, pattern, _ in EXCEPTIONS if name.startswith(start)]
    for first, text in texts(path):
        for number, line in enumerate(text.split("\n"), first):
            if _ANY.search(line) is None:
                continue
            allowed = [span.span() for one in exceptions for span in one.finditer(line)]
            for pattern, instead in _PATTERNS:
                for word in pattern.finditer(line):
                    if not any(start <= word.start() < end for start, end in allowed):
                        yield Found(name, number, word[0], instead)


def package(name: str) -> str:
    """Return the package or folder of a file, with two parts below `s2mock`."""
    parts = name.split("/")
    return "/".join(parts[: 2 if parts[0] in ("s2mock", "tests") and len(parts) > 2 else 1])


def main(arguments: list[str]) -> int:
    """Print what is found, and return the exit status."""
    parser = argparse.ArgumentParser(description="Check the words of the project.")
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH")
    parser.add_argument("--counts", action="store_true", help="print numbers for each package")
    options = parser.parse_args(arguments)
    if options.counts:
        paths = options.paths or [ROOT, ROOT / ".ci", ROOT / ".github"]
        counts = Counter({package(one.relative_to(ROOT).as_posix()): 0 for one in files(paths)})
        counts.update(package(found.path) for path in files(paths) for found in check(path))
        print("\n".join(f"{count:5} {name}" for name, count in sorted(counts.items())))
        return 0
    checked = options.paths or [ROOT / name for name in CHECKED]
    missing = [path for path in checked if not path.exists()]
    if missing:
        print(f"{missing[0]} does not exist: correct CHECKED in .ci/words.py", file=sys.stderr)
        return 1
    found = [one for path in files(checked) for one in check(path)]
    print("".join(f"{one}\n" for one in found), end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
