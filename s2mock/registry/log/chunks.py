"""The parts of a log: records in chunks, which only grow, and spans of them."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from typing import Final, NamedTuple

from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import (
    Record,
    SequencedRecord,
    StoredRecord,
    as_record,
    parts_of,
    size_of,
)

_MAX_SKIPPED_BYTES: Final = 16 * 1024
# A time in the year 2262.
_LAST_IN_ARRAY: Final = 2**63 - 1


class Written(NamedTuple):
    """Records to append, with their metered bytes, timestamps, expiry, and the tail behind them."""

    stored: Sequence[StoredRecord]
    sizes: Sequence[int]
    timestamps: Sequence[int]
    expiry: int
    digest: bytes | None
    tail: StreamPosition
    fencing_token: str
    trim_point: int


class Chunk:
    """Records with sequence numbers one after the other; it only grows, and at its end.

    Of a record there are: what was appended, its timestamp, when it expires (by the account's
    time), the metered bytes up to and with it, and the digest of the key that it came with.
    """

    __slots__ = (
        "digests",
        "expires_in_order",
        "expiries",
        "first_seq_num",
        "stored",
        "timestamps",
        "totals",
        "write_owner",
    )

    def __init__(self, write_owner: object, first_seq_num: int) -> None:
        self.write_owner: object = write_owner
        self.first_seq_num: int = first_seq_num
        self.stored: list[StoredRecord] = []
        self.timestamps: array[int] = array("Q")
        # A list from the first time on that does not fit into the array.
        self.expiries: array[int] | list[int] = array("q")
        self.totals: array[int] = array("Q")
        # None while no record has a digest.
        self.digests: list[bytes | None] | None = None
        # True if they expire in their order; a change of the retention policy may end that.
        self.expires_in_order: bool = True

    def part(self, write_owner: object, start: int, end: int) -> "Chunk":
        """Return a chunk of the records from index `start` to before `end`."""
        part = Chunk(write_owner, self.first_seq_num + start)
        part.stored = self.stored[start:end]
        part.timestamps = self.timestamps[start:end]
        part.expiries = self.expiries[start:end]
        part.totals = self.totals[start:end]
        part.digests = None if self.digests is None else self.digests[start:end]
        part.expires_in_order = self.expires_in_order
        return part

    def holds_much_before(self, index: int) -> bool:
        """True if the removed records before `index` are too many to keep."""
        before = self.totals[0] - size_of(self.stored[0])
        return self.totals[index - 1] - before > _MAX_SKIPPED_BYTES

    def extend(self, written: Written, total: int) -> None:
        """Add the records; `total` are the metered bytes before them."""
        stored, before = written.stored, len(self.stored)
        if before and written.expiry < self.expiries[-1]:
            self.expires_in_order = False
        if written.expiry > _LAST_IN_ARRAY and not isinstance(self.expiries, list):
            self.expiries = list(self.expiries)
        self.stored += stored
        if len(stored) == 1:
            # Most appends have one: the general case costs more to set up.
            self.timestamps.append(written.timestamps[0])
            self.expiries.append(written.expiry)
            self.totals.append(total + written.sizes[0])
        else:
            self.timestamps.extend(written.timestamps)
            self.expiries.extend([written.expiry] * len(stored))
            totals = accumulate(written.sizes, initial=total)
            next(totals)
            self.totals.extend(totals)
        if written.digest is not None and self.digests is None:
            self.digests = [None] * before
        if self.digests is not None:
            digest = written.digest
            self.digests += [
                digest if isinstance(one, bytes) or one.command is None else None for one in stored
            ]


class Span(NamedTuple):
    """Consecutive records of a chunk, from index `start` to before `end`."""

    chunk: Chunk
    start: int
    end: int

    @property
    def rows(self) -> Iterator[tuple[int, int, Record]]:
        """The sequence number, timestamp and record of each of them."""
        return (
            (seq_num, timestamp, as_record(stored))
            for seq_num, timestamp, stored in self.stored_rows
        )

    @property
    def stored_rows(self) -> Iterator[tuple[int, int, StoredRecord]]:
        """The rows, with each record as it is stored."""
        chunk, start, end = self
        first = chunk.first_seq_num
        return zip(
            range(first + start, first + end),
            chunk.timestamps[start:end],
            chunk.stored[start:end],
            strict=True,
        )

    @property
    def records(self) -> list[SequencedRecord]:
        """The records, each with its sequence number."""
        chunk = self.chunk
        digests = chunk.digests
        return [
            SequencedRecord(
                seq_num,
                timestamp,
                *parts_of(stored),
                size_of(stored),
                None if digests is None else digests[seq_num - chunk.first_seq_num],
            )
            for seq_num, timestamp, stored in self.stored_rows
        ]

    @property
    def first_seq_num(self) -> int:
        """The sequence number of the first of them."""
        return self.chunk.first_seq_num + self.start

    @property
    def end_seq_num(self) -> int:
        """The sequence number behind the last of them."""
        return self.chunk.first_seq_num + self.end

    @property
    def metered_bytes(self) -> int:
        """The metered bytes of the records."""
        return self.chunk.totals[self.end - 1] - self.total_before

    @property
    def total_before(self) -> int:
        """The metered bytes of the log before the first of them."""
        totals, start = self.chunk.totals, self.start
        return totals[start] - size_of(self.chunk.stored[start])

    def needs_other_key(self, digest: bytes | None) -> bool:
        """True if any of them was appended with another key than that of the digest."""
        digests = self.chunk.digests
        return digests is not None and any(
            own not in (None, digest) for own in digests[self.start : self.end]
        )

    def lasting(self, time: int) -> "Iterator[tuple[Span, int]]":
        """Yield runs of records that have not expired, each with its earliest expiry."""
        chunk, start, end = self
        expiries = chunk.expiries
        if chunk.expires_in_order:
            start = bisect_right(expiries, time, start, end)
            if start < end:
                yield Span(chunk, start, end), expiries[start]
            return
        lasts = [expiry > time for expiry in expiries[start:end]]
        for is_lasting, run in groupby(range(start, end), lambda index: lasts[index - self.start]):
            if is_lasting:
                indexes = [*run]
                first, last = indexes[0], indexes[-1] + 1
                yield Span(chunk, first, last), min(expiries[first:last])

    def within(self, *, count: int | None, size: int | None, until: int | None) -> "Span":
        """Return as many of them, from the first on, as the limits allow.

        `size` is in metered bytes, `until` is a timestamp which none reaches.
        """
        chunk, start, end = self
        if count is not None:
            end = min(end, start + count)
        if size is not None:
            end = bisect_right(chunk.totals, self.total_before + size, start, end)
        if until is not None:
            end = bisect_left(chunk.timestamps, until, start, end)
        return Span(chunk, start, end)
