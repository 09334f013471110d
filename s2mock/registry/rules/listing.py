"""Ordered listing: a page costs O(log n + page), for any number n of names.

Source: reference: control_plane §4.7. Python orders strings by code point, which for valid
Unicode is the byte order of UTF-8 that S2 lists in.
"""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from s2mock.registry.values.persistent_map import PersistentMap
from s2mock.registry.values.scopes import ALL, ResourceSet

MAX_PAGE = 1000

T = TypeVar("T")
V = TypeVar("V")


class Page(NamedTuple, Generic[T]):
    """One page of a listing; `has_more` is True if another page has items."""

    items: list[T]
    has_more: bool


def page_of(
    names: PersistentMap[V],
    describe: Callable[[V], T],
    *,
    prefix: str = "",
    start_after: str = "",
    limit: int = MAX_PAGE,
    within: ResourceSet = ALL,
) -> Page[T]:
    """Return a page of the names that begin with `prefix` and sort after `start_after`.

    Each item is what `describe` returns for a value. A `limit` of 0, or above 1000, means 1000.
    Names that are not `within` that set are left out (reference: account_services §1.3).
    """
    if within.kind == "exact":
        name, only = within.name, names.get(within.name)
        is_wanted = name.startswith(prefix) and (start_after == "" or name > start_after)
        return Page([describe(only)] if only is not None and is_wanted else [], has_more=False)
    if within.name.startswith(prefix):
        prefix = within.name
    elif not prefix.startswith(within.name):
        return Page([], has_more=False)
    if not 0 < limit < MAX_PAGE:
        limit = MAX_PAGE
    after = start_after >= prefix and start_after != ""
    found: list[T] = []
    for name in names.names_from(start_after if after else prefix, after=after):
        if not name.startswith(prefix):
            break
        if len(found) == limit:
            return Page(found, has_more=True)
        value = names.get(name)
        assert value is not None, f"{name!r} is in the order and not in the map"
        found.append(describe(value))
    return Page(found, has_more=False)
