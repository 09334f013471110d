"""Reading a stream: where to start, how far to go, and following what is appended.

A read is a state machine without I/O: each step, in turn, says what to deliver or what to wait
for. Sources: reference: data_plane §4.2 to §4.4.
"""

from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal

from s2mock.conversation import Wait
from s2mock.registry.clock import NANOSECONDS, Moment
from s2mock.registry.config import StreamConfig
from s2mock.registry.engine import Engine, Operation
from s2mock.registry.errors import (
    DecryptionFailed,
    Invalid,
    ReadUnwritten,
    S2Error,
    StreamNotFound,
    Unavailable,
)
from s2mock.registry.following import Following, LiveBatch, Pause
from s2mock.registry.log import LogState, Span
from s2mock.registry.names import BasinName, StreamName
from s2mock.registry.opening import Opened, open_stream
from s2mock.registry.positions import StreamPosition
from s2mock.registry.records import (
    MAX_BATCH_BYTES,
    MAX_BATCH_RECORDS,
    Record,
    SequencedRecord,
)
from s2mock.registry.state import Change, StreamState

StartKind = Literal["seq_num", "timestamp", "tail_offset"]

# Between heartbeats, drawn anew after everything that is sent.
HEARTBEAT_SECONDS: Final = (5.0, 15.0)

_EMPTY = LogState()


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
        self.spans = spans
        self.tail = tail
        # When it was made, in nanoseconds since the epoch.
        self.at = at
        self._shared = shared
        self._records: tuple[SequencedRecord, ...] | None = None

    @property
    def rows(self) -> Iterator[tuple[int, int, Record]]:
        """Sequence number, timestamp, and what was appended, of each record, in order."""
        return chain.from_iterable(span.rows for span in self.spans)

    @property
    def records(self) -> tuple[SequencedRecord, ...]:
        """The records, in order."""
        if self._records is None:
            self._records = tuple(record for span in self.spans for record in span.records)
        return self._records

    def once(self, form: Hashable, encode: Callable[["Batch"], bytes]) -> bytes:
        """The batch in that form, encoded once for all followers that get the same."""
        if self._shared is None:
            return encode(self)
        if form not in self._shared:
            self._shared[form] = encode(self)
        return self._shared[form]

    @property
    def count(self) -> int:
        """How many records there are."""
        return sum(span.end - span.start for span in self.spans)

    @property
    def metered_bytes(self) -> int:
        """Their metered bytes."""
        return sum(span.metered_bytes for span in self.spans)

    @property
    def end_seq_num(self) -> int:
        """The sequence number behind the last of them."""
        return self.spans[-1].end_seq_num


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


class CheckTail(Operation):
    """Where the next record goes, and the timestamp of the last one (§1.8).

    Returns a `StreamPosition`. Raises `BasinNotFound`, `BasinDeletionPending`,
    `StreamNotFound`, `StreamDeletionPending`.
    """

    __slots__ = ()
    name = "check-tail"

    def __init__(self, basin: str, stream: str) -> None:
        super().__init__(BasinName(basin), StreamName(stream))

    def decide(self, engine: Engine, moment: Moment) -> Change:
        """The tail, of a stream that is made if need be."""
        basin, stream = str(self.basin), str(self.stream)
        opened = open_stream(engine, moment, basin, stream, create_on="read", needs_key=False)
        return opened.change(basin)._replace(result=(opened.state.log or _EMPTY).tail)


class Read(Operation):
    """A read: of one batch, or with `is_session` of all that comes.

    Returns a `ReadSession` that has taken its place in the stream and has made its first step.
    `tell_tail` lets a batch that reaches the tail say so. Raises `Invalid`, `BadHeader` (for the
    key), `ReadUnwritten`, `BasinNotFound`, `BasinDeletionPending`, `StreamNotFound`,
    `StreamDeletionPending`.
    """

    __slots__ = ("_config", "_is_session", "_key", "wanted")
    name = "read"

    def __init__(
        self,
        basin: str,
        stream: str,
        wanted: ReadRequest,
        *,
        key: str | None = None,
        config: StreamConfig | None = None,
        is_session: bool = False,
    ) -> None:
        super().__init__(BasinName(basin), StreamName(stream))
        if wanted.kind == "timestamp" and wanted.until is not None and wanted.start >= wanted.until:
            raise Invalid("start `timestamp` exceeds or equal to `until`")
        self.wanted = wanted
        self._key = key
        self._config = config
        self._is_session = is_session

    def decide(self, engine: Engine, moment: Moment) -> Change:
        """A place to read from, in a stream that is made if need be."""
        basin, stream = str(self.basin), str(self.stream)
        opened = open_stream(
            engine,
            moment,
            basin,
            stream,
            create_on="read",
            config=self._config,
            key=self._key,
        )
        change = opened.change(basin)
        if opened.error is not None:
            return change
        try:
            session = self._begun(engine, moment, basin, opened)
        except ReadUnwritten as error:
            return change._replace(error=error)
        return change._replace(after=session.begin)

    def _begun(self, engine: Engine, moment: Moment, basin: str, opened: Opened) -> "ReadSession":
        log, wanted = opened.state.log or _EMPTY, self.wanted
        if moment.time >= log.next_expiry:
            log = log.expired(engine.owner, moment.time)
        # A limit of nothing is used up before the start is looked at.
        used_up = wanted.count == 0 or wanted.bytes == 0
        position = 0 if used_up else _resolve(log, wanted)
        kind = ReadSession if self._is_session else UnaryRead
        return kind(engine, basin, opened, wanted, position, log.tail)


