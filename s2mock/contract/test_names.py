"""Names of basins and streams at each place in a request (reference: control_plane §4.1, §5.1).

The rule is the same everywhere; the code depends on the place of the name: `bad_json`, `bad_path`,
`bad_header` or `bad_query`, never 422. Lengths are counted in bytes of UTF-8.
"""

from collections.abc import Callable

import pytest

from s2mock.contract.client import Client, segment
from s2mock.contract.control_cases import control_case
from s2mock.contract.errors import bad_header, bad_json, bad_path, bad_query

TOO_SHORT = "should be at least 8 bytes in length"
TOO_LONG = "must not exceed 48 bytes in length"
BEGIN = "must begin with a lowercase letter or number"
END = "must end with a lowercase letter or number"
ALPHABET = "must comprise lowercase letters, numbers, and hyphens"

# In the order in which S2 checks: the length first, then the two ends, then what is between.
BAD_BASINS = [
    ("", TOO_SHORT),
    ("short", TOO_SHORT),
    ("seven-7", TOO_SHORT),
    ("-A", TOO_SHORT),
    ("x" * 49, TOO_LONG),
    ("-" + "x" * 48, TOO_LONG),
    ("Test-Basin-Name", BEGIN),
    ("-test-basin", BEGIN),
    ("_test_basin_", BEGIN),
    ("test-basin-", END),
    ("test_basin_", END),
    ("test-basiN", END),
    ("test_basin_name", ALPHABET),
    ("test basin", ALPHABET),
    ("test.basin", ALPHABET),
    ("testBasin", ALPHABET),
]
NOT_ASCII = [
    ("é" * 25, TOO_LONG),
    ("éé1", TOO_SHORT),
    ("ébasin-1", BEGIN),
    ("basinét1", ALPHABET),
    ("test-\u0660-basin", ALPHABET),
]
# Not for a header: HTTP/1.1 has blanks around any value.
BLANKS = [
    (" test-basin", BEGIN),
    ("test-basin ", END),
    ("\ttest-basin", BEGIN),
    ("test-basin\n", END),
    (" test-basin ", BEGIN),
]

EMPTY = "must not be empty"
DOTS = 'must not be "." or ".."'
NUL = "must not contain NUL bytes"
STREAM_TOO_LONG = "must not exceed 512 bytes in length"

BAD_STREAMS = [
    ("", EMPTY),
    (".", DOTS),
    ("..", DOTS),
    ("x" * 513, STREAM_TOO_LONG),
    ("é" * 257, STREAM_TOO_LONG),
    ("€" * 171, STREAM_TOO_LONG),
    ("😀" * 129, STREAM_TOO_LONG),
    ("a\0b", NUL),
    ("\0" * 600, NUL),
]
GOOD_STREAMS = [
    "x" * 511,
    "x" * 512,
    "é" * 256,
    "€" * 170 + "ab",
    "😀" * 128,
    "...",
    "a/b",
    "/",
    "//",
    "../x",
    " ",
    "tab\tnewline\n",
    "%",
    "%2F",
    "?a=b&c#d",
    'quote"back\\slash',
    "+",
    "日本語",
    "\x01\x7f\u0080",
    "e\u0301",
    "records",
    "a/records/tail",
    " leading",
    "trailing ",
    "carriage\rreturn",
    "{basin}",
    "<b>it's</b>",
    "\ufeffbom",
    "\U0010ffff",
]


@pytest.mark.sample(4)
@control_case(10, 11)
@pytest.mark.parametrize(("name", "rule"), BAD_BASINS + NOT_ASCII + BLANKS)
def test_a_bad_basin_in_a_body(target: Client, name: str, rule: str) -> None:
    """`bad_json` (§4.1)."""
    error = target.request("POST", "/v1/basins", {"basin": name}).error
    assert error == bad_json(f"basin name {rule}")


