"""What a read asks for: where to start, and how far to go.

Source: reference: data_plane §4.2, §4.3.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from s2mock.registry.log.chunks import Span
from s2mock.registry.log.log import LogState
from s2mock.registry.values.errors import ReadUnwritten
from s2mock.registry.values.records import MAX_BATCH_BYTES, MAX_BATCH_RECORDS

StartKind = Literal["seq_num", "timestamp", "tail_offset"]


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What to read. `until` is an exclusive timestamp, `wait` is in seconds."""

    kind: StartKind = "tail_offset"
    start: int = 0
    clamp: bool = False
    count: int | None = None
    bytes: int | None = None
    until: int | None = None
    wait: int | None = None

    @property
    def may_follow(self) -> bool:
        """Whether to wait at the tail for what comes."""
        bounded = not (self.count is None and self.bytes is None and self.until is None)
        return not bounded or bool(self.wait)


def start_of(request: ReadRequest, log: LogState) -> int:
    """The sequence number to start from. Raises `ReadUnwritten`."""
    tail, start = log.tail, request.start
    if request.kind == "tail_offset":
        position = max(0, tail.seq_num - start)
    elif request.kind == "seq_num" and start <= tail.seq_num:
        position = start
    elif request.kind == "timestamp" and start <= tail.timestamp:
        position = log.first_at(start)
    elif request.clamp:
        position = tail.seq_num
    else:
        raise ReadUnwritten(tail)
    if position == tail.seq_num and not request.may_follow:
        raise ReadUnwritten(tail)
    return position


class Limits:
    """What is left of a read's limits, and what they let through."""

    __slots__ = ("_bytes", "_count", "_until", "are_reached")

    def __init__(self, request: ReadRequest) -> None:
        self._count = request.count
        self._bytes = request.bytes
        self._until = request.until
        # Whether the last cut has left something out.
        self.are_reached: bool = False

    @property
    def leave_nothing(self) -> bool:
        """Whether the read is over by them."""
        return self.are_reached or self._count == 0 or self._bytes == 0

    def cut(self, span: Span) -> Span:
        """As much of it as they allow."""
        allowed = span.within(count=self._count, size=self._bytes, until=self._until)
        self.are_reached = allowed.end < span.end
        return allowed

    def first_batch(self, spans: Iterable[Span]) -> list[Span]:
        """The first of these records: as many as they allow, and as one batch may have."""
        taken: list[Span] = []
        count = size = 0
        for span in spans:
            allowed = span.within(
                count=None if self._count is None else self._count - count,
                size=None if self._bytes is None else self._bytes - size,
                until=self._until,
            )
            fitting = span.within(
                count=MAX_BATCH_RECORDS - count, size=MAX_BATCH_BYTES - size, until=None
            )
            self.are_reached = allowed.end < span.end and allowed.end <= fitting.end
            part = min(allowed, fitting, key=lambda part: part.end)
            if part.end > part.start:
                taken.append(part)
                count += part.end - part.start
                size += part.metered_bytes
            if part.end < span.end:
                break
        return taken

    def use(self, count: int, size: int) -> None:
        """So many records, of so many metered bytes, were delivered."""
        if self._count is not None:
            self._count -= count
        if self._bytes is not None:
            self._bytes -= size