class ReadSession:
    """One read in progress, in its place. `batches` drives it; `begin` is its first step.

    Stepping raises `DecryptionFailed`, and `Unavailable` when the stream is deleted under a
    follower, or the account is reset.
    """

    tell_tail = True

    def __init__(
        self,
        engine: Engine,
        basin: str,
        opened: Opened,
        request: ReadRequest,
        position: int,
        tail: StreamPosition,
    ) -> None:
        self._engine = engine
        self._basin = basin
        self._stream = opened.state.name
        self._incarnation = opened.state.incarnation
        self._digest = opened.digest
        self._era = engine.era
        self._may_follow = request.may_follow
        self._wait = None if request.wait is None else request.wait * NANOSECONDS
        # What is left of the limits.
        self._count = request.count
        self._bytes = request.bytes
        self._until = request.until
        self._position = position
        self._tail = tail
        self._ended = False
        self._following: Following | None = None
        self._deadline: int | None = None
        self._heartbeat: int | None = None
        self._pause: Pause | None = None
        self._first: Batch | Pause | S2Error | None = None

    def begin(self, moment: Moment) -> "ReadSession":
        """Make the first step, at the moment of the opening; in turn only."""
        try:
            self._first = self.step(moment)
        except S2Error as error:
            # Told when the answer has begun.
            self._first = error
        return self

    def batches(self) -> Generator[Batch | Wait, None, None]:
        """The batches and heartbeats as they come, and the waits between them."""
        try:
            outcome = self._first
            while outcome is not None:
                if isinstance(outcome, S2Error):
                    raise outcome
                yield outcome
                outcome = self.next()
        finally:
            self.close()

    def next(self) -> Batch | Pause | None:
        """The next step, in a turn of its own."""
        pause, self._pause = self._pause, None
        try:
            with self._engine.turn as moment:
                if self._following is not None and pause is not None:
                    # Its time may have come without anybody's waking it.
                    self._following.pauses.pop(pause, None)
                if pause is not None and pause.error is not None:
                    raise pause.error
                return self.step(moment)
        finally:
            if pause is not None:
                pause.close()

    def close(self) -> None:
        """Follow no longer."""
        with self._engine.turn.lock:
            self._unfollow()
        if self._pause is not None:
            self._pause.close()
            self._pause = None

    def step(self, moment: Moment) -> Batch | Pause | None:
        """What to deliver or what to wait for; None at the end. In turn only."""
        batch = self._step(moment)
        if isinstance(batch, Batch):
            if any(span.needs_other_key(self._digest) for span in batch.spans):
                raise DecryptionFailed
        elif batch is not None:
            self._pause = batch
        return batch

    def _step(self, moment: Moment) -> Batch | Pause | None:
        if self._is_heartbeat_due(moment):
            return self._beat(moment)
        while not (self._ended or self._count == 0 or self._bytes == 0):
            stream = self._current(moment)
            log = _EMPTY if stream is None else stream.log or _EMPTY
            if self._position < self._tail.seq_num:
                if (batch := self._catch_up(log, moment)) is not None:
                    return batch
            elif not self._may_follow:
                break
            elif (live := self._live()) is not None:
                if (batch := self._deliver(live, moment)) is not None:
                    return batch
            elif log.tail.seq_num > self._tail.seq_num:
                # Not following yet, or too far behind: fed from the log.
                self._unfollow()
                self._tail = log.tail
            elif stream is None or stream.deleted_at is not None:
                raise Unavailable
            elif self._is_over(moment):
                break
            elif self._following is None:
                self._follow()
                return Batch((), self._tail, at=moment.now)
            else:
                return self._rest(moment)
        return None

    def _current(self, moment: Moment) -> StreamState | None:
        """The stream as it is now, None when it has gone."""
        engine = self._engine
        if engine.era != self._era:
            return None
        try:
            stream = engine.state.stream(self._basin, self._stream, self._incarnation)
        except StreamNotFound:
            return None
        if stream.log is not None and moment.time >= stream.log.next_expiry:
            stream = stream._replace(log=stream.log.expired(engine.owner, moment.time))
            engine.commit(Change(stream=(self._basin, self._stream, stream)), moment)
        return stream

    def _catch_up(self, log: LogState, moment: Moment) -> Batch | None:
        spans: list[Span] = []
        count = size = 0
        for span in log.spans(self._position, self._tail.seq_num):
            allowed = span.within(
                count=None if self._count is None else self._count - count,
                size=None if self._bytes is None else self._bytes - size,
                until=self._until,
            )
            fitting = span.within(
                count=MAX_BATCH_RECORDS - count, size=MAX_BATCH_BYTES - size, until=None
            )
            self._ended = allowed.end < span.end and allowed.end <= fitting.end
            taken = min(allowed, fitting, key=lambda part: part.end)
            if taken.end > taken.start:
                spans.append(taken)
                count += taken.end - taken.start
                size += taken.metered_bytes
            if taken.end < span.end:
                break
        if not spans:
            self._position = self._tail.seq_num
            return None
        at_tail = spans[-1].end_seq_num == log.tail.seq_num
        return self._take(spans, log.tail if self.tell_tail and at_tail else None, moment)

    def _live(self) -> LiveBatch | None:
        following = self._following
        return None if following is None else following.live_from(self._position)

    def _deliver(self, live: LiveBatch, moment: Moment) -> Batch | None:
        allowed = live.span.within(count=self._count, size=self._bytes, until=self._until)
        self._ended = allowed.end < live.span.end
        self._tail = live.tail
        if allowed.end == allowed.start:
            return None
        shared = None if self._ended else live.shared
        return self._take([allowed], live.tail, moment, shared)

    def _take(
        self,
        spans: list[Span],
        tail: StreamPosition | None,
        moment: Moment,
        shared: dict[Hashable, bytes] | None = None,
    ) -> Batch:
        batch = Batch(spans, tail, at=moment.now, shared=shared)
        self._position = batch.end_seq_num
        if self._count is not None:
            self._count -= batch.count
        if self._bytes is not None:
            self._bytes -= batch.metered_bytes
        self._deadline = None if self._wait is None else moment.elapsed + self._wait
        self._heartbeat = None
        return batch

    def _is_over(self, moment: Moment) -> bool:
        if self._deadline is None and self._wait is not None:
            self._deadline = moment.elapsed + self._wait
        return self._deadline is not None and self._deadline <= moment.elapsed

    def _is_heartbeat_due(self, moment: Moment) -> bool:
        heartbeat, deadline = self._heartbeat, self._deadline
        return (
            heartbeat is not None
            and heartbeat <= moment.elapsed
            and (deadline is None or heartbeat < deadline)
        )

    def _beat(self, moment: Moment) -> Batch:
        self._heartbeat = None
        return Batch((), self._tail, at=moment.now)

    def _rest(self, moment: Moment) -> Pause:
        """Wait for an append, the next heartbeat or the end of the wait."""
        assert self._following is not None
        if self._heartbeat is None:
            pause = self._engine.random.uniform(*HEARTBEAT_SECONDS)
            self._heartbeat = moment.elapsed + int(pause * NANOSECONDS)
        until = self._heartbeat if self._deadline is None else min(self._heartbeat, self._deadline)
        wait = self._engine.pause(until)
        self._following.pauses[wait] = None
        return wait

    def _follow(self) -> None:
        following = self._engine.following.setdefault(self._incarnation, Following(self._stream))
        following.count += 1
        self._following = following

    def _unfollow(self) -> None:
        following, self._following = self._following, None
        if following is None:
            return
        if self._pause is not None:
            following.pauses.pop(self._pause, None)
        following.count -= 1
        if not following.count and self._engine.following.get(self._incarnation) is following:
            del self._engine.following[self._incarnation]


