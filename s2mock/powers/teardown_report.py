"""The end of a test: what its mocks have met, and which of its faults were not used."""

import re
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from s2mock.powers.journal import before_clear
from s2mock.powers.protocols import Journal, Powers
from s2mock.runtime.weak_set import SharedWeakSet

if TYPE_CHECKING:
    from s2mock.powers.coverage import Coverage

living: Final[SharedWeakSet[Powers]] = SharedWeakSet()
"""Those of all mocks that are in use."""


class _Ended(NamedTuple):
    """What is left of a mock that has ended, its account not among it."""

    order: int
    mark: int
    journal: Journal


# The latest of the test that runs, since journals take room.
_ended: Final[deque[_Ended]] = deque(maxlen=16)
# What all that have ended in this test have left to be said of faults and holds that were not used;
# the latter only beside another failure.
_complaints: Final[list[str]] = []
_remarks: Final[list[str]] = []
# The last exchange of each when the test began.
_marks: Final[weakref.WeakKeyDictionary[Powers, int]] = weakref.WeakKeyDictionary()
_MAX_SECTIONS: Final = 4
# What there is to advise of mocks that the test is asked nothing else of: each thing once, whatever
# numbers are in it, since one scenario over and over says the same.
_forgotten: Final[dict[str, tuple[str, list[str]]]] = {}
_NUMBER: Final = re.compile(r"\d+")


before_ending: Final[list[Callable[[Powers], object]]] = []
"""Who looks at each mock before it ends, with all that is in it."""

_coverage: "Coverage | None" = None


def count_with(coverage: "Coverage") -> None:
    """Let all that is met be counted from now on."""
    global _coverage  # noqa: PLW0603  # of the session of tests, as all here
    _coverage = coverage
    before_clear.append(coverage.take)
    for powers in list(living):
        coverage.skip(powers.journal)


def stop_counting() -> None:
    """Count what has come until now, and no more."""
    global _coverage  # noqa: PLW0603
    if _coverage is not None:
        for powers in list(living):
            _coverage.take(powers.journal, is_over=True)
        before_clear.remove(_coverage.take)
        _coverage = None


def ending(powers: Powers) -> None:
    """The mock is about to end."""
    if powers in living:
        for look in before_ending:
            look(powers)


def end(powers: Powers, *, in_a_test: bool) -> None:
    """The mock is used no longer; the test that runs may still be asked of it."""
    if _coverage is not None and powers in living:
        _coverage.take(powers.journal, is_over=True)
    if in_a_test and powers in living:
        mark = _marks.get(powers, 0)
        _ended.append(_Ended(powers.order, mark, powers.journal))
        complaints, remarks = powers.stage.take()
        _complaints.extend(complaints)
        _remarks.extend(remarks)
    living.discard(powers)


def forget(powers: Powers, *, has_failed: bool) -> None:
    """The test is asked nothing of this mock any more: somebody else tells of it.

    What there is to advise is the test's to be told all the same, unless that has failed.
    """
    if _coverage is not None:
        _coverage.take(powers.journal, is_over=True)
    for text, place in () if has_failed else _advised(powers.journal):
        _forgotten.setdefault(_NUMBER.sub("#", text), (text, []))[1].append(place)
    living.discard(powers)


def begin() -> None:
    """Another test begins."""
    _ended.clear()
    _complaints.clear()
    _remarks.clear()
    _marks.clear()
    _forgotten.clear()
    for powers in list(living):
        _marks[powers] = powers.journal.last_number
        if _coverage is not None:
            _coverage.take(powers.journal)


def complaints(*, has_failed: bool) -> list[str]:
    """What is to be said of faults and holds that were not used; they are removed."""
    texts = [*_complaints, *_remarks] if has_failed else [*_complaints]
    # Said once.
    _complaints.clear()
    _remarks.clear()
    for powers in sorted(living, key=lambda powers: powers.order):
        texts += powers.stage.check(has_failed=has_failed)
    return texts


def advice() -> list[str]:
    """What the test is to be told of what S2 has accepted without a word; each thing once."""
    journals = [(powers.order, powers.journal) for powers in living]
    journals += [(ended.order, ended.journal) for ended in _ended]
    # Where, and how often, each thing was.
    found: dict[str, list[str]] = {}
    for _, journal in sorted(journals, key=itemgetter(0)):
        for text, place in _advised(journal):
            found.setdefault(text, []).append(place)
    for text, places in _forgotten.values():
        found.setdefault(text, []).extend(places)
    _forgotten.clear()
    return [
        f"{text} ({places[0]}{f', and {len(places) - 1} more' if len(places) > 1 else ''})"
        for text, places in found.items()
    ]


def _advised(journal: Journal) -> Iterator[tuple[str, str]]:
    """What there is to advise of it that nobody was told, and where it was."""
    for exchange in journal.take_advised():
        about = " ".join(part for part in (exchange.basin, exchange.stream) if part)
        place = f"exchange {exchange.number}, {exchange.operation} {about}".rstrip()
        for text in exchange.advice:
            yield text, place


def mark_of(powers: Powers) -> int | None:
    """The last exchange of a mock when the test began; None where the test has made the mock."""
    return _marks.get(powers)


def sections() -> list[tuple[str, str]]:
    """Title and text of the timeline of each mock that has met an exchange in this test."""
    journals = [(powers.order, _marks.get(powers, 0), powers.journal) for powers in living]
    journals += _ended
    # In the order in which the mocks were made.
    found = [journal.since(mark) for _, mark, journal in sorted(journals, key=itemgetter(0))]
    met = [exchanges for exchanges in found if exchanges]
    # A test that tries many examples has a mock for each, of which it fails with the last.
    latest = met if len(met) <= _MAX_SECTIONS else met[-_MAX_SECTIONS:]
    from s2mock.powers.timeline import timeline, title  # which a suite that passes does without

    texts = [(title(exchanges), timeline(exchanges)) for exchanges in latest]
    if len(latest) < len(met):
        texts.insert(0, (f"s2mock: of {len(met)} mocks the last {len(latest)}", ""))
    return texts
