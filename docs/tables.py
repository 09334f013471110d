"""The generated parts of the reference, which `generate.py` writes into its pages.

A name without a text is a `LookupError`: something new has no description yet.
"""

import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from _pytest.fixtures import FixtureFunctionDefinition

import s2mock
from docs import commands, control, names
from docs.markdown import search_words, table
from s2mock import S2Error, pytest_plugin
from s2mock.api.operations import OPERATIONS
from s2mock.api.routing import Router
from s2mock.contract import recordings
from s2mock.contract.ledger import KNOWN_DIFFERENCES
from s2mock.contract.schema_gaps import GAPS
from s2mock.options import ACCOUNT_MEMBERS, OPTIONS, Option
from s2mock.powers.operations import OPERATION_NAMES
from s2mock.pytest_plugin.options import FLAGS
from s2mock.registry.values.codes import CODES, TRANSIENT
from s2mock.runtime.status_phrases import STATUS_PHRASES
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


def options() -> list[str]:
    """Return an entry for each option: what it sets, its values, and where it can be set."""
    lines: list[str] = []
    for option in OPTIONS.values():
        lines += [f"## `{option.name}`", "", f"{option_text(option.name, option.description)}.", ""]
        lines += [f"- Type: {type_of(option)}", f"- Default: {default_of(option)}"]
        lines += [f"- Set it by: {', '.join(places(option))}", ""]
    return lines


def places(option: Option) -> list[str]:
    """Return where an option can be set, as a user would write it."""
    found = []
    name = option.name
    if option.is_argument:
        found.append(f"`S2Mock({name}=…)`")
    if option.is_in_marker:
        found.append(f"`@pytest.mark.s2_mock({name}=…)`")
    if option.is_setting:
        found += [f"`s2mock_{name}` in the ini file", f"`pytest --s2mock-{name.replace('_', '-')}`"]
    if flags := SERVER_FLAGS.get(option.server_flag or ""):
        found += [f"`s2mock {flag}`" for flag in flags]
    if name in ACCOUNT_MEMBERS:
        found.append("`POST /_s2mock/accounts`")
    if not found:
        raise LookupError(f"docs/tables.py: the option {name} can be set nowhere")
    return found


def server_flags() -> dict[str, list[str]]:
    """Return the flags of the standalone server, by the names of what they set."""
    return {
        action.dest: [action.option_strings[-1]]
        for action in commands.COMMANDS[""]()._actions
        if action.dest != "help"
    }


SERVER_FLAGS = server_flags()
# The flags that the server has beside those of its options.
OWN_FLAGS = {"tls_self": ("--tls-cert", "--tls-key")}
for _name, _flags in OWN_FLAGS.items():
    SERVER_FLAGS[_name] += _flags


def option_text(name: str, text: str) -> str:
    """Return what an option sets, with a link to the page about it. Raises `LookupError`."""
    if not text:
        raise LookupError(f"docs/tables.py: the option {name} has no text")
    page = OPTION_PAGES.get(name)
    text = text[0].upper() + text[1:]
    return f"{text}; see {page}" if page else text


def default_of(option: Option) -> str:
    """Return the default of an option, and that of the server if it has another."""
    value = option.default_text if option.shown_default else f"`{option.default_text}`"
    if type(option.default) is int and not option.shown_default:
        value = f"{option.default:,}"
    server = SERVER_DEFAULTS.get(option.name)
    return f"{value}; for the server {server}" if server else value


def type_of(option: Option) -> str:
    """Return the type of an option in Python, and what a text for it is like."""
    if option.choices:
        return " or ".join(f'`"{choice}"`' for choice in option.choices)
    if not option.is_argument:
        return option.kind.expected
    source, node = names.node_of(s2mock.S2Mock.__init__)
    types = {one.arg: one.annotation for one in node.args.kwonlyargs}
    annotation = types[option.name]
    assert annotation is not None
    text = f"`{names.type_text(source, annotation)}`"
    return text if option.kind.parse is None else f"{text}: {option.kind.expected}"


def fixtures() -> list[str]:
    """Return an entry for each fixture of the plugin."""
    lines: list[str] = []
    for name, fixture in vars(pytest_plugin).items():
        if not isinstance(fixture, FixtureFunctionDefinition) or name.startswith("_"):
            continue
        function = inspect.unwrap(fixture._get_wrapped_function())
        source, node = names.node_of(function)
        assert node.returns is not None
        yielded = names.type_text(source, node.returns).removeprefix("Iterator[").removesuffix("]")
        scope = fixture._fixture_function_marker.scope
        lines += [f"## `{name}`", "", *names.text_of(name, function), ""]
        lines += [f"- Value: `{yielded}`", f"- Scope: {scope}", ""]
    return lines


def pytest_flags() -> list[str]:
    """Return the flags that only the command line of pytest has."""
    rows = []
    for name, text, arguments in FLAGS:
        value = arguments["metavar"]
        shown = f"[={value}]" if arguments.get("nargs") == "?" else f"={value}"
        rows.append([f"`--s2mock-{name}{shown}`", option_text(name, text)])
    return table(("flag", "what it does"), rows)


