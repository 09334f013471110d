"""What one test has to do with the mocks of the process: what it met, and what it left undone."""

import weakref
from collections import deque
from operator import itemgetter
from typing import Final, NamedTuple, Protocol

from s2mock.powers.exchange import Exchange
from s2mock.powers.timeline import timeline, title


class Journal(Protocol):
    """As much of a journal as is asked for here."""

    @property
    def last_number(self) -> int:
        """The number of the latest exchange."""

    def since(self, number: int, /) -> tuple[Exchange, ...]:
        """The exchanges behind that number."""


class Stage(Protocol):
    """As much of a stage as is asked for here."""

    def check(self, *, has_failed: bool = False) -> list[str]:
        """What is to be said of faults that were not used; they are removed."""

    def take(self) -> tuple[list[str], list[str]]:
        """The same in two: what fails a test, and what is told beside another failure."""


class Powers(Protocol):
    """The powers of a mock of this process, or of an account of another."""

    @property
    def order(self) -> int:
        """Their place among those of all mocks that were ever made."""

    @property
    def journal(self) -> Journal:
        """What the mock has met."""

    @property
    def stage(self) -> Stage:
        """Its faults."""


living: Final[weakref.WeakSet[Powers]] = weakref.WeakSet()
"""Those of all mocks that are in use."""


class _Ended(NamedTuple):
    """What is left of a mock that has ended, its account not among it."""

    order: int
    mark: int
    journal: Journal
    complaints: list[str]
    remarks: list[str]


# Those of the test that runs; few tests have so many.
_ended: Final[deque[_Ended]] = deque(maxlen=16)
# The last exchange of each when the test began.
_marks: Final[weakref.WeakKeyDictionary[Powers, int]] = weakref.WeakKeyDictionary()
_MAX_SECTIONS: Final = 4


def end(powers: Powers, *, in_a_test: bool) -> None:
    """The mock is used no longer; the test that runs may still be asked of it."""
    if in_a_test and powers in living:
        mark = _marks.get(powers, 0)
        _ended.append(_Ended(powers.order, mark, powers.journal, *powers.stage.take()))
    living.discard(powers)


def forget(powers: Powers) -> None:
    """The test is asked nothing of this mock any more: somebody else tells of it."""
    living.discard(powers)


def begin() -> None:
    """Another test begins."""
    _ended.clear()
    _marks.clear()
    for powers in list(living):
        _marks[powers] = powers.journal.last_number


def complaints(*, has_failed: bool) -> list[str]:
    """What is to be said of faults that were not used; they are removed."""
    texts = []
    for ended in _ended:
        texts += [*ended.complaints, *ended.remarks] if has_failed else ended.complaints
        # Said once.
        ended.complaints.clear()
        ended.remarks.clear()
    for powers in sorted(living, key=lambda powers: powers.order):
        texts += powers.stage.check(has_failed=has_failed)
    return texts


def sections() -> list[tuple[str, str]]:
    """Title and text of the timeline of each mock that has met an exchange in this test."""
    journals = [(powers.order, _marks.get(powers, 0), powers.journal) for powers in living]
    journals += [ended[:3] for ended in _ended]
    # In the order in which the mocks were made.
    found = [journal.since(mark) for _, mark, journal in sorted(journals, key=itemgetter(0))]
    met = [exchanges for exchanges in found if exchanges]
    # A test that tries many examples has a mock for each, of which it fails with the last.
    latest = met if len(met) <= _MAX_SECTIONS else met[-_MAX_SECTIONS:]
    texts = [(title(exchanges), timeline(exchanges)) for exchanges in latest]
    if len(latest) < len(met):
        texts.insert(0, (f"s2mock: of {len(met)} mocks the last {len(latest)}", ""))
    return texts
