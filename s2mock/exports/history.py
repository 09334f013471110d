"""The history of a stream in the format of S2's own check of linearizability.

The format is that of `s2-verification` (https://github.com/s2-streamstore/s2-verification): a JSON
line for each start and for each end of an operation, in order of time.

- An append has the number of its records, and the xxh3 hash of each body. It ends with the tail
  behind it, with a failure that has had no effect, or with one that may have had one.
- A tail check ends with the tail.
- A read ends with the tail, and with the hash of all records from the first one to there. So it is
  a unary read from sequence number 0 that was given every record. A read that is known to have
  reached the tail otherwise is written as a tail check. Other reads are left out, and so are read
  sessions, whose records were delivered one after the other.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

from s2mock.exports.account_reader import AccountReader, find_other_records
from s2mock.powers.exchange import Exchange, error_code
from s2mock.powers.faults import is_answer_lost
from s2mock.registry.places import Place
from s2mock.registry.values.codes import CODES
from s2mock.registry.values.errors import S2Error
from s2mock.registry.values.records import (
    MAX_BATCH_BYTES,
    MAX_BATCH_RECORDS,
    SequencedRecord,
    metered_bytes,
)

OPERATIONS: Final = ("append", "read", "check-tail")
"""The operations that are in a history."""

# An error names this number of streams at most.
_SHOWN: Final = 5
_UNKNOWN: Final = 0
"""The hash of a record whose body is not known; no read is compared with it."""
_LOSSY: Final = "\N{REPLACEMENT CHARACTER}"
_FIRST_UNCERTAIN: Final = 500
_TAIL_IN_ERROR: Final = 416


class MissingDependency(ImportError):
    """A library that only `history()` needs is not installed."""


class _Event(NamedTuple):
    """An operation of a client. `finish` of an append that may have had an effect is deferred."""

    began: float
    ended: float
    connection: int | None
    start: Any
    finish: Any


_INDEFINITE: Final = "AppendIndefiniteFailure"


def render(exchanges: Sequence[Exchange], place: Place | None, account: AccountReader) -> str:
    """Return the history of a stream as JSON lines, `""` for no stream.

    Raises `ValueError`, `MissingDependency`.
    """
    if place is None:
        return ""
    own = [one for one in exchanges if (one.basin, one.stream) == (place.basin, place.stream)]
    _refuse_if_deleted(exchanges, place)
    events = _Reader(own, *_look(account, place)).events()
    return "".join(f"{json.dumps(line)}\n" for line in _lines(events))


def streams_of(exchanges: Iterable[Exchange]) -> list[Place]:
    """Return the streams on which the exchanges have appended, read or checked the tail."""
    found = {
        Place(one.basin, one.stream): None
        for one in exchanges
        if one.operation in OPERATIONS and one.basin is not None and one.stream is not None
    }
    return [*found]


def choose_stream(found: Sequence[Place]) -> Place | None:
    """Return the only stream, None without one. Raises `ValueError` if there are two."""
    if len(found) > 1:
        names = ", ".join(map(str, found[:_SHOWN])) + (", ..." if len(found) > _SHOWN else "")
        raise ValueError(
            f"a history is that of one stream, and there are exchanges of {len(found)}: {names}; "
            "choose one with basin= and stream="
        )
    return found[0] if found else None


def _refuse_if_deleted(exchanges: Iterable[Exchange], place: Place) -> None:
    for one in exchanges:
        is_own = one.basin == place.basin and one.stream in (place.stream, None)
        if is_own and one.effect.kind == "deleted":
            raise ValueError(
                f"exchange {one.number} has deleted {place}, and a history is that of one "
                "stream: call journal.clear() after the deletion"
            )


def _look(account: AccountReader, place: Place) -> tuple[int, Sequence[SequencedRecord]]:
    """Return the tail of a stream and its records; of one that is not there, none."""
    try:
        return account.stream(place).tail.seq_num, account.records(place)
    except S2Error:
        return 0, ()


class _Reader:
    """Reads the exchanges of one stream; `tail` and `records` are those that it has now."""

    def __init__(
        self, exchanges: Sequence[Exchange], tail: int, records: Sequence[SequencedRecord]
    ) -> None:
        self._hash = _import_hash()
        self._exchanges = exchanges
        self._others = find_other_records(exchanges, tail, records)
        batches = [one.request.document for one in exchanges if one.operation == "append"]
        sizes = [_metered(record) for batch in batches for record in _records_of(batch)]
        sizes += [record.metered_bytes for record in records]
        self._largest = max(sizes, default=0)
        # Without every body no read can be compared.
        self._has_bodies = all(record is not None for _, record in self._others) and all(
            _records_of(one.request.document)
            for one in exchanges
            if one.operation == "append" and one.effect.committed
        )

    def events(self) -> list[_Event]:
        """Return the operations of clients, and the appends of no exchange."""
        found = [*self._of_clients()]
        return [*self._other_appends(min(map(_told_tail, found), default=inf)), *found]

    def _of_clients(self) -> Iterator[_Event]:
        sessions = {one.number: one.began for one in self._exchanges if one.session == one.number}
        for one in self._exchanges:
            if one.operation not in OPERATIONS:
                continue
            ended = inf if one.ended is None else one.ended
            began = one.began
            if one.operation == "append" and one.session is not None:
                # A batch without its own beginning came after the one before it.
                if began == ended:
                    began = sessions.get(one.session, -inf)
                sessions[one.session] = ended
            if (found := self._observe(one)) is not None:
                yield _Event(began, ended, one.connection, *found)

    def _other_appends(self, least_tail: float) -> Iterator[_Event]:
        """Yield the appends of no exchange.

        The first of them are one append before everything else, unless a client was told a tail
        within them: `least_tail` is the least one. When the others took place is not known.
        """
        first = 0
        hashes: list[int] = []
        for seq_num, record in self._others:
            if seq_num == first and _fence_in(record) is None:
                first += 1
                hashes.append(_UNKNOWN if record is None else self._hash(record.body))
        if least_tail < first:
            first = 0
        elif hashes:
            success = {"AppendSuccess": {"tail": first}}
            yield _Event(-inf, -inf, None, _append(hashes), success)
        for seq_num, record in self._others[first:]:
            known = _UNKNOWN if record is None else self._hash(record.body)
            start = _append([known], set_fencing_token=_fence_in(record))
            yield _Event(-inf, inf, None, start, {"AppendSuccess": {"tail": seq_num + 1}})

    def _observe(self, exchange: Exchange) -> tuple[Any, Any] | None:
        """Return start and end of an operation as the format has them; None if it has no form."""
        response = exchange.response
        status = 0 if response is None else response.status
        if is_answer_lost(status, exchange.fault):
            status = 0
        document = None if response is None else response.document
        answer: Mapping[str, Any] = document if isinstance(document, dict) else {}
        if exchange.operation == "append":
            return self._observe_append(exchange, status, answer)
        if exchange.operation == "check-tail":
            tail = answer.get("tail", {}).get("seq_num") if status == 200 else None
            return "CheckTail", _tail(tail)
        if exchange.session is not None:
            return None
        return self._observe_read(exchange, status, answer)

    def _observe_append(
        self, exchange: Exchange, status: int, answer: Mapping[str, Any]
    ) -> tuple[Any, Any] | None:
        document = exchange.request.document
        records = _records_of(document)
        hashes = [self._hash(_as_bytes(record.get("body", ""))) for record in records]
        if not hashes:
            first, last = exchange.effect.first_seq_num, exchange.effect.last_seq_num
            if first is None or last is None:
                # Nothing that could have been appended.
                return None
            hashes = [_UNKNOWN] * (last - first + 1)
        asked: Mapping[str, Any] = document if isinstance(document, dict) else {}
        start = _append(
            hashes,
            set_fencing_token=_fence_of(records),
            # A stream without a token has an empty one, for which the format has no value.
            fencing_token=asked.get("fencing_token") or None,
            match_seq_num=asked.get("match_seq_num"),
        )
        if status == 200:
            end = answer.get("end", {}).get("seq_num")
            if end is None and exchange.effect.last_seq_num is not None:
                # The journal no longer keeps the body.
                end = exchange.effect.last_seq_num + 1
            return start, {"AppendSuccess": {"tail": end}}
        return start, _INDEFINITE if _is_indefinite(exchange, status) else "AppendDefiniteFailure"

    def _observe_read(
        self, exchange: Exchange, status: int, answer: Mapping[str, Any]
    ) -> tuple[Any, Any] | None:
        tail = answer.get("tail", {}).get("seq_num")
        is_from_start = _is_from_start(exchange)
        if status == _TAIL_IN_ERROR and tail is not None:
            if is_from_start and tail == 0:
                return "Read", {"ReadSuccess": {"tail": 0, "stream_hash": 0}}
            return "CheckTail", _tail(tail)
        if status != 200:
            return "Read", "ReadFailure"
        records = answer.get("records", ())
        if tail is None and records and self._is_all(exchange, records):
            tail = records[-1]["seq_num"] + 1
        if tail is None:
            return None
        is_whole = is_from_start and [one["seq_num"] for one in records] == [*range(tail)]
        bodies = [one.get("body", "") for one in records]
        if not is_whole or not self._has_bodies or _is_lossy(exchange, bodies):
            return "CheckTail", _tail(tail)
        return "Read", {
            "ReadSuccess": {
                "tail": tail,
                "stream_hash": self._chain(map(_as_bytes, bodies)),
            }
        }

    def _is_all(self, exchange: Exchange, records: Sequence[Mapping[str, Any]]) -> bool:
        """True if no limit has ended the read before the tail."""
        query = parse_qs(exchange.request.query)
        if query.keys() & {"until", "bytes"}:
            return False
        count = min(int(query.get("count", [MAX_BATCH_RECORDS])[0]), MAX_BATCH_RECORDS)
        size = sum(map(_metered, records))
        return len(records) < count and size + self._largest <= MAX_BATCH_BYTES

    def _chain(self, bodies: Iterable[bytes]) -> int:
        """Return the hash of all records: of each one, seeded with that of those before."""
        chained = 0
        for body in bodies:
            chained = self._hash(self._hash(body).to_bytes(8, "little"), chained)
        return chained


def _told_tail(event: _Event) -> float:
    """Return the tail that a read or tail check was told, infinity for none."""
    if isinstance(event.finish, dict):
        for name, result in event.finish.items():
            if name != "AppendSuccess":
                tail: int = result["tail"]
                return tail
    return inf


def _lines(events: Sequence[_Event]) -> Iterator[dict[str, Any]]:
    """Yield the lines: starts and ends by time, then the ends of what may have had an effect."""
    marks = []
    for op_id, event in enumerate(events):
        is_open = event.finish == _INDEFINITE
        # Of two at one time the start is first, since more orders explain the history then; but
        # an append before everything else has ended before the next one starts.
        is_first = event.ended == -inf
        marks.append((event.began, -1 if is_first else 1, op_id, False))
        marks.append((inf if is_open else event.ended, 0 if is_first else 2, op_id, True))
    clients = _Clients()
    for time, _, op_id, is_end in sorted(marks):
        event = events[op_id]
        if not is_end:
            clients.begin(op_id, event.connection)
            yield _line({"Start": event.start}, clients.of(op_id), op_id)
        else:
            yield _line({"Finish": event.finish}, clients.of(op_id), op_id)
            if time < inf:
                clients.end(op_id)


class _Clients:
    """Numbers of clients: a client has one operation at a time, and none after an unknown end."""

    def __init__(self) -> None:
        self._count = 0
        self._of: dict[int, tuple[int, int | None]] = {}
        # The free ones, by the connection of their last operation.
        self._free: dict[int, int | None] = {}

    def begin(self, op_id: int, connection: int | None) -> None:
        """Choose a client for an operation: the last one of its connection, if that is free."""
        fitting = [client for client, last in self._free.items() if last == connection]
        client = (fitting or [*self._free] or [self._count])[0]
        if client == self._count and client not in self._free:
            self._count += 1
        self._free.pop(client, None)
        self._of[op_id] = client, connection

    def of(self, op_id: int) -> int:
        """Return the client of an operation."""
        return self._of[op_id][0]

    def end(self, op_id: int) -> None:
        """Free the client of an operation."""
        client, connection = self._of[op_id]
        self._free[client] = connection


def _line(event: Mapping[str, Any], client_id: int, op_id: int) -> dict[str, Any]:
    return {"event": event, "client_id": client_id, "op_id": op_id}


def _append(
    hashes: Sequence[int],
    *,
    set_fencing_token: str | None = None,
    fencing_token: str | None = None,
    match_seq_num: int | None = None,
) -> dict[str, Any]:
    return {
        "Append": {
            "num_records": len(hashes),
            "record_hashes": list(hashes),
            "set_fencing_token": set_fencing_token,
            "fencing_token": fencing_token,
            "match_seq_num": match_seq_num,
        }
    }


def _tail(tail: int | None) -> Any:
    return "CheckTailFailure" if tail is None else {"CheckTailSuccess": {"tail": tail}}


def _is_indefinite(exchange: Exchange, status: int) -> bool:
    """True if the client cannot know whether the append took effect."""
    if not status:
        return True
    if status < _FIRST_UNCERTAIN:
        return False
    code = None if exchange.response is None else error_code(exchange.response)
    return code not in CODES or not CODES[code].promises_no_effect


def _is_from_start(exchange: Exchange) -> bool:
    return parse_qs(exchange.request.query).get("seq_num") == ["0"]


def _is_lossy(exchange: Exchange, bodies: Iterable[Any]) -> bool:
    """True if a body may have been bytes that JSON cannot express."""
    is_raw = exchange.request.headers.get("s2-format", "raw") == "raw"
    return is_raw and any(isinstance(body, str) and _LOSSY in body for body in bodies)


def _records_of(document: Any) -> Sequence[Mapping[str, Any]]:
    records = document.get("records") if isinstance(document, dict) else None
    return records if isinstance(records, list) and all(map(_is_record, records)) else ()


def _is_record(record: Any) -> bool:
    return isinstance(record, dict) and isinstance(record.get("body", ""), str | bytes)


def _metered(record: Mapping[str, Any]) -> int:
    headers = [(_as_bytes(name), _as_bytes(value)) for name, value in record.get("headers", ())]
    return metered_bytes(headers, _as_bytes(record.get("body", "")))


def _fence_in(record: SequencedRecord | None) -> str | None:
    """Return the fencing token that a record sets, None for any other record."""
    is_fence = record is not None and record.headers == ((b"", b"fence"),)
    return record.body.decode() if record is not None and is_fence else None


def _fence_of(records: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the fencing token that a batch sets: the body of its last fence command."""
    fence = None
    for one in records:
        if [tuple(header) for header in one.get("headers", ())] == [("", "fence")]:
            fence = str(one.get("body", ""))
    return fence


def _as_bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


def _import_hash() -> Any:
    try:
        from xxhash import xxh3_64_intdigest
    except ImportError:
        raise MissingDependency(
            "journal.history() needs xxhash, with which the format hashes records: "
            "pip install s2mock[history]"
        ) from None
    return xxh3_64_intdigest
