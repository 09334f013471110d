"""Ordered listing: a page costs O(log n + page), whatever the size of the index.

Source: reference: control_plane §4.7. Python orders strings by code point, which for valid
Unicode is the byte order of UTF-8 that S2 lists in.
"""

from itertools import islice
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from sortedcontainers import SortedDict

MAX_PAGE = 1000

T = TypeVar("T")


class Page(NamedTuple, Generic[T]):
    """One page of a listing; `has_more` is exact."""

    items: list[T]
    has_more: bool


def page_of(
    index: "SortedDict[str, T]", *, prefix: str = "", start_after: str = "", limit: int = MAX_PAGE
) -> Page[T]:
    """Values of the names that begin with `prefix` and come after `start_after`, in name order.

    A `limit` of 0, or above 1000, means 1000.
    """
    if not 0 < limit < MAX_PAGE:
        limit = MAX_PAGE
    if start_after >= prefix:
        names = index.irange(minimum=start_after or None, inclusive=(not start_after, True))
    else:
        names = index.irange(minimum=prefix)
    found: list[T] = []
    for name in islice(names, limit + 1):
        if not name.startswith(prefix):
            break
        if len(found) == limit:
            return Page(found, has_more=True)
        found.append(index[name])
    return Page(found, has_more=False)