# Answers without a code of S2: what they mean, and if the operation was applied.
WITHOUT_CODE = {
    200: ("success, with a body", "Yes"),
    201: ("success: created", "Yes"),
    202: ("success: a deletion has begun", "Yes"),
    204: ("success, without a body", "Yes"),
    405: ("the path has other methods; the body is empty", "No"),
    412: (
        "the condition of an append did not hold; the body says which, with the right value",
        "No",
    ),
    416: ("a read begins behind the tail; the body has the tail", "No"),
}
UNKNOWN_PATH = ("none", "no", "the path is unknown; the body is empty", "No")
OTHER_PHRASES = {499: "Client Closed Request"}


def codes() -> list[str]:
    """Return a section for each status with its codes: may be retried, and was it applied."""
    lines: list[str] = []
    statuses = sorted({code.status for code in CODES.values()} | WITHOUT_CODE.keys())
    for status in statuses:
        found = sorted(name for name, code in CODES.items() if code.status == status)
        title = STATUS_PHRASES.get(status) or OTHER_PHRASES[status]
        lines += [f"## {status} {title}", "", search_words(str(status), title, *found), ""]
        rows = [
            (
                f"`{name}`",
                "yes" if name in TRANSIENT else "no",
                CODES[name].message,
                "No" if CODES[name].promises_no_effect else "Unknown",
            )
            for name in found
        ]
        if status in WITHOUT_CODE:
            meaning, applied = WITHOUT_CODE[status]
            rows.append(("none", "no", meaning, applied))
        if status == 404:
            rows.append(UNKNOWN_PATH)
        titles = (
            "code",
            "retry?",
            "message or meaning",
            "was the operation applied?",
        )
        lines += [*table(titles, rows), ""]
    return lines


def exceptions() -> list[str]:
    """Return the errors that direct calls raise."""
    rows = []
    for name in names.IN_TABLE:
        kind = getattr(s2mock, name)
        assert issubclass(kind, S2Error)
        status, code = getattr(kind, "status", ""), getattr(kind, "code", "")
        text = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0]
        rows.append(
            [
                f"`{name}`",
                str(status) if isinstance(status, int) else "",
                f"`{code}`" if isinstance(code, str) and code else "",
                " ".join(text.split()),
            ]
        )
    return table(("exception", "status", "code", "when"), rows)


def operations() -> list[str]:
    """Return the names of operations."""
    return [", ".join(f"`{name}`" for name in OPERATION_NAMES) + "."]


def routes() -> list[str]:
    """Return each route with its operation, and the statuses in the recordings."""
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
    """Return the statuses of each route in the recordings of the real server."""
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
    """Return the known differences from the real server."""
    return table(
        ("name", "what", "why"), ([f"`{one.name}`", one.what, one.why] for one in KNOWN_DIFFERENCES)
    )


def gaps() -> list[str]:
    """Return the known gaps of the published OpenAPI description."""
    return table(("name", "what", "why"), ([f"`{one.name}`", one.what, one.why] for one in GAPS))


def fidelity() -> list[str]:
    """Return what `python -m s2mock fidelity` prints, without its lists."""
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
    """Return the outcome of each fault in each SDK, for a kind of call."""
    rows = [
        [fault_text(row), *(outcome_text(getattr(row, sdk)) for sdk in SDKS), proxy_text(row)]
        for row in TABLE
        if row.call == call
    ]
    return table(("fault", "Python", "TypeScript", "Go", "Rust", "the same by a TCP proxy"), rows)


def fault_text(row: Row) -> str:
    """Return the fault, and the operation that it is injected on if that is another."""
    if row.fault == fault_table.OUTAGE:
        return "`outage()`"
    on = f", `on={row.on!r}`" if row.on else ""
    return f"`{row.fault!r}`{on}"


def outcome_text(cell: str | Differs) -> str:
    """Return the outcome of a cell, and that of the proxy with the reason where it is another."""
    if isinstance(cell, str):
        return result_text(cell)
    if cell.fault == cell.proxy:
        return f"{result_text(cell.fault)}, also behind the proxy"
    return f"{result_text(cell.fault)}. Behind the proxy: {result_text(cell.proxy)}. {cell.reason}"


def result_text(outcome: str | None) -> str:
    """Return the meaning of an outcome. Raises `LookupError`."""
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
    """Return the action of the proxy and its place, or the reason for which there is none."""
    if row.proxy == fault_table.OUTAGE:
        return "refuses connections, and ends the open ones"
    if not isinstance(row.proxy, Break):
        return f"none: {row.proxy}"
    place, action = row.proxy.place, ACTIONS[row.proxy.action]
    if row.proxy.action in {"late", "slow"}:
        return action
    where = f"after {place} bytes of the body" if isinstance(place, int) else PLACES[place]
    return f"{action} {where}"


PARTS: dict[str, Callable[[], list[str]]] = {
    "codes": codes,
    "control_routes": control.routes,
    "control_schemas": control.schemas,
    "control_statuses": control.statuses,
    "differences": differences,
    "exceptions": exceptions,
    "fidelity": fidelity,
    "fixtures": fixtures,
    "gaps": gaps,
    "operations": operations,
    "options": options,
    "pytest_flags": pytest_flags,
    "routes": routes,
    "sdk_append": lambda: sdk_faults("append"),
    "sdk_read": lambda: sdk_faults("read"),
    "sdk_session": lambda: sdk_faults("session"),
    **{
        f"command_{name or 'server'}": partial(commands.command, name) for name in commands.COMMANDS
    },
    **{group: partial(names.entries, members) for group, members in names.GROUPS.items()},
    **{group: partial(names.module_entries, *given) for group, given in names.MODULES.items()},
}
