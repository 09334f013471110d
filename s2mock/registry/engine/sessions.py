"""The open sessions of an account: its read sessions, and what wakes them.

They are no part of the account's state. A stream's incarnation ties a read session to it.
"""

import random
from collections import deque
from collections.abc import Callable, Hashable
from functools import cached_property
from itertools import count
from typing import Final, NamedTuple

from s2mock.registry.engine.waiter import Waiter
from s2mock.registry.log.chunks import Span, Written
from s2mock.registry.values.positions import StreamPosition
from s2mock.runtime.clock import Timekeeper
from s2mock.runtime.notifier import Notifier

# One number for each time that all sessions of an account end.
_generations: Final = count(1)

# A follower that lags behind by more appends than this reads from the log, without a tail.
MAX_FOLLOWER_LAG: Final = 25


class LiveBatch(NamedTuple):
    """An append as followers read it, and the tail behind it; `shared` are its encoded forms."""

    span: Span
    tail: StreamPosition
    shared: dict[Hashable, bytes]


class Following:
    """The followers of one stream, and the latest appends, also where they were trimmed since."""

    def __init__(self, stream: str) -> None:
        # The name of the stream.
        self.stream = stream
        self.count = 0
        self.live: deque[LiveBatch] = deque(maxlen=MAX_FOLLOWER_LAG)
        # In the order in which they began to wait.
        self.waiters: dict[Waiter, None] = {}

    def note(self, span: Span | None, written: Written | None) -> None:
        """Wake the followers of a stream that has changed, perhaps by an append."""
        if span is not None and written is not None:
            self.live.append(LiveBatch(span, written.tail, {}))
        self.wake()

    def wake(self) -> None:
        """Wake every follower that waits."""
        waiters, self.waiters = self.waiters, {}
        for waiter in waiters:
            waiter.wake()

    def live_from(self, seq_num: int) -> LiveBatch | None:
        """Return the append that began there, if it is among the latest."""
        for batch in reversed(self.live):
            first = batch.span.first_seq_num
            if first == seq_num:
                return batch
            if first < seq_num:
                break
        return None


class Sessions:
    """The sessions of one account, and what they wait for. Use it with the account's lock held.

    `seed` makes the time between heartbeats the same in each run.
    """

    def __init__(self, timekeeper: Timekeeper, seed: int) -> None:
        self.timekeeper = timekeeper
        self.make_random: Callable[[], random.Random] = lambda: random.Random(seed)  # noqa: S311
        """Returns a source of random numbers: reproducible, no secret."""
        # A session belongs to one generation, and ends with it.
        self.generation: int = next(_generations)
        # The followers of streams, by the stream's incarnation.
        self.following: dict[int, Following] = {}
        # Notified when a read session begins to follow.
        self.followed: Notifier = Notifier()
        self.waiters: dict[Waiter, None] = {}

    @cached_property
    def random(self) -> random.Random:
        """The source of the times between heartbeats, made with the first one."""
        return self.make_random()

    def wait_until(self, until: int) -> Waiter:
        """Return a waiter until `until`, of `Moment.monotonic`, which `end` wakes too."""
        waiter = Waiter(self.timekeeper, until, self._forget)
        self.waiters[waiter] = None
        return waiter

    def _forget(self, waiter: Waiter) -> None:
        self.waiters.pop(waiter, None)

    def follow(self, incarnation: int, stream: str) -> Following:
        """Add a follower of that stream."""
        following = self.following.setdefault(incarnation, Following(stream))
        following.count += 1
        self.followed.notify()
        return following

    def unfollow(self, incarnation: int, following: Following) -> None:
        """Remove a follower of that stream, which may be of an earlier generation."""
        following.count -= 1
        if not following.count and self.following.get(incarnation) is following:
            del self.following[incarnation]

    def end(self) -> list[Waiter]:
        """Begin another generation; return the waiters to wake once the lock is released."""
        self.generation = next(_generations)
        self.following = {}
        return [*self.waiters]
