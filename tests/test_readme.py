"""Every block of the README and of the pages under docs/ is run as it is printed.

A page is one story, told in one empty folder, from top to bottom:

- A block right below the comment `<!-- file: NAME -->` is the content of that file.
- A `console` block is a terminal: commands after `$ `, and below each what it prints. A server goes
  on in the background until the page ends.
- A `python` block with tests in it is a file of tests. Any other `python` block is a program; a
  `text` block right below it is what it prints.
- Where the tests that a page has written were not run in a terminal, they are run at its end.
- A directive, as ```{code-block}, is only shown. In TypeScript, Go and Rust it is a part of the
  example projects, which `tests/test_examples.py` runs.
- The page of another language is one file of tests, which `tests/test_examples.py` runs, too. That
  of Rust has the tests of the crate: `tests/docs/test_languages.py`.

A page sees what its own install line brings, and nothing else that is installed here:
`tests/docs/environments.py`. `make pages` has a real environment for each.

Some values change from run to run: where the page has the same time twice, it must be the same time
twice; durations may differ; and port 8080 means a free one.
"""

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from s2mock.runtime.clock import AccountClock
from tests.control.test_generated_types import block_of_page
from tests.docs.environments import PAGES, REPO, packages, variables
from tests.docs.languages import LANGUAGE_PAGES
from tests.ports import unused_port

BLOCK = re.compile(
    r"(?:^<!-- file: (?P<file>\S+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
DIRECTIVE = re.compile(r"^```\{.*?^```$", re.MULTILINE | re.DOTALL)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
DURATION = re.compile(r"(?<= in )\d+\.\d+s")


class Block(NamedTuple):
    file: str | None
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    text = DIRECTIVE.sub("", PAGES[page])
    return [Block(**match.groupdict()) for match in BLOCK.finditer(text)]


class Times:
    """Texts with times, made comparable: each time becomes its order of appearance."""

    def __init__(self) -> None:
        self._seen: list[str] = []

    def in_order(self, text: str) -> str:
        return DURATION.sub("<duration>", TIME.sub(self._order, text))

    def _order(self, time: re.Match[str]) -> str:
        if time[0] not in self._seen:
            self._seen.append(time[0])
        return f"<time {self._seen.index(time[0])}>"


class Story:
    """The folder in which a page is carried out, and what goes on in it."""

    def __init__(self, folder: Path, requirements: tuple[str, ...]) -> None:
        self.folder = folder
        self.servers: list[subprocess.Popen[str]] = []
        self.tests_are_due = False
        self.written = 0
        self.printed: str | None = None
        self.times_printed, self.times_expected = Times(), Times()
        self.port = str(unused_port())
        tools = folder / ".tools"
        tools.mkdir()
        # What curl knows by itself where it prints to a terminal: no progress there.
        (tools / ".curlrc").write_text("silent\n")
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST_", "S2_"))
        }
        self.env = inherited | {
            "CURL_HOME": str(tools),
            # What other installed plugins say at their start is no part of the story.
            "PYTHONWARNINGS": "ignore::DeprecationWarning",
            **variables(requirements),
        }

    def with_port(self, text: str) -> str:
        return text.replace("8080", self.port)

    def start(self, command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def carry_out(self, block: Block) -> None:
        text = self.with_port(block.text)
        if block.file is not None:
            self.write(block.file, text)
        elif block.language == "python" and re.search(r"^(async )?def test_", text, re.MULTILINE):
            self.written += 1
            self.write(f"test_block_{self.written}.py", text)
        elif block.language == "console":
            for command, expected in commands(text):
                self.at_the_terminal(command, expected)
        elif block.language == "python":
            self.printed = self.run(f"python -c {shlex.quote(text)}")
        elif block.language == "text":
            assert self.printed == text
            self.printed = None
        else:
            pytest.fail(f"no way to run a block of this language: {block}")

    def write(self, name: str, text: str) -> None:
        file = self.folder / name
        # The second one would replace the first.
        assert not file.exists(), f"the page writes {name} twice"
        file.write_text(text)
        self.tests_are_due |= name.startswith("test_")

    def run(self, command: str) -> str:
        process = self.start(command)
        printed, _ = process.communicate(timeout=240)
        assert process.returncode == 0, f"{command}\n{printed}"
        return printed

    def at_the_terminal(self, command: str, expected: str) -> None:
        if command.startswith("python -m s2mock"):
            server = self.start(f"exec {command}")
            self.servers.append(server)
            assert server.stdout is not None
            printed = "".join(server.stdout.readline() for _ in expected.splitlines())
            assert printed == expected
            return
        if command.startswith("pytest"):
            self.tests_are_due = False
        printed = self.run(command)
        # Where the last line is left open, a terminal goes on in it; a page does not.
        printed = self.times_printed.in_order(printed).rstrip("\n")
        assert printed == self.times_expected.in_order(expected).rstrip("\n")

    def end(self) -> None:
        assert not self.printed
        if self.tests_are_due:
            printed = self.run("python -m pytest")
            assert pytest.RunResult.parse_summary_nouns(printed.splitlines()).keys() == {"passed"}
        while self.servers:
            server = self.servers.pop()
            server.send_signal(signal.SIGINT)
            rest, _ = server.communicate(timeout=60)
            assert (server.returncode, rest) == (0, "")

    def abandon(self) -> None:
        for server in self.servers:
            server.kill()
            server.communicate()


def commands(terminal: str) -> Iterator[tuple[str, str]]:
    """Return each command, with its continuation lines and its expected output."""
    for part in re.split(r"^\$ ", terminal, flags=re.MULTILINE):
        lines = part.splitlines(keepends=True)
        length = next((n for n, line in enumerate(lines, 1) if not line.endswith("\\\n")), 0)
        if lines:
            yield "".join(lines[:length]), "".join(lines[length:])


Open = Callable[[str], Story]


@pytest.fixture
def open_story(tmp_path: Path) -> Iterator[Open]:
    """Begin the story of a page with this text."""
    opened: list[Story] = []

    def open_story(text: str) -> Story:
        opened.append(Story(tmp_path, packages(text)))
        return opened[-1]

    yield open_story
    for story in opened:
        story.abandon()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if blocks(page) and page not in LANGUAGE_PAGES],
)
def test_page(page: str, open_story: Open) -> None:
    story = open_story(PAGES[page])
    for block in blocks(page):
        story.carry_out(block)
    story.end()


