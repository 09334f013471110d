"""Actions that are due later, as values: the end of a deletion, the check of an empty stream.

Nothing runs in the background. What a real service does later is carried out, in order, before
the next operation that could see it. The schedule is a leftist heap of tuples: adding to it makes
another one that shares the rest, so a copy costs nothing.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

# Rank, (time, number), action, left, right.
_Node = tuple[int, tuple[int, int], "Due", Any, Any]


class FinishDeletion(NamedTuple):
    """Complete the deletion of a basin, or of a stream in it."""

    basin: str
    stream: str | None
    incarnation: int


class CheckEmpty(NamedTuple):
    """Check a stream for delete-on-empty; `at` is the time for which that was scheduled."""

    basin: str
    stream: str
    incarnation: int
    at: int


Due = FinishDeletion | CheckEmpty


class Schedule(NamedTuple):
    """Actions by account time (`Moment.account_time`), the earliest first."""

    size: int = 0
    # The number of entries that have lost their meaning.
    stale: int = 0
    number: int = 0
    root: _Node | None = None

    @property
    def next_time(self) -> int | None:
        """The time of the first entry, or None."""
        return None if self.root is None else self.root[1][0]

    def add(self, time: int, due: Due) -> "Schedule":
        """Return the schedule with another entry; at the same time, the earlier added is first."""
        node: _Node = (1, (time, self.number), due, None, None)
        return Schedule(self.size + 1, self.stale, self.number + 1, _merge(self.root, node))

    def pop(self) -> tuple[int, Due, "Schedule"]:
        """Return the time of the first entry, the entry, and the schedule without it."""
        root = self.root
        assert root is not None, "nothing is due"
        rest = Schedule(self.size - 1, self.stale, self.number, _merge(root[3], root[4]))
        return root[1][0], root[2], rest

    def entries(self) -> Iterator[tuple[int, Due]]:
        """Yield all entries with their times, in no order."""
        nodes = [self.root]
        while nodes:
            node = nodes.pop()
            if node is not None:
                yield node[1][0], node[2]
                nodes += (node[3], node[4])


def _merge(one: _Node | None, other: _Node | None) -> _Node | None:
    if one is None:
        return other
    if other is None:
        return one
    if other[1] < one[1]:
        one, other = other, one
    left, right = one[3], _merge(one[4], other)
    assert right is not None
    if left is None or left[0] < right[0]:
        left, right = right, left
    return (1 if right is None else right[0] + 1), one[1], one[2], left, right
