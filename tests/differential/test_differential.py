"""Runs the differential machine, where there is a real server to compare with."""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from s2mock import S2Mock
from tests.differential.machine import Comparison

REFERENCE = os.environ.get("S2MOCK_REFERENCE")
SEQUENCES = int(os.environ.get("S2MOCK_SEQUENCES", "500"))


@pytest.mark.skipif(REFERENCE is None, reason="S2MOCK_REFERENCE names no server to compare with")
@pytest.mark.timeout(0)
def test_the_fake_and_the_reference_answer_alike() -> None:
    with S2Mock() as mock:
        Comparison.fake_url, Comparison.reference_url = mock.url, str(REFERENCE)
        run_state_machine_as_test(
            Comparison,
            settings=settings(
                max_examples=SEQUENCES,
                stateful_step_count=12,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    print(
        f"{Comparison.sequences} sequences, {Comparison.calls} calls; "
        f"known differences met: {Comparison.excused}"
    )
