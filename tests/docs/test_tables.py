"""The reference has an entry for each name, option, flag, route and code."""

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import s2mock
from docs import commands, control, names, tables
from docs.generate import generate, parts_of
from s2mock import Basin, S2Mock, Stream
from s2mock.api.operations import OPERATIONS
from s2mock.control.command_line.subcommands import SUBCOMMANDS
from s2mock.options import OPTIONS, SETTINGS
from s2mock.powers.operations import OPERATION_NAMES
from s2mock.registry.values.codes import CODES
from tests.sdk.fault_table import ONCE, SDKS, SOURCES, TABLE, TWICE, Call, Differs, Row, Sdk

PAGES = Path(tables.__file__).parent / "reference"


def named(lines: list[str]) -> list[str]:
    """Return what the rows are about: the name at the beginning of the first cell."""
    return [found[1] for line in lines if (found := re.match(r"\| `([\w./{}-]+)", line))]


def test_each_part_is_on_one_page_of_the_reference() -> None:
    used = [name for path in PAGES.glob("*.md") for name in parts_of(path.read_text("utf-8"))]

    assert sorted(used) == sorted(tables.PARTS)


# `fidelity` replays all recordings, for which another test waits.
@pytest.mark.parametrize("path", sorted(PAGES.glob("*.md")), ids=lambda path: path.stem)
def test_page_says_what_the_code_says(path: Path) -> None:
    for name, text in parts_of(path.read_text("utf-8")).items():
        if name != "fidelity":
            assert text == generate(name), f"{path.name}, {name}: run `make reference`"


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(300)
def test_page_on_fidelity_has_the_numbers_of_today() -> None:
    [text] = parts_of((PAGES / "fidelity.md").read_text("utf-8")).values()

    assert text == generate("fidelity"), "run `make reference`"


def headings(page: str) -> set[str]:
    """Return the names in the headings of a page of the reference."""
    return set(re.findall(r"^##+ `(.+)`$", (PAGES / f"{page}.md").read_text("utf-8"), re.MULTILINE))


def all_headings() -> set[str]:
    return {name for path in PAGES.glob("*.md") for name in headings(path.stem)}


def test_each_public_name_has_an_entry() -> None:
    in_table = set(named(tables.exceptions()))

    assert set(s2mock.__all__) - all_headings() == in_table
    for module, folder in names.MODULES.values():
        assert {f"{module}.{name}" for name in names.public_names(folder / "__init__.py")} <= (
            all_headings()
        )
    names.check_groups()


def test_public_name_without_a_group_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(names.GROUPS, "names_snapshots", ())

    with pytest.raises(LookupError, match="Snapshot: public, and in no group"):
        names.check_groups()


def test_each_public_member_has_an_entry() -> None:
    """Each attribute of `S2Mock`, and each of a handle, is there with its text."""
    page = (PAGES / "mock.md").read_text("utf-8")
    for name in dir(S2Mock()):
        if not name.startswith("_"):
            assert f"### `S2Mock.{name}`\n" in page or f"\n- `{name}: " in page, name
    page = (PAGES / "direct.md").read_text("utf-8")
    for kind in (Basin, Stream):
        for name in dir(kind):
            if not name.startswith("_"):
                assert f"### `{kind.__name__}.{name}`\n" in page or f"\n- `{name}: " in page, name


def test_member_without_a_docstring_is_an_error() -> None:
    with pytest.raises(LookupError, match="new has no docstring"):
        names.text_of("new", lambda: None)


