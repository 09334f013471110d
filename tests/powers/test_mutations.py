"""The tests of faults, late effects, holds and hooks can fail: with one rule broken, they do."""

from importlib import import_module
from pathlib import Path

import pytest

from s2mock import ManualClock
from tests.contract.mutation import Mutation
from tests.contract.nested import run_ours
from tests.powers import conftest
from tests.powers.fault_mutations import FAULT_MUTATIONS

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
# On one backend and by one protocol, which is enough for a broken rule.
ONE_WAY = ("-k", "not [http and not h2c and not wsgi")


@pytest.mark.whole(3)
@pytest.mark.parametrize("mutation", FAULT_MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_broken_rule_is_noticed(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    # A response that a broken fake never sends is not worth the usual patience.
    monkeypatch.setitem(ManualClock.wait_for_waiters.__kwdefaults__, "timeout", 0.5)
    for name in {test.partition("::")[0] for test in mutation.caught_by}:
        module = import_module(f"tests.powers.{name}")
        if hasattr(module, "PATIENCE"):
            monkeypatch.setattr(module, "PATIENCE", 1.0)
    monkeypatch.setattr(conftest, "PATIENCE", 1.0)
    for test in mutation.caught_by:
        with mutation.applied():
            outcome = run_ours([test], HERE, monkeypatch, *ONE_WAY, "--exitfirst")
        assert outcome.failed, f"{test} passes all the same:\n{outcome.output}"


def test_without_a_mutation_the_same_tests_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    tests = dict.fromkeys(test for mutation in FAULT_MUTATIONS for test in mutation.caught_by)
    outcome = run_ours(tests, HERE, monkeypatch, *ONE_WAY)
    assert outcome.passed
    assert not outcome.failed, outcome.output


def test_names_are_unique() -> None:
    assert len({mutation.name for mutation in FAULT_MUTATIONS}) == len(FAULT_MUTATIONS)
