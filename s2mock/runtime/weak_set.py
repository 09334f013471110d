"""A set that keeps nothing alive, and that threads may add to while others iterate over it."""

import weakref
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class SharedWeakSet(Generic[Item]):
    """A set of weak references to objects that are equal to themselves only.

    `weakref.WeakSet` raises `RuntimeError` where a thread adds to it while another iterates.
    """

    def __init__(self) -> None:
        self._references: set[weakref.ref[Item]] = set()

    def add(self, item: Item) -> None:
        """Add it, until nothing else keeps it."""
        self._references.add(weakref.ref(item, self._references.discard))

    def discard(self, item: Item) -> None:
        """Remove it, if it is there."""
        self._references.discard(weakref.ref(item))

    def __contains__(self, item: Item) -> bool:
        return weakref.ref(item) in self._references

    def __iter__(self) -> Iterator[Item]:
        # Copying a set is one step for the other threads.
        for reference in list(self._references):
            if (item := reference()) is not None:
                yield item
