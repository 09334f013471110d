"""Batches for the tests of the wire forms, of any records at all."""

from collections.abc import Iterable

from s2mock.registry.log.batch import Batch
from s2mock.registry.log.chunks import Chunk, Span
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import AppendRecord, SequencedRecord


def batch_of(records: Iterable[SequencedRecord], tail: StreamPosition | None) -> Batch:
    """A batch of these records, each in a chunk of its own, so that no rule of a log applies."""
    return Batch([_span(record) for record in records], tail)


def _span(record: SequencedRecord) -> Span:
    chunk = Chunk(None, record.seq_num)
    appended = AppendRecord.__new__(AppendRecord)
    appended.body, appended.headers, appended.timestamp = record.body, record.headers, None
    appended.command, appended.metered_bytes = None, record.metered_bytes
    chunk.stored.append(appended)
    chunk.timestamps.append(record.timestamp)
    chunk.totals.append(record.metered_bytes)
    return Span(chunk, 0, 1)
