"""The log of a stream: sequence numbers, timestamps, conditions, commands, retention.

Pure state; the stream's owner calls it in turn, with the time. Sources: reference: data_plane
§3.5 (sequencing), §8.1 (trim), §8.2 (retention).
"""

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from operator import attrgetter
from typing import Final, NamedTuple

from s2mock.registry.clock import NANOSECONDS
from s2mock.registry.config import U64_MAX, Cipher, StreamConfig
from s2mock.registry.errors import FencingTokenMismatch, Invalid, SeqNumMismatch
from s2mock.registry.records import (
    AppendAck,
    AppendInput,
    AppendRecord,
    SequencedRecord,
    StreamPosition,
    metered_bytes,
)

# How many appends a follower may lag behind before it is fed from the log, without a tail.
MAX_FOLLOWER_LAG: Final = 25
_MAX_GCM_SEQ_NUM: Final = 2**32 - 1
_NEVER: Final = 2**63 - 1
_MILLISECOND: Final = 1_000_000

_seq_num = attrgetter("seq_num")


class LiveBatch(NamedTuple):
    """An append as followers get it, and the tail behind it."""

    records: tuple[SequencedRecord, ...]
    tail: StreamPosition


class Log:
    """The records of one stream that survive, in order, and where the next one goes."""

    __slots__ = (
        "_expiries",
        "_next_expiry",
        "_timestamps",
        "fencing_token",
        "followers",
        "live",
        "records",
        "tail",
        "trim_point",
    )

    def __init__(self) -> None:
        self.records: list[SequencedRecord] = []
        self.tail = StreamPosition(0, 0)
        self.fencing_token = ""
        self.trim_point = 0
        # While somebody follows: the latest appends, whole, whatever is trimmed meanwhile.
        self.followers = 0
        self.live: deque[LiveBatch] = deque(maxlen=MAX_FOLLOWER_LAG)
        self._timestamps = array("Q")
        self._expiries = array("q")
        self._next_expiry = _NEVER

    def append(
        self,
        batch: AppendInput,
        now: int,
        config: StreamConfig,
        cipher: Cipher | None = None,
        digest: bytes | None = None,
    ) -> AppendAck:
        """Write the whole batch, or raise and leave everything as it was.

        `now` is in nanoseconds since the epoch. Raises `FencingTokenMismatch`, `SeqNumMismatch`,
        `Invalid`.
        """
        if batch.fencing_token is not None and batch.fencing_token != self.fencing_token:
            raise FencingTokenMismatch(self.fencing_token)
        first = self.tail.seq_num
        if batch.match_seq_num is not None and batch.match_seq_num != first:
            raise SeqNumMismatch(first)
        timestamps = self._assign_timestamps(batch.records, now // _MILLISECOND, config)
        written = []
        for seq_num, (record, timestamp) in enumerate(
            zip(batch.records, timestamps, strict=True), first
        ):
            is_data = record.command is None
            if is_data and cipher == "aes-256-gcm" and seq_num > _MAX_GCM_SEQ_NUM:
                raise Invalid(
                    f"max assignable sequence number is {_MAX_GCM_SEQ_NUM}; attempted {seq_num}"
                )
            written.append(
                SequencedRecord(
                    seq_num,
                    timestamp,
                    record.headers,
                    record.body,
                    record.metered_bytes,
                    digest if is_data else None,
                )
            )
        self._write(written, now, config)
        for seq_num, record in enumerate(batch.records, first):
            if record.command == "fence":
                self.fencing_token = record.body.decode()
            elif record.command == "trim":
                # Never beyond the command itself.
                self.trim_point = max(
                    self.trim_point, min(int.from_bytes(record.body, "big"), seq_num + 1)
                )
        self._drop_trimmed()
        return AppendAck(StreamPosition(first, timestamps[0]), self.tail, self.tail)

    def end(self, now: int, config: StreamConfig) -> None:
        """Write what a deletion writes: the trim of everything.

        Source: reference: data_plane §8.5.
        """
        headers, body = ((b"", b"trim"),), U64_MAX.to_bytes(8, "big")
        own = AppendRecord(body, headers, U64_MAX)
        # Asks for the last possible time, and gets it where the stream does not cap.
        preferred = StreamConfig(
            timestamping_mode=config.timestamping_mode
            if config.timestamping_mode == "arrival"
            else "client-prefer",
            timestamping_uncapped=config.timestamping_uncapped,
        )
        [timestamp] = self._assign_timestamps((own,), now // _MILLISECOND, preferred)
        size = metered_bytes(headers, body)
        last = SequencedRecord(self.tail.seq_num, timestamp, headers, body, size)
        self._write([last], now, config)
        self.trim_point = U64_MAX
        self._drop_trimmed()

    def expire(self, now: int) -> None:
        """Drop the records whose time is over at `now` (nanoseconds since the epoch)."""
        if now < self._next_expiry:
            return
        kept = [i for i, expiry in enumerate(self._expiries) if expiry > now]
        self.records = [self.records[i] for i in kept]
        self._timestamps = array("Q", [self._timestamps[i] for i in kept])
        self._expiries = array("q", [self._expiries[i] for i in kept])
        self._next_expiry = min(self._expiries, default=_NEVER)

    @property
    def last_expiry(self) -> int:
        """When the log will be empty without further appends, in nanoseconds since the epoch."""
        return max(self._expiries, default=0)

    @property
    def lasts_for_ever(self) -> bool:
        """Whether some record has no time at which it expires."""
        return self.last_expiry == _NEVER

    def first_at(self, timestamp: int) -> int:
        """The lowest surviving sequence number with that timestamp or a later one, or the tail."""
        index = bisect_left(self._timestamps, timestamp)
        return self.records[index].seq_num if index < len(self.records) else self.tail.seq_num

    def between(self, start: int, end: int) -> Iterator[SequencedRecord]:
        """The surviving records from sequence number `start` to before `end`."""
        for index in range(bisect_left(self.records, start, key=_seq_num), len(self.records)):
            record = self.records[index]
            if record.seq_num >= end:
                return
            yield record

    def live_from(self, seq_num: int) -> LiveBatch | None:
        """The append that began there, if it is among the latest."""
        index = bisect_left(self.live, seq_num, key=lambda batch: batch.records[0].seq_num)
        if index < len(self.live) and self.live[index].records[0].seq_num == seq_num:
            return self.live[index]
        return None

    def unfollow(self) -> None:
        """One follower less; without any, nothing is kept for them."""
        self.followers -= 1
        if not self.followers:
            self.live.clear()

    def _assign_timestamps(
        self, records: tuple[AppendRecord, ...], now: int, config: StreamConfig
    ) -> list[int]:
        mode, capped = config.timestamping_mode, not config.timestamping_uncapped
        previous, assigned = self.tail.timestamp, []
        for record in records:
            timestamp = now if mode == "arrival" else record.timestamp
            if timestamp is None:
                if mode == "client-require":
                    raise Invalid("record timestamp was required but was missing")
                timestamp = now
            if capped and timestamp > now:
                timestamp = now
            # After the cap: behind a record from the future, time goes on from there.
            previous = max(previous, timestamp)
            assigned.append(previous)
        return assigned

    def _write(self, written: list[SequencedRecord], now: int, config: StreamConfig) -> None:
        age = config.retention_policy
        expiry = _NEVER if isinstance(age, str) or age is None else now + age * NANOSECONDS
        expiry = min(expiry, _NEVER)
        self.records += written
        self._timestamps.extend([record.timestamp for record in written])
        self._expiries.extend([expiry] * len(written))
        self._next_expiry = min(self._next_expiry, expiry)
        self.tail = StreamPosition(written[-1].seq_num + 1, written[-1].timestamp)
        if self.followers:
            self.live.append(LiveBatch(tuple(written), self.tail))

    def _drop_trimmed(self) -> None:
        if self.records and self.records[0].seq_num < self.trim_point:
            gone = bisect_left(self.records, self.trim_point, key=_seq_num)
            del self.records[:gone]
            del self._timestamps[:gone]
            del self._expiries[:gone]
