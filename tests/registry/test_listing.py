"""Pages of a sorted index, against the plain way to say what a page is.

Source: reference: control_plane §4.7.
"""

from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mock import Account, Page, StreamInfo
from s2mock.registry.rules.listing import page_of
from s2mock.registry.values.persistent_map import PersistentMap

V = TypeVar("V")

# Few letters, so that prefixes and neighbours are met; one of them of two code units in UTF-16,
# where the order of characters and that of bytes would part.
NAMES = st.text("a/z\uffff😀", max_size=4)


def index_of(values: dict[str, V]) -> PersistentMap[V]:
    names: PersistentMap[V] = PersistentMap(None)
    for name, value in values.items():
        names[name] = value
    return names


@given(
    names=st.sets(NAMES.filter(bool), max_size=30),
    prefix=NAMES,
    start_after=NAMES,
    limit=st.integers(0, 40),
)
def test_page(names: set[str], prefix: str, start_after: str, limit: int) -> None:
    index = index_of({name: name for name in names})
    ordered = sorted(names, key=str.encode)
    matching = [name for name in ordered if name.startswith(prefix) and name > start_after]
    page = page_of(index, "<{}>".format, prefix=prefix, start_after=start_after, limit=limit)
    assert page.items == [f"<{name}>" for name in matching[: limit or 1000]]
    assert page.has_more == (len(matching) > (limit or 1000))


@pytest.mark.parametrize("limit", [0, 1000, 1001, 10**30])
def test_page_has_at_most_1000(limit: int) -> None:
    index = index_of({f"{number:05}": number for number in range(1001)})
    assert page_of(index, int, limit=limit) == Page(list(range(1000)), has_more=True)
    del index["00500"]
    page = page_of(index, int, limit=limit)
    assert (len(page.items), page.has_more) == (1000, False)


def test_listings_of_the_account() -> None:
    account = Account()
    for name in ("basin-b", "basin-a", "other-x"):
        account.create_basin(name + "-1").create_stream(name)
    page = account.list_basins(prefix="basin-", limit=1)
    assert ([info.name for info in page.items], page.has_more) == (["basin-a-1"], True)
    page = account.list_basins(prefix="basin-", start_after="basin-a-1")
    assert ([info.name for info in page.items], page.has_more) == (["basin-b-1"], False)
    basin = account.basin("other-x-1")
    expected: Page[StreamInfo] = Page([basin.stream("other-x").info], has_more=False)
    assert basin.list_streams() == expected