class UnaryRead(ReadSession):
    """A read of one batch: what there is at once, or, if that is nothing, what comes first (§4.5).

    Its one answer is a `Batch`; until there is one it waits.
    """

    tell_tail = False

    def __init__(
        self,
        engine: Engine,
        basin: str,
        opened: Opened,
        request: ReadRequest,
        position: int,
        tail: StreamPosition,
    ) -> None:
        super().__init__(engine, basin, opened, request, position, tail)
        self._spans: list[Span] = []
        self._told_tail: StreamPosition | None = None
        self._waiting = False

    def answer(self) -> Generator[Wait, None, Batch]:
        """The answer, when there is one. Raises what stepping raises."""
        try:
            outcome = self._first
            while not isinstance(outcome, Batch):
                if isinstance(outcome, S2Error):
                    raise outcome
                assert outcome is not None, "a read of one batch answers"
                yield outcome
                outcome = self.next()
            return outcome
        finally:
            self.close()

    def step(self, moment: Moment) -> Batch | Pause:
        """The answer, or what to wait for. In turn only."""
        while (outcome := super().step(moment)) is not None:
            if isinstance(outcome, Pause):
                return outcome
            if not outcome.spans:
                if self._spans:
                    break
                self._waiting = True
                continue
            self._spans += outcome.spans
            self._told_tail = outcome.tail
            if self._waiting:
                break
        return Batch(self._spans, self._told_tail)


def _resolve(log: LogState, request: ReadRequest) -> int:
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
