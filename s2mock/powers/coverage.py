"""Coverage: counts of operations by outcome over a suite, and the outcomes that never occurred."""

import weakref
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from s2mock.powers.faults import is_answer_lost
from s2mock.powers.operations import COMMANDS, OPERATION_NAMES
from s2mock.powers.protocols import Journal

if TYPE_CHECKING:
    from s2mock.powers.exchange import Exchange

VERSION: Final = 1
LOST: Final = "an answer lost"
NO_ANSWER: Final = "none"
NO_ROUTE: Final = "(no route)"
_KINDS: Final = ("statuses", "codes", "forms", "protocols", "faults", "events")
_SHOWN: Final = ("statuses", "codes", "forms", "protocols", "faults")
# The outcomes whose absence is reported, for each operation that was called.
_MISSING: Final = {
    "append": (
        ("fencing_token_mismatch", "refused by a fencing token"),
        ("seq_num_mismatch", "refused by match_seq_num"),
        ("stream_not_found", "refused for a stream that is not there"),
    ),
    "read": (
        ("a session", "a session"),
        ("stream_not_found", "refused for a stream that is not there"),
        ("416", "a read behind the tail"),
    ),
    "check-tail": (("stream_not_found", "refused for a stream that is not there"),),
    "create-basin": (("resource_already_exists", "refused, since it was there"),),
    "create-stream": (
        ("resource_already_exists", "refused, since it was there"),
        ("basin_not_found", "refused for a basin that is not there"),
    ),
    "delete-basin": (("basin_not_found", "refused for a basin that is not there"),),
    "delete-stream": (("stream_not_found", "refused for a stream that is not there"),),
}
_MISSING_FROM_ANY: Final = ((LOST, LOST), ("a failure", "a failure of the server"))


