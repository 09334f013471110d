"""One output of a read: records, or a heartbeat. Source: reference: data_plane §4.4."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import chain

from s2mock.registry.log.chunks import Span
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import Record, SequencedRecord, StoredRecord


class Batch:
    """Records, and the tail where it is known. Without records it is a heartbeat."""

    __slots__ = ("_records", "_shared", "at", "spans", "tail")

    def __init__(
        self,
        spans: Sequence[Span] = (),
        tail: StreamPosition | None = None,
        *,
        at: int = 0,
        shared: dict[Hashable, bytes] | None = None,
    ) -> None:
        self.spans: Sequence[Span] = spans
        self.tail: StreamPosition | None = tail
        # The time of its delivery, in nanoseconds since the epoch.
        self.at: int = at
        self._shared = shared
        self._records: tuple[SequencedRecord, ...] | None = None

    @property
    def rows(self) -> Iterator[tuple[int, int, Record]]:
        """The sequence number, timestamp and record of each, in order."""
        return chain.from_iterable(span.rows for span in self.spans)

    @property
    def stored_rows(self) -> Iterator[tuple[int, int, StoredRecord]]:
        """The rows, with each record as it is stored."""
        return chain.from_iterable(span.stored_rows for span in self.spans)

    @property
    def records(self) -> tuple[SequencedRecord, ...]:
        """The records of the batch, in order."""
        if self._records is None:
            self._records = tuple(record for span in self.spans for record in span.records)
        return self._records

    def once(self, form: Hashable, encode: Callable[["Batch"], bytes]) -> bytes:
        """Return the batch in that form, encoded once for all followers."""
        if self._shared is None:
            return encode(self)
        if form not in self._shared:
            self._shared[form] = encode(self)
        return self._shared[form]

    def first(self, count: int) -> "Batch":
        """Return the first `count` records, without the tail unless those are all."""
        if count >= self.count:
            return self
        spans, left = [], count
        for span in self.spans:
            part = span.within(count=left, size=None, until=None)
            if part.end == part.start:
                break
            spans.append(part)
            left -= part.end - part.start
        return Batch(spans, at=self.at)

    def after(self, count: int) -> "Batch":
        """Return the records behind the first `count`, with the tail."""
        spans, left = [], count
        for span in self.spans:
            size = span.end - span.start
            if left < size:
                spans.append(span._replace(start=span.start + left))
            left = max(0, left - size)
        return Batch(spans, self.tail, at=self.at)

    @property
    def count(self) -> int:
        """The number of records in it."""
        return sum(span.end - span.start for span in self.spans)

    @property
    def is_at_tail(self) -> bool:
        """True if nothing more is there to read for now, as far as the batch tells."""
        return not self.spans or (self.tail is not None and self.tail.seq_num <= self.end_seq_num)

    @property
    def metered_bytes(self) -> int:
        """The metered bytes of the records."""
        return sum(span.metered_bytes for span in self.spans)

    @property
    def end_seq_num(self) -> int:
        """The sequence number behind the last of them."""
        return self.spans[-1].end_seq_num