def test_signatures_have_no_name_that_a_user_cannot_know() -> None:
    """Private names of types and constants are written out."""
    known = {*s2mock.__all__, "None", "True", "False", "Any", "Literal", "Self", "NoReturn", "T"}
    known |= {"Iterable", "Sequence", "Mapping", "Callable", "AbstractContextManager", "PathLike"}
    # Of other packages; and what `serve` and `replay` return, which their text describes.
    known |= {"SearchStrategy", "World", "MonkeyPatch", "WSGIApplication", "Client", "Condition"}
    known |= {"LoopServer", "Replay", "RunReplay", "CrashReplay", "Refused"}
    used = set()
    for path in PAGES.glob("*.md"):
        for text in parts_of(path.read_text("utf-8")).values():
            for block in re.findall(r"```\{code-block\} python\n(.*?)```", text, re.DOTALL):
                used |= set(re.findall(r"\b_?[A-Z]\w*", re.sub(r'"[^"]*"', "", block)))
    assert used - known == set()


def test_each_fixture_has_an_entry(tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "pytest", "--fixtures"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    found = set(re.findall(r"^(\w+)\b.* -- .*s2mock/pytest_plugin", shown, re.MULTILINE))

    assert {"s2_mock", "s2_sweep"} < found
    assert headings("fixture") == found


def test_each_option_has_an_entry() -> None:
    assert headings("options") == set(OPTIONS)
    page = (PAGES / "options.md").read_text("utf-8")
    for name in inspect.signature(S2Mock).parameters:
        assert name == "listening" or f"`S2Mock({name}=…)`" in page
    for option in SETTINGS:
        assert f"`s2mock_{option.name}` in the ini file" in page


def test_each_route_has_an_entry() -> None:
    described = {
        f"{method.upper()} {path}"
        for path, methods in control.description()["paths"].items()
        for method in methods
    }

    assert described == {one for one in headings("control-api") if " /_s2mock" in one}


def test_each_subcommand_has_an_entry() -> None:
    page = (PAGES / "commands.md").read_text("utf-8")

    assert commands.COMMANDS.keys() - {""} == SUBCOMMANDS.keys() - {"help"}
    for name in SUBCOMMANDS:
        assert f"\n## {name}\n" in page


@pytest.mark.slow
@pytest.mark.parametrize("command", ["pytest", "s2mock", "run", "lite", "proxy", "verify", "drift"])
def test_each_flag_has_an_entry(command: str, tmp_path: Path) -> None:
    given = ["pytest"] if command == "pytest" else ["s2mock"]
    given += [] if command in ("pytest", "s2mock") else [command]
    shown = subprocess.run(
        [sys.executable, "-m", *given, "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    flag = r"--s2mock-[a-z-]+" if command == "pytest" else r"(?<!\w)--(?!help)[a-z][a-z-]+"
    pages = ["options"] if command == "pytest" else ["commands"]
    text = "".join((PAGES / f"{page}.md").read_text("utf-8") for page in pages)

    flags = set(re.findall(flag, shown))
    assert len(flags) >= 1
    assert {one for one in flags if not re.search(rf"`[^`]*{one}\b", text)} == set()


def test_an_option_without_a_text_is_an_error() -> None:
    with pytest.raises(LookupError, match="the option new has no text"):
        tables.option_text("new", "")


def applied() -> dict[str, str]:
    """Return what the page says of each code: was the operation applied?"""
    rows = re.findall(r"^\| `(\w+)` \|.*\| (\w+) \|$", "\n".join(tables.codes()), re.MULTILINE)
    return dict(rows)


def test_each_code_has_an_entry_below_its_status() -> None:
    assert applied().keys() == CODES.keys()
    sections = re.split(r"^## (\d{3}) .*$", "\n".join(tables.codes()), flags=re.MULTILINE)
    for status, text in zip(sections[1::2], sections[2::2], strict=True):
        for name in re.findall(r"^\| `(\w+)`", text, re.MULTILINE):
            assert CODES[name].status == int(status)


def test_codes_say_whether_the_operation_was_applied() -> None:
    """Reference: account_services §4. Without the promise it may have been applied, or not."""
    assert {name for name, text in applied().items() if text == "Unknown"} == {
        *("client_hangup", "other", "request_timeout", "storage", "unavailable"),
        "upstream_timeout",
    }
    assert set(applied().values()) == {"No", "Unknown"}


def test_two_references_tell_of_the_metrics_that_are_served() -> None:
    page = (PAGES.parent / "explanation" / "two-references.md").read_text()
    served = S2Mock().client.get("/metrics")

    assert (served.status_code, "histogram" in served.text) == (200, False)
    assert "no Prometheus metrics" not in page
    assert "`/metrics` tells of the process, as that of s2-lite does" in page


def test_operations() -> None:
    assert re.findall(r"`([\w-]+)`", tables.operations()[0]) == list(OPERATION_NAMES)


def test_routes_have_operations_and_the_statuses_that_were_seen() -> None:
    lines = tables.routes()[2:]

    assert len(lines) == len(OPERATIONS)
    for line, row in zip(lines, OPERATIONS, strict=True):
        _, route, operation, statuses, _ = line.split("|")
        assert route.strip(" `").startswith(f"{row.method} /")
        assert operation.strip(" `") == (row.name or "")
        assert re.fullmatch(r" \d{3}(, \d{3})* ", statuses), f"never recorded: {route}"
    created = next(line for line in lines if "`create-stream`" in line)
    assert {"201", "400", "404", "409", "422"} <= set(re.findall(r"\d{3}", created))


@pytest.mark.parametrize("call", ["append", "session", "read"])
def test_sdk_faults_have_each_row_with_the_cell_of_each_sdk(call: Call) -> None:
    header, _, *lines = tables.PARTS[f"sdk_{call}"]()
    rows = [row for row in TABLE if row.call == call]

    assert header == "| fault | Python | TypeScript | Go | Rust | the same by a TCP proxy |"
    for line, row in zip(lines, rows, strict=True):
        _, fault, *cells, proxy, _ = line.split("|")
        assert fault.strip().strip("`").startswith(str(row.fault))
        assert bool(proxy.strip().startswith("none: ")) != row.has_proxy
        for sdk, cell in zip(SDKS, cells, strict=True):
            outcomes = [row.expected(sdk, source) for source in SOURCES]
            assert ("error: `" in cell) == any(map(is_error, outcomes))
            assert ("Behind the proxy" in cell) == differs(row, sdk)


def is_error(outcome: str | None) -> bool:
    """True if the outcome is more than the numbers of records."""
    return outcome is not None and not outcome.isdecimal()


def differs(row: Row, sdk: Sdk) -> bool:
    """True if the proxy causes another outcome in that SDK."""
    cell = getattr(row, sdk)
    return isinstance(cell, Differs) and cell.fault != cell.proxy


def test_an_outcome_without_a_text_is_an_error() -> None:
    assert tables.outcome_text(ONCE) == "recovers"
    assert tables.outcome_text(Differs(ONCE, TWICE, "It is so.")) == (
        "recovers. Behind the proxy: recovers; the record is there twice. It is so."
    )
    assert tables.outcome_text("01 Error: reset") == "error: `Error: reset`"
    with pytest.raises(LookupError, match="the outcome '02' has no text"):
        tables.outcome_text("02")


def test_the_page_says_of_each_sdk_what_the_table_has() -> None:
    """Which of them fail under the reset of a stream and on a half-open link, and where."""
    failing = {
        (sdk, row.call, type(row.fault).__name__)
        for row in TABLE
        for sdk in SDKS
        if is_error(row.expected(sdk, "fault"))
    }

    assert failing == {
        *(("typescript", call, kind) for call in ("session", "read") for kind in ("Cut", "Drop")),
        *(
            ("rust", call, kind)
            for call in ("append", "session", "read")
            for kind in ("Answer", "Cut", "Drop")
        ),
        ("go", "append", "Cut"),
        ("go", "session", "Silence"),
        *((sdk, call, "Silence") for sdk in ("python", "rust") for call in get_args(Call)),
    }
