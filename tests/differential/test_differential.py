"""The differential machine, on a real server where there is one to compare with."""

import os
from typing import Any

import pytest

from s2mock import S2Mock
from s2mock.runtime.conversation import Conversation, Head
from tests.differential.machine import Comparison, compare, compare_in_parts
from tests.differential.sweep import sweep
from tests.server.toys import serving

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


@pytest.mark.slow
def test_what_the_parts_have_compared_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Comparison, "sequences", 0)
    monkeypatch.setattr(Comparison, "calls", 0)
    monkeypatch.setattr(Comparison, "excused", {})
    with S2Mock() as other:
        compare_in_parts(other.url, 5, 2)
    assert Comparison.sequences >= 6
    assert Comparison.calls > Comparison.sequences
    assert Comparison.excused == {}


@pytest.mark.slow
def test_a_difference_in_a_part_is_one_of_the_whole() -> None:
    def nothing(_: dict[str, Any]) -> Conversation:
        yield Head(404, [], b"")

    with serving(nothing) as other, pytest.raises(AssertionError, match="answered differently"):
        compare_in_parts(other.url, 2, 2)
