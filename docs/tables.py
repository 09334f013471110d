"""The tables of the reference, made from the code: a directive of `conf.py` puts each into a page.

A name without a text is a `LookupError`: something new has come and nobody has said what it is.
"""

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import s2mock
from s2mock import Basin, S2Error, S2Mock, Stream
from s2mock.api.operations import OPERATIONS
from s2mock.api.routing import Router
from s2mock.contract import recordings
from s2mock.contract.ledger import KNOWN_DIFFERENCES
from s2mock.contract.schema_gaps import GAPS
from s2mock.control.command_line.parser import make_parser
from s2mock.options import OPTIONS, Option
from s2mock.powers.operations import OPERATION_NAMES
from s2mock.pytest_plugin.options import FLAGS
from s2mock.registry.values.codes import CODES
from tests.sdk import fault_table
from tests.sdk.breaking_proxy import Break
from tests.sdk.fault_table import SDKS, TABLE, Call, Differs, Row

REPO = Path(__file__).parent.parent

# Where the documentation says more about an option: a page, and its link in the option's text.
OPTION_PAGES = {
    "basins": "[Seed](../how-to/seeding.md)",
    "profile": "[Two references](../explanation/two-references.md)",
    "clock": "[Time](../how-to/time.md)",
    "limits": "[Rate limits](../how-to/rate-limits.md)",
    "append_latency": "[Rate limits](../how-to/rate-limits.md)",
    "data": "[Keep data](../how-to/keep-data.md)",
    "sync": "[Keep data](../how-to/keep-data.md#when-a-change-is-on-the-disk)",
    "snapshot": "[Restore and fork](../how-to/restore-and-fork.md)",
    "faults": "[Faults](../how-to/faults.md)",
    "tls": "[TLS](../how-to/tls.md)",
    "control_origin": "[Other languages](../how-to/other-languages.md)",
    "control": "[Other languages](../how-to/other-languages.md)",
    "upstream": "[A real server](../how-to/real-server.md)",
    "coverage": "[Coverage](../how-to/coverage.md)",
    "report": "[Look](../how-to/look.md)",
}
# Defaults of the standalone server that differ from those of `S2Mock`.
SERVER_DEFAULTS = {"control": "on", "port": "8080", "token": "s2mock"}
# Attributes, which have no docstring.
ATTRIBUTE_TEXTS = {
    "account": "the `Account` behind it, which can also list basins in pages",
    "clock": "the clock that all times come from",
    "is_fake": "`True`; `False` with `--s2mock-target`, and with an `upstream`",
    "token": "the account's own access token, another one in each test",
}


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """The lines of a Markdown table."""
    titles = list(titles)
    cells = [titles, ["---"] * len(titles), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in cells]


def options() -> list[str]:
    """Each option, and everywhere that it can be set."""
    server = server_flags()
    rows = [
        [
            f"`{option.name}`",
            option_text(option.name, option.description),
            default_of(option),
            "yes" if option.is_argument else "",
            "yes" if option.is_in_marker else "",
            f"`s2mock_{option.name}`" if option.is_setting else "",
            f"`--s2mock-{option.name.replace('_', '-')}`" if option.is_setting else "",
            server.pop(option.server_flag or "", ("", ""))[0],
        ]
        for option in OPTIONS.values()
    ]
    # The flags that only the command line of pytest has.
    rows += [
        [f"`{name}`", option_text(name, text), "none", "", "", "", f"`--s2mock-{name}`", ""]
        for name, text, _ in FLAGS
    ]
    # The flags that only the server has.
    rows += [
        [f"`{name}`", option_text(name, text), "", "", "", "", "", flag]
        for name, (flag, text) in server.items()
    ]
    titles = ("option", "what it sets", "default", "`S2Mock()`", "marker", "ini file", "pytest")
    return table((*titles, "`python -m s2mock`"), rows)


def server_flags() -> dict[str, tuple[str, str]]:
    """The flags of the standalone server and their texts, by the names of what they set."""
    actions = make_parser("serve")._actions
    return {
        action.dest: (
            f"`{action.option_strings[-1]}`",
            re.sub(r" \(default: .*?\)", "", action.help or ""),
        )
        for action in actions
        if action.dest != "help"
    }


