"""The timeline: the exchanges of a test as lines of text, for the report of its failure."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from s2mock.powers.cause import find_cause, is_notable, is_refused
from s2mock.powers.exchange import Exchange, Response, error_code
from s2mock.powers.faults import Late, is_answer_lost
from s2mock.runtime.status_phrases import STATUS_PHRASES

MAX_LINES = 20
"""The number of lines that a timeline has at most, beside those that are never left out."""
_FIRST_LINES: Final = 24
# More exchanges of note than this that end alike are one line.
_MAX_ALIKE: Final = 4
_INDENT = " " * 12
_MAX_NAME = 40
_ORDER: Final = "in the order of their ends; the times are those of their arrivals"
_AGAIN: Final = "the same advice as above"
_NO_MARKS: Final[Mapping[int, str]] = MappingProxyType({})
_NUMBER: Final = re.compile(r"\d+")


def make_title(exchanges: Sequence[Exchange], name: str | None = None) -> str:
    """Return a title with the numbers of exchanges and faults, and the name of their mock."""
    faults = sum(exchange.fault is not None for exchange in exchanges)
    text = f"s2mock: {_counted(len(exchanges), 'exchange')}"
    text = f"{text}, {_counted(faults, 'fault')}" if faults else text
    return f"{text} ({name})" if name else text


def make_timeline(
    exchanges: Sequence[Exchange],
    marks: Mapping[int, str] = _NO_MARKS,
    spell: Callable[[str], str] = str,
) -> str:
    """Return a line for each exchange, or of a long list for the last ones and those of note.

    An exchange with a fault, a hold, a refusal or an advice is never left out; equal ones in a row
    share a line. Below are the reason of the last refusal, and a command that sends it again. If
    the likely cause of a failure were far down, it is at the top, too. `marks` are texts for the
    ends of lines, by the numbers of exchanges. `spell` returns a text with calls in Python, such as
    faults, in another spelling.
    """
    groups = list(_fold(exchanges, _can_fold))
    if len(groups) > MAX_LINES:
        groups = list(
            _fold(exchanges, lambda one, other: _can_fold(one, other) or _is_again(one, other))
        )
    lines, places = _Rows(exchanges, marks, spell).lines(groups)
    last_refused = next(filter(is_refused, reversed(exchanges)), None)
    if last_refused is not None:
        is_below = last_refused is groups[-1][-1]
        lines += _explain(last_refused, "" if is_below else f"{last_refused.number}: ", spell)
    cause = find_cause(exchanges)
    if cause is not None and (
        places.get(cause.number, _FIRST_LINES + 1) > _FIRST_LINES
        or (cause is last_refused and len(lines) > _FIRST_LINES)
    ):
        lines[:0] = [*_lead(cause, spell), ""]
    return "\n".join(lines)


def _lead(cause: Exchange, spell: Callable[[str], str]) -> list[str]:
    """Return the lines of the likely cause, for the top of a long timeline."""
    row = "  ".join(
        [*_make_cells([cause], cause.began)[2:], *_describe_outcome([cause], [], spell)]
    )
    lines = [f"the likely cause is exchange {cause.number}: {row}"]
    lines += [f"{_INDENT}{spell(text)}" for text in cause.advice]
    return lines + (_explain(cause, "", spell) if is_refused(cause) else [])


def _explain(refused: Exchange, before: str, spell: Callable[[str], str]) -> list[str]:
    lines = []
    # Without a response and a fault, its own line has it.
    if refused.reason and (refused.response is not None or refused.fault is not None):
        lines.append(f"{_INDENT}{before}{spell(refused.reason)}")
        before = ""
    return [*lines, f"{_INDENT}{before}{refused.curl()}"]


class _Rows:
    """The lines of groups of exchanges, in columns."""

    def __init__(
        self,
        exchanges: Sequence[Exchange],
        marks: Mapping[int, str],
        spell: Callable[[str], str],
    ) -> None:
        self._marks = marks
        self._spell = spell
        self._start = min(exchange.began for exchange in exchanges)
        self._lost = [exchange for exchange in exchanges if _is_lost_append(exchange)]
        self._is_in_order = all(one.began <= other.began for one, other in pairwise(exchanges))
        self._advised: set[str] = set()
        self._repeated: dict[int, str] = {}
        self._by_number = {exchange.number: exchange for exchange in exchanges}

    def lines(self, groups: list[list[Exchange]]) -> tuple[list[str], dict[int, int]]:
        """Return the lines, and by the number of each exchange shown how many are up to it."""
        shown = self._choose(groups)
        rows = [_make_cells(group, self._start) for group in shown if group is not None]
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        lines = [] if self._is_in_order else [_ORDER]
        places: dict[int, int] = {}
        cells = iter(rows)
        skipped = _gaps(groups, shown, has_repetitions=bool(self._repeated))
        for group in shown:
            if group is None:
                lines.append(next(skipped))
                continue
            row = next(cells)
            start = [row[0].rjust(widths[0]), *map(str.ljust, row[1:5], widths[1:])]
            lines.append("  ".join([*start, *self._end_of(group)]).rstrip())
            lines += self._advice_of(group)
            places |= {one.number: len(lines) for one in group}
        return lines, places

    def _choose(self, groups: list[list[Exchange]]) -> list[list[Exchange] | None]:
        """Return the groups to show, with None for each part that is left out."""
        if len(groups) <= MAX_LINES:
            return list(groups)
        is_shown = [self._is_notable(group) for group in groups]
        self._leave_out_repetitions(groups, is_shown)
        # The last ones are shown, too, and no gap is of one line.
        rest = max(MAX_LINES - sum(is_shown) - 1, 4)
        for number in range(len(groups) - rest, len(groups)):
            is_shown[number] = True
        for number in range(1, len(groups) - 1):
            is_shown[number] |= is_shown[number - 1] and is_shown[number + 1]
        chosen: list[list[Exchange] | None] = []
        for group, is_here in zip(groups, is_shown, strict=True):
            if is_here:
                chosen.append(group)
            elif not chosen or chosen[-1] is not None:
                chosen.append(None)
        return chosen

    def _leave_out_repetitions(self, groups: list[list[Exchange]], is_shown: list[bool]) -> None:
        """Leave out exchanges that end as many others did; the first of them counts the others."""
        alike: dict[str, list[int]] = {}
        for number, group in enumerate(groups):
            if is_shown[number]:
                alike.setdefault(repr(_outcome_key(group[-1])), []).append(number)
        for numbers in alike.values():
            if len(numbers) > _MAX_ALIKE:
                for number in numbers[1:]:
                    is_shown[number] = False
                first, last = groups[numbers[0]][-1], groups[numbers[-1]][-1]
                others = sum(len(groups[number]) for number in numbers[1:])
                self._repeated[first.number] = f"and {others} more like it, up to {last.number}"

    def _is_notable(self, group: list[Exchange]) -> bool:
        return any(
            is_notable(one) or one.number in self._marks or _find_twin(one, self._lost) is not None
            for one in group
        )

    def _end_of(self, group: list[Exchange]) -> Iterator[str]:
        yield from _describe_outcome(group, self._lost, self._spell)
        last = group[-1]
        if last.held_at is not None:
            yield _describe_hold(last, self._by_number.get(last.number - 1))
        yield from (self._marks[one.number] for one in group if one.number in self._marks)
        yield from (self._repeated[one.number] for one in group if one.number in self._repeated)

    def _advice_of(self, group: list[Exchange]) -> Iterator[str]:
        """Yield each advice on a group once; the same text was shown before for other numbers."""
        for text in dict.fromkeys(text for one in group for text in one.advice):
            key = _NUMBER.sub("#", text)
            is_new = key not in self._advised
            self._advised.add(key)
            yield f"{_INDENT}{self._spell(text)}" if is_new else f"{_INDENT}{_AGAIN}"


def _gaps(
    groups: list[list[Exchange]], shown: list[list[Exchange] | None], *, has_repetitions: bool
) -> Iterator[str]:
    """Yield a line for each part that is left out."""
    without = "without a fault, a hold, a refusal or advice"
    more = f"{without}, or like one above" if has_repetitions else without
    kept = {id(group) for group in shown if group is not None}
    count = 0
    for group in [*groups, None]:
        if group is not None and id(group) not in kept:
            count += len(group)
        elif count:
            yield f"... {_counted(count, 'exchange')} {more}"
            count = 0


def _fold(
    exchanges: Sequence[Exchange], can_fold: Callable[[Exchange, Exchange], bool]
) -> Iterator[list[Exchange]]:
    """Yield the exchanges in groups: those that follow each other and can be folded are one."""
    group: list[Exchange] = []
    for exchange in exchanges:
        if group and not can_fold(group[-1], exchange):
            yield group
            group = []
        group.append(exchange)
    if group:
        yield group


def _is_again(one: Exchange, other: Exchange) -> bool:
    """True for an exchange of note that ends as the one before it did."""
    return is_notable(one) and _outcome_key(one) == _outcome_key(other)


def _outcome_key(exchange: Exchange) -> tuple[object, ...]:
    response = exchange.response
    return (
        *(exchange.operation, exchange.basin, exchange.stream, exchange.held_at),
        *(repr(exchange.fault), exchange.effect.kind, exchange.ended is None),
        None if response is None else (response.status, name_error(response)),
        [_NUMBER.sub("#", text) for text in exchange.advice],
        # What took effect without a response that says so is never one of many.
        exchange.effect.committed and is_refused(exchange) and exchange.number,
    )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _can_fold(one: Exchange, other: Exchange) -> bool:
    return _is_plain_batch(one) and _is_plain_batch(other) and one.session == other.session


def _is_plain_batch(exchange: Exchange) -> bool:
    return (
        exchange.operation == "append"
        and exchange.session is not None
        and exchange.response is not None
        and exchange.response.code is None
        and exchange.response.status < 400
        and exchange.fault is None
    )


def _make_cells(group: list[Exchange], start: float) -> list[str]:
    """Return the cells of a line: number, time, operation, basin and stream, status."""
    first, last = group[0], group[-1]
    number = str(first.number) if first is last else f"{first.number}-{last.number}"
    about = "  ".join(_short(part) for part in (first.basin, first.stream) if part)
    operation = first.operation
    if operation is None:
        operation, about = first.request.method, _short(first.request.path)
    status = "---" if last.response is None else str(last.response.status)
    return [number, f"+{first.began - start:.3f}", operation, about, status]


def _short(name: str) -> str:
    return name if len(name) <= _MAX_NAME else name[: _MAX_NAME - 3] + "..."


def _describe_outcome(
    group: list[Exchange], lost: Sequence[Exchange], spell: Callable[[str], str]
) -> Iterator[str]:
    """Yield short texts on the outcome; `lost` are the appends whose responses were lost."""
    last = group[-1]
    response, effect = last.response, last.effect
    if response is not None and (response.status >= 400 or response.code or response.message):
        yield name_error(response)
    if len(group) > 1 and is_notable(last):
        yield f"{len(group)} times"
    first = group[0].effect.first_seq_num
    if first is not None and effect.last_seq_num is not None:
        verb = "" if effect.kind == "appended" or last.operation != "read" else "read "
        count = effect.last_seq_num - first + 1
        yield f"{verb}{_counted(count, 'record')}, {first}..{effect.last_seq_num}"
    elif effect.kind is not None:
        yield effect.kind
    elif response is not None and response.headers.get("s2-provision-result") == "noop":
        yield "noop"
    if last.ended is None:
        yield "still open"
    if last.reason is not None and response is None and last.fault is None:
        yield last.reason
    if last.fault is not None:
        yield spell(repr(last.fault))
        if isinstance(last.fault, Late):
            yield "applied late" if effect.committed else "not applied"
    for exchange in group:
        if (twin := _find_twin(exchange, lost)) is not None:
            which = "" if len(group) == 1 else f"{exchange.number}: "
            yield f"{which}the same batch as {twin}"


def _describe_hold(exchange: Exchange, before: Exchange | None) -> str:
    """Return at which point an exchange was held, and after which other one it was released.

    It got its number when it ended, right after its release; `before` is the one before it.
    """
    where = f"held at its {exchange.held_at}"
    if before is None or before.ended is None or before.ended < exchange.began:
        return where
    return f"{where}, released after {before.number}"


def name_error(response: Response) -> str:
    """Return a short name of a response's error: its code, or else the phrase of its status."""
    return error_code(response) or STATUS_PHRASES.get(response.status, "").lower()


def _is_lost_append(exchange: Exchange) -> bool:
    """True if an append took effect and its response was lost."""
    status = 0 if exchange.response is None else exchange.response.status
    is_append = exchange.operation == "append" and exchange.effect.committed
    return is_append and is_answer_lost(status, exchange.fault)


def _find_twin(exchange: Exchange, lost: Sequence[Exchange]) -> int | None:
    """Return the number of an earlier lost append with the same batch, or None."""
    if exchange.operation != "append":
        return None
    document = None
    for one in lost:
        if one.number >= exchange.number:
            break
        if (one.basin, one.stream) == (exchange.basin, exchange.stream):
            if document is None:
                document = exchange.request.document
            if document is not None and one.request.document == document:
                return one.number
    return None
