"""The parts of an account that an export reads, beside the exchanges of its journal."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from s2mock.powers.exchange import Exchange
from s2mock.registry.places import BasinView, Place, StreamView
from s2mock.registry.values.records import SequencedRecord


class AccountReader(Protocol):
    """Reads of an account that pass no points and are in no journal."""

    def basins(self) -> tuple[str, ...]:
        """Return the names of all basins, in order."""

    def streams(self, place: Place) -> tuple[str, ...]:
        """Return the names of a basin's streams, in order. Raises `BasinNotFound`."""

    def basin(self, place: Place) -> BasinView:
        """Return a view of a basin. Raises `BasinNotFound`."""

    def stream(self, place: Place, parent: Place | None = None) -> StreamView:
        """Return a view of a stream. Raises `StreamNotFound`."""

    def records(self, place: Place) -> tuple[SequencedRecord, ...]:
        """Return all records of a stream. Raises `StreamNotFound`, `StreamDeletionPending`."""


def find_other_records(
    exchanges: Iterable[Exchange], tail: int, records: Sequence[SequencedRecord]
) -> list[tuple[int, SequencedRecord | None]]:
    """Return the sequence numbers below the tail that no exchange has appended, with the records.

    They are from direct calls, from before the first exchange, or from exchanges that the journal
    no longer keeps. A record is None if it was trimmed or has expired.
    """
    covered: set[int] = set()
    for one in exchanges:
        first, last = one.effect.first_seq_num, one.effect.last_seq_num
        if one.operation == "append" and first is not None and last is not None:
            covered.update(range(first, last + 1))
    found = {record.seq_num: record for record in records}
    return [(number, found.get(number)) for number in range(tail) if number not in covered]
