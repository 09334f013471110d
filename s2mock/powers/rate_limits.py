"""The rates of appends: an observer that refuses unary appends and slows sessions.

Loaded only for an account with such limits. Source: reference: account_services §5.
"""

import threading
from collections.abc import Hashable
from typing import Final

from s2mock.powers.delays import wait_until
from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Call, Point, Waits
from s2mock.registry.rules.append import Append
from s2mock.registry.values.errors import RateLimited
from s2mock.runtime.clock import NANOSECONDS
from s2mock.runtime.fork_locks import Rank, take_at_fork

_ADVICE: Final = (
    "the batch waits for the rate of limits, by a manual clock, and is sent in the thread that "
    "would advance it: send it in another thread, and advance the clock here"
)
# Buckets that are full again are forgotten when there are more than this number, and then whenever
# the number has doubled.
_MANY: Final = 1024


class Bucket:
    """A token bucket of `rate` units that refills with `rate` units a second.

    It is exact: it counts in units times nanoseconds, in whole numbers. Times are of
    `Moment.monotonic`.
    """

    __slots__ = ("_missing", "_rate", "_seen", "slot")

    def __init__(self, rate: int, now: int) -> None:
        self.slot: int = now
        """The time from which the last batch that took from it was within the limit."""
        self._rate = rate
        # How much is missing from a full bucket, at the time `_seen`.
        self._missing = 0
        self._seen = now

    def is_full(self, now: int) -> bool:
        """True if all that was taken has been refilled."""
        self._refill(now)
        return not self._missing

    def wait_for(self, units: int, now: int) -> int:
        """Return the nanoseconds until `units` can be taken, 0 for now.

        More units than the bucket holds can be taken from a full one, and are owed then.
        """
        self._refill(now)
        needed = min(units, self._rate) * NANOSECONDS
        excess = self._missing + needed - self._rate * NANOSECONDS
        return max(0, -(-excess // self._rate))

    def take(self, units: int) -> None:
        """Take units, also more than there are: the next ones then wait for that."""
        self._missing += units * NANOSECONDS

    def _refill(self, now: int) -> None:
        if now > self._seen:
            self._missing = max(0, self._missing - (now - self._seen) * self._rate)
            self._seen = now


class RateLimiter:
    """An observer that keeps the appends of requests within the limits of their account.

    At its commit, a unary append above a limit is refused, and a batch of a session waits. A manual
    clock that is advanced by a minute lets a minute of the batches pass that were received by then.
    It is the first observer: what it refuses is not held, delayed or faulted at that point.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        limits = engine.settings.limits
        self._batches = limits.batches_per_second
        self._bytes = limits.bytes_per_second
        # By stream, for bytes, and by stream and connection, for batches.
        self._buckets: dict[Hashable, Bucket] = {}
        self._many = _MANY
        self._generation = engine.sessions.generation
        self._lock = threading.Lock()
        take_at_fork(self._lock, Rank.INNER)
        engine.observers = (self, *engine.observers)

    def at(self, point: Point, call: Call) -> Waits | None:
        """Return the wait of a batch in a session, None within the limits.

        Raises `RateLimited` for a unary append above one of them.
        """
        operation = call.operation
        if point != "commit" or not isinstance(operation, Append):
            return None
        engine = self._engine
        now = engine.timekeeper.moment().monotonic
        with self._lock:
            generation = engine.sessions.generation
            if generation != self._generation:
                # The account has begun anew.
                self._generation = generation
                self._buckets.clear()
            taken = self._taken_by(operation, call.connection, now)
            # A batch that was received while the one before it waited has its turn right behind
            # that, also if the clock was advanced much further by now.
            then = min(now, taken[0][0].slot) if operation.is_with_last else now
            wait, limit = max((one.wait_for(units, then), text) for one, units, text in taken)
            if wait and operation.target is None:
                raise RateLimited(limit, -(-wait // 1_000_000))
            slot = then + wait
            for bucket, units, _ in taken:
                bucket.take(units)
                bucket.slot = slot
        return wait_until(engine, slot, generation, _ADVICE) if slot > now else None

    def _taken_by(
        self, operation: Append, connection: int | None, now: int
    ) -> list[tuple[Bucket, int, str]]:
        """Return the buckets that an append takes from, the units of each, and its limit."""
        if len(self._buckets) >= self._many:
            self._forget_full(now)
        stream = (operation.basin, operation.stream)
        taken = []
        if self._batches is not None:
            bucket = self._bucket((*stream, connection), self._batches, now)
            text = f"{self._batches} batches per second for each stream and connection"
            taken.append((bucket, 1, text))
        if self._bytes is not None:
            bucket = self._bucket(stream, self._bytes, now)
            taken.append(
                (
                    bucket,
                    operation.batch.metered_bytes,
                    f"{self._bytes} bytes per second for each stream",
                )
            )
        return taken

    def _bucket(self, key: Hashable, rate: int, now: int) -> Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(rate, now)
        return bucket

    def _forget_full(self, now: int) -> None:
        """Forget buckets that are full: a new one is like them."""
        self._buckets = {k: one for k, one in self._buckets.items() if not one.is_full(now)}
        self._many = max(_MANY, 2 * len(self._buckets))
