"""What one test has to do with the mocks of the process: what it met, and what it left undone."""

import weakref
from collections import deque
from typing import TYPE_CHECKING, Final

from s2mock.powers.timeline import timeline, title

if TYPE_CHECKING:
    from s2mock.mock import S2Mock

living: "Final[weakref.WeakSet[S2Mock]]" = weakref.WeakSet()
"""All mocks that are in use."""

# Those that have ended in the test that runs; few tests have so many.
_MAX_SECTIONS: Final = 4
_ended: "Final[deque[S2Mock]]" = deque(maxlen=16)
# The last exchange of each mock when the test began.
_marks: "Final[weakref.WeakKeyDictionary[S2Mock, int]]" = weakref.WeakKeyDictionary()


def end(mock: "S2Mock", *, in_a_test: bool) -> None:
    """The mock is used no longer; the test that runs may still be asked of it."""
    living.discard(mock)
    if in_a_test:
        _ended.append(mock)


def begin() -> None:
    """Another test begins."""
    _ended.clear()
    _marks.clear()
    for mock in list(living):
        _marks[mock] = mock.journal.last_number


def complaints(*, has_failed: bool) -> list[str]:
    """What is to be said of faults that were not used; they are removed."""
    stages = [mock._powers.stage for mock in _all()]  # noqa: SLF001
    return [text for stage in stages for text in stage.check(has_failed=has_failed)]


def sections() -> list[tuple[str, str]]:
    """Title and text of the timeline of each mock that has met an exchange in this test."""
    found = [mock.journal.since(_marks.get(mock, 0)) for mock in _all()]
    met = [exchanges for exchanges in found if exchanges]
    # A test that tries many examples has a mock for each, of which it fails with the last.
    latest = met if len(met) <= _MAX_SECTIONS else met[-_MAX_SECTIONS:]
    texts = [(title(exchanges), timeline(exchanges)) for exchanges in latest]
    if len(latest) < len(met):
        texts.insert(0, (f"s2mock: of {len(met)} mocks the last {len(latest)}", ""))
    return texts


def _all() -> "list[S2Mock]":
    # In the order in which they were made.
    return sorted({*living, *_ended}, key=lambda mock: mock._order)  # noqa: SLF001
