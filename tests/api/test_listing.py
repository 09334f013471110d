"""Listings: order, filters, pages, and query strings as forms write them.

The rules are the same for basins and streams. Source: reference: control_plane §2.4, §4.7, §5.7.
"""

from urllib.parse import quote

import pytest

from tests.calls import Api
from tests.conftest import BASIN

STREAMS = ["B", "a", "a/1", "a/2", "a/2/x", "a0", "b", "z", "é", "日", "😀"]
BASINS = ["aaaaaaaa", "aaaaaaaa-1", "aaaaaaaa-2", "bbbbbbbb", "my-basin"]


@pytest.fixture
def filled(s2: Api) -> Api:
    for name in reversed(BASINS):
        if name != BASIN:
            s2.create_basin(name)
    for name in reversed(STREAMS):
        s2.create_stream(name)
    return s2


def pages(s2: Api, kind: str, query: str, limit: int) -> list[list[str]]:
    """The names of all pages, following `start_after` to the end."""
    found: list[list[str]] = []
    after = ""
    while True:
        target = f"/v1/{kind}?limit={limit}{query}{after}"
        document = s2.call("GET", target).json
        assert list(document) == [kind, "has_more"]
        names = [info["name"] for info in document[kind]]
        found.append(names)
        if not document["has_more"]:
            return found
        assert len(names) == limit
        after = f"&start_after={quote(names[-1])}"


@pytest.mark.parametrize(("kind", "names"), [("streams", STREAMS), ("basins", BASINS)])
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 10, 11, 12, 999, 1000])
def test_pages_are_exact(filled: Api, kind: str, names: list[str], limit: int) -> None:
    whole = [names[i : i + limit] for i in range(0, len(names), limit)]
    assert pages(filled, kind, "", limit) == whole


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", STREAMS),
        ("prefix=", STREAMS),
        ("start_after=", STREAMS),
        ("prefix=a", ["a", "a/1", "a/2", "a/2/x", "a0"]),
        ("prefix=a/", ["a/1", "a/2", "a/2/x"]),
        ("prefix=a%2F2", ["a/2", "a/2/x"]),
        ("prefix=x", []),
        ("prefix=%F0%9F%98%80", ["😀"]),
        ("start_after=a", STREAMS[2:]),
        ("start_after=a/15", STREAMS[3:]),
        ("start_after=%F0%9F%98%80", []),
        ("prefix=a/&start_after=a", ["a/1", "a/2", "a/2/x"]),
        ("prefix=a/&start_after=a/1", ["a/2", "a/2/x"]),
        ("prefix=a/&start_after=a/2/x", []),
        ("prefix=a/&start_after=b", []),
        ("prefix=b&start_after=a", ["b"]),
        ("prefix=B&start_after=a", []),
        # As an HTML form writes it: a plus sign is a space.
        ("prefix=a+", []),
        ("prefix=a%2B", []),
        # Not what the parameters are called, and so nothing at all.
        ("start-after=z&startAfter=z&Limit=1&PREFIX=z&x=%FF&y", STREAMS),
        ("&&prefix=b&", ["b"]),
    ],
)
def test_filters(filled: Api, query: str, expected: list[str]) -> None:
    document = filled.call("GET", f"/v1/streams?{query}").json
    assert [stream["name"] for stream in document["streams"]] == expected
    assert document["has_more"] is False


def test_has_more_looks_at_what_matches_only(filled: Api) -> None:
    def has_more(query: str) -> bool:
        more: bool = filled.call("GET", f"/v1/streams?{query}").json["has_more"]
        return more

    assert has_more("prefix=a/&limit=2")
    assert not has_more("prefix=a/&limit=3")
    assert not has_more("prefix=B&limit=1")
    assert has_more("start_after=z&limit=2")
    assert not has_more("start_after=z&limit=3")


def test_limit_beyond_a_page_is_a_page(s2: Api) -> None:
    for number in range(1001):
        s2.create_stream(f"{number:04}")
    for limit in ("0", "1000", "1001", "18446744073709551615", "%2B0", "0000"):
        document = s2.call("GET", f"/v1/streams?limit={limit}").json
        assert (len(document["streams"]), document["has_more"]) == (1000, True)
        rest = s2.call("GET", f"/v1/streams?limit={limit}&start_after=0999").json
        assert [stream["name"] for stream in rest["streams"]] == ["1000"]
        assert rest["has_more"] is False


NO_DIGIT = "invalid digit found in string"


@pytest.mark.parametrize("kind", ["streams", "basins"])
@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("limit=abc", f"limit: {NO_DIGIT}"),
        ("limit=-1", f"limit: {NO_DIGIT}"),
        ("limit=1.5", f"limit: {NO_DIGIT}"),
        ("limit=+5", f"limit: {NO_DIGIT}"),
        ("limit=5+", f"limit: {NO_DIGIT}"),
        ("limit=%D9%A5", f"limit: {NO_DIGIT}"),  # an Arabic digit
        ("limit=%2B", f"limit: {NO_DIGIT}"),
        ("limit=", "limit: cannot parse integer from empty string"),
        ("limit", "limit: cannot parse integer from empty string"),
        ("limit=18446744073709551616", "limit: number too large to fit in target type"),
        ("limit=" + "9" * 400, "limit: number too large to fit in target type"),
        ("limit=1&limit=2", "duplicate field `limit`"),
        ("limit=1&limit=x", "duplicate field `limit`"),
        ("limit=x&limit=1", f"limit: {NO_DIGIT}"),
        ("prefix=a&prefix=a", "duplicate field `prefix`"),
        ("start_after=&x=1&start_after=", "duplicate field `start_after`"),
        ("limit=1&limit=2&prefix=_", "duplicate field `limit`"),
    ],
)
def test_bad_query(filled: Api, kind: str, query: str, reason: str) -> None:
    reply = filled.call("GET", f"/v1/{kind}?{query}")
    message = f"Failed to deserialize query string: {reason}"
    assert reply.refuses(400, "bad_query", message)


def test_first_bad_pair_is_reported(filled: Api) -> None:
    long = "x" * 513
    for query, reason in [
        (f"limit=x&prefix={long}", f"limit: {NO_DIGIT}"),
        (f"prefix={long}&limit=x", "prefix: stream prefix must not exceed 512 bytes in length"),
    ]:
        reply = filled.call("GET", f"/v1/streams?{query}")
        message = f"Failed to deserialize query string: {reason}"
        assert reply.refuses(400, "bad_query", message)


def test_query_is_ignored_where_none_is_taken(s2: Api) -> None:
    assert s2.call("POST", "/v1/streams?limit=x", {"stream": "s"}).status == 201
    assert s2.call("GET", "/v1/streams/s?limit=x&limit=y").status == 200
    assert s2.call("DELETE", "/v1/streams/s?prefix=%00").status == 202
