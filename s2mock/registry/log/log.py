"""The log of a stream: sequence numbers, timestamps, conditions, commands, retention.

A log is a value over chunks of records that only ever grow: states that come one after the other,
and snapshots, share them. Sources: reference: data_plane §3.5 (sequencing), §8.1 (trim), §8.2
(retention).
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Final, NamedTuple

from s2mock.registry.log.chunks import Chunk, Span, Written
from s2mock.registry.values.config import U64_MAX, Cipher, StreamConfig
from s2mock.registry.values.errors import FencingTokenMismatch, Invalid, SeqNumMismatch
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import (
    AppendInput,
    Record,
    SequencedRecord,
    asked_trim_point,
)
from s2mock.runtime.clock import NANOSECONDS, NEVER, Moment

_MAX_GCM_SEQ_NUM: Final = 2**32 - 1
_MILLISECOND: Final = 1_000_000
_CHUNK_RECORDS: Final = 1024


class LogState(NamedTuple):
    """The records of one stream, in order, and the position of the next one."""

    chunks: tuple[Chunk, ...] = ()
    # The number of records of the first chunk that were removed, and of the last that exist.
    skipped: int = 0
    size: int = 0
    tail: StreamPosition = StreamPosition(0, 0)
    fencing_token: str = ""
    trim_point: int = 0
    next_expiry: int = NEVER

    @property
    def is_empty(self) -> bool:
        """True if the log has no record."""
        return not self.chunks

    def spans(self, start: int = 0, end: int = U64_MAX) -> Iterator[Span]:
        """Yield the records from sequence number `start` to before `end`."""
        chunks, last = self.chunks, len(self.chunks) - 1
        at = _chunk_of(chunks, start) if start else 0
        for index in range(max(0, at), last + 1):
            chunk = chunks[index]
            if chunk.first_seq_num >= end:
                break
            lowest = max(self.skipped if index == 0 else 0, start - chunk.first_seq_num)
            highest = self.size if index == last else len(chunk.stored)
            highest = min(highest, end - chunk.first_seq_num)
            if lowest < highest:
                yield Span(chunk, lowest, highest)

    @property
    def records(self) -> tuple[SequencedRecord, ...]:
        """All records of the log, in order."""
        return tuple(record for span in self.spans() for record in span.records)

    def first_at(self, timestamp: int) -> int:
        """Return the lowest sequence number with that timestamp or a later one, or the tail."""
        chunks = self.chunks
        # The last chunk whose first record comes before that time, and what follows it.
        at = bisect_left(chunks, timestamp, key=lambda chunk: chunk.timestamps[0])
        for chunk, start, end in self.spans(chunks[at - 1].first_seq_num if at else 0):
            index = bisect_left(chunk.timestamps, timestamp, start, end)
            if index < end:
                return chunk.first_seq_num + index
        return self.tail.seq_num

    @property
    def last_expiry(self) -> int:
        """The account time at which the log is empty without further appends."""
        return max(
            (max(chunk.expiries[start:end]) for chunk, start, end in self.spans()), default=0
        )

    @property
    def lasts_for_ever(self) -> bool:
        """True if any record never expires."""
        return self.last_expiry == NEVER

    def decide_append(
        self,
        batch: AppendInput,
        moment: Moment,
        config: StreamConfig,
        cipher: Cipher | None = None,
        digest: bytes | None = None,
    ) -> Written:
        """Return what an append of the batch writes.

        Raises `FencingTokenMismatch`, `SeqNumMismatch`, `Invalid`.
        """
        if batch.fencing_token is not None and batch.fencing_token != self.fencing_token:
            raise FencingTokenMismatch(self.fencing_token)
        first = self.tail.seq_num
        if batch.match_seq_num is not None and batch.match_seq_num != first:
            raise SeqNumMismatch(first)
        count = len(batch.stored)
        if first + count > U64_MAX:
            # Only with the file of a snapshot. The text is S2's for the limit of a cipher.
            raise Invalid(f"max assignable sequence number is {U64_MAX - 1}; attempted {U64_MAX}")
        timestamps = self._assign_timestamps(
            count, batch.timestamps, moment.now // _MILLISECOND, config
        )
        token, trim_point = self.fencing_token, self.trim_point
        is_beyond = cipher == "aes-256-gcm" and first + count - 1 > _MAX_GCM_SEQ_NUM
        if batch.has_commands or is_beyond:
            for seq_num, record in enumerate(batch.records, first):
                if record.command == "fence":
                    token = record.body.decode()
                elif record.command == "trim":
                    # Never beyond the command itself.
                    trim_point = max(trim_point, min(asked_trim_point(record), seq_num + 1))
                elif seq_num > _MAX_GCM_SEQ_NUM and is_beyond:
                    raise Invalid(
                        f"max assignable sequence number is {_MAX_GCM_SEQ_NUM}; attempted {seq_num}"
                    )
        tail = StreamPosition(first + count, timestamps[-1])
        expiry = _expiry(moment, config)
        return Written(
            batch.stored, batch.sizes, timestamps, expiry, digest, tail, token, trim_point
        )

    def decide_end(self, moment: Moment, config: StreamConfig) -> Written:
        """Return what a deletion writes: the trim of all records.

        Source: reference: data_plane §8.5.
        """
        own = Record(U64_MAX.to_bytes(8, "big"), ((b"", b"trim"),), U64_MAX)
        # With the last possible timestamp, which the stream may cap.
        preferred = StreamConfig(
            timestamping_mode=config.timestamping_mode
            if config.timestamping_mode == "arrival"
            else "client-prefer",
            timestamping_uncapped=config.timestamping_uncapped,
        )
        timestamps = self._assign_timestamps(
            1, [own.timestamp], moment.now // _MILLISECOND, preferred
        )
        tail = StreamPosition(self.tail.seq_num + 1, timestamps[-1])
        expiry = _expiry(moment, config)
        token = self.fencing_token
        return Written((own,), (own.metered_bytes,), timestamps, expiry, None, tail, token, U64_MAX)

    def with_written(self, write_owner: object, written: Written) -> tuple["LogState", Span]:
        """Return the log with these records appended, and the span of them.

        Records that a trim among them removes are in the span only.
        """
        chunks, size = self.chunks, self.size
        last = chunks[-1] if chunks else None
        total = last.totals[size - 1] if last is not None else 0
        if last is not None and (last.write_owner is not write_owner or len(last.stored) != size):
            # Behind our end it has records of another owner, or expired ones.
            last = last.part(write_owner, 0, size)
            chunks = (*chunks[:-1], last)
        if last is None or size >= _CHUNK_RECORDS or last.first_seq_num + size != self.tail.seq_num:
            last, size = Chunk(write_owner, self.tail.seq_num), 0
            chunks = (*chunks, last)
        last.extend(written, total)
        span = Span(last, size, size + len(written.stored))
        log = LogState(
            chunks,
            self.skipped,
            span.end,
            written.tail,
            written.fencing_token,
            written.trim_point,
            min(self.next_expiry, written.expiry),
        )
        return (log.trimmed(write_owner) if written.trim_point > self.trim_point else log), span

    def trimmed(self, write_owner: object) -> "LogState":
        """Return the log without the records before its trim point."""
        point, chunks = self.trim_point, self.chunks
        at = max(0, _chunk_of(chunks, point))
        length = self.size if at == len(chunks) - 1 else len(chunks[at].stored)
        if chunks[at].first_seq_num + length <= point:
            at, length = at + 1, 0
        if at == len(chunks):
            return self._replace(chunks=(), skipped=0, size=0, next_expiry=NEVER)
        first, rest = chunks[at], chunks[at + 1 :]
        skipped = max(self.skipped if at == 0 else 0, point - first.first_seq_num)
        size = self.size
        if skipped and first.holds_much_before(skipped):
            first = first.part(write_owner, skipped, length)
            size, skipped = size if rest else length - skipped, 0
        return self._replace(chunks=(first, *rest), skipped=skipped, size=size)

    def expired(self, write_owner: object, time: int) -> "LogState":
        """Return the log without the records that have expired at account time `time`."""
        if time < self.next_expiry:
            return self
        kept: list[Span] = []
        following = NEVER
        for span in self.spans():
            for lasting, earliest in span.lasting(time):
                kept.append(lasting)
                following = min(following, earliest)
        # The first may begin and the last may end anywhere in its chunk; others are copied.
        for at, (chunk, start, end) in enumerate(kept):
            inner_start = start > 0 and (at > 0 or chunk.holds_much_before(start))
            inner_end = at < len(kept) - 1 and end < len(chunk.stored)
            if inner_start or inner_end:
                kept[at] = Span(chunk.part(write_owner, start, end), 0, end - start)
        return self._of_spans(kept, following)

    def _of_spans(self, spans: list[Span], next_expiry: int) -> "LogState":
        if not spans:
            return self._replace(chunks=(), skipped=0, size=0, next_expiry=NEVER)
        return self._replace(
            chunks=tuple(span.chunk for span in spans),
            skipped=spans[0].start,
            size=spans[-1].end,
            next_expiry=next_expiry,
        )

    def _assign_timestamps(
        self, count: int, given: Sequence[int | None] | None, now: int, config: StreamConfig
    ) -> Sequence[int]:
        """Return the timestamps of `count` records, None in place of `given` if none has one."""
        mode, capped = config.timestamping_mode, not config.timestamping_uncapped
        previous = self.tail.timestamp
        if mode == "arrival" or (given is None and mode != "client-require"):
            time = max(previous, now)
            return (time,) if count == 1 else array("Q", (time,)) * count
        assigned = []
        for timestamp in given or repeat(None, count):
            if timestamp is None:
                if mode == "client-require":
                    raise Invalid("record timestamp was required but was missing")
                timestamp = now  # noqa: PLW2901
            if capped and timestamp > now:
                timestamp = now  # noqa: PLW2901
            # After the cap: behind a record from the future, timestamps continue from it.
            previous = max(previous, timestamp)
            assigned.append(previous)
        return assigned


def _chunk_of(chunks: tuple[Chunk, ...], seq_num: int) -> int:
    """Return the index of the last chunk that begins at `seq_num` or before, or -1."""
    return bisect_right(chunks, seq_num, key=lambda chunk: chunk.first_seq_num) - 1


def _expiry(moment: Moment, config: StreamConfig) -> int:
    age = config.retention_policy
    if isinstance(age, str) or age is None:
        return NEVER
    return min(NEVER, moment.account_time + age * NANOSECONDS)
