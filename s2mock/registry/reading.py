"""Reading a stream: where to start, how far to go, and following what is appended.

Sources: reference: data_plane §4.2 to §4.4.
"""

import threading
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from s2mock.registry.clock import NANOSECONDS
from s2mock.registry.encryption import DecryptionFailed
from s2mock.registry.errors import ReadUnwritten, Unavailable
from s2mock.registry.log import LiveBatch, Log
from s2mock.registry.records import (
    MAX_BATCH_BYTES,
    MAX_BATCH_RECORDS,
    SequencedRecord,
    StreamPosition,
)

if TYPE_CHECKING:
    from s2mock.registry.stream import Stream

StartKind = Literal["seq_num", "timestamp", "tail_offset"]

# Between heartbeats, drawn anew after everything that is sent.
HEARTBEAT_SECONDS: Final = (5.0, 15.0)


class Batch(NamedTuple):
    """Records, and the tail where it is known. Without records it is a heartbeat."""

    records: tuple[SequencedRecord, ...]
    tail: StreamPosition | None


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


class _Allowance:
    """What is left of the limits of a request."""

    __slots__ = ("bytes", "count", "until")

    def __init__(self, request: ReadRequest) -> None:
        self.count = request.count
        self.bytes = request.bytes
        self.until = request.until

    @property
    def exhausted(self) -> bool:
        return self.count == 0 or self.bytes == 0

    def allows(self, records: list[SequencedRecord], size: int, record: SequencedRecord) -> bool:
        if self.until is not None and record.timestamp >= self.until:
            return False
        if self.count is not None and len(records) >= self.count:
            return False
        return self.bytes is None or size + record.metered_bytes <= self.bytes

    def spend(self, records: list[SequencedRecord], size: int) -> None:
        if self.count is not None:
            self.count -= len(records)
        if self.bytes is not None:
            self.bytes -= size


class ReadSession:
    """One read in progress: iterate it for its batches and heartbeats.

    It has taken its place in the stream when it is made, which raises `ReadUnwritten` where
    nothing can be read. Iterating raises `DecryptionFailed`, and `Unavailable` when the stream is
    deleted under a follower. `cancel()` ends it, from any thread. With `tell_tail` a batch that
    reaches the tail says so.
    """

    def __init__(
        self,
        stream: "Stream",
        request: ReadRequest,
        digest: bytes | None = None,
        *,
        tell_tail: bool = False,
    ) -> None:
        self._stream = stream
        self._turn = stream.basin.account.turn
        self._woken = threading.Condition(self._turn.lock)
        self._may_follow = request.may_follow
        self._wait = None if request.wait is None else request.wait * NANOSECONDS
        self._digest = digest
        self._tell_tail = tell_tail
        self._left = _Allowance(request)
        self._ended = False
        self._following = False
        self._deadline: int | None = None
        self._heartbeat: int | None = None
        with self._turn as now:
            # In turn: the log is made when it is first asked for, and there must be one only.
            self._log = stream.log
            self._log.expire(now)
            self._tail = self._log.tail
            # A limit of nothing is used up before the start is looked at.
            self._position = 0 if self._left.exhausted else _resolve(self._log, request)

    def cancel(self) -> None:
        """End the session: whoever iterates it is released at once."""
        with self._turn:
            self._ended = True
            self._woken.notify_all()

    def __iter__(self) -> Generator[Batch, None, None]:
        """The batches as they come. A second iteration goes on where the first one stopped."""
        try:
            while (batch := self._next()) is not None:
                if any(record.key_digest not in (None, self._digest) for record in batch.records):
                    raise DecryptionFailed
                yield batch
        finally:
            with self._turn:
                self._unfollow()

    def _next(self) -> Batch | None:
        with self._turn as entered:
            now = entered
            while not (self._ended or self._left.exhausted):
                self._log.expire(now)
                if self._position < self._tail.seq_num:
                    if (batch := self._catch_up(now)) is not None:
                        return batch
                elif not self._may_follow:
                    break
                elif self._log.tail.seq_num > self._tail.seq_num:
                    live = self._log.live_from(self._position) if self._following else None
                    if live is not None:
                        return self._deliver(live, now)
                    # Not following yet, or too far behind: fed from the log.
                    self._unfollow()
                    self._tail = self._log.tail
                elif self._stream.deleted_at is not None or self._stream.removed:
                    raise Unavailable
                elif self._is_over(now):
                    break
                elif not self._following:
                    self._follow()
                    return Batch((), self._tail)
                else:
                    now, heartbeat = self._rest(now)
                    if heartbeat <= now and (self._deadline is None or heartbeat < self._deadline):
                        self._heartbeat = None
                        return Batch((), self._tail)
            return None

    def _catch_up(self, now: int) -> Batch | None:
        records: list[SequencedRecord] = []
        size = 0
        for record in self._log.between(self._position, self._tail.seq_num):
            if not self._left.allows(records, size, record):
                self._ended = True
                break
            if len(records) == MAX_BATCH_RECORDS or size + record.metered_bytes > MAX_BATCH_BYTES:
                break
            records.append(record)
            size += record.metered_bytes
        if not records:
            self._position = self._tail.seq_num
            return None
        at_tail = records[-1].seq_num + 1 == self._log.tail.seq_num
        return self._take(
            records, size, self._log.tail if self._tell_tail and at_tail else None, now
        )

    def _deliver(self, live: LiveBatch, now: int) -> Batch | None:
        records: list[SequencedRecord] = []
        size = 0
        for record in live.records:
            if not self._left.allows(records, size, record):
                self._ended = True
                break
            records.append(record)
            size += record.metered_bytes
        self._tail = live.tail
        return self._take(records, size, live.tail, now) if records else None

    def _take(
        self, records: list[SequencedRecord], size: int, tail: StreamPosition | None, now: int
    ) -> Batch:
        self._position = records[-1].seq_num + 1
        self._left.spend(records, size)
        self._deadline = None if self._wait is None else now + self._wait
        self._heartbeat = None
        return Batch(tuple(records), tail)

    def _is_over(self, now: int) -> bool:
        if self._deadline is None and self._wait is not None:
            self._deadline = now + self._wait
        return self._deadline is not None and self._deadline <= now

    def _rest(self, now: int) -> tuple[int, int]:
        """Wait for an append, the next heartbeat or the end of the wait.

        Returns the new time and that of the heartbeat.
        """
        if self._heartbeat is None:
            pause = self._stream.basin.account.random.uniform(*HEARTBEAT_SECONDS)
            self._heartbeat = now + int(pause * NANOSECONDS)
        until = self._heartbeat if self._deadline is None else min(self._heartbeat, self._deadline)
        return self._turn.wait(self._woken, until), self._heartbeat

    def _follow(self) -> None:
        self._following = True
        self._stream.followers[self._woken] = None
        self._log.followers += 1

    def _unfollow(self) -> None:
        if self._following:
            self._following = False
            del self._stream.followers[self._woken]
            self._log.unfollow()


def _resolve(log: Log, request: ReadRequest) -> int:
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
