"""Writes the corpus: `python -m tests.recording URL --version VERSION`, or `make record`.

The server must be fresh, since what others have left there would be recorded too.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

import s2mock.contract
from s2mock.contract.exchange import PROTOCOLS, Call, Connection, Protocol
from s2mock.contract.recordings import Group, Recording, render
from tests.recording.calls import record_calls
from tests.recording.evidence import record_evidence
from tests.recording.generated import record_sequences
from tests.recording.suite import SuiteRecorder

SUITE = Path(s2mock.contract.__file__).parent
CORPUS = SUITE / "corpus"
FILE_SEQUENCES = 80
PLUGIN_IMPORTED_EARLY = "ignore::pytest.PytestAssertRewriteWarning"


def main() -> int:
    """Record everything. Returns the exit status."""
    options = _parser().parse_args()
    server, _, version = options.version.rpartition(" ")
    connection = Connection(options.url)
    there = connection.send(Call("GET", "/v1/basins")).body
    connection.close()
    if there != b'{"basins":[],"has_more":false}':
        print(f"recording: the server at {options.url} is not fresh", file=sys.stderr)
        return 1
    recorder = SuiteRecorder()
    # As for a user, without this project's settings.
    arguments = [str(SUITE), "--rootdir", str(SUITE), "-c", os.devnull, "-p", "no:cacheprovider"]
    arguments += [f"--s2mock-target={options.url}", "-q", "-W", PLUGIN_IMPORTED_EARLY]
    status = pytest.main(arguments, plugins=[recorder])
    if status != pytest.ExitCode.OK:
        print("recording: the contract suite does not pass there", file=sys.stderr)
        return int(status)

    def write(
        name: str,
        groups: Sequence[Group],
        left_out: Mapping[str, str],
        protocol: Protocol = "HTTP/1.1",
    ) -> None:
        date = f"{datetime.now(UTC):%Y-%m-%d}"
        recording = Recording(server, version, date, tuple(groups), left_out, protocol)
        (CORPUS / f"{name}.jsonl").write_text(render(recording), "utf-8")

    sequences = {protocol: record_sequences(options.url, protocol) for protocol in PROTOCOLS}
    calls = {protocol: record_calls(options.url, protocol) for protocol in PROTOCOLS}
    evidence = record_evidence(options.url)
    CORPUS.mkdir(exist_ok=True)
    for old in CORPUS.glob("*.jsonl"):
        old.unlink()
    write("ledger", evidence, {})
    for module in sorted(recorder.groups.keys() | recorder.left_out.keys()):
        groups, left_out = recorder.groups.get(module), recorder.left_out.get(module)
        # Tests that ask no server have nothing to be replayed.
        if groups or left_out:
            write(module, groups or (), left_out or {})
    for protocol in PROTOCOLS:
        prefix = "" if protocol == "HTTP/1.1" else f"{protocol}_"
        write(f"{prefix}calls", calls[protocol], {}, protocol)
        groups = sequences[protocol]
        for first in range(0, len(groups), FILE_SEQUENCES):
            part = groups[first : first + FILE_SEQUENCES]
            write(f"{prefix}sequences_{first + 1:03}", part, {}, protocol)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.recording", description=__doc__)
    parser.add_argument("url", help="the base URL of a fresh real server")
    parser.add_argument("--version", required=True, help='what it is, such as "s2-lite 0.43.4"')
    return parser


if __name__ == "__main__":
    sys.exit(main())
