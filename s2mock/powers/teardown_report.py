"""The report at the end of a test: unused faults, advice, and a timeline for each mock."""

import re
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from s2mock.powers.journal import before_clear
from s2mock.powers.protocols import Journal, Powers
from s2mock.runtime import mock_tokens
from s2mock.runtime.weak_set import SharedWeakSet

if TYPE_CHECKING:
    from s2mock.powers.coverage import Coverage

living: Final[SharedWeakSet[Powers]] = SharedWeakSet()
"""The powers of all mocks that have not ended."""


class _MockJournal(NamedTuple):
    """The journal of a mock, its position and label, and its last number before the test.

    Without the mock's account, which the report must not keep in memory.
    """

    order: int
    mark: int
    journal: Journal
    label: str | None


# Those of the latest ended mocks of the current test; not of all, since journals take memory.
_ended: Final[deque[_MockJournal]] = deque(maxlen=16)
# Messages on unused faults and holds of all mocks that have ended in this test; the remarks are
# reported only if the test fails by itself.
_complaints: Final[list[str]] = []
_remarks: Final[list[str]] = []
# The number of each mock's last exchange before the test.
_marks: Final[weakref.WeakKeyDictionary[Powers, int]] = weakref.WeakKeyDictionary()
_MAX_SECTIONS: Final = 4
# The last numbers of the mocks before the present run of a test that runs many times, as with
# Hypothesis, and the position of the first mock of that run.
_run_marks: Final[weakref.WeakKeyDictionary[Powers, int]] = weakref.WeakKeyDictionary()
_run_start = 0
# Advice on mocks that are in no other part of the report, such as those of a sweep: by the text
# without its numbers, since each run of a scenario gives the same.
_forgotten_advice: Final[dict[str, tuple[str, list[str]]]] = {}
_NUMBER: Final = re.compile(r"\d+")

before_end: Final[list[Callable[[Powers], object]]] = []
"""Called with the powers of each mock before it ends, while its account still has all data."""

_coverage: "Coverage | None" = None


def start_coverage(coverage: "Coverage") -> None:
    """Count all exchanges of the session of tests from now on."""
    global _coverage  # noqa: PLW0603  # one for the process, as all here
    _coverage = coverage
    before_clear.append(coverage.take)
    for powers in list(living):
        coverage.skip(powers.journal)


def stop_coverage() -> None:
    """Count the exchanges until now, and no later ones."""
    global _coverage  # noqa: PLW0603
    if _coverage is not None:
        for powers in list(living):
            _coverage.take(powers.journal, is_over=True)
        before_clear.remove(_coverage.take)
        _coverage = None


def prepare_end(powers: Powers) -> None:
    """Call the callbacks in `before_end` for a mock, unless it has ended."""
    if powers in living:
        for callback in before_end:
            callback(powers)


def end(powers: Powers, *, in_a_test: bool) -> None:
    """End a mock; with `in_a_test`, keep what the report of the current test needs of it."""
    if _coverage is not None and powers in living:
        _coverage.take(powers.journal, is_over=True)
    if in_a_test and powers in living:
        _ended.append(_journal_of(powers))
        if powers.used_injector is not None:
            complaints, remarks = powers.used_injector.take_messages()
            _complaints.extend(complaints)
            _remarks.extend(remarks)
    living.discard(powers)


def forget(powers: Powers, *, has_failed: bool) -> None:
    """Leave a mock out of the report, since another report covers it, such as a sweep's.

    Its advice is reported all the same, unless `has_failed`, or there is no test to report it.
    """
    if _coverage is not None:
        _coverage.take(powers.journal, is_over=True)
    is_reported = not has_failed and mock_tokens.current_test()
    for text, place in _take_advice(powers.journal) if is_reported else ():
        _forgotten_advice.setdefault(_NUMBER.sub("#", text), (text, []))[1].append(place)
    living.discard(powers)


def leave_out(journal: Journal) -> None:
    """Leave the journal of a mock that has ended in this test out of the report."""
    for one in [one for one in _ended if one.journal is journal]:
        _ended.remove(one)


