"""Query strings: read left to right, the first bad pair is the error (reference: §2.4)."""

import pytest

from s2mock.contract.client import Client
from s2mock.contract.control_cases import control_case
from s2mock.contract.errors import bad_query

NO_DIGIT = "invalid digit found in string"
NOTHING = "cannot parse integer from empty string"
TOO_LARGE = "number too large to fit in target type"

# What a prefix is called there, and how long it may be, in bytes.
LISTINGS = {
    "/v1/basins": ("basin prefix", 48),
    "/v1/streams": ("stream prefix", 512),
    "/v1/access-tokens": ("access token prefix", 96),
}
LONG = "x" * 600


@pytest.mark.sample(4)
@control_case(41)
@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ("limit=abc", NO_DIGIT),
        ("limit=-1", NO_DIGIT),
        ("limit=1.5", NO_DIGIT),
        ("limit=+5", NO_DIGIT),
        ("limit=%2B", NO_DIGIT),
        ("limit=--1", NO_DIGIT),
        ("limit=1%20", NO_DIGIT),
        ("limit=1_000", NO_DIGIT),
        ("limit=0x1", NO_DIGIT),
        ("limit=%D9%A3", NO_DIGIT),
        ("limit=%FF", NO_DIGIT),
        ("limit=2;prefix=s", NO_DIGIT),
        ("%6Cimit=x", NO_DIGIT),
        ("limit=", NOTHING),
        ("limit", NOTHING),
        ("limit=18446744073709551616", TOO_LARGE),
        ("limit=99999999999999999999999", TOO_LARGE),
        ("limit=" + "9" * 400, TOO_LARGE),
    ],
    ids=lambda text: text[:30],
)
@pytest.mark.parametrize("path", LISTINGS)
def test_a_limit_that_is_no_number(shared: Client, path: str, limit: str, reason: str) -> None:
    """A limit is a u64 in decimal digits (§2.4)."""
    assert shared.request("GET", f"{path}?{limit}").error == bad_query(f"limit: {reason}")


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("limit=1&limit=2", "duplicate field `limit`"),
        ("limit=1&limit=x", "duplicate field `limit`"),
        ("limit=x&limit=1", f"limit: {NO_DIGIT}"),
        ("prefix=a&prefix=a", "duplicate field `prefix`"),
        ("start_after=a&start_after=", "duplicate field `start_after`"),
        (
            "limit=1&prefix=" + "x" * 600 + "&limit=x",
            "prefix: {} must not exceed {} bytes in length",
        ),
        ("limit=x&prefix=" + "x" * 600, f"limit: {NO_DIGIT}"),
    ],
    ids=lambda text: text[:20],
)
@pytest.mark.parametrize("path", LISTINGS)
def test_of_several_faults_the_first(shared: Client, path: str, query: str, detail: str) -> None:
    """A known key twice is an error, told without the key's name in front (§2.4)."""
    error = shared.request("GET", f"{path}?{query}").error
    assert error == bad_query(detail.format(*LISTINGS[path]))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "&&",
        "=",
        "unknown=1&unknown=2",
        "Limit=x",
        "LIMIT=x",
        "start-after=s",
        "startAfter=s",
        "?limit=x",
        "unknown=%FF%zz",
        "limit=007",
        "limit=%2B5",
        "limit=%35",
        "prefix=&start_after=",
    ],
)
def test_what_is_fine(shared: Client, query: str) -> None:
    """Unknown keys are ignored, with any value; keys are case-sensitive (§2.4)."""
    answer = shared.request("GET", f"/v1/streams?{query}")
    assert [info["name"] for info in answer.json["streams"]] == ["s"]


@pytest.mark.parametrize(
    ("prefix", "found"),
    [("a+", ["a b"]), ("a%20", ["a b"]), ("a%2B", ["a+b"]), ("%", ["%zz"]), ("%zz", ["%zz"])],
)
def test_how_a_value_is_decoded(s2: Client, prefix: str, found: list[str]) -> None:
    """As in a form: a plus is a space; an invalid escape is literal text (§2.4)."""
    for path in ("a%20b", "a+b", "%25zz"):
        s2.request("PUT", f"/v1/streams/{path}")
    answer = s2.request("GET", f"/v1/streams?prefix={prefix}")
    assert [info["name"] for info in answer.json["streams"]] == found


def test_bytes_that_are_no_text(s2: Client) -> None:
    """They are replaced: the prefix is then U+FFFD (§2.4)."""
    s2.request("PUT", "/v1/streams/%EF%BF%BD")
    answer = s2.request("GET", "/v1/streams?prefix=%FF")
    assert [info["name"] for info in answer.json["streams"]] == ["\ufffd"]


@pytest.mark.parametrize("method", ["PUT", "GET", "PATCH", "DELETE"])
def test_where_no_query_belongs(s2: Client, method: str) -> None:
    """Elsewhere a query string is not looked at (§1.1)."""
    s2.request("PUT", "/v1/streams/s")
    document: object = {} if method == "PATCH" else ...
    answer = s2.request(method, "/v1/streams/s?limit=x&limit=y&config=1", document)
    assert answer.status in (200, 202)
    assert s2.request("POST", "/v1/streams?limit=x", {"stream": "t"}).status == 201
