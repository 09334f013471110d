"""The history of a stream: its records, the removed ones too, and the exchange that made each.

It is computed from the log as it is now and from the journal, so no exchange costs anything for
it. Records never change: a record that is in the log now was there as soon as an exchange showed a
tail behind it. Records that are gone come from the bodies of appends, as far as the journal has
kept them.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice
from operator import itemgetter
from typing import Any, Final

from s2mock.control.views.account_view import CapturedView
from s2mock.control.views.records import appended_records, record_to_json, records_of
from s2mock.control.views.state_before import (
    MAX_RECORDS,
    StateBefore,
    state_before,
    tail_before,
)
from s2mock.control.views.token_before import find_token, issued_in
from s2mock.powers.exchange import Exchange
from s2mock.powers.faults import Late
from s2mock.registry.log.log import LogState
from s2mock.registry.state import StreamState

DEFAULT_COUNT: Final = 1000
_EMPTY: Final = LogState()
_MAX_NAMES: Final = 100
# The names of commands in a body, as text and as base64.
_TRACES: Final = (b"fence", b"trim", b"ZmVuY2", b"dHJpbQ")


def shown_tail(exchange: Exchange) -> int | None:
    """Return the lowest tail that the log can have had, as a read or a check of the tail shows."""
    response = exchange.response
    if response is None or response.status != 200 or exchange.session is not None:
        return None
    if exchange.operation == "read":
        last = exchange.effect.last_seq_num
        return None if last is None else last + 1
    if exchange.operation == "check-tail":
        document = response.document
        tail = document.get("tail") if isinstance(document, dict) else None
        return tail.get("seq_num") if isinstance(tail, dict) else None
    return None


def history_to_json(
    view: CapturedView,
    exchanges: Sequence[Exchange],
    basin: str,
    stream: str,
    before: int | None = None,
    count: int = DEFAULT_COUNT,
) -> dict[str, Any]:
    """Return the lifetimes of the streams that had that name, oldest first, as JSON.

    Each has its last `count` records before the sequence number `before`.
    """
    lifetimes = _lifetimes(exchanges, basin, stream)
    now = view.stream(basin, stream)
    if now is not None:
        last = lifetimes[-1] if lifetimes else None
        if last is None or last.end is not None or last.is_before(now):
            if last is not None and last.end is None:
                last.end = last.numbers[-1] + 1
            last = StreamLifetime(0 if last is None or last.end is None else last.end)
            lifetimes.append(last)
        last.log = (now.log or _EMPTY).expired(object(), view.time)
    return {
        "basin": basin,
        "stream": stream,
        "lives": [lifetime.to_json(before, count) for lifetime in lifetimes],
    }


def find_state_before(
    view: CapturedView, exchanges: Sequence[Exchange], exchange: Exchange
) -> StateBefore:
    """Return the state that an exchange found: basin, records of its stream, access token."""
    history = None
    if exchange.basin is not None and exchange.stream is not None:
        tail = tail_before(exchange)
        # Of more records than are shown, the last ones.
        count = DEFAULT_COUNT if tail is None else MAX_RECORDS
        history = history_to_json(view, exchanges, exchange.basin, exchange.stream, tail, count)
    token = find_token(view, issued_in(exchanges), exchange)
    return state_before(exchange, history, _names(view, exchange.basin), token)


def _names(view: CapturedView, basin: str | None) -> Iterator[tuple[str, str]]:
    parent = None if basin is None else view.state.basins.get(basin)
    if parent is not None:
        yield from ((parent.name, name) for name in islice(sorted(parent.streams), _MAX_NAMES))


def _lifetimes(exchanges: Iterable[Exchange], basin: str, stream: str) -> "list[StreamLifetime]":
    lifetimes: list[StreamLifetime] = []
    current: StreamLifetime | None = None
    for exchange in exchanges:
        if exchange.basin != basin:
            continue
        effect, number = exchange.effect, exchange.number
        if effect.kind == "deleted" and exchange.stream in (None, stream):
            if current is None and not lifetimes:
                lifetimes.append(StreamLifetime(0))
                current = lifetimes[-1]
            if current is not None:
                current.end, current = number, None
            continue
        if exchange.stream != stream:
            continue
        is_append = effect.kind == "appended" and exchange.operation == "append"
        is_another = effect.kind == "created" or (
            is_append and current is not None and current.overlaps(exchange)
        )
        if is_another and current is not None:
            current.end, current = number, None
        if is_another or is_append or effect.kind == "updated" or shown_tail(exchange) is not None:
            if current is None:
                current = StreamLifetime(number if is_another or lifetimes else 0)
                lifetimes.append(current)
            current.add(exchange, is_append=is_append)
    return lifetimes


class StreamLifetime:
    """A stream from its creation to its deletion, as far as the journal shows it.

    `start` is the number of the exchange that created it, 0 for an unknown one; `end` is the number
    of the one that deleted it.
    """

    def __init__(self, start: int) -> None:
        self.start = start
        self.end: int | None = None
        self.log: LogState | None = None
        # The numbers of the exchanges that show it, and the time of the last.
        self.numbers: list[int] = [start] if start else []
        self._at = 0
        # First and last sequence number of each append, and its exchange.
        self._appends: list[tuple[int, int, Exchange]] = []
        # Numbers of exchanges, and the tail that each showed.
        self._tails: list[tuple[int, int]] = []

    def is_before(self, now: StreamState) -> bool:
        """True if the stream of that name in the present state is a later one."""
        log = now.log or _EMPTY
        return now.created_at > self._at > 0 or log.tail.seq_num < self._reached

    @property
    def _reached(self) -> int:
        return self._tails[-1][1] if self._tails else 0

    @property
    def _known_end(self) -> int:
        last = self._appends[-1][1] if self._appends else -1
        return max(self._reached, last + 1)

    def overlaps(self, exchange: Exchange) -> bool:
        """True if an append got these sequence numbers before: then this is another stream."""
        first, last = exchange.effect.first_seq_num, exchange.effect.last_seq_num
        assert first is not None
        assert last is not None
        at = bisect_right(self._appends, first, key=itemgetter(0))
        is_in_last = at > 0 and self._appends[at - 1][1] >= first
        return is_in_last or (at < len(self._appends) and self._appends[at][0] <= last)

    def add(self, exchange: Exchange, *, is_append: bool) -> None:
        """Add an exchange that shows the stream."""
        self.numbers.append(exchange.number)
        self._at = exchange.at or self._at
        first, last = exchange.effect.first_seq_num, exchange.effect.last_seq_num
        if is_append and first is not None and last is not None:
            insort(self._appends, (first, last, exchange), key=itemgetter(0))
            # One that was applied late says nothing of the tail at its own place in the journal.
            tail: int | None = None if isinstance(exchange.fault, Late) else last + 1
        else:
            tail = shown_tail(exchange)
        if tail is not None and tail > self._reached:
            self._tails.append((exchange.number, tail))

    def to_json(self, before: int | None, count: int) -> dict[str, Any]:
        """Return the lifetime as JSON, with the last `count` records before `before`."""
        log = self.log
        end = self._known_end if log is None else log.tail.seq_num
        high = end if before is None else min(before, end)
        low = max(0, high - count)
        trim_point = 0 if log is None else log.trim_point
        there = dict(records_of(log, low, high)) if log is not None else {}
        known = {**self._from_journal(low, high, there), **there}
        since, after = _Since(self._tails), _After(self._appends)
        records = []
        for seq_num in sorted(known):
            record = known[seq_num]
            append = self._append_with(seq_num)
            if seq_num not in there and log is not None:
                gone: str | None = "trimmed" if seq_num < trim_point else "expired"
            else:
                gone = "deleted" if log is None else None
            records.append(
                {
                    "seq_num": seq_num,
                    **record,
                    "by": append,
                    "since": since(seq_num),
                    "after": after(seq_num) if append is None else None,
                    "gone": gone,
                }
            )
        return {
            "start": self.start,
            "end": self.end,
            "is_there": log is not None,
            "low": low,
            "tail": end,
            "trim_point": min(trim_point, end),
            "fencing_token": "" if log is None else log.fencing_token,
            "tails": self._tails,
            "commands": [
                {**command, "since": since(command["seq_num"])}
                for command in self._commands(low, high, known)
            ],
            "records": records,
        }

    def _append_with(self, seq_num: int) -> int | None:
        at = bisect_right(self._appends, seq_num, key=itemgetter(0)) - 1
        if at < 0 or self._appends[at][1] < seq_num:
            return None
        return self._appends[at][2].number

    def _from_journal(self, low: int, high: int, there: Any) -> dict[int, dict[str, Any]]:
        """Return the removed records, as far as the journal has the bodies of their appends."""
        found = {}
        for first, last, exchange in self._appends:
            within = range(max(first, low), min(last + 1, high))
            if within and not all(seq_num in there for seq_num in within):
                records = appended_records(exchange)
                for seq_num in within:
                    if seq_num - first < len(records):
                        found[seq_num] = records[seq_num - first]
        return found

    def _commands(self, low: int, high: int, known: dict[int, Any]) -> list[dict[str, Any]]:
        """Return all known command records, those outside of the range too."""
        found = {
            seq_num: record for seq_num, record in known.items() if record["command"] is not None
        }
        if self.log is not None:
            for span in self.log.spans():
                for seq_num, timestamp, record in span.rows:
                    if record.command is not None:
                        found[seq_num] = record_to_json(timestamp, record)
        for first, last, exchange in self._appends:
            body = exchange.request.body
            is_known = low <= first and last < high
            if body and not is_known and any(trace in body for trace in _TRACES):
                for seq_num, appended in enumerate(appended_records(exchange), first):
                    if appended["command"] is not None:
                        found.setdefault(seq_num, appended)
        return [
            {"seq_num": seq_num, "command": record["command"], "value": record["value"]}
            for seq_num, record in sorted(found.items())
        ]


class _Since:
    """Return the first exchange that shows that a record was there, or None."""

    def __init__(self, tails: list[tuple[int, int]]) -> None:
        self._numbers = [number for number, _ in tails]
        self._tails = [tail for _, tail in tails]

    def __call__(self, seq_num: int) -> int | None:
        at = bisect_right(self._tails, seq_num)
        return self._numbers[at] if at < len(self._numbers) else None


class _After:
    """Return the last exchange without a record that no exchange has appended."""

    def __init__(self, appends: list[tuple[int, int, Exchange]]) -> None:
        self._lasts = [last for _, last, _ in appends]
        numbers = [exchange.number for _, _, exchange in appends]
        self._numbers = list(accumulate(numbers, max))

    def __call__(self, seq_num: int) -> int:
        at = bisect_left(self._lasts, seq_num)
        return self._numbers[at - 1] if at else 0
