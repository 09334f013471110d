"""What one test has to do with the mocks of the process: what it met, and what it left undone."""

import weakref
from collections import deque
from typing import Final

from s2mock.powers.powers import Powers
from s2mock.powers.timeline import timeline, title

living: Final[weakref.WeakSet[Powers]] = weakref.WeakSet()
"""Those of all mocks that are in use."""

# Those of mocks that have ended in the test that runs; few tests have so many.
_ended: Final[deque[Powers]] = deque(maxlen=16)
# The last exchange of each when the test began.
_marks: Final[weakref.WeakKeyDictionary[Powers, int]] = weakref.WeakKeyDictionary()
_MAX_SECTIONS: Final = 4


def end(powers: Powers, *, in_a_test: bool) -> None:
    """The mock is used no longer; the test that runs may still be asked of it."""
    living.discard(powers)
    if in_a_test:
        _ended.append(powers)


def begin() -> None:
    """Another test begins."""
    _ended.clear()
    _marks.clear()
    for powers in list(living):
        _marks[powers] = powers.journal.last_number


def complaints(*, has_failed: bool) -> list[str]:
    """What is to be said of faults that were not used; they are removed."""
    found = [powers.stage.check(has_failed=has_failed) for powers in _all()]
    return [text for texts in found for text in texts]


def sections() -> list[tuple[str, str]]:
    """Title and text of the timeline of each mock that has met an exchange in this test."""
    found = [powers.journal.since(_marks.get(powers, 0)) for powers in _all()]
    met = [exchanges for exchanges in found if exchanges]
    # A test that tries many examples has a mock for each, of which it fails with the last.
    latest = met if len(met) <= _MAX_SECTIONS else met[-_MAX_SECTIONS:]
    texts = [(title(exchanges), timeline(exchanges)) for exchanges in latest]
    if len(latest) < len(met):
        texts.insert(0, (f"s2mock: of {len(met)} mocks the last {len(latest)}", ""))
    return texts


def _all() -> list[Powers]:
    # In the order in which the mocks were made.
    return sorted({*living, *_ended}, key=lambda powers: powers.order)