class Coverage:
    """Counts of operations, from the journals that it was given."""

    def __init__(self) -> None:
        # By operation and kind: the number of each status, code, and so on.
        self._counts: dict[str, dict[str, Counter[str]]] = {}
        self._calls: Counter[str] = Counter()
        self._missed = 0
        # Journals that are off, so their exchanges are unknown.
        self._without = 0
        self._off: weakref.WeakSet[Journal] = weakref.WeakSet()
        # For each journal: the number up to which it was counted, and earlier sessions still open.
        self._seen: weakref.WeakKeyDictionary[Journal, int] = weakref.WeakKeyDictionary()
        self._open: weakref.WeakKeyDictionary[Journal, set[int]] = weakref.WeakKeyDictionary()

    def skip(self, journal: Journal) -> None:
        """Count none of the exchanges that a journal has now."""
        self._seen[journal] = journal.last_number

    def take(self, journal: Journal, *, is_over: bool = False) -> None:
        """Count new exchanges; open sessions are counted later, unless the mock `is_over`."""
        if not (last := journal.last_number):
            if journal not in self._off and not journal.is_on:
                self._off.add(journal)
                self._without += 1
            return
        seen, waiting = self._seen.get(journal, 0), self._open.get(journal, set())
        first = min(waiting, default=seen + 1)
        still: set[int] = set()
        numbers = []
        for exchange in journal.since(first - 1):
            number = exchange.number
            numbers.append(number)
            if number <= seen and number not in waiting:
                continue
            if exchange.ended is None and not is_over:
                still.add(number)
            else:
                self._count(exchange)
        new = sum(number > seen for number in numbers)
        self._missed += last - seen - new
        self._seen[journal], self._open[journal] = last, still

    def _count(self, exchange: "Exchange") -> None:
        from s2mock.powers.exchange import error_code  # loaded late: the plugin imports this module

        name = exchange.operation or NO_ROUTE
        self._calls[name] += 1
        kinds = self._counts.setdefault(name, {kind: Counter() for kind in _KINDS})
        response, fault = exchange.response, exchange.fault
        kinds["statuses"][NO_ANSWER if response is None else str(response.status)] += 1
        if response is not None and (code := error_code(response)) is not None:
            kinds["codes"][code] += 1
        kinds["forms"][_wire_form(exchange)] += 1
        kinds["protocols"][exchange.protocol] += 1
        if fault is not None:
            committed = ", committed" if getattr(fault, "committed", False) else ""
            kinds["faults"][f"{type(fault).__name__}{committed}"] += 1
        for event in _events(exchange):
            kinds["events"][event] += 1

    def to_json(self) -> dict[str, Any]:
        """Return all counts as a JSON document."""
        operations = {
            name: {
                "calls": self._calls[name],
                **{kind: dict(sorted(self._counts[name][kind].items())) for kind in _KINDS},
                "never": [*self._missing_outcomes(name)],
            }
            for name in self._names
        }
        return {
            "s2mock_coverage": VERSION,
            "operations": operations,
            "never_asked_for": self._never_asked_for,
            "not_counted": self._missed,
            "journals_off": self._without,
        }

    def add(self, document: dict[str, Any]) -> None:
        """Add the counts of another, from its `to_json`."""
        self._missed += document["not_counted"]
        self._without += document["journals_off"]
        for name, counts in document["operations"].items():
            self._calls[name] += counts["calls"]
            kinds = self._counts.setdefault(name, {kind: Counter() for kind in _KINDS})
            for kind in _KINDS:
                kinds[kind].update(counts[kind])

    def lines(self) -> Iterator[str]:
        """Yield all counts as lines of text."""
        if self._calls:
            yield from self._table_lines()
        elif not self._without:
            yield "s2mock received no request"
        if self._without:
            whose = "a mock" if self._without == 1 else f"{self._without} mocks"
            yield f"the exchanges of {whose} are not counted: the journal was off (journal_limit=0)"

    def _table_lines(self) -> Iterator[str]:
        width = max(map(len, self._names))
        for name in self._names:
            calls = self._calls[name]
            parts = [
                ", ".join(f"{what} {count}" for what, count in sorted(counts.items()))
                for counts in (self._counts[name][kind] for kind in _SHOWN)
                if counts
            ]
            yield f"{name.ljust(width)}  {calls:5}  {'; '.join(parts)}"
            if never := [*self._missing_outcomes(name)]:
                yield f"{' ' * width}         {'; '.join(f'never {what}' for what in never)}"
        if missing := self._never_asked_for:
            yield f"never called: {', '.join(missing)}"
        if self._missed:
            yield f"{self._missed} exchanges are not counted: no journal keeps them any more"

    @property
    def _names(self) -> list[str]:
        order = {name: index for index, name in enumerate(OPERATION_NAMES)}
        return sorted(self._calls, key=lambda name: order.get(name, len(order)))

    @property
    def _never_asked_for(self) -> list[str]:
        # A command is a record in an append.
        return [name for name in OPERATION_NAMES if not self._calls[name] and name not in COMMANDS]

    def _missing_outcomes(self, name: str) -> Iterator[str]:
        """Yield the outcomes that this operation never had."""
        if name == NO_ROUTE:
            return
        kinds = self._counts[name]
        occurred = kinds["statuses"].keys() | kinds["codes"].keys() | kinds["events"].keys()
        for what, text in (*_MISSING.get(name, ()), *_MISSING_FROM_ANY):
            if what not in occurred:
                yield text


def _wire_form(exchange: "Exchange") -> str:
    """Return the wire form: json, protobuf, s2s or sse."""
    headers = exchange.request.headers
    content_type, accept = headers.get("content-type", ""), headers.get("accept", "")
    if content_type.startswith("s2s/"):
        return "s2s"
    if "protobuf" in content_type or "protobuf" in accept:
        return "protobuf"
    if accept.startswith("text/event-stream"):
        return "sse"
    return "json"


def _events(exchange: "Exchange") -> Iterator[str]:
    response, fault = exchange.response, exchange.fault
    is_failure = response is not None and response.status >= 500
    if is_failure:
        yield "a failure"
    if is_answer_lost(0 if response is None else response.status, fault):
        yield LOST
    if exchange.session is not None:
        yield "a session"