@pytest.mark.sample(6)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(("name", "rule"), BAD_BASINS[1:] + NOT_ASCII + BLANKS)
def test_a_bad_basin_in_a_path(target: Client, method: str, name: str, rule: str) -> None:
    """`bad_path` (§4.1, §1.2)."""
    error = target.request(method, f"/v1/basins/{segment(name)}").error
    assert error == bad_path(f"basin name {rule}")


@pytest.mark.basin_header
@pytest.mark.parametrize(("name", "rule"), BAD_BASINS)
def test_a_bad_basin_in_a_header(target: Client, name: str, rule: str) -> None:
    """`bad_header` (§4.1, §2.1)."""
    error = target.in_basin(name).request("GET", "/v1/streams").error
    assert error == bad_header("s2-basin", f"basin name {rule}")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("x" * 49, TOO_LONG),
        ("é" * 25, TOO_LONG),
        ("-a", BEGIN),
        ("A", BEGIN),
        ("a_b", ALPHABET),
        ("aB", ALPHABET),
        ("a-\0", ALPHABET),
    ],
)
@pytest.mark.parametrize("key", ["prefix", "start_after"])
def test_a_bad_beginning_of_a_basin(target: Client, key: str, text: str, rule: str) -> None:
    """In a listing the part of a name has to be one that a name can begin with (§4.1)."""
    error = target.request("GET", f"/v1/basins?{key}={segment(text)}").error
    assert error == bad_query(f"{key}: basin {key.replace('_', '-')} {rule}")


@pytest.mark.parametrize("text", ["", "a", "ab-", "7", "x" * 48])
@pytest.mark.parametrize("key", ["prefix", "start_after"])
def test_a_good_beginning_of_a_basin(target: Client, key: str, text: str) -> None:
    """It may be short and end in a hyphen (§4.1)."""
    assert target.request("GET", f"/v1/basins?{key}={text}&limit=1").status == 200


@pytest.mark.any_name
@pytest.mark.parametrize(
    "make",
    [
        lambda tail: "a" * (8 - len(tail)) + tail,
        lambda tail: "0" * (48 - len(tail)) + tail,
        lambda tail: "a--0" + tail,
    ],
    ids=["8 bytes", "48 bytes", "hyphens"],
)
def test_a_good_basin(target: Client, fresh: Callable[[], str], make: Callable[[str], str]) -> None:
    """8 and 48 bytes are in; digits at the ends and hyphens in a row are fine (§4.1)."""
    basin = make(fresh()[-5:])
    assert target.request("PUT", f"/v1/basins/{basin}").json["name"] == basin
    assert target.in_basin(basin).request("GET", "/v1/streams").status == 200
    target.request("DELETE", f"/v1/basins/{basin}")


@control_case(54)
@pytest.mark.parametrize(("name", "rule"), BAD_STREAMS)
def test_a_bad_stream_in_a_body(s2: Client, name: str, rule: str) -> None:
    """`bad_json`, and nothing is made (§5.1)."""
    assert s2.request("POST", "/v1/streams", {"stream": name}).error == bad_json(
        f"stream name {rule}"
    )
    assert s2.request("GET", "/v1/streams").json["streams"] == []


@pytest.mark.sample(4)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(("name", "rule"), BAD_STREAMS[1:])
def test_a_bad_stream_in_a_path(shared: Client, method: str, name: str, rule: str) -> None:
    """`bad_path` (§5.1, §1.2)."""
    error = shared.request(method, f"/v1/streams/{segment(name)}").error
    assert error == bad_path(f"stream name {rule}")


@pytest.mark.parametrize(
    ("text", "rule"), [("x" * 513, STREAM_TOO_LONG), ("€" * 171, STREAM_TOO_LONG), ("a\0", NUL)]
)
@pytest.mark.parametrize("key", ["prefix", "start_after"])
def test_a_bad_beginning_of_a_stream(shared: Client, key: str, text: str, rule: str) -> None:
    """`bad_query` (§5.1)."""
    error = shared.request("GET", f"/v1/streams?{key}={segment(text)}").error
    assert error == bad_query(f"{key}: stream {key.replace('_', '-')} {rule}")


