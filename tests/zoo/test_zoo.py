"""Each bug is found by its campaign and shrunk to the stated minimum; no twin is accused.

`make test` runs a fixed sample of the attempts, and of the members where each takes a second.
`make zoo` runs all, and each twin 1,000 times: with `S2MOCK_TESTS_ZOO` in the environment, the
number of attempts.
"""

import importlib
import inspect
import itertools
import os
import pkgutil
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from s2mock import Cut, Drop, Fail, Late, Slow
from s2mock.campaigns.crashes import CrashInstructions
from s2mock.campaigns.orders.explorer import Explorer
from s2mock.campaigns.sweep import SweepInstructions
from s2mock.handles.campaigns.crashes import CrashAttempt
from tests.plugin.conftest import Run
from tests.zoo import members
from tests.zoo.member import Keeper, Member

RUNS = int(os.environ.get("S2MOCK_TESTS_ZOO", "0"))
in_zoo_alone = pytest.mark.skipif(not RUNS, reason="`make zoo` runs it")

MEMBERS: dict[str, Member] = {
    module.name: importlib.import_module(f"{members.__name__}.{module.name}").MEMBER
    for module in pkgutil.iter_modules(members.__path__)
}
FAULTS = (
    Drop(),
    Drop(committed=True),
    Drop(connection="reset"),
    Late(reads=1),
    Late(reads=2),
    Late(reads=1, code="unavailable"),
    Fail("unavailable"),
    Fail("unavailable", committed=True),
    Cut(bytes=10),
    Cut(records=1),
    Slow(chunk=7),
)

each = pytest.mark.parametrize("member", MEMBERS.values(), ids=MEMBERS)


def of_kind(fixture: str) -> pytest.MarkDecorator:
    """Parametrize a test by the members of one kind of campaign."""
    found = {name: member for name, member in MEMBERS.items() if member.fixture == fixture}
    return pytest.mark.parametrize("member", found.values(), ids=found)


def check_bug(keeper: Keeper, member: Member) -> str:
    """Check that the report on the bug begins as stated; return all of it."""
    text = str(keeper.run(member, member.bug))
    stated = member.report.splitlines()
    assert len(stated) == 4
    assert text.splitlines()[: len(stated)] == stated
    return text


def check_twin(keeper: Keeper, member: Member, runs: int) -> int:
    """Check that no attempt of the twin fails, in at least `runs` of them; return their number."""
    attempts = 0
    for number in itertools.count():
        report = keeper.run(member, member.twin, **_variant(member, number))
        assert report.passed, str(report)
        attempts += report.attempts
        if number and attempts >= runs:
            return attempts
    raise AssertionError


def _variant(member: Member, number: int) -> dict[str, Any]:
    """Return the arguments of one campaign of many: the first ones are as stated."""
    arguments: dict[str, Any] = {"check": number % 2 == 1}
    if number:
        arguments["faults"] = FAULTS
    if member.fixture == "s2_orders" and number > 1:
        arguments.update(seed=number, max_runs=50)
    return arguments


def test_there_are_enough_members_of_each_kind() -> None:
    kinds = [member.fixture for member in MEMBERS.values()]
    assert len(kinds) >= 16
    assert kinds.count("s2_crash") >= 3
    for member in MEMBERS.values():
        # What the test of a member calls a program is the same for all of them.
        assert list(inspect.signature(member.test).parameters) == [member.fixture, "program"]


@each
def test_bug_is_found_and_shrunk_to_the_stated_minimum(keeper: Keeper, member: Member) -> None:
    text = check_bug(keeper, member)
    # The line of the report runs it alone.
    line = member.report.splitlines()[3].strip()
    with pytest.raises(AssertionError):
        keeper.replay(member, member.bug, line)
    if member.fixture == "s2_orders":
        # To the byte.
        assert str(keeper.run(member, member.bug)) == text


@pytest.mark.timeout(1200)
@pytest.mark.whole(2)
@each
def test_twin_is_never_accused(keeper: Keeper, member: Member) -> None:
    assert check_twin(keeper, member, RUNS) >= RUNS


