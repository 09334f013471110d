"""The contract suite can fail: run on a fake with one rule broken, it does.

A mutation that no test catches is a contract case that is missing.
"""

import pytest

from s2mock.contract import passing_time
from s2mock.contract.records import Stream
from tests.contract.account_mutations import ACCOUNT_MUTATIONS
from tests.contract.append_mutations import APPEND_MUTATIONS
from tests.contract.control_mutations import CONTROL_MUTATIONS
from tests.contract.http_mutations import HTTP_MUTATIONS
from tests.contract.mutation import Mutation
from tests.contract.nested import run_contract
from tests.contract.read_mutations import READ_MUTATIONS

pytestmark = pytest.mark.slow

MUTATIONS = (
    *CONTROL_MUTATIONS,
    *HTTP_MUTATIONS,
    *APPEND_MUTATIONS,
    *READ_MUTATIONS,
    *ACCOUNT_MUTATIONS,
)


@pytest.mark.whole(3)
@pytest.mark.openapi_unchecked("the fake is broken on purpose")
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_broken_rule_is_noticed(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    for session in (Stream.append_session, Stream.read_session, Stream.sse, Stream.poll):
        # What does not come from a broken fake is not worth the usual patience.
        monkeypatch.setitem(session.__kwdefaults__, "timeout", 2.0)
    monkeypatch.setattr(passing_time, "NOTICE", 0.2)
    for test in mutation.caught_by:
        with mutation.applied():
            outcome = run_contract([test], monkeypatch, *mutation.options, "--exitfirst")
        assert outcome.failed, f"{test} passes all the same:\n{outcome.output}"


def caught_by(options: tuple[str, ...]) -> list[str]:
    """Return the tests that notice the mutations with these options."""
    chosen = [mutation for mutation in MUTATIONS if mutation.options == options]
    return [*dict.fromkeys(test for mutation in chosen for test in mutation.caught_by)]


# A run of all of them takes more than five seconds.
AT_ONCE = 40


@pytest.mark.parametrize(
    ("options", "start"),
    [
        (options, start)
        for options in sorted({mutation.options for mutation in MUTATIONS})
        for start in range(0, len(caught_by(options)), AT_ONCE)
    ],
    ids=lambda value: str(value) if isinstance(value, int) else " ".join(value),
)
def test_without_a_mutation_the_same_tests_pass(
    options: tuple[str, ...], start: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = caught_by(options)[start : start + AT_ONCE]
    outcome = run_contract(tests, monkeypatch, *options)
    assert outcome.passed
    assert not outcome.failed, outcome.output


def test_names_are_unique() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)
