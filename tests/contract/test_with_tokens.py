"""The suite on a fake that refuses requests without a token: nothing else changes."""

from importlib.resources import files

import pytest

from tests.contract.nested import run_contract

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


PARTS = 12
MODULES = sorted(
    path.name.removesuffix(".py")
    for path in files("s2mock.contract").iterdir()
    if path.name.startswith("test_")
)


@pytest.mark.whole(4)
@pytest.mark.parametrize("part", range(PARTS))
def test_with_the_own_token_there_is_no_difference(
    monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    outcome = run_contract(MODULES[part::PARTS], monkeypatch, "--s2mock-auth=required")
    assert not outcome.failed, outcome.output
    assert len(outcome.passed) > 100
    # Those on tokens, metrics and locations run; this one is about requests without a token.
    about = "test_headers.py::test_authorization["
    assert [name for name in outcome.skipped if not name.startswith(about)] == []
