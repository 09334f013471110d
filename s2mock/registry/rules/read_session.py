"""A read in progress: catching up with a stream, and following what is appended.

It is a state machine without I/O: each step, in turn, says what to deliver or what to wait for.
Sources: reference: data_plane §4.4, §4.5.
"""

from collections.abc import Generator, Hashable
from typing import Any, Final

from s2mock.registry.engine.engine import Engine
from s2mock.registry.engine.followers import Following, LiveBatch, Waiter
from s2mock.registry.log.batch import Batch
from s2mock.registry.log.chunks import Span
from s2mock.registry.log.log import LogState
from s2mock.registry.log.read_request import Limits, ReadRequest
from s2mock.registry.rules.open_stream import Opened
from s2mock.registry.state import Change, StreamState
from s2mock.registry.values.errors import DecryptionFailed, S2Error, StreamNotFound, Unavailable
from s2mock.registry.values.positions import StreamPosition
from s2mock.runtime.clock import NANOSECONDS, Moment
from s2mock.runtime.conversation import Wait

# Between heartbeats, drawn anew after everything that is sent.
HEARTBEAT_SECONDS: Final = (5.0, 15.0)

_EMPTY = LogState()


class ReadSession:
    """One read in progress, in its place. `batches` drives it; `begin` is its first step.

    Stepping raises `DecryptionFailed`, and `Unavailable` when the stream is deleted under a
    follower, or the account is reset.
    """

    tell_tail = True
    is_streaming = True

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
        self._era = engine.generation
        self._may_follow = request.may_follow
        self._wait = None if request.wait is None else request.wait * NANOSECONDS
        self._limits = Limits(request)
        self._position = position
        self._tail = tail
        self._following: Following | None = None
        self._deadline: int | None = None
        self._heartbeat: int | None = None
        self._pause: Waiter | None = None
        self._first: Batch | Waiter | S2Error | None = None
        # Whether it came from outside, and metrics tell of it.
        self.is_counted = False

    def begin(self, moment: Moment) -> "ReadSession":
        """Make the first step, at the moment of the opening; in turn only."""
        if self.is_counted and self.is_streaming:
            self._engine.usage.begin_streaming(self, self._basin, moment)
        try:
            self._first = self.step(moment)
        except S2Error as error:
            # Told when the answer has begun.
            self._first = error
        return self

    def answer(self) -> Generator[Wait, None, Any]:
        """The session itself, at once."""
        return self
        yield

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

    def next(self) -> Batch | Waiter | None:
        """The next step, in a turn of its own."""
        pause, self._pause = self._pause, None
        try:
            with self._engine.lock as moment:
                if self._following is not None and pause is not None:
                    # Its time may have come without anybody's waking it.
                    self._following.waiters.pop(pause, None)
                if pause is not None and pause.error is not None:
                    raise pause.error
                return self.step(moment)
        finally:
            if pause is not None:
                pause.close()

    def close(self) -> None:
        """Follow no longer."""
        with self._engine.lock.mutex:
            self._unfollow()
            if self.is_counted and self in self._engine.usage.streaming:
                # It did not come to its end.
                self._engine.usage.end_streaming(self, self._engine.clock.now())
        if self._pause is not None:
            self._pause.close()
            self._pause = None

    def step(self, moment: Moment) -> Batch | Waiter | None:
        """What to deliver or what to wait for; None at the end. In turn only."""
        try:
            batch = self._step(moment)
            if isinstance(batch, Batch):
                if any(span.needs_other_key(self._digest) for span in batch.spans):
                    raise DecryptionFailed
            elif batch is not None:
                self._pause = batch
        except S2Error:
            self._engine.usage.end_streaming(self, moment.now)
            raise
        if batch is None and self.is_counted:
            self._engine.usage.end_streaming(self, moment.now)
        return batch

    def _step(self, moment: Moment) -> Batch | Waiter | None:
        if self._is_heartbeat_due(moment):
            return self._beat(moment)
        while not self._limits.leave_nothing:
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
        if engine.generation != self._era:
            return None
        try:
            stream = engine.state.stream(self._basin, self._stream, self._incarnation)
        except StreamNotFound:
            return None
        if stream.log is not None and moment.account_time >= stream.log.next_expiry:
            stream = stream._replace(
                log=stream.log.expired(engine.write_owner, moment.account_time)
            )
            engine.commit(Change(stream=(self._basin, self._stream, stream)), moment)
        return stream

    def _catch_up(self, log: LogState, moment: Moment) -> Batch | None:
        spans = self._limits.first_batch(log.spans(self._position, self._tail.seq_num))
        if not spans:
            self._position = self._tail.seq_num
            return None
        at_tail = spans[-1].end_seq_num == log.tail.seq_num
        return self._take(spans, log.tail if self.tell_tail and at_tail else None, moment)

    def _live(self) -> LiveBatch | None:
        following = self._following
        return None if following is None else following.live_from(self._position)

    def _deliver(self, live: LiveBatch, moment: Moment) -> Batch | None:
        allowed = self._limits.cut(live.span)
        self._tail = live.tail
        if allowed.end == allowed.start:
            return None
        shared = None if self._limits.are_reached else live.shared
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
        size = batch.metered_bytes
        self._limits.use(batch.count, size)
        if self.is_counted:
            self._engine.usage.read(self._basin, size, moment)
        self._deadline = None if self._wait is None else moment.monotonic + self._wait
        self._heartbeat = None
        return batch

    def _is_over(self, moment: Moment) -> bool:
        if self._deadline is None and self._wait is not None:
            self._deadline = moment.monotonic + self._wait
        return self._deadline is not None and self._deadline <= moment.monotonic

    def _is_heartbeat_due(self, moment: Moment) -> bool:
        heartbeat, deadline = self._heartbeat, self._deadline
        return (
            heartbeat is not None
            and heartbeat <= moment.monotonic
            and (deadline is None or heartbeat < deadline)
        )

    def _beat(self, moment: Moment) -> Batch:
        self._heartbeat = None
        return Batch((), self._tail, at=moment.now)

    def _rest(self, moment: Moment) -> Waiter:
        """Wait for an append, the next heartbeat or the end of the wait."""
        assert self._following is not None
        if self._heartbeat is None:
            pause = self._engine.random.uniform(*HEARTBEAT_SECONDS)
            self._heartbeat = moment.monotonic + int(pause * NANOSECONDS)
        until = self._heartbeat if self._deadline is None else min(self._heartbeat, self._deadline)
        wait = self._engine.wait_until(until)
        self._following.waiters[wait] = None
        return wait

    def _follow(self) -> None:
        following = self._engine.following.setdefault(self._incarnation, Following(self._stream))
        following.count += 1
        self._following = following
        self._engine.followed.notify()

    def _unfollow(self) -> None:
        following, self._following = self._following, None
        if following is None:
            return
        if self._pause is not None:
            following.waiters.pop(self._pause, None)
        following.count -= 1
        if not following.count and self._engine.following.get(self._incarnation) is following:
            del self._engine.following[self._incarnation]
