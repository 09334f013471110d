"""The state of an upstream as the page shows it: what it lists, and what it has of a stream.

The server is asked past the journal, so this is for a thread that may wait.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from s2mock.control.views.account_view import CapturedView, capture
from s2mock.registry.engine.engine import Engine
from s2mock.registry.log.chunks import Chunk
from s2mock.registry.log.log import LogState
from s2mock.registry.log.read_request import ReadRequest
from s2mock.registry.operation import Operation
from s2mock.registry.rules.basins import ListBasins
from s2mock.registry.rules.read import CheckTail, Read
from s2mock.registry.rules.streams import ListStreams
from s2mock.registry.state import AccountState, BasinInfo, BasinState, StreamInfo, StreamState
from s2mock.registry.values.config import SYSTEM_DEFAULTS, BasinConfig
from s2mock.registry.values.errors import S2Error
from s2mock.registry.values.persistent_map import PersistentMap
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import Record, SequencedRecord
from s2mock.registry.values.schedule import Schedule
from s2mock.runtime.clock import NEVER

# Streams whose tail is asked for, since no answer has told it yet; others are the next time.
_ASKED_TAILS: Final = 50
# As many as one read returns.
_PAGE: Final = 1000


class UpstreamReads(Protocol):
    """The calls of an upstream that are in no journal."""

    def carry_out(self, operation: Operation) -> Any:
        """Return the result of an operation. Raises `UpstreamUnreachable`, `S2Error`."""

    def readers(self, basin: str, stream: str) -> int:
        """Return the number of read sessions through this mock that follow at the tail."""


def capture_listed(engine: Engine, reads: UpstreamReads) -> CapturedView:
    """Return all basins and streams that the upstream lists, with the tails that are known.

    Raises `UpstreamUnreachable`, `S2Error`.
    """
    captured = _begin(engine)
    left = _ASKED_TAILS
    for info in _all(reads, ListBasins()):
        basin = _add_basin(captured.state, info)
        for stream in _streams(reads, basin.name):
            tail = _known_tail(engine, basin.name, stream.name)
            if tail is None and left and stream.deleted_at is None:
                left -= 1
                # Its deletion may begin now.
                with suppress(S2Error):
                    tail = _ask_tail(reads, basin.name, stream.name).seq_num
            log = LogState(tail=StreamPosition(tail or 0, 0))
            _add_stream(captured, basin, stream, log, reads.readers(basin.name, stream.name))
    return captured


def capture_stream(
    engine: Engine, reads: UpstreamReads, basin: str, stream: str, before: int | None, count: int
) -> CapturedView:
    """Return one stream, with its last `count` records before the sequence number `before`.

    Raises `UpstreamUnreachable`.
    """
    captured = _begin(engine)
    try:
        tail = _ask_tail(reads, basin, stream)
    except S2Error:
        # No such stream, which is no error here.
        return captured
    high = tail.seq_num if before is None else min(before, tail.seq_num)
    low = max(0, high - count)
    log = _log_of(_records(reads, basin, stream, low, high), low, tail)
    there = _add_basin(captured.state, BasinInfo(basin, 0, None))
    info = StreamInfo(stream, 0, None, None)
    _add_stream(captured, there, info, log, reads.readers(basin, stream))
    return captured


def _begin(engine: Engine) -> CapturedView:
    """Return a view without basins."""
    state = AccountState(PersistentMap(object()), Schedule())
    return capture(engine)._replace(state=state, readers={})


def _all(reads: UpstreamReads, listing: Operation) -> Iterator[Any]:
    while True:
        page = reads.carry_out(listing)
        yield from page.items
        if not page.has_more:
            return
        listing = listing.replace(start_after=page.items[-1].name)


def _streams(reads: UpstreamReads, basin: str) -> list[StreamInfo]:
    try:
        return [*_all(reads, ListStreams(basin))]
    except S2Error:
        # Its deletion has begun.
        return []


def _known_tail(engine: Engine, basin: str, stream: str) -> int | None:
    tails = engine.tails
    assert tails is not None, "an upstream has them"
    return tails.get((basin, stream))


def _ask_tail(reads: UpstreamReads, basin: str, stream: str) -> StreamPosition:
    tail: StreamPosition = reads.carry_out(CheckTail(basin, stream))
    return tail


def _records(
    reads: UpstreamReads, basin: str, stream: str, low: int, high: int
) -> list[SequencedRecord]:
    found: list[SequencedRecord] = []
    while low < high:
        wanted = ReadRequest("seq_num", low, count=min(_PAGE, high - low))
        try:
            batch = reads.carry_out(Read(basin, stream, wanted))
        except S2Error:
            # Removed by now, or encrypted with a key that only clients have.
            break
        if not batch.records:
            break
        found += batch.records
        low = found[-1].seq_num + 1
    return found


def _log_of(records: Sequence[SequencedRecord], low: int, tail: StreamPosition) -> LogState:
    """Return a log of the records, which follow each other; what is missing was trimmed."""
    first = records[0].seq_num if records else tail.seq_num
    trim_point = first if first > low else 0
    if not records:
        return LogState(tail=tail, trim_point=trim_point)
    chunk = Chunk(object(), first)
    total = 0
    for record in records:
        chunk.stored.append(Record(record.body, record.headers))
        chunk.timestamps.append(record.timestamp)
        total += record.metered_bytes
        chunk.totals.append(total)
    chunk.expiries = [NEVER] * len(records)
    return LogState((chunk,), 0, len(records), tail, "", trim_point)


def _add_basin(state: AccountState, info: BasinInfo) -> BasinState:
    streams: PersistentMap[StreamState] = PersistentMap(object())
    made = BasinState(
        info.name, 0, BasinConfig(), info.created_at, info.deleted_at, None, streams, info.location
    )
    state.basins[info.name] = made
    return made


def _add_stream(
    captured: CapturedView, basin: BasinState, info: StreamInfo, log: LogState, readers: int
) -> None:
    number = len(captured.readers) + 1
    captured.readers[number] = readers
    # By the upstream's clock: it is not compared with the times of exchanges.
    created_at = 0
    basin.streams[info.name] = StreamState(
        info.name,
        number,
        SYSTEM_DEFAULTS,
        info.cipher,
        created_at,
        info.deleted_at,
        None,
        0,
        None,
        log,
    )
