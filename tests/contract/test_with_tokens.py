"""The suite on a fake that lets in nobody without a token: nothing else changes."""

from importlib.resources import files

import pytest

from tests.contract.nested import run_contract

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_whoever_brings_the_own_token_sees_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = sorted(path.name for path in files("s2mock.contract").iterdir())
    modules = [name.removesuffix(".py") for name in modules if name.startswith("test_")]
    outcome = run_contract(modules, monkeypatch, "--s2mock-auth=required")
    assert not outcome.failed, outcome.output
    assert len(outcome.passed) > 3000
    # Those on tokens, metrics and locations run; this one is about requests without a token.
    about = "test_headers.py::test_authorization["
    assert [name for name in outcome.skipped if not name.startswith(about)] == []
