"""The generated tables of the reference have a line for everything that there is."""

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from docs import tables
from s2mock import Basin, S2Mock, Stream
from s2mock.api.operations import OPERATIONS
from s2mock.options import SETTINGS
from s2mock.powers.operations import OPERATION_NAMES
from s2mock.registry.values.codes import CODES
from tests.sdk.fault_table import ONCE, SDKS, SOURCES, TABLE, TWICE, Call, Differs, Row, Sdk

PAGES = Path(tables.__file__).parent / "reference"


def named(lines: list[str]) -> list[str]:
    """What the rows are about: the name at the beginning of the first cell."""
    return [found[1] for line in lines if (found := re.match(r"\| `([\w./{}-]+)", line))]


def test_every_table_is_on_a_page_and_every_page_has_one_that_there_is() -> None:
    used = re.findall(
        r"^```\{generated\} (\w+)$",
        "".join(path.read_text() for path in PAGES.glob("*.md")),
        re.MULTILINE,
    )

    assert sorted(used) == sorted(tables.TABLES)


def test_members() -> None:
    for table, thing in (("members", S2Mock()), ("stream", Stream), ("basin", Basin)):
        expected = [name for name in dir(thing) if not name.startswith("_")]
        assert named(tables.TABLES[table]()) == expected


def test_a_member_without_a_text_is_an_error() -> None:
    with pytest.raises(LookupError, match="the member new has no text"):
        tables.member_text("new", lambda: None)


def test_options_are_those_of_the_code() -> None:
    rows = {line.split("|")[1].strip(" `"): line.split("|")[2:-1] for line in tables.options()[2:]}
    arguments = {name for name, row in rows.items() if row[2].strip()}
    marker = {name for name, row in rows.items() if row[3].strip()}
    settings = {name for name, row in rows.items() if row[4].strip()}

    assert arguments == set(inspect.signature(S2Mock).parameters) - {"listening"}
    assert arguments | {"use_env"} == marker | {"host", "port"}
    assert settings == {option.name for option in SETTINGS}
    for row in rows.values():
        assert row[0].strip()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "column", "flags"),
    [
        (["-m", "pytest", "--help"], 7, r"--s2mock-[a-z-]+"),
        (["-m", "s2mock", "--help"], 8, r"(?<!\w)--(?!help)[a-z-]+"),
    ],
)
def test_options_have_every_flag(
    command: list[str], column: int, flags: str, tmp_path: Path
) -> None:
    shown = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    listed = [line.split("|")[column] for line in tables.options()[2:]]

    assert set(re.findall(flags, " ".join(listed))) == set(re.findall(flags, shown))


def test_an_option_without_a_text_is_an_error() -> None:
    with pytest.raises(LookupError, match="the option new has no text"):
        tables.option_text("new", "")


def test_codes() -> None:
    assert named(tables.codes()) == sorted(CODES)


def test_codes_say_whether_the_operation_was_applied() -> None:
    """Reference: account_services §4. Without the promise it may have been applied, or not."""
    header, _, *rows = tables.codes()
    said = {name: row.split("|")[3].strip() for name, row in zip(sorted(CODES), rows, strict=True)}

    assert header.split("|")[3].strip() == "was the operation applied?"
    assert {name for name, text in said.items() if text == "unknown"} == {
        *("client_hangup", "other", "request_timeout", "storage", "unavailable"),
        "upstream_timeout",
    }
    assert set(said.values()) == {"no", "unknown"}


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
    header, _, *lines = tables.TABLES[f"sdk_{call}"]()
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