def begin_test() -> None:
    """Forget the mocks that ended in the test before, and mark the journals of the others."""
    _ended.clear()
    _complaints.clear()
    _remarks.clear()
    _marks.clear()
    _forgotten_advice.clear()
    _run_marks.clear()
    _set_run_start(0)
    for powers in list(living):
        _marks[powers] = powers.journal.last_number
        if _coverage is not None:
            _coverage.take(powers.journal)


def begin_run() -> None:
    """Take note that a test runs again, as with Hypothesis: only its last run is reported."""
    from s2mock.powers.powers import orders

    for powers in list(living):
        _run_marks[powers] = powers.journal.last_number
    _set_run_start(next(orders))


def _set_run_start(order: int) -> None:
    global _run_start  # noqa: PLW0603  # as above
    _run_start = order


def is_of_run(powers: Powers) -> bool:
    """True if a mock is of the present run of its test, or is older than all of its runs."""
    return powers in living or powers.order >= _run_start


def take_complaints(*, has_failed: bool) -> list[str]:
    """Remove unused faults and holds, and return messages on them, each once."""
    texts = [*_complaints, *_remarks] if has_failed else [*_complaints]
    _complaints.clear()
    _remarks.clear()
    for powers in sorted(living, key=lambda powers: powers.order):
        if powers.used_injector is not None:
            texts += powers.used_injector.check(has_failed=has_failed)
    return texts


def take_advice() -> list[str]:
    """Return all advice of the test, each text once, with the exchanges that it is on."""
    # For each text, the exchanges.
    found: dict[str, list[str]] = {}
    for one in _journals():
        for text, place in _take_advice(one.journal):
            found.setdefault(text, []).append(place)
    for text, places in _forgotten_advice.values():
        found.setdefault(text, []).extend(places)
    _forgotten_advice.clear()
    return [
        f"{text} ({places[0]}{f', and {len(places) - 1} more' if len(places) > 1 else ''})"
        for text, places in found.items()
    ]


def _journals() -> list[_MockJournal]:
    """Return the journals of living and ended mocks, in the order in which these were made."""
    return sorted([*map(_journal_of, living), *_ended], key=attrgetter("order"))


def _journals_of_run() -> list[_MockJournal]:
    """Return the journals of the present run of the test, each with its last number before that."""
    living_ones = [
        _journal_of(powers)._replace(mark=last_number_before_test(powers) or 0) for powers in living
    ]
    ended = [one for one in _ended if one.order >= _run_start]
    return sorted([*living_ones, *ended], key=attrgetter("order"))


def _journal_of(powers: Powers) -> _MockJournal:
    label = powers.label
    return _MockJournal(powers.order, _marks.get(powers, 0), powers.journal, label)


def _take_advice(journal: Journal) -> Iterator[tuple[str, str]]:
    """Yield each advice of a journal once, with text on its exchange."""
    for exchange in journal.take_advised():
        about = " ".join(part for part in (exchange.basin, exchange.stream) if part)
        place = f"exchange {exchange.number}, {exchange.operation} {about}".rstrip()
        for text in exchange.advice:
            yield text, place


def last_number_before_test(powers: Powers) -> int | None:
    """Return the number of a mock's last exchange before the test; None if the test made it.

    Of a test that runs many times it is the last number before its present run.
    """
    return _run_marks.get(powers, _marks.get(powers))


def timelines() -> list[tuple[str, str]]:
    """Return title and text of a timeline for each mock that had exchanges in this test."""
    found = [(one.journal.since(one.mark), one.label) for one in _journals_of_run()]
    used = [(exchanges, label) for exchanges, label in found if exchanges]
    # A test of many examples has a mock for each, and fails with one of the last.
    latest = used if len(used) <= _MAX_SECTIONS else used[-_MAX_SECTIONS:]
    # Imported late: a suite without failures does not need it.
    from s2mock.powers.timeline import make_timeline, make_title

    has_several = len(used) > 1
    sections = [
        (make_title(exchanges, label if has_several else None), make_timeline(exchanges))
        for exchanges, label in latest
    ]
    if len(latest) < len(used):
        sections.insert(0, (f"s2mock: of {len(used)} mocks the last {len(latest)}", ""))
    return sections
