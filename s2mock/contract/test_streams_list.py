"""List streams: `GET /v1/streams` (reference: control_plane §5.7, §4.7)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from s2mock.contract.client import Client, segment
from s2mock.contract.control_cases import control_case
from s2mock.contract.errors import basin_not_found

# In the order of their bytes, which is the order of the listing.
NAMES = (" ", "B", "a", "a/b", "a/c", "ab", "b", "z", "é", "日", "😀")


@pytest.fixture
def full(s2: Client) -> Client:
    """A client in a basin that has the streams of `NAMES`."""
    for name in reversed(NAMES):
        assert s2.request("PUT", f"/v1/streams/{segment(name)}").status == 201
    return s2


def listed(s2: Client, query: str = "") -> tuple[list[str], bool]:
    """The names on a page, and whether there are more."""
    document = s2.request("GET", f"/v1/streams?{query}").json
    return [info["name"] for info in document["streams"]], document["has_more"]


def test_in_the_order_of_the_bytes(full: Client) -> None:
    """Sorted by the bytes of the names: `B` before `a`, `z` before `é` (§5.7)."""
    answer = full.request("GET", "/v1/streams")
    assert list(answer.json) == ["streams", "has_more"]
    assert list(answer.json["streams"][0]) == ["name", "created_at", "deleted_at", "cipher"]
    assert listed(full) == (list(NAMES), False)


@pytest.mark.parametrize("limit", [1, 3, 10, 11])
def test_page_after_page(full: Client, limit: int) -> None:
    """`start_after` is exclusive, `has_more` exact: no page is empty (§4.7)."""
    found: list[str] = []
    more = True
    while more:
        after = segment(found[-1]) if found else ""
        names, more = listed(full, f"limit={limit}&start_after={after}")
        assert len(names) == min(limit, len(NAMES) - len(found))
        found += names
    assert found == list(NAMES)


@pytest.mark.parametrize("limit", ["0", "1000", "1001", "1500", "007", "%2B11", "99999999"])
def test_limits_that_fit_all(full: Client, limit: str) -> None:
    """0 and more than 1000 mean 1000; a plus sign and leading zeros are fine (§4.7, §2.4)."""
    names, _ = listed(full, f"limit={limit}")
    assert len(names) == (7 if limit == "007" else len(NAMES))


@control_case(79)
def test_a_prefix(s2: Client) -> None:
    """What begins with the prefix, sorted (§5.7)."""
    for name in ("users/eu/0001", "users/ca/0002", "users/ca/0001"):
        s2.request("PUT", f"/v1/streams/{segment(name)}")
    assert listed(s2, "prefix=users/ca/") == (["users/ca/0001", "users/ca/0002"], False)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("prefix=a", ["a", "a/b", "a/c", "ab"]),
        ("prefix=a%2F", ["a/b", "a/c"]),
        ("prefix=a&start_after=a", ["a/b", "a/c", "ab"]),
        ("prefix=a&start_after=A", ["a", "a/b", "a/c", "ab"]),
        ("prefix=a&start_after=a0", ["ab"]),
        ("prefix=a&start_after=b", []),
        ("prefix=%C3", []),
        ("prefix=%C3%A9", ["é"]),
        ("prefix=+", [" "]),
        ("prefix=.", []),
        ("start_after=.", list(NAMES[1:])),
        ("prefix=&start_after=", list(NAMES)),
        ("start_after=%F0%9F%98%80", []),
        ("prefix=B&prefix_=x", ["B"]),
    ],
)
def test_prefix_and_start_after(full: Client, query: str, names: list[str]) -> None:
    """Both are of any form that a name may begin with, and need not fit together (§4.7, §5.1)."""
    assert listed(full, query) == (names, False)


def test_an_empty_basin(s2: Client) -> None:
    """No streams, no more (§5.7)."""
    assert s2.request("GET", "/v1/streams").json == {"streams": [], "has_more": False}


@control_case(80)
def test_a_missing_basin(target: Client, fresh: Callable[[], str]) -> None:
    """404, naming the basin (s2-lite since 0.43; an empty page before)."""
    s2 = target.in_basin(fresh())
    assert s2.request("GET", "/v1/streams").error == basin_not_found(s2.basin)


@pytest.mark.slow
def test_more_than_a_page(s2: Client) -> None:
    """A page has 1000 streams at most (§4.7)."""
    with ThreadPoolExecutor(16) as pool:
        made = pool.map(lambda n: s2.request("PUT", f"/v1/streams/{n:04}").status, range(1001))
        assert set(made) == {201}
    for query in ("", "limit=0", "limit=1000", "limit=5000"):
        names, more = listed(s2, query)
        assert (len(names), names[-1], more) == (1000, "0999", True)
    assert listed(s2, "start_after=0999") == (["1000"], False)
