"""A set of weak references, to which threads may add while others iterate over it."""

import weakref
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class SharedWeakSet(Generic[Item]):
    """A set of weak references to objects that compare by identity.

    `weakref.WeakSet` raises `RuntimeError` if a thread adds to it while another iterates.
    """

    def __init__(self) -> None:
        self._references: set[weakref.ref[Item]] = set()

    def add(self, item: Item) -> None:
        """Add the item, for as long as it is referenced elsewhere."""
        self._references.add(weakref.ref(item, self._references.discard))

    def discard(self, item: Item) -> None:
        """Remove the item, if the set has it."""
        self._references.discard(weakref.ref(item))

    def __contains__(self, item: Item) -> bool:
        return weakref.ref(item) in self._references

    def __iter__(self) -> Iterator[Item]:
        # A copy of a set is one step for other threads.
        for reference in list(self._references):
            if (item := reference()) is not None:
                yield item