def test_no_block_is_left_out() -> None:
    fences = {
        page: len(re.findall(r"^\s*```", DIRECTIVE.sub("", text), re.MULTILINE))
        for page, text in PAGES.items()
    }
    assert fences == {page: 2 * len(blocks(page)) for page in PAGES}


TAUGHT = PAGES | {
    str(path.relative_to(REPO)): path.read_text("utf-8")
    for path in sorted((REPO / "conftest_examples").glob("*/*.py"))
}


SHOWN = re.compile(r"^```\{code-block\} (typescript|go|rust)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def is_part_of(part: str, source: str) -> bool:
    """True if the lines of a source are those of the part, and perhaps others in between."""
    lines = iter(source.splitlines())
    return all(line in lines for line in part.splitlines())


def test_each_block_in_another_language_is_in_an_example() -> None:
    suffixes = {"typescript": ".ts", "go": ".go", "rust": ".rs"}
    examples = {
        language: [
            path.read_text("utf-8")
            for folder in ("conftest_examples", "clients")
            for path in (REPO / folder).glob(f"*/**/*{suffix}")
            if not {"node_modules", "target"} & set(path.parts)
        ]
        for language, suffix in suffixes.items()
    }
    # Another test compiles this one.
    generated = block_of_page("go")
    missing = [
        (page, part)
        for page, text in PAGES.items()
        for language, block in SHOWN.findall(text)
        for part in block.strip().split("\n\n")
        if block != generated and not any(is_part_of(part, one) for one in examples[language])
    ]
    assert missing == []


def test_each_page_advances_the_clock_in_a_way_that_type_checks() -> None:
    """`s2_mock.clock` has no `advance` for a type checker; `s2_mock.advance` is typed."""
    used = {
        (page, name)
        for page, text in TAUGHT.items()
        for name in re.findall(r"\bs2_mock\.clock\.(\w+)", text)
    }
    assert {name for _, name in used} <= {name for name in dir(AccountClock) if name[0] != "_"}, (
        used
    )


def test_each_page_has_a_fresh_clock_in_each_test() -> None:
    assert [page for page, text in TAUGHT.items() if "clock=ManualClock()" in text] == []


README = PAGES["README.md"]


def test_the_readme_is_read_in_one_go() -> None:
    assert len(README.splitlines()) <= 150


def test_each_link_of_the_readme_leads_somewhere() -> None:
    """In a checkout. `hatch_build.py` makes them absolute for the package index."""
    links = re.findall(r"\]\(([^)]*)\)", README)

    assert len(links) > 20
    for link in links:
        assert link.startswith("https://") or (REPO / link).is_file(), link


def test_the_commands_exist() -> None:
    targets = re.findall(r"^([\w-]+):", (REPO / "Makefile").read_text(), re.MULTILINE)
    pages = (*PAGES.values(), (REPO / "CONTRIBUTING.md").read_text())

    assert set(re.findall(r"`make ([\w-]+)", " ".join(pages))) <= set(targets)
    assert {"serve", "test"} <= set(re.findall(r"`make ([\w-]+)", README))
