"""The suite on a fake that lets in nobody without a token: nothing else changes."""

from importlib.resources import files

import pytest

from tests.contract.nested import run_contract

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# Their requests are made of bytes by hand, without a token.
BY_HAND = (
    "test_transport.py",
    "test_headers.py::test_of_a_repeated_header_the_first",
    "test_paths.py::test_bytes_beyond_ascii",
    "test_paths.py::test_a_target_with_scheme_and_host",
)


def test_whoever_brings_the_own_token_sees_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = sorted(path.name for path in files("s2mock.contract").iterdir())
    modules = [
        name.removesuffix(".py")
        for name in modules
        if name.startswith("test_") and not name.startswith("test_transport_")
    ]
    outcome = run_contract(modules, monkeypatch, "--s2mock-auth=required")
    assert len(outcome.passed) > 3000
    others = [name for name in outcome.failed if not name.startswith(BY_HAND)]
    assert not others, outcome.output