def option_text(name: str, text: str) -> str:
    """What an option sets, with a link to the page about it. Raises `LookupError`."""
    if not text:
        raise LookupError(f"docs/tables.py: the option {name} has no text")
    page = OPTION_PAGES.get(name)
    return f"{text}; see {page}" if page else text


def default_of(option: Option) -> str:
    """The default of an option, and that of the server if it has another."""
    value = option.default_text if option.shown_default else f"`{option.default_text}`"
    if type(option.default) is int and not option.shown_default:
        value = f"{option.default:,}"
    server = SERVER_DEFAULTS.get(option.name)
    return f"{value}; for the server {server}" if server else value


def members(kind: Any, thing: object) -> list[str]:
    """What a user can do with a thing, in order."""
    rows = []
    for name in sorted(name for name in dir(thing) if not name.startswith("_")):
        value = getattr(kind, name, None)
        if inspect.isfunction(value):
            given = [
                f"{part.name}=" if part.default is not part.empty else part.name
                for part in inspect.signature(value).parameters.values()
            ][1:]
            label = f"`{name}({', '.join(given)})`"
        else:
            label = f"`{name}`"
        rows.append([label, member_text(name, value)])
    return table(("member", "what it is"), rows)


def member_text(name: str, value: object) -> str:
    """The first paragraph of its docstring. Raises `LookupError`."""
    if name in ATTRIBUTE_TEXTS:
        return ATTRIBUTE_TEXTS[name]
    documented = value.fget if isinstance(value, property) else value
    if not inspect.isfunction(documented) or not documented.__doc__:
        raise LookupError(f"docs/tables.py: the member {name} has no text")
    first = inspect.cleandoc(documented.__doc__).partition("\n\n")[0]
    return " ".join(first.partition(" Raises `")[0].split())


def codes() -> list[str]:
    """S2's error codes."""
    rows = [
        [
            f"`{name}`",
            str(code.status),
            "no" if code.promises_no_effect else "unknown",
        ]
        for name, code in sorted(CODES.items())
    ]
    return table(("code", "status", "was the operation applied?"), rows)


def exceptions() -> list[str]:
    """The errors that direct calls raise."""
    found = [getattr(s2mock, name) for name in s2mock.__all__]
    rows = []
    for kind in found:
        if isinstance(kind, type) and issubclass(kind, S2Error) and kind is not S2Error:
            status = getattr(kind, "status", "")
            code = getattr(kind, "code", "")
            text = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0]
            rows.append(
                [
                    f"`{kind.__name__}`",
                    str(status) if isinstance(status, int) else "",
                    f"`{code}`" if isinstance(code, str) and code else "",
                    " ".join(text.split()),
                ]
            )
    return table(("exception", "status", "code", "when"), rows)


def operations() -> list[str]:
    """The names of operations."""
    return [", ".join(f"`{name}`" for name in OPERATION_NAMES) + "."]


def routes() -> list[str]:
    """Each route with its operation, and the statuses that the recorded server answered with."""
    seen = statuses()
    rows = [
        [
            f"`{row.method} {row.path.replace('<', '{').replace('>', '}')}`",
            f"`{row.name}`" if row.name else "",
            ", ".join(map(str, sorted(seen.get((row.method, row.path), ())))),
        ]
        for row in OPERATIONS
    ]
    return table(("route", "operation", "statuses"), rows)


def statuses() -> dict[tuple[str, str], set[int]]:
    """The statuses of each route in the recordings of the real server."""
    router = Router(OPERATIONS)
    seen: dict[tuple[str, str], set[int]] = {}
    # What the framing refuses, which is among the calls of each kind, is no status of a route.
    for name in (name for name in recordings.names() if not name.endswith("calls")):
        for group in recordings.load(name).groups:
            for exchange in group.exchanges:
                matched = router.match(exchange.call.path.partition("?")[0])
                row = matched and matched[0].row(exchange.call.method)
                if row and exchange.reply.status != 405:
                    seen.setdefault((row.method, row.path), set()).add(exchange.reply.status)
    return seen


