"""The mark of the tests of simulations, and what they need."""

import os
from importlib.util import find_spec

import pytest

from tests.simulation.not_run import REASON

HAS_SIMLOOM = find_spec("simloom") is not None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test of this folder, and skip all of them without simloom."""
    for item in items:
        if "tests/simulation/" in item.nodeid:
            item.add_marker(pytest.mark.simulation)
            if not HAS_SIMLOOM:
                item.add_marker(pytest.mark.skip(reason=REASON))


@pytest.fixture(scope="session")
def is_whole() -> bool:
    """True in `make simulation`; else a fixed sample of the seeds is run."""
    return os.environ.get("S2MOCK_TESTS_SIMULATION") == "whole"