@pytest.mark.parametrize("text", ["", ".", "..", "x" * 512, "€" * 170])
@pytest.mark.parametrize("key", ["prefix", "start_after"])
def test_a_good_beginning_of_a_stream(shared: Client, key: str, text: str) -> None:
    """It may be empty, and dots (§5.1)."""
    assert shared.request("GET", f"/v1/streams?{key}={segment(text)}").status == 200


@pytest.mark.sample(4)
@control_case(55)
@pytest.mark.parametrize("name", GOOD_STREAMS)
def test_a_good_stream(s2: Client, name: str) -> None:
    """Made by its body, found by its path, listed as it is, unescaped (§5.1, §1.5)."""
    made = s2.request("POST", "/v1/streams", {"stream": name})
    assert (made.status, made.json["name"]) == (201, name)
    if name.isprintable() and '"' not in name:
        assert f'{{"name":"{name}",'.encode() in made.body
    path = f"/v1/streams/{segment(name)}"
    assert s2.request("GET", path).status == 200
    assert s2.request("PUT", path).result == "noop"
    [info] = s2.request("GET", f"/v1/streams?prefix={segment(name)}").json["streams"]
    assert info == made.json
    assert s2.request("DELETE", path).status == 202


def test_text_is_escaped_as_little_as_json_allows(s2: Client) -> None:
    """Quotes, backslashes and control characters up to U+001F, and no others (§1.5)."""
    made = s2.request("POST", "/v1/streams", {"stream": '日/\u2028\x7f\n\x01"\\'})
    name = '"name":"日/\u2028\x7f\\n\\u0001\\"\\\\"'
    assert name.encode() in made.body


@pytest.mark.parametrize("name", ["`", "a`b`", "\n", '"'])
def test_a_name_stands_in_a_message_as_it_is(shared: Client, name: str) -> None:
    """A name in a message is not escaped beyond the needs of JSON (§3)."""
    answer = shared.request("GET", f"/v1/streams/{segment(name)}")
    assert answer.message == f"stream `{name}` in basin `{shared.basin}` not found"


@pytest.mark.parametrize(
    ("location", "rule"),
    [
        ("", "must be at least 1 character in length"),
        ("a" * 65, "must be at most 64 characters in length"),
        ("é" * 65, "must be at most 64 characters in length"),
        ("_" * 65, "must be at most 64 characters in length"),
        ("é", "must comprise ASCII letters, numbers, colons, hyphens, and periods"),
        ("a_b", "must comprise ASCII letters, numbers, colons, hyphens, and periods"),
        ("a b", "must comprise ASCII letters, numbers, colons, hyphens, and periods"),
    ],
)
def test_a_bad_location(target: Client, fresh: Callable[[], str], location: str, rule: str) -> None:
    """A location is checked where it is not used: on create and on ensure (§4.2)."""
    basin = fresh()
    error = bad_json(f"location name {rule}")
    document = {"basin": basin, "location": location}
    assert target.request("POST", "/v1/basins", document).error == error
    assert target.request("PUT", f"/v1/basins/{basin}", {"location": location}).error == error
    assert target.request("GET", f"/v1/basins/{basin}").status == 404


@pytest.mark.parametrize("location", ["a", "AWS:us-east-1.x", "a" * 64, ":", "-."])
def test_a_good_location(s2: Client, location: str) -> None:
    """1 to 64 ASCII letters, digits, colons, hyphens, periods (§4.2)."""
    answer = s2.request("PUT", f"/v1/basins/{s2.basin}", {"location": location})
    # Good as a name; a server that has locations may not have that one.
    assert answer.status == 200 or answer.error[:2] == (422, "invalid")