def differences() -> list[str]:
    """The known differences from the real server."""
    return table(
        ("name", "what", "why"), ([f"`{one.name}`", one.what, one.why] for one in KNOWN_DIFFERENCES)
    )


def gaps() -> list[str]:
    """The known gaps of the published OpenAPI description."""
    return table(("name", "what", "why"), ([f"`{one.name}`", one.what, one.why] for one in GAPS))


def fidelity() -> list[str]:
    """What `python -m s2mock fidelity` prints, without its lists."""
    printed = subprocess.run(
        [sys.executable, "-m", "s2mock", "fidelity"],
        env={**os.environ, "PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return printed.partition("\n\n")[0].splitlines()


# What an outcome of the table of faults means, and what a proxy does for the same, at which place.
OUTCOMES = {
    fault_table.ONCE: "recovers",
    fault_table.TWICE: "recovers; the record is there twice",
    fault_table.AFTERWARDS: "recovers; the record is there again, later",
    fault_table.ALL: "recovers",
}
ACTIONS = {
    "fin": "ends the connection",
    "rst": "resets the connection",
    "silence": "stops forwarding",
    "delay": "waits",
    "slow": "forwards the response byte by byte",
    "late": "ends the connection, and forwards the request later",
}
PLACES = {
    "request": "before the request",
    "answer": "before the response",
    "record": "before the next record",
}


def sdk_faults(call: Call) -> list[str]:
    """The outcome of each fault in each SDK, for a kind of call."""
    rows = [
        [fault_text(row), *(outcome_text(getattr(row, sdk)) for sdk in SDKS), proxy_text(row)]
        for row in TABLE
        if row.call == call
    ]
    return table(("fault", "Python", "TypeScript", "Go", "Rust", "the same by a TCP proxy"), rows)


def fault_text(row: Row) -> str:
    """The fault, and the operation that it is injected on if that is another."""
    if row.fault == fault_table.OUTAGE:
        return "`outage()`"
    on = f", `on={row.on!r}`" if row.on else ""
    return f"`{row.fault!r}`{on}"


def outcome_text(cell: str | Differs) -> str:
    """The outcome of a cell, and that of the proxy with the reason where it is another."""
    if isinstance(cell, str):
        return result_text(cell)
    if cell.fault == cell.proxy:
        return f"{result_text(cell.fault)}, also behind the proxy"
    return f"{result_text(cell.fault)}. Behind the proxy: {result_text(cell.proxy)}. {cell.reason}"


def result_text(outcome: str | None) -> str:
    """The meaning of an outcome. Raises `LookupError`."""
    if outcome is None:
        return "waits for more than 60 s"
    if outcome in OUTCOMES:
        return OUTCOMES[outcome]
    # The numbers of the records are before the error.
    error = outcome.lstrip("0123456789").strip()
    if not error:
        raise LookupError(f"docs/tables.py: the outcome {outcome!r} has no text")
    return f"error: `{error.rstrip(': ')}`"


def proxy_text(row: Row) -> str:
    """The action of the proxy and its place, or the reason for which there is none."""
    if row.proxy == fault_table.OUTAGE:
        return "refuses connections, and ends the open ones"
    if not isinstance(row.proxy, Break):
        return f"none: {row.proxy}"
    place, action = row.proxy.place, ACTIONS[row.proxy.action]
    if row.proxy.action in {"late", "slow"}:
        return action
    where = f"after {place} bytes of the body" if isinstance(place, int) else PLACES[place]
    return f"{action} {where}"


TABLES: dict[str, Callable[[], list[str]]] = {
    "basin": lambda: members(Basin, Basin),
    "codes": codes,
    "differences": differences,
    "exceptions": exceptions,
    "fidelity": fidelity,
    "gaps": gaps,
    "members": lambda: members(S2Mock, S2Mock()),
    "operations": operations,
    "options": options,
    "routes": routes,
    "sdk_append": lambda: sdk_faults("append"),
    "sdk_read": lambda: sdk_faults("read"),
    "sdk_session": lambda: sdk_faults("session"),
    "stream": lambda: members(Stream, Stream),
}
