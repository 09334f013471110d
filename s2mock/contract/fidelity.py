"""The fidelity of the fake, as a table made from data: `python -m s2mock fidelity`."""

import contextlib
import io
import json
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple
from unittest.mock import patch

from s2mock.contract import recordings
from s2mock.contract.account_services import RULES, counted
from s2mock.contract.cases import DATA_PLANE
from s2mock.contract.control_cases import CASE_COUNT, CASES
from s2mock.contract.exchange import NOT_COMPARED, PROTOCOLS
from s2mock.contract.ledger import KNOWN_DIFFERENCES, KnownDifference
from s2mock.contract.replay import Difference, Replay
from s2mock.contract.schema_gaps import GAPS, Gap
from s2mock.runtime.argument_parser import ArgumentParser

_DATA_PLANE_CASES = 137


class Suite(NamedTuple):
    """The number of rules that the contract suite checks, and of its cases."""

    rules: int
    cases: int


class Replayed(NamedTuple):
    """The result of replaying every recording; `servers` are those that were recorded.

    `by_protocol` counts the exchanges over each protocol, `ends` those whose end of the connection
    was compared.
    """

    servers: Sequence[str]
    groups: int
    exchanges: int
    differences: Sequence[Difference]
    by_protocol: Mapping[str, int] = {}
    ends: int = 0


def make_parser(program: str) -> ArgumentParser:
    """Return the parser of the command, which has no arguments."""
    return ArgumentParser(
        prog=f"{program} fidelity",
        description="Count the cases of the contract suite, replay every recording of the real "
        "server on the fake, and print the results with each known difference, as Markdown. "
        "The exit status is 1 if the fake does not answer a recording as recorded.",
    )


def main(program: str = "python -m s2mock", arguments: Sequence[str] = ()) -> int:
    """Print the table. Returns the exit status: 1 if a recording is not answered as recorded."""
    make_parser(program).parse_args(arguments)
    with quiet():
        replayed = replay_all()
    sys.stdout.write(report(count_suite(), replayed, load_proof()))
    for difference in replayed.differences:
        sys.stderr.write(f"\n{difference}\n")
    return 1 if replayed.differences else 0


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence the log: requests in a replay are refused on purpose."""
    logger = logging.getLogger("s2mock")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def report(suite: Suite, replayed: Replayed, proof: dict[str, Any] | None) -> str:
    """Return the tables of rules, differences, unverified rules and gaps, in Markdown."""
    planes = (
        f"control plane {len(CASES)} of {CASE_COUNT}, "
        f"data plane {len(DATA_PLANE)} of {_DATA_PLANE_CASES}"
    )
    recorded = (
        f"{replayed.groups:,} with {replayed.exchanges:,} exchanges, "
        f"{len(replayed.differences)} unexplained differences"
    )
    proofs = [
        ("rules checked by the contract suite", f"{suite.rules:,} in {suite.cases:,} cases"),
        ("cases of the reference covered", planes),
        ("sequences compared live", _sequences(proof)),
        ("recorded server", "; ".join(replayed.servers) or "none"),
        ("recordings replayed just now", recorded),
        ("compared in each exchange", _compared()),
        ("protocols of these exchanges", _protocols(replayed)),
        ("how the connection ends, compared", f"in {replayed.ends:,} of these exchanges"),
        ("known differences from that server", str(len(KNOWN_DIFFERENCES))),
        ("rules of the account services, by how they are known", counted()),
        ("known gaps of the published OpenAPI description", str(len(GAPS))),
    ]
    lines = _table(("proof", "result"), proofs)
    lines += ["", *_table(("known difference", "what, and why"), _named(KNOWN_DIFFERENCES))]
    ours = [(f"account_services {rule.section}", rule.what) for rule in RULES if rule.grade == "O"]
    lines += ["", *_table(("unverified rule", "what is chosen"), ours)]
    lines += ["", *_table(("gap of the description", "what, and why"), _named(GAPS))]
    return "\n".join([*lines, ""])


def count_suite() -> Suite:
    """Return the number of tests of the contract suite, as pytest collects them."""
    import pytest

    class Counter:
        items: Sequence[pytest.Item] = ()

        def pytest_collection_finish(self, session: pytest.Session) -> None:
            self.items = session.items

    counter, directory = Counter(), str(files("s2mock.contract"))
    arguments = [
        directory,
        "--rootdir",
        directory,
        "-c",
        os.devnull,
        "--collect-only",
        "-p",
        "no:cacheprovider",
    ]
    # The plugin of s2mock is already imported, about which pytest would warn.
    arguments += ["-p", "s2mock.pytest_plugin", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    no_other_plugins = patch.dict(os.environ, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    with no_other_plugins, contextlib.redirect_stdout(io.StringIO()) as output:
        status = pytest.main(arguments, plugins=[counter])
    if status != pytest.ExitCode.OK:
        raise RuntimeError(f"the contract suite cannot be collected:\n{output.getvalue()}")
    rules = {item.nodeid.partition("[")[0] for item in counter.items}
    return Suite(len(rules), len(counter.items))


def replay_all() -> Replayed:
    """Replay every recording of contract cases and sequences on the fake."""
    servers = set()
    with Replay() as replay:
        for name in recordings.replayable():
            recording = recordings.load(name)
            servers.add(f"{recording.server} {recording.version}, {recording.date}")
            replay.run(recording)
    return Replayed(
        sorted(servers),
        replay.groups,
        replay.exchanges,
        replay.differences,
        replay.by_protocol,
        replay.ends,
    )


def load_proof() -> dict[str, Any] | None:
    """Return the result of the last run of the differential machine, or None if there is none."""
    file = files("s2mock.contract") / "proof.json"
    if not file.is_file():
        return None
    proof: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return proof


def _compared() -> str:
    left_out = ", ".join(f"`{name}` ({why})" for name, why in NOT_COMPARED.items())
    return f"status, body, and every header but {left_out}"


def _protocols(replayed: Replayed) -> str:
    counts = ((protocol, replayed.by_protocol.get(protocol, 0)) for protocol in PROTOCOLS)
    return ", ".join(f"{protocol} {count:,}" for protocol, count in counts)


def _sequences(proof: dict[str, Any] | None) -> str:
    if proof is None:
        return "none"
    return (
        f"{proof['sequences']:,} with {proof['calls']:,} calls, no unexplained difference "
        f"({proof['reference']} {proof['version']}, {proof['date']})"
    )


def _named(entries: Iterable[KnownDifference | Gap]) -> list[tuple[str, str]]:
    return [(f"`{entry.name}`", f"{entry.what} {entry.why}") for entry in entries]


def _table(titles: tuple[str, str], rows: Iterable[tuple[str, str]]) -> list[str]:
    lines = [titles, ("---", "---"), *rows]
    return [f"| {left} | {right} |" for left, right in lines]


if __name__ == "__main__":
    sys.exit(main())
