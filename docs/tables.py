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
from s2mock import Basin, S2Error, S2Mock, Stream, __main__, pytest_plugin
from s2mock.api.operations import OPERATIONS
from s2mock.api.routing import Router
from s2mock.contract import recordings
from s2mock.contract.ledger import KNOWN_DIFFERENCES
from s2mock.contract.schema_gaps import GAPS
from s2mock.powers.operations import OPERATION_NAMES
from s2mock.registry.values.codes import CODES

REPO = Path(__file__).parent.parent

# What each option sets, where neither its help nor the docstring of `S2Mock` is enough.
OPTION_TEXTS = {
    "basins": "what is there at the beginning: names, or mappings; see [](../how-to/seeding.md)",
    "deletion_delay": "how many seconds a deletion stays pending; `inf` for ever",
    "profile": "whom to follow where the service and its documentation differ: `real` or "
    "`documented`; see [](../explanation/two-references.md)",
    "cors": "whether browsers are let in, by CORS headers",
    "clock": "where all times come from: `SystemClock()`, or `manual` for one "
    "[that you turn](../how-to/time.md)",
    "snapshot": "a [snapshot](../how-to/restore-and-fork.md) to begin with, in place of `basins`",
    "faults": "[faults](../how-to/faults.md) to begin with: mappings of the arguments of `inject`",
    "control": "whether the powers are served over HTTP at `/_s2mock`; see "
    "[](../how-to/other-languages.md)",
    "locations": "where basins can be, the default first: names, or mappings as S2 describes one",
    "coverage": "whether the end says [what the tests have met](../how-to/coverage.md), and the "
    "file to write it to",
    "report": "a directory for [a page of each test that fails](../how-to/look.md)",
    "version": "nothing; prints the version and ends",
    "use_env": "whether S2's environment variables point to the account during the test",
    "token": "the account's own access token; with `--s2mock-target`, the one for that server",
    "target": "a server to run the tests on, in place of the fake",
}
# What only the command line of pytest has.
_FLAGS_OF_PYTEST = ("target", "coverage", "report")
DEFAULTS = {
    "advice": "`on`",
    "basins": "none",
    "clock": "`SystemClock()`",
    "coverage": "no",
    "control": "`False`; for the server it is on",
    "faults": "none",
    "journal_bytes": "64 MiB",
    "locations": "`aws:us-east-1`, `aws:us-west-2`, `aws:eu-north-1`",
    "port": "0, a free one; for the server 8080",
    "report": "no",
    "snapshot": "none",
    "target": "none: the fake",
    "token": "another one in each test; for the server `s2mock`",
    "use_env": "`False`",
}
# Attributes, which have no docstring.
ATTRIBUTE_TEXTS = {
    "account": "the `Account` behind it, which can also list basins in pages",
    "clock": "the clock that all times come from",
    "is_fake": "`True`; `False` with `--s2mock-target`",
    "token": "the account's own access token, another one in each test",
}
# Flags of the server that say an option in another way.
SERVER_FLAGS = {"basins": "init_file", "control": "no_control", "cors": "no_cors"}


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """The lines of a Markdown table."""
    titles = list(titles)
    cells = [titles, ["---"] * len(titles), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in cells]


def options() -> list[str]:
    """Each option, and everywhere that it can be set."""
    arguments = inspect.signature(S2Mock).parameters
    marker = re.findall(r"(\w+)=", pytest_plugin._MARKER)
    server = server_flags()
    names = [name for name in arguments if name != "listening"]
    names += [name for name in (*marker, *pytest_plugin._OPTIONS) if name not in names]
    rows = []
    for name in (*dict.fromkeys(names), *_FLAGS_OF_PYTEST):
        ini = name in pytest_plugin._OPTIONS
        flag = ini or name in _FLAGS_OF_PYTEST
        rows.append(
            [
                f"`{name}`",
                option_text(name),
                default_of(name, arguments),
                "yes" if name in arguments else "",
                "yes" if name in marker else "",
                f"`s2mock_{name}`" if ini else "",
                f"`--s2mock-{name.replace('_', '-')}`" if flag else "",
                server.pop(SERVER_FLAGS.get(name, name), ""),
            ]
        )
    # What only the server has.
    rows += [
        [f"`{name}`", option_text(name), "", "", "", "", "", flag] for name, flag in server.items()
    ]
    titles = ("option", "what it sets", "default", "`S2Mock()`", "marker", "ini file", "pytest")
    return table((*titles, "`python -m s2mock`"), rows)


def server_flags() -> dict[str, str]:
    """The flags of the standalone server, by the names of what they set."""
    actions = __main__._parser("serve")._actions
    return {
        action.dest: f"`{action.option_strings[-1]}`" for action in actions if action.dest != "help"
    }


def option_text(name: str) -> str:
    """What an option sets. Raises `LookupError`."""
    if name in OPTION_TEXTS:
        return OPTION_TEXTS[name]
    if name in pytest_plugin._OPTIONS:
        return re.sub(r" \(default: .*?\)", "", pytest_plugin._OPTIONS[name])
    for action in __main__._parser("serve")._actions:
        if action.dest == name and action.help:
            said = re.sub(r" \(default: (?:%\(default\)s|.*?)\)", "", action.help)
            return said.replace("%%", "%")
    # A sentence of the docstring that begins with the name.
    said = " ".join((S2Mock.__doc__ or "").split())
    if sentence := re.search(rf"(?:^|\. )(`{name}`[^.]*)\.", said):
        return sentence[1]
    raise LookupError(f"docs/tables.py: the option {name} has no text")


def default_of(name: str, arguments: Any) -> str:
    """What it is if nobody sets it."""
    if name in DEFAULTS:
        return DEFAULTS[name]
    value = arguments[name].default
    return f"{value:,}" if type(value) is int else f"`{value!r}`"


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
    "stream": lambda: members(Stream, Stream),
}
