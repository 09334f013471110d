"""Every known difference is still there, on both sides."""

import os
import uuid

import pytest

from s2mock import S2Mock
from s2mock.contract import recordings
from s2mock.contract.evidence import EVIDENCE, Evidence
from s2mock.contract.ledger import KNOWN_DIFFERENCES
from tests.recording.evidence import made

REFERENCE = os.environ.get("S2MOCK_REFERENCE")

each = pytest.mark.parametrize("evidence", EVIDENCE, ids=lambda evidence: evidence.name)


def test_every_difference_has_its_evidence() -> None:
    names = [entry.name for entry in KNOWN_DIFFERENCES]
    assert sorted(names) == sorted(entry.name for entry in EVIDENCE)
    assert len(set(names)) == len(names)
    assert all(entry.fake != entry.reference for entry in EVIDENCE)


@each
def test_the_fake_answers_like_this(evidence: Evidence) -> None:
    with S2Mock() as mock:
        assert evidence.found(made(evidence, f"ledger-{evidence.name}", mock.url)) == evidence.fake


@each
def test_the_reference_answered_like_that(evidence: Evidence) -> None:
    groups = {group.name: group for group in recordings.load("ledger").groups}
    exchanges = groups[evidence.name].exchanges
    assert [exchange.call for exchange in exchanges] == list(
        evidence.calls(f"ledger-{evidence.name}")
    ), "the calls are no longer those that were recorded: record anew"
    assert evidence.found(exchanges) == evidence.reference


@each
@pytest.mark.skipif(REFERENCE is None, reason="S2MOCK_REFERENCE names no server to ask")
def test_the_reference_answers_like_that_today(evidence: Evidence) -> None:
    basin = f"ledger-{uuid.uuid4().hex[:16]}"
    assert evidence.found(made(evidence, basin, str(REFERENCE))) == evidence.reference
