"""Runs the differential machine, where there is a real server to compare with."""

import os

import pytest

from tests.differential.machine import compare
from tests.differential.sweep import sweep

REFERENCE = os.environ.get("S2MOCK_REFERENCE", "")
SEQUENCES = int(os.environ.get("S2MOCK_SEQUENCES", "500"))


needs_reference = pytest.mark.skipif(
    not REFERENCE, reason="S2MOCK_REFERENCE names no server to compare with"
)


@needs_reference
@pytest.mark.timeout(0)
def test_every_edge_is_answered_alike() -> None:
    calls, differences = sweep(REFERENCE)
    assert calls > 50_000
    assert differences == []


@needs_reference
@pytest.mark.timeout(0)
def test_the_fake_and_the_reference_answer_alike() -> None:
    compare(REFERENCE, SEQUENCES)
