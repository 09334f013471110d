"""An ordered map of names whose copy costs nothing, at any size.

Values are in buckets by the hash of their names, so that finding and putting one costs the same
in a map of ten and of a million. The order of the names is brought up to date when it is read. A
copy shares all of it; a map copies a part that it shares before it writes to it.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from itertools import chain
from typing import Final, Generic, TypeVar

V = TypeVar("V")

_BUCKET: Final = 1024
_GROWTH: Final = 8
_RUN: Final = 512
# A copy merges at most this number of names that were added or removed.
_SMALL: Final = 64


class PersistentMap(Generic[V]):
    """Values by name. Only its `write_owner` may write to it; others `copy` it first."""

    __slots__ = (
        "_buckets",
        "_changed",
        "_changed_before",
        "_mask",
        "_order",
        "_own",
        "_size",
        "write_owner",
    )

    def __init__(self, write_owner: object) -> None:
        self.write_owner: object = write_owner
        self._size = 0
        self._mask = 0
        self._buckets: list[dict[str, V]] = [{}]
        # 1 for each bucket that no copy shares; None while the list of buckets is shared too.
        self._own: bytearray | None = bytearray(b"\1")
        self._order: _Order | None = None
        # The names that came or went since the order was made: those that did so since the last
        # copy, and did not undo it; and, shared with copies, those before it.
        self._changed: set[str] = set()
        self._changed_before: tuple[set[str], ...] = ()

    def copy(self, write_owner: object) -> "PersistentMap[V]":
        """Return the same for another owner. Nothing may write to this map from now on."""
        other: PersistentMap[V] = PersistentMap.__new__(PersistentMap)
        other.write_owner = write_owner
        other._size, other._mask = self._size, self._mask
        other._buckets, other._own = self._buckets, None
        other._order = self._order
        other._changed = set()
        other._changed_before = _with(self._changed_before, self._changed)
        return other

    def __len__(self) -> int:
        return self._size

    def get(self, name: str) -> V | None:
        """Return the value of that name, or None."""
        return self._buckets[hash(name) & self._mask].get(name)

    def __setitem__(self, name: str, value: V) -> None:
        bucket = self._own_bucket(hash(name) & self._mask)
        if name not in bucket:
            self._size += 1
            self._note(name)
            if self._size > _BUCKET * len(self._buckets):
                self._grow()
                bucket = self._buckets[hash(name) & self._mask]
        bucket[name] = value

    def __delitem__(self, name: str) -> None:
        del self._own_bucket(hash(name) & self._mask)[name]
        self._size -= 1
        self._note(name)

    def values(self) -> Iterator[V]:
        """Yield all values, in no order."""
        return chain.from_iterable(bucket.values() for bucket in self._buckets)

    def __iter__(self) -> Iterator[str]:
        """Yield all names, in order."""
        return self._ordered().since("")

    def names_from(self, start: str, *, after: bool) -> Iterator[str]:
        """Yield the names from `start` on, in order; without `start` itself if `after`."""
        return self._ordered().since(start, after=after)

    def put_in_order(self) -> "PersistentMap[V]":
        """Bring the order up to date and return the map; only its owner may call this."""
        self._ordered()
        return self

    @property
    def is_in_order(self) -> bool:
        """True if the order is up to date, so that reading it writes nothing."""
        return self._order is not None and not (self._changed or self._changed_before)

    def _note(self, name: str) -> None:
        if self._order is not None:
            # Going undoes coming: it is noted how they differ, not all that happened.
            self._changed ^= {name}

    def _own_bucket(self, index: int) -> dict[str, V]:
        own = self._own
        if own is None:
            self._buckets = self._buckets.copy()
            self._own = own = bytearray(len(self._buckets))
        if not own[index]:
            self._buckets[index] = self._buckets[index].copy()
            own[index] = 1
        return self._buckets[index]

    def _grow(self) -> None:
        count = len(self._buckets) * _GROWTH
        buckets: list[dict[str, V]] = [{} for _ in range(count)]
        for bucket in self._buckets:
            for name, value in bucket.items():
                buckets[hash(name) & (count - 1)][name] = value
        self._buckets, self._mask, self._own = buckets, count - 1, bytearray(b"\1" * count)

    def _ordered(self) -> "_Order":
        order = self._order
        if order is not None and self.is_in_order:
            return order
        changed = self._changed.union(*self._changed_before)
        if order is None or len(changed) > self._size // 4:
            names = sorted(chain.from_iterable(self._buckets))
            order = _Order([names[at : at + _RUN] for at in range(0, len(names), _RUN)])
        else:
            order = _Order(order.runs.copy())
            for name in changed:
                order.update(name, present=name in self._buckets[hash(name) & self._mask])
        self._order, self._changed, self._changed_before = order, set(), ()
        return order


def _with(before: tuple[set[str], ...], changed: set[str]) -> tuple[set[str], ...]:
    """The changes of before, and these; small ones are put together, as two may undo each other."""
    while before and len(before[-1]) + len(changed) <= _SMALL:
        changed = before[-1] ^ changed
        before = before[:-1]
    return (*before, changed) if changed else before


class _Order:
    """Names in order, in runs; a run that another order may hold too is replaced, not changed."""

    __slots__ = ("runs", "starts")

    def __init__(self, runs: list[list[str]]) -> None:
        self.runs = runs
        self.starts = [run[0] for run in runs]

    def update(self, name: str, *, present: bool) -> None:
        at = max(0, bisect_right(self.starts, name) - 1)
        run = self.runs[at].copy() if self.runs else []
        place = bisect_left(run, name)
        there = place < len(run) and run[place] == name
        if present == there:
            return
        if present:
            insort(run, name)
        else:
            del run[place]
        pieces = [run[: len(run) // 2], run[len(run) // 2 :]] if len(run) > 2 * _RUN else [run]
        self.runs[at : at + 1] = pieces = [piece for piece in pieces if piece]
        self.starts[at : at + 1] = [piece[0] for piece in pieces]

    def since(self, start: str, *, after: bool = False) -> Iterator[str]:
        at = max(0, bisect_right(self.starts, start) - 1)
        place = (bisect_right if after else bisect_left)(self.runs[at], start) if self.runs else 0
        # By index: a copy of the rest of the runs would touch each of them.
        for index in range(at, len(self.runs)):
            run = self.runs[index]
            yield from run[place:] if place else run
            place = 0
