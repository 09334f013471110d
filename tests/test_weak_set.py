"""A set of weak references, to which threads may add while it is iterated over."""

import gc

from s2mock.runtime.weak_set import SharedWeakSet


class Item:
    """An object that compares by identity."""


def test_it_has_what_was_added_until_nothing_else_keeps_it() -> None:
    items: SharedWeakSet[Item] = SharedWeakSet()
    kept, gone = Item(), Item()
    items.add(kept)
    items.add(kept)
    items.add(gone)
    assert sorted(map(id, items)) == sorted(map(id, (kept, gone)))
    del gone
    gc.collect()
    assert list(items) == [kept]
    assert kept in items
    assert Item() not in items
    items.discard(Item())
    items.discard(kept)
    assert list(items) == []


def test_what_is_added_while_it_is_iterated_over_is_there_the_next_time() -> None:
    items: SharedWeakSet[Item] = SharedWeakSet()
    first, second = Item(), Item()
    items.add(first)
    for item in items:
        assert item is first
        items.add(second)
    assert set(items) == {first, second}
