"""A read in progress: catching up with a stream, and following what is appended.

It is a state machine without I/O: each step, with the account's lock held, returns what to deliver
or what to wait for. Sources: reference: data_plane §4.4, §4.5.
"""

from collections.abc import Generator, Hashable
from typing import Any, Final

from s2mock.registry.engine.account_lock import AccountLock
from s2mock.registry.engine.sessions import Following, LiveBatch, Sessions
from s2mock.registry.engine.store import Store
from s2mock.registry.engine.waiter import Waiter
from s2mock.registry.log.batch import Batch
from s2mock.registry.log.chunks import Span
from s2mock.registry.log.log import LogState
from s2mock.registry.log.read_request import Limits
from s2mock.registry.state import Change, ReadStart, StreamState
from s2mock.registry.values.errors import DecryptionFailed, S2Error, StreamNotFound, Unavailable
from s2mock.registry.values.positions import StreamPosition
from s2mock.runtime.clock import NANOSECONDS, Moment
from s2mock.runtime.conversation import Wait

# The seconds between heartbeats, drawn anew after each output.
HEARTBEAT_SECONDS: Final = (5.0, 15.0)

_EMPTY = LogState()


class ReadSession:
    """One read in progress. `batches` drives it; `begin` is its first step.

    With `is_counted` it is part of the history of usage. Stepping raises `DecryptionFailed`, and
    `Unavailable` if the stream is deleted under a follower, or the account is reset.
    """

    tell_tail = True
    is_streaming = True

    def __init__(
        self,
        lock: AccountLock,
        store: Store,
        sessions: Sessions,
        start: ReadStart,
        *,
        is_counted: bool,
    ) -> None:
        self._lock = lock
        self._store = store
        self._sessions = sessions
        self._basin = start.basin
        self._stream = start.stream
        self._incarnation = start.incarnation
        self._digest = start.digest
        self._generation = sessions.generation
        request = start.request
        self._may_follow = request.may_follow
        self._wait = None if request.wait is None else request.wait * NANOSECONDS
        self._limits = Limits(request)
        self._position = start.position
        self._tail = start.tail
        self._following: Following | None = None
        self._deadline: int | None = None
        self._heartbeat: int | None = None
        self._waiter: Waiter | None = None
        self._first: Batch | Waiter | S2Error | None = None
        self._is_counted = is_counted

    def begin(self, moment: Moment) -> "ReadSession":
        """Make the first step, at the moment of the opening. Call it with the lock held."""
        if self._is_counted and self.is_streaming:
            self._store.usage.begin_streaming(self, self._basin, moment)
        try:
            self._first = self.step(moment)
        except S2Error as error:
            # Sent when the response has begun.
            self._first = error
        return self

    def answer(self) -> Generator[Wait, None, Any]:
        """Return the session itself, at once."""
        return self
        yield

    def batches(self) -> Generator[Batch | Wait, None, None]:
        """Yield batches and heartbeats as they are due, and the waits between them."""
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
        """Make the next step, at a moment of its own."""
        waiter, self._waiter = self._waiter, None
        try:
            with self._lock as moment:
                if self._following is not None and waiter is not None:
                    # Its time may have come without a change of the stream.
                    self._following.waiters.pop(waiter, None)
                if waiter is not None and waiter.error is not None:
                    raise waiter.error
                return self.step(moment)
        finally:
            if waiter is not None:
                waiter.close()

    def close(self) -> None:
        """Stop following the stream."""
        with self._lock.mutex:
            self._unfollow()
            if self._is_counted and self in self._store.usage.streaming:
                # It was closed before its end.
                self._store.usage.end_streaming(self, self._sessions.timekeeper.clock.now())
        if self._waiter is not None:
            self._waiter.close()
            self._waiter = None

    def step(self, moment: Moment) -> Batch | Waiter | None:
        """Return what to deliver or wait for, None at the end. Call it with the lock held."""
        try:
            batch = self._step(moment)
            if isinstance(batch, Batch):
                for span in batch.spans:
                    if span.needs_other_key(self._digest):
                        raise DecryptionFailed
            elif batch is not None:
                self._waiter = batch
        except S2Error:
            self._store.usage.end_streaming(self, moment.now)
            raise
        if batch is None and self._is_counted:
            self._store.usage.end_streaming(self, moment.now)
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
        """Return the stream as it is now, None if it was deleted."""
        store = self._store
        if self._sessions.generation != self._generation:
            return None
        try:
            stream = store.state.stream(self._basin, self._stream, self._incarnation)
        except StreamNotFound:
            return None
        if stream.log is not None and moment.account_time >= stream.log.next_expiry:
            stream = stream._replace(log=stream.log.expired(store.write_owner, moment.account_time))
            store.commit(Change(stream=(self._basin, self._stream, stream)), moment)
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
        if self._is_counted:
            self._store.usage.read(self._basin, size, moment)
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
        """Return a wait for an append, the next heartbeat or the end of the read."""
        assert self._following is not None
        if self._heartbeat is None:
            seconds = self._sessions.random.uniform(*HEARTBEAT_SECONDS)
            self._heartbeat = moment.monotonic + int(seconds * NANOSECONDS)
        until = self._heartbeat if self._deadline is None else min(self._heartbeat, self._deadline)
        waiter = self._sessions.wait_until(until)
        waiter.is_follower = self._wait is None
        self._following.waiters[waiter] = None
        return waiter

    def _follow(self) -> None:
        self._following = self._sessions.follow(self._incarnation, self._stream)

    def _unfollow(self) -> None:
        following, self._following = self._following, None
        if following is None:
            return
        if self._waiter is not None:
            following.waiters.pop(self._waiter, None)
        self._sessions.unfollow(self._incarnation, following)
