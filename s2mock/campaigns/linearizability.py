"""A check whether what the clients of an account observed is linearizable, stream by stream.

A history is linearizable if each operation can be given one moment between its beginning and its
end so that, one after the other, all have the outcomes that their clients saw. The search is that
of Wing and Gong, "Testing and Verifying Concurrent Objects" (1993), with the memory of Lowe,
"Testing for linearizability" (2017): each set of operations with a state is tried once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final, NamedTuple

from s2mock.powers.exchange import Exchange
from s2mock.powers.faults import is_answer_lost
from s2mock.powers.powers import Powers
from s2mock.registry.log.log import LogState
from s2mock.registry.state import StreamState

Body = str | bytes | None
"""The body of a record; None for one that is not known, which equals any other."""

MAX_OPERATIONS: Final = 2_000
"""A stream with more operations and direct appends than this is not checked."""

_TOLD_TAIL: Final = (200, 416)
# Statuses after which an append may have been applied, beside those without an answer.
_FIRST_UNCERTAIN: Final = 500


class NotLinearizable(AssertionError):
    """The outcomes that the clients of an attempt saw have no explanation, in any order."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One operation on a stream, as its client saw it; times in any unit.

    `ended` is infinite for an operation without an answer. With `is_optional` it may not have taken
    place. `tail` is the position of the next record that the client was told, at the moment of the
    operation; `least_tail` is one that was reached then. `token` is the fencing token that it was
    told. `seen` are records that it was given, by their numbers. An append has `bodies`; its
    conditions are `match_seq_num` and `fencing_token`, and `start` is where it was acknowledged to
    be. `fence` is the token that it has set.
    """

    text: str
    began: float
    ended: float = inf
    is_optional: bool = False
    tail: int | None = None
    least_tail: int = 0
    token: str | None = None
    seen: tuple[tuple[int, Body], ...] = ()
    bodies: tuple[Body, ...] = ()
    match_seq_num: int | None = None
    fencing_token: str | None = None
    start: int | None = None
    fence: str | None = None


class _Log(NamedTuple):
    """The records of a stream, as a list with the last append first, and its fencing token."""

    tail: int = 0
    fence: str = ""
    digest: int = 0
    bodies: tuple[Body, ...] = ()
    before: "_Log | None" = None

    @property
    def key(self) -> tuple[int, str, int]:
        return self.tail, self.fence, self.digest

    def find(self, seq_num: int) -> Body:
        """Return the body of a record below the tail."""
        log: _Log | None = self
        while log is not None:
            first = log.tail - len(log.bodies)
            if seq_num >= first:
                return log.bodies[seq_num - first]
            log = log.before
        raise AssertionError("below the tail there are records")

    def after(self, one: Observation) -> "_Log | None":
        """Return the state after an operation that took place, None if its outcome is another."""
        if not self._explains(one):
            return None
        if not one.bodies:
            return self
        fence = self.fence if one.fence is None else one.fence
        digest = hash((self.digest, one.bodies))
        return _Log(self.tail + len(one.bodies), fence, digest, one.bodies, self)

    def _explains(self, one: Observation) -> bool:
        if one.tail not in (None, self.tail) or one.least_tail > self.tail:
            return False
        if one.token not in (None, self.fence) or one.fencing_token not in (None, self.fence):
            return False
        if one.match_seq_num not in (None, self.tail) or one.start not in (None, self.tail):
            return False
        return all(
            seq_num < self.tail and _is_equal(self.find(seq_num), body)
            for seq_num, body in one.seen
        )


def _is_equal(one: Body, other: Body) -> bool:
    return one is None or other is None or one == other


def find_order(history: Iterable[Observation]) -> list[Observation] | None:
    """Return the operations in an order that explains what their clients saw; None without one.

    Those that may not have taken place, and have not, are not in it.
    """
    calls = sorted(history, key=lambda one: (one.began, one.ended))
    required = sum(1 << at for at, one in enumerate(calls) if not one.is_optional)
    order: list[Observation] = []
    tried: set[tuple[int, tuple[int, str, int]]] = set()
    pending = [_Step(_Log(), 0, _candidates(calls, 0))]
    while pending:
        step = pending[-1]
        if step.done & required == required:
            return order
        for at in step.candidates:
            log = step.log.after(calls[at])
            done = step.done | 1 << at
            if log is None or (done, log.key) in tried:
                continue
            tried.add((done, log.key))
            order.append(calls[at])
            pending.append(_Step(log, done, _candidates(calls, done)))
            break
        else:
            pending.pop()
            if order:
                order.pop()
    return None


@dataclass
class _Step:
    """A state of the search: the operations that took place, and those that may be next."""

    log: _Log
    done: int
    candidates: Iterator[int] = field(repr=False)


def _candidates(calls: Sequence[Observation], done: int) -> Iterator[int]:
    """Yield the operations that may be next: those that began before any that is left has ended."""
    first_end = inf
    found = []
    for at, one in enumerate(calls):
        if one.began > first_end:
            break
        if not done >> at & 1:
            found.append(at)
            first_end = min(first_end, one.ended)
    return iter([at for at in found if calls[at].began <= first_end])


# The history of a journal.


def check(powers: Powers) -> None:
    """Check what the clients of an account observed. Raises `NotLinearizable`.

    A stream is left out that was deleted in between, whose exchanges or batches are not all in the
    journal, or that has more than `MAX_OPERATIONS`.
    """
    if powers.journal.summary.dropped or not powers.journal.is_on:
        return
    exchanges = powers.journal.since(0)
    deleted = {
        (one.basin, one.stream if one.operation == "delete-stream" else None)
        for one in exchanges
        if one.operation in ("delete-stream", "delete-basin")
    }
    for basin in powers.engine.state.basins.values():
        for stream in basin.streams.values():
            place = (basin.name, stream.name)
            if place in deleted or (basin.name, None) in deleted:
                continue
            own = [one for one in exchanges if (one.basin, one.stream) == place]
            if own:
                check_stream(own, stream)


def check_stream(exchanges: Sequence[Exchange], stream: StreamState) -> None:
    """Check the exchanges of one stream, the present state of which tells what else was appended.

    Raises `NotLinearizable`.
    """
    history = [seen for one in exchanges if (seen := observation_of(one)) is not None]
    history += _appended_directly(exchanges, stream.log or LogState())
    # A batch that is not known may have set the fencing token.
    if len(history) > MAX_OPERATIONS or any(None in one.bodies for one in history):
        return
    if find_order(history) is None:
        told = "\n".join(f"    {one.text}" for one in sorted(history, key=lambda one: one.began))
        raise NotLinearizable(
            f"what the clients of {stream.name} observed is not linearizable: no order explains\n"
            f"{told}"
        )


def observation_of(exchange: Exchange) -> Observation | None:
    """Return what the client of an exchange has observed; None if that is nothing."""
    response = exchange.response
    status = None if response is None else response.status
    if is_answer_lost(status or 0, exchange.fault):
        status = None
    document = None if response is None else response.document
    answer: dict[str, Any] = document if isinstance(document, dict) else {}
    ended = inf if exchange.ended is None else exchange.ended
    text = f"{exchange.number} {exchange.operation}: {status or 'no answer'}"
    if exchange.operation == "append":
        return _observe_append(exchange, status, answer, text, ended)
    if exchange.operation == "check-tail" and status == 200:
        tail = answer.get("tail", {}).get("seq_num")
        text += f", the tail is {tail}"
        return Observation(text=text, began=exchange.began, ended=ended, tail=tail)
    if exchange.operation == "read" and status in _TOLD_TAIL:
        return _observe_read(exchange, answer, text, ended)
    return None


def _observe_append(
    exchange: Exchange, status: int | None, answer: dict[str, Any], text: str, ended: float
) -> Observation | None:
    began = exchange.began
    if status == 412:
        tail, token = answer.get("seq_num_mismatch"), answer.get("fencing_token_mismatch")
        text += f", {answer}"
        return Observation(text=text, began=began, ended=ended, tail=tail, token=token)
    is_uncertain = status is None or status >= _FIRST_UNCERTAIN
    if not is_uncertain and status != 200:
        return None
    document = exchange.request.document
    asked: dict[str, Any] = document if isinstance(document, dict) else {}
    records = asked.get("records", ())
    if not records:
        # The journal does not keep the batch; the effect says how many records it had.
        first, last = exchange.effect.first_seq_num, exchange.effect.last_seq_num
        count = 0 if first is None or last is None else last - first + 1
        if not count:
            return None
        records = [None] * count
    start = answer.get("start", {}).get("seq_num")
    if not is_uncertain and start is not None:
        text += f", {len(records)} records at {start}"
    return Observation(
        text=text,
        began=began,
        ended=inf if is_uncertain else ended,
        is_optional=is_uncertain,
        bodies=tuple(None if one is None else one.get("body", "") for one in records),
        match_seq_num=asked.get("match_seq_num"),
        fencing_token=asked.get("fencing_token"),
        start=None if is_uncertain else start,
        fence=_fence_of(records),
    )


def _fence_of(records: Iterable[Any]) -> str | None:
    """Return the fencing token that a batch sets: the body of its last fence command."""
    fence = None
    for one in records:
        headers: Any = [] if one is None else one.get("headers", [])
        if [tuple(header) for header in headers] == [("", "fence")]:
            fence = str(one.get("body", ""))
    return fence


def _observe_read(
    exchange: Exchange, answer: dict[str, Any], text: str, ended: float
) -> Observation | None:
    last = exchange.effect.last_seq_num
    if exchange.session is not None:
        # Its records were delivered one after the other, the last one at some moment.
        least = 0 if last is None else last + 1
        text += "" if last is None else f", records up to {last}"
        return Observation(text=text, began=exchange.began, ended=ended, least_tail=least)
    seen = tuple((one["seq_num"], one.get("body", "")) for one in answer.get("records", ()) if one)
    tail = answer.get("tail", {}).get("seq_num")
    if seen:
        text += f", records {seen[0][0]} to {seen[-1][0]}"
    if tail is not None:
        text += f", the tail is {tail}"
    return Observation(text=text, began=exchange.began, ended=ended, tail=tail, seen=seen)


def _appended_directly(exchanges: Sequence[Exchange], log: LogState) -> list[Observation]:
    """Return the appends of no exchange: direct calls, and what the stream began with.

    Their moments are not known, and neither are records that were trimmed.
    """
    covered: set[int] = set()
    for one in exchanges:
        first, last = one.effect.first_seq_num, one.effect.last_seq_num
        if one.operation == "append" and first is not None and last is not None:
            covered.update(range(first, last + 1))
    found = {record.seq_num: record for record in log.records}
    direct = []
    for seq_num in range(log.tail.seq_num):
        if seq_num in covered:
            continue
        record, body, fence = found.get(seq_num), None, None
        if record is not None:
            body = _text_or_bytes(record.body)
            headers = [(bytes(name), bytes(value)) for name, value in record.headers]
            fence = str(body) if headers == [(b"", b"fence")] else None
        direct.append(
            Observation(
                text=f"(a record at {seq_num} that no exchange has appended)",
                began=-inf,
                bodies=(body,),
                start=seq_num,
                fence=fence,
            )
        )
    return direct


def _text_or_bytes(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data