@pytest.mark.slow
@pytest.mark.whole(4)
@pytest.mark.parametrize("name", MEMBERS)
def test_printed_test_is_red_on_the_bug_and_green_on_the_twin(
    run: Run, pytester: pytest.Pytester, name: str
) -> None:
    member = MEMBERS[name]
    module = Path(inspect.getfile(member.test)).read_text()
    for program, passes in ((member.bug, False), (member.twin, True)):
        fixture = f"\n\n@pytest.fixture\ndef program():\n    return {program.__name__}\n"
        if not passes:
            printed = printed_test(run(f"{module}{fixture}"))
        path = f"test_{program.__name__}.py"
        pytester.path.joinpath(path).write_text(f"{module}{fixture}\n\n{printed}")
        # The campaign, and the printed test.
        # Advice is no failure of a twin.
        result = run(None, path, "-o", "s2mock_advice=off")
        result.assert_outcomes(**({"passed": 2} if passes else {"failed": 2}))
        if not passes:
            result.stdout.fnmatch_lines(["E * [aA]ssert*"])


def printed_test(result: pytest.RunResult) -> str:
    """Return the test of the shortest failure that a campaign has printed."""
    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    found = re.search(
        r"The shortest failure as a test of its own:\n\n(.*?)\n(?:=|-)+ ", text, re.DOTALL
    )
    assert found is not None, text
    return found[1]


class TestWorkersAsProcesses:
    """The crash members once more, with a worker that is a process and is killed."""

    @in_zoo_alone
    @of_kind("s2_crash")
    def test_bug_is_found_and_twin_is_not_accused(
        self, keeper: Keeper, member: Member, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = CrashAttempt.run

        def run_process(attempt: CrashAttempt, program: Any, _: Any) -> None:
            run(attempt, [sys.executable, "-c", SCRIPT, program.__module__, program.__name__])

        monkeypatch.setattr(CrashAttempt, "run", run_process)
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        check_bug(keeper, member)
        assert keeper.run(member, member.twin).passed


SCRIPT = """
import asyncio, importlib, os, sys
from types import SimpleNamespace

at = SimpleNamespace(url=os.environ["S2_ACCOUNT_ENDPOINT"], token=os.environ["S2_ACCESS_TOKEN"])
asyncio.run(getattr(importlib.import_module(sys.argv[1]), sys.argv[2])(at))
"""


class TestNegativeControls:
    @pytest.mark.parametrize("name", ["recreated_under_writer", "append_without_condition"])
    def test_an_explorer_that_leaves_one_order_out_misses_a_member(
        self, keeper: Keeper, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        member, add, count = MEMBERS[name], Explorer._add_reversal, 0

        def is_found(left_out: int | None) -> bool:
            def add_all_but_one(explorer: Explorer[Any], earlier: int, later: int) -> None:
                nonlocal count
                if count != left_out:
                    add(explorer, earlier, later)
                count += 1

            nonlocal count
            count = 0
            monkeypatch.setattr(Explorer, "_add_reversal", add_all_but_one)
            try:
                check_bug(keeper, member)
            except AssertionError:
                return False
            return True

        assert is_found(None)
        assert not all(is_found(left_out) for left_out in range(count))

    @pytest.mark.whole(3)
    @of_kind("s2_crash")
    def test_a_campaign_that_crashes_nothing_finds_no_member(
        self, keeper: Keeper, monkeypatch: pytest.MonkeyPatch, member: Member
    ) -> None:
        def claim(self: CrashInstructions, *_: Any) -> tuple[bool, bool]:
            self.is_reached = self.point is not None
            return False, False

        monkeypatch.setattr(CrashInstructions, "_reach", claim)
        with pytest.raises(AssertionError):
            check_bug(keeper, member)
        assert keeper.run(member, member.bug).passed

    @of_kind("s2_sweep")
    def test_a_sweep_without_faults_finds_no_member(
        self, keeper: Keeper, monkeypatch: pytest.MonkeyPatch, member: Member
    ) -> None:
        begin = SweepInstructions.begin

        def begin_probe(self: SweepInstructions, powers: Any) -> None:
            if self.point is None:
                begin(self, powers)

        monkeypatch.setattr(SweepInstructions, "begin", begin_probe)
        with pytest.raises(AssertionError):
            check_bug(keeper, member)
        assert keeper.run(member, member.bug).passed

    @pytest.mark.whole(4)
    @each
    def test_a_twin_with_the_bug_is_accused(self, keeper: Keeper, member: Member) -> None:
        with pytest.raises(AssertionError):
            check_twin(keeper, replace(member, twin=member.bug), runs=1)
