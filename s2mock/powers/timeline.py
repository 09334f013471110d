"""The timeline: the exchanges of a test as lines of text, for the report of its failure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from s2mock.powers.exchange import Exchange, Response, error_code
from s2mock.powers.faults import Late, is_answer_lost
from s2mock.runtime.status_phrases import STATUS_PHRASES

MAX_LINES = 30
_INDENT = " " * 12
_MAX_NAME = 40
_NO_MARKS: Final[Mapping[int, str]] = MappingProxyType({})


def make_title(exchanges: Sequence[Exchange]) -> str:
    """Return a title with the numbers of exchanges and faults."""
    faults = sum(exchange.fault is not None for exchange in exchanges)
    text = f"s2mock: {_counted(len(exchanges), 'exchange')}"
    return f"{text}, {_counted(faults, 'fault')}" if faults else text


def make_timeline(
    exchanges: Sequence[Exchange],
    marks: Mapping[int, str] = _NO_MARKS,
    spell: Callable[[str], str] = str,
) -> str:
    """Return a line for each of the last exchanges, and the reason of the last refusal.

    `marks` are texts for the ends of lines, by the numbers of exchanges. `spell` returns a text
    with calls in Python, such as faults, in another spelling.
    """
    folded = list(_fold_batches(exchanges))
    shown = folded[-MAX_LINES:]
    start = min(exchange.began for exchange in exchanges)
    rows = [_make_cells(group, start) for group in shown]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lost = [exchange for exchange in exchanges if _is_lost_append(exchange)]
    lines = []
    if len(shown) < len(folded):
        lines.append(f"... {len(folded) - len(shown)} lines before these")
    for group, row in zip(shown, rows, strict=True):
        cells = [row[0].rjust(widths[0]), *map(str.ljust, row[1:5], widths[1:])]
        marked = [marks[one.number] for one in group if one.number in marks]
        lines.append("  ".join([*cells, *_describe_outcome(group, lost, spell), *marked]).rstrip())
        lines += [f"{_INDENT}{spell(text)}" for text in group[-1].advice]
    last_refused = _find_last_refusal(exchanges)
    if last_refused is not None:
        before = "" if last_refused is shown[-1][-1] else f"{last_refused.number}: "
        if last_refused.reason:
            lines.append(f"{_INDENT}{before}{spell(last_refused.reason)}")
            before = ""
        lines.append(f"{_INDENT}{before}{last_refused.curl()}")
    return "\n".join(lines)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _fold_batches(exchanges: Sequence[Exchange]) -> Iterator[list[Exchange]]:
    """Yield the exchanges; successive batches of one session that succeeded are one group."""
    group: list[Exchange] = []
    for exchange in exchanges:
        if group and _can_fold(group[-1], exchange):
            group.append(exchange)
            continue
        if group:
            yield group
        group = [exchange]
    if group:
        yield group


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
    if last.fault is not None:
        yield spell(repr(last.fault))
        if isinstance(last.fault, Late):
            yield "applied late" if effect.committed else "not applied"
    for exchange in group:
        if (twin := _find_twin(exchange, lost)) is not None:
            which = "" if len(group) == 1 else f"{exchange.number}: "
            yield f"{which}the same batch as {twin}"


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


def _find_last_refusal(exchanges: Sequence[Exchange]) -> Exchange | None:
    for exchange in reversed(exchanges):
        response = exchange.response
        if response is None or response.status >= 400 or response.message:
            return exchange
    return None
