"""`python -m s2mock fidelity`: a table that is made of data, and of nothing else."""

import json
import re
import sys
from pathlib import Path

import pytest

from s2mock import __main__ as command
from s2mock.contract import fidelity, recordings
from s2mock.contract.account_services import RULES
from s2mock.contract.fidelity import Replayed, Suite, report
from s2mock.contract.ledger import KNOWN_DIFFERENCES
from s2mock.contract.replay import Difference
from s2mock.contract.schema_gaps import GAPS
from tests.differential import __main__ as differential
from tests.differential import machine

REPO = Path(__file__).parents[2]
PROOF = {
    "reference": "s2-lite",
    "version": "0.1.2",
    "date": "2024-01-02",
    "sequences": 20_000,
    "calls": 300_000,
    "known_differences_met": {"codec": 1},
}


def rows(text: str) -> dict[str, str]:
    """Return the rows of the tables: the first column, and the second."""
    return dict(re.findall(r"^\| (.*?) \| (.*) \|$", text, re.MULTILINE))


def test_the_table_says_what_the_data_says() -> None:
    shown = rows(
        report(
            Suite(12, 3456),
            Replayed(
                ["s2-lite 0.1.2, 2024-01-03"], 7, 8900, [], {"HTTP/1.1": 8000, "h2c": 900}, 5000
            ),
            PROOF,
        )
    )
    assert shown["rules checked by the contract suite"] == "12 in 3,456 cases"
    assert shown["sequences compared live"] == (
        "20,000 with 300,000 calls, no unexplained difference (s2-lite 0.1.2, 2024-01-02)"
    )
    assert shown["recorded server"] == "s2-lite 0.1.2, 2024-01-03"
    assert shown["recordings replayed just now"] == (
        "7 with 8,900 exchanges, 0 unexplained differences"
    )
    assert shown["compared in each exchange"] == (
        "status, body, and every header but `date` (it is the time of the answer)"
    )
    assert shown["protocols of these exchanges"] == "HTTP/1.1 8,000, h2c 900"
    assert shown["how the connection ends, compared"] == "in 5,000 of these exchanges"
    assert shown["known differences from that server"] == str(len(KNOWN_DIFFERENCES))
    grades = shown["rules of the account services, by how they are known"]
    assert sum(map(int, re.findall(r"(\d+) [TDEO] ", grades))) == len(RULES)
    for entry in (*KNOWN_DIFFERENCES, *GAPS):
        assert shown[f"`{entry.name}`"].endswith(entry.why)


def test_every_rule_that_nothing_confirms_is_shown() -> None:
    text = report(Suite(0, 0), Replayed([], 0, 0, []), None)
    unverified = [rule for rule in RULES if rule.grade == "O"]
    assert len(unverified) > 20
    for rule in unverified:
        assert f"| account_services {rule.section} | {rule.what} |" in text
    for rule in RULES:
        assert (rule.what in text) == (rule.grade == "O")


def test_every_choice_of_the_reference_is_among_them() -> None:
    """A rule of several choices may be one in the reference; none is left out."""
    text = (REPO / "docs/reference/s2/account_services.md").read_text("utf-8")
    _, *sections = re.split(r"^(?=#{2,3} §)", text, flags=re.MULTILINE)
    for section in sections:
        number = re.match(r"#+ (§\d(?:\.\d)?) ", section)
        assert number is not None
        marks = len(re.findall(r"\bO\b", section))
        rules = [rule for rule in RULES if (rule.section, rule.grade) == (number[1], "O")]
        assert len(rules) >= marks, (number[1], marks)


def test_what_was_not_done_is_not_claimed() -> None:
    shown = rows(report(Suite(0, 0), Replayed([], 0, 0, []), None))
    assert shown["sequences compared live"] == "none"
    assert shown["recorded server"] == "none"


@pytest.mark.slow
def test_the_suite_is_counted_as_pytest_collects_it() -> None:
    suite = fidelity.count_suite()
    assert suite.cases > suite.rules > 500


def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["s2mock", "fidelity"])
    monkeypatch.setattr(recordings, "replayable", lambda: ["test_tail"])
    # Counting them takes seconds, and has a test of its own.
    monkeypatch.setattr(fidelity, "count_suite", lambda: Suite(12, 3456))
    assert command.main() == 0
    shown = rows(capsys.readouterr().out)
    assert shown["rules checked by the contract suite"] == "12 in 3,456 cases"
    groups = recordings.load("test_tail").groups
    exchanges = sum(len(group.exchanges) for group in groups)
    assert shown["recordings replayed just now"] == (
        f"{len(groups)} with {exchanges} exchanges, 0 unexplained differences"
    )
    recording = recordings.load("test_tail")
    assert shown["recorded server"] == f"s2-lite {recording.version}, {recording.date}"


def test_the_refusal_of_a_replay_has_no_reason(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recordings, "replayable", lambda: ["test_locations"])
    monkeypatch.setattr(fidelity, "count_suite", lambda: Suite(1, 1))
    fidelity.replay_all()
    assert "there are the locations" in caplog.text
    caplog.clear()
    assert fidelity.main() == 0
    assert caplog.text == ""


def test_a_difference_is_an_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    difference = Difference("a group", (), {"status": 200}, {"status": 201})
    monkeypatch.setattr(fidelity, "replay_all", lambda: Replayed([], 1, 1, [difference]))
    monkeypatch.setattr(fidelity, "count_suite", lambda: Suite(1, 1))
    assert fidelity.main() == 1
    shown = capsys.readouterr()
    assert "1 unexplained differences" in shown.out
    assert "a group" in shown.err
    assert "{'status': 201}" in shown.err


def test_what_the_differential_machine_writes_is_what_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def compare(_: str, sequences: int) -> None:
        monkeypatch.setattr(machine.Comparison, "sequences", sequences)
        monkeypatch.setattr(machine.Comparison, "calls", 42)

    monkeypatch.setattr(differential, "compare", compare)
    monkeypatch.setattr(differential, "sweep", lambda _: (7, []))
    monkeypatch.setattr(differential, "PROOF", tmp_path / "proof.json")
    arguments = ["http://reference", "--version", "s2-lite 0.1.2", "--sequences", "9"]
    monkeypatch.setattr(sys, "argv", ["differential", *arguments])
    differential.main()
    proof = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "proof.json").read_text()) == proof
    shown = rows(report(Suite(0, 0), Replayed([], 0, 0, []), proof))["sequences compared live"]
    assert shown == (f"9 with 42 calls, no unexplained difference (s2-lite 0.1.2, {proof['date']})")
