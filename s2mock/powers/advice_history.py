"""The earlier exchanges on which advice depends, as little of them as it needs."""

from collections import deque
from typing import Any, Final, NamedTuple

_MAX_CUTS: Final = 100

Place = tuple[str | None, str | None]
"""Basin and stream."""


class FullRead(NamedTuple):
    """The number of a read that returned as much as one read can, and its last record."""

    number: int
    last_seq_num: int


class AppendLoop:
    """Appends of one record each by one client, each sent after the answer to the one before."""

    __slots__ = ("_connection", "_ended", "count", "first")

    def __init__(self, number: int, connection: int | None, ended: float) -> None:
        self.first: int = number
        """The number of its first exchange."""
        self.count: int = 1
        self._connection = connection
        self._ended = ended

    def add(self, connection: int | None, began: float, ended: float) -> bool:
        """Count an append on that connection; return False if it is not the next of this loop.

        `began` and `ended` are in seconds of monotonic time.
        """
        if connection != self._connection or began < self._ended:
            return False
        self._ended = ended
        self.count += 1
        return True


class AdviceHistory:
    """What is remembered of a journal's exchanges until the end of the test, or a `clear()`."""

    def __init__(self) -> None:
        self.lost: list[Any] = []
        """The appends whose responses were lost; the diagnostics add them."""
        self.loops: dict[Place, AppendLoop] = {}
        """The loop of appends on each stream that no other operation has ended."""
        self.advised_loops: set[Place] = set()
        """The streams on whose loops there was advice."""
        self.full_reads: dict[Place, FullRead] = {}
        """The latest full read of each stream."""
        self.reached: dict[Place, int] = {}
        """The highest sequence number of each stream that a read returned or began with."""
        self.broken_sessions: set[int] = set()
        """The numbers of append sessions with a fault in one of their batches."""
        self.cuts: deque[float] = deque(maxlen=_MAX_CUTS)
        """When the mock itself has ended all connections, in seconds of monotonic time."""

    def note_reach(self, place: Place, seq_num: int | None) -> None:
        """Note that a read has returned that record, or has begun there."""
        if seq_num is not None and seq_num > self.reached.get(place, -1):
            self.reached[place] = seq_num

    def was_cut(self, began: float, ended: float | None) -> bool:
        """True if the mock itself has ended all connections between two times."""
        return any(began <= cut and (ended is None or cut <= ended) for cut in [*self.cuts])

    def end_test(self) -> None:
        """Forget what the next test has nothing to do with."""
        self.loops.clear()
        self.advised_loops.clear()
        self.full_reads.clear()
        self.reached.clear()

    def clear(self) -> None:
        """Forget all exchanges."""
        self.end_test()
        self.lost.clear()
        self.broken_sessions.clear()
