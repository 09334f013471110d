"""The start and the limits of a read.

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
    """The start and limits of one read. `until` is an exclusive timestamp, `wait` in seconds."""

    kind: StartKind = "tail_offset"
    start: int = 0
    clamp: bool = False
    count: int | None = None
    bytes: int | None = None
    until: int | None = None
    wait: int | None = None

    @property
    def may_follow(self) -> bool:
        """True if the read waits at the tail for further records."""
        bounded = not (self.count is None and self.bytes is None and self.until is None)
        return not bounded or bool(self.wait)


def start_of(request: ReadRequest, log: LogState) -> int:
    """Return the sequence number to start from. Raises `ReadUnwritten`."""
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
    """The rest of the limits of a read in progress."""

    __slots__ = ("_bytes", "_count", "_until", "are_reached")

    def __init__(self, request: ReadRequest) -> None:
        self._count = request.count
        self._bytes = request.bytes
        self._until = request.until
        # True if the last cut has left records out.
        self.are_reached: bool = False

    @property
    def leave_nothing(self) -> bool:
        """True if the limits end the read."""
        return self.are_reached or self._count == 0 or self._bytes == 0

    def cut(self, span: Span) -> Span:
        """Return as much of the span as they allow."""
        allowed = span.within(count=self._count, size=self._bytes, until=self._until)
        self.are_reached = allowed.end < span.end
        return allowed

    def first_batch(self, spans: Iterable[Span]) -> list[Span]:
        """Return the first records, as many as they and the limits of one batch allow."""
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
        """Count delivered records and their metered bytes."""
        if self._count is not None:
            self._count -= count
        if self._bytes is not None:
            self._bytes -= size
