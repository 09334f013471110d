"""Every block of the README is run as it is printed.

A section (from one `##` to the next) is one story, told in one empty folder:

- A block right below the comment `<!-- file: NAME -->` is the content of that file.
- A `console` block is a terminal: commands after `$ `, and below each what it prints. A server goes
  on in the background until the section ends.
- Any other `python` block is a program; a `text` block right below it is what it prints.
- Where the tests that a section has written were not run in a terminal, they are run at its end.

Of what changes from run to run: where the page has the same time twice, it must be the same time
twice; durations may differ; and port 8080 stands for a free one.
"""

import inspect
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from s2mock import S2Mock, pytest_plugin
from tests.ports import unused_port

REPO = Path(__file__).parent.parent
README = (REPO / "README.md").read_text()

BLOCK = re.compile(
    r"(?:^<!-- file: (?P<file>\S+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
DURATION = re.compile(r"(?<= in )\d+\.\d+s")


class Block(NamedTuple):
    file: str | None
    language: str
    text: str


def sections() -> dict[str, list[Block]]:
    found = {}
    for section in re.split(r"^(?=## )", README, flags=re.MULTILINE):
        blocks = [Block(**match.groupdict()) for match in BLOCK.finditer(section)]
        if blocks:
            found[section.partition("\n")[0].strip("# ")] = blocks
    return found


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
    """The folder in which a section is carried out, and what goes on in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers: list[subprocess.Popen[str]] = []
        self.tests_are_due = False
        self.printed: str | None = None
        self.times_printed, self.times_expected = Times(), Times()
        self.port = str(unused_port())
        tools = folder / ".tools"
        tools.mkdir()
        # What curl knows by itself where it prints to a terminal: no progress there.
        (tools / ".curlrc").write_text("silent\n")
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST_", "S2_"))
        }
        self.env = inherited | {
            "PATH": path,
            "CURL_HOME": str(tools),
            # What other installed plugins say at their start is no part of the story.
            "PYTHONWARNINGS": "ignore::DeprecationWarning",
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
            (self.folder / block.file).write_text(text)
            self.tests_are_due |= block.file.startswith("test_")
        elif block.language == "console":
            for command, expected in commands(text):
                self.at_the_terminal(command, expected)
        elif block.language == "python":
            self.printed = self.run(f"python -c {shlex.quote(text)}")
        elif block.language == "text":
            assert self.printed == text
            self.printed = None
        else:
            pytest.fail(f"nobody can say how to run this block: {block}")

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
    """Each command, with the lines that go on with it, and what stands below it."""
    for part in re.split(r"^\$ ", terminal, flags=re.MULTILINE):
        lines = part.splitlines(keepends=True)
        length = next((n for n, line in enumerate(lines, 1) if not line.endswith("\\\n")), 0)
        if lines:
            yield "".join(lines[:length]), "".join(lines[length:])


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    story = Story(tmp_path)
    yield story
    story.abandon()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("section", sections())
def test_section(section: str, story: Story) -> None:
    for block in sections()[section]:
        story.carry_out(block)
    story.end()


def test_no_block_is_left_out() -> None:
    fences = len(re.findall(r"^\s*```", README, re.MULTILINE))

    assert fences == 2 * sum(len(blocks) for blocks in sections().values()) > 0


def table(heading: str) -> dict[str, list[str]]:
    """The rows of the table whose first column has that heading, by what they are about."""
    rows = README.partition(f"\n| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]
    return {name: row[1:] for row in cells for name in re.findall(r"`(\w+)", row[0])}


def test_the_table_of_members_is_complete() -> None:
    members = {name for name in dir(S2Mock()) if not name.startswith("_")}

    assert table("member").keys() == members


def test_the_table_of_options_is_complete() -> None:
    options = table("option")
    # A server that all tests of a session share is the plugin's own affair.
    arguments = inspect.signature(S2Mock).parameters.keys() - {"listening"}
    marker = set(re.findall(r"(\w+)=", pytest_plugin._MARKER))

    assert {name for name, row in options.items() if row[2]} == arguments
    assert {name for name, row in options.items() if row[3]} == marker
    assert [row[4] for row in options.values() if row[4]] == [
        f"`s2mock_{name}`" for name in options if name in pytest_plugin._OPTIONS
    ]


@pytest.mark.parametrize(
    ("command", "column", "flags"),
    [
        (["-m", "pytest", "--help"], 5, r"--s2mock-[a-z-]+"),
        (["-m", "s2mock", "--help"], 6, r"(?<!\w)--(?!help)[a-z-]+"),
    ],
)
def test_the_table_has_every_flag(
    command: list[str], column: int, flags: str, tmp_path: Path
) -> None:
    shown = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    listed = [row[column] for row in table("option").values()]

    assert set(re.findall(flags, " ".join(listed))) == set(re.findall(flags, shown))


def test_the_two_commands_exist() -> None:
    targets = re.findall(r"^(\w+):", (REPO / "Makefile").read_text(), re.MULTILINE)

    assert set(re.findall(r"`make (\w+)", README)) <= set(targets)
    assert {"serve", "test"} <= set(targets)
