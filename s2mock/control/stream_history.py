"""The life of a stream, as the journal tells of it: what was in it, and from when on."""

from bisect import bisect_left, bisect_right, insort
from itertools import accumulate
from operator import itemgetter
from typing import Any, Final

from s2mock.control.records import appended, record_form, records_of
from s2mock.powers.exchange import Exchange
from s2mock.registry.log.log import LogState
from s2mock.registry.state import StreamState

_EMPTY: Final = LogState()
# How these look in a body, as text and as base64.
_TRACES: Final = (b"fence", b"trim", b"ZmVuY2", b"dHJpbQ")


def shown_tail(exchange: Exchange) -> int | None:
    """How far the log reached at least, as a read or a check of the tail has shown."""
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


class StreamLifetime:
    """A stream from its creation to its deletion, as the journal tells of it.

    `start` is the exchange with which it began, 0 if that was before, or nobody knows; `end` is the
    one with which it ended.
    """

    def __init__(self, start: int) -> None:
        self.start = start
        self.end: int | None = None
        self.log: LogState | None = None
        # The exchanges that tell of it, and the moment of the last.
        self.numbers: list[int] = [start] if start else []
        self._at = 0
        # First and last sequence number, and which exchange that was.
        self._appends: list[tuple[int, int, Exchange]] = []
        # Exchanges, and how far the log reached with each.
        self._tails: list[tuple[int, int]] = []

    def is_before(self, now: StreamState) -> bool:
        """Whether the stream that is there now is a later one."""
        log = now.log or _EMPTY
        return now.created_at > self._at > 0 or log.tail.seq_num < self._reached

    @property
    def _reached(self) -> int:
        return self._tails[-1][1] if self._tails else 0

    def overlaps(self, exchange: Exchange) -> bool:
        """Whether a sequence number was given before: then it is another stream of that name."""
        first, last = exchange.effect.first_seq_num, exchange.effect.last_seq_num
        assert first is not None
        assert last is not None
        at = bisect_right(self._appends, first, key=itemgetter(0))
        is_in_last = at > 0 and self._appends[at - 1][1] >= first
        return is_in_last or (at < len(self._appends) and self._appends[at][0] <= last)

    def take(self, exchange: Exchange, *, is_append: bool) -> None:
        """Note what that one tells."""
        self.numbers.append(exchange.number)
        self._at = exchange.at or self._at
        first, last = exchange.effect.first_seq_num, exchange.effect.last_seq_num
        if is_append and first is not None and last is not None:
            insort(self._appends, (first, last, exchange), key=itemgetter(0))
            tail: int | None = last + 1
        else:
            tail = shown_tail(exchange)
        if tail is not None and tail > self._reached:
            self._tails.append((exchange.number, tail))

    def form(self, before: int | None, count: int) -> dict[str, Any]:
        """It, as JSON."""
        log = self.log
        end = self._reached if log is None else log.tail.seq_num
        high = end if before is None else min(before, end)
        low = max(0, high - count)
        trim_point = 0 if log is None else log.trim_point
        there = dict(records_of(log, low, high)) if log is not None else {}
        known = {**self._of_journal(low, high, there), **there}
        since, after = _Since(self._tails), _After(self._appends)
        records = []
        for seq_num in sorted(known):
            record = known[seq_num]
            append = self._append_of(seq_num)
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

    def _append_of(self, seq_num: int) -> int | None:
        at = bisect_right(self._appends, seq_num, key=itemgetter(0)) - 1
        if at < 0 or self._appends[at][1] < seq_num:
            return None
        return self._appends[at][2].number

    def _of_journal(self, low: int, high: int, there: Any) -> dict[int, dict[str, Any]]:
        """What was appended and is not there any more, as far as the journal has it."""
        found = {}
        for first, last, exchange in self._appends:
            within = range(max(first, low), min(last + 1, high))
            if within and not all(seq_num in there for seq_num in within):
                records = appended(exchange)
                for seq_num in within:
                    if seq_num - first < len(records):
                        found[seq_num] = records[seq_num - first]
        return found

    def _commands(self, low: int, high: int, known: dict[int, Any]) -> list[dict[str, Any]]:
        """Those that are known, wherever they stand: they say what was fenced and trimmed."""
        found = {
            seq_num: record for seq_num, record in known.items() if record["command"] is not None
        }
        if self.log is not None:
            for span in self.log.spans():
                for seq_num, timestamp, record in span.rows:
                    if record.command is not None:
                        found[seq_num] = record_form(timestamp, record)
        for first, last, exchange in self._appends:
            body = exchange.request.body
            is_known = low <= first and last < high
            if body and not is_known and any(trace in body for trace in _TRACES):
                for seq_num, form in enumerate(appended(exchange), first):
                    if form["command"] is not None:
                        found.setdefault(seq_num, form)
        return [
            {"seq_num": seq_num, "command": form["command"], "value": form["value"]}
            for seq_num, form in sorted(found.items())
        ]


class _Since:
    """From which exchange on a record is known to have been there; None where none has shown it."""

    def __init__(self, tails: list[tuple[int, int]]) -> None:
        self._numbers = [number for number, _ in tails]
        self._tails = [tail for _, tail in tails]

    def __call__(self, seq_num: int) -> int | None:
        at = bisect_right(self._tails, seq_num)
        return self._numbers[at] if at < len(self._numbers) else None


class _After:
    """After which exchange a record came that no exchange has brought: the last without it."""

    def __init__(self, appends: list[tuple[int, int, Exchange]]) -> None:
        self._lasts = [last for _, last, _ in appends]
        numbers = [exchange.number for _, _, exchange in appends]
        self._numbers = list(accumulate(numbers, max))

    def __call__(self, seq_num: int) -> int:
        at = bisect_left(self._lasts, seq_num)
        return self._numbers[at - 1] if at else 0
