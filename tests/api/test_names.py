"""Names over HTTP: odd ones work by their percent-encoded path, bad ones are refused everywhere.

Source: reference: control_plane §1.2, §4.1, §5.1.
"""

from urllib.parse import quote

import pytest

from tests.calls import Api, stream_path
from tests.conftest import BASIN

ODD_NAMES = [
    "logs/application",
    "a/b/records",
    "a//b",
    "/",
    "records",
    "tail",
    "...",
    "./x",
    "100%",
    "a%2Fb",
    "what?",
    "a?b=c",
    "a#b",
    "with space",
    " leading",
    "trailing ",
    "a+b",
    "a&b=c;d",
    'say "hi"',
    "it's",
    "back\\slash",
    "line\nbreak",
    "carriage\rreturn",
    "tab\there",
    "\x7f\x01",
    "{basin}",
    "<b>",
    "é",
    "e\u0301",
    "\ufeffbom",
    "日本語",
    "🎉 emoji 👩‍👩‍👧",
    "\U0010ffff",
]


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_odd_stream_name_lives_a_whole_life(s2: Api, name: str) -> None:
    path = stream_path(name)
    made = s2.create_stream(name)
    assert made.json["name"] == name
    assert s2.call("GET", "/v1/streams").json["streams"] == [made.json]
    assert s2.call("PATCH", path, {"storage_class": "standard"}).status == 200
    assert s2.stream_config(name)["storage_class"] == "standard"
    ensured = s2.call("PUT", path)
    assert (ensured.status, ensured.result, ensured.json) == (200, "updated", made.json)
    again = s2.call("POST", "/v1/streams", {"stream": name})
    assert again.refuses(
        409, "resource_already_exists", f"stream `{name}` in basin `{BASIN}` already exists"
    )

    deleted = s2.call("DELETE", path)
    assert (deleted.status, deleted.is_empty) == (202, True)
    gone = s2.call("GET", path)
    assert gone.refuses(404, "stream_not_found", f"stream `{name}` in basin `{BASIN}` not found")
    assert s2.stream_names() == []


def test_odd_names_are_distinct_and_listed_in_byte_order(s2: Api) -> None:
    for name in ODD_NAMES:
        s2.create_stream(name)
    assert s2.stream_names() == sorted(ODD_NAMES, key=str.encode)


@pytest.mark.parametrize(
    ("segment", "name"),
    [
        ("%", "%"),
        ("%25", "%"),
        ("%zz", "%zz"),
        ("a%2", "a%2"),
        ("a%2fb", "a/b"),
        ("%61", "a"),
        ("a+b", "a+b"),
        ("%C3%A9", "é"),
        ("\u00c3\u00a9", "é"),  # the two bytes of é as they are, not percent-encoded
        ("a|b", "a|b"),
        ("%25%32%35", "%25"),  # decoded once
    ],
)
def test_path_segment_is_decoded_once(s2: Api, segment: str, name: str) -> None:
    made = s2.call("PUT", f"/v1/streams/{segment}")
    assert (made.status, made.json["name"]) == (201, name)
    assert s2.stream_names() == [name]


@pytest.mark.parametrize("segment", ["%FF", "a%80", "%C3", "%C0%80", "%ED%A0%80"])
@pytest.mark.parametrize(
    ("root", "parameter"), [("/v1/streams", "stream"), ("/v1/basins", "basin")]
)
def test_path_that_is_not_utf8(s2: Api, root: str, parameter: str, segment: str) -> None:
    before = s2.everything()
    for method in ("GET", "PUT", "DELETE"):
        reply = s2.call(method, f"{root}/{segment}")
        message = f"Invalid URL: Invalid UTF-8 in `{parameter}`"
        assert reply.refuses(400, "bad_path", message)
    assert s2.everything() == before


def of_bytes(character: str, length: int) -> str:
    """Return a name of `length` bytes, of that character as far as possible."""
    count, rest = divmod(length, len(character.encode()))
    return character * count + "a" * rest


@pytest.mark.parametrize("character", ["a", "é", "€", "😀"])
def test_stream_name_is_measured_in_bytes(s2: Api, character: str) -> None:
    text = "stream name must not exceed 512 bytes in length"
    for length in (511, 512):
        name = of_bytes(character, length)
        assert s2.create_stream(name).json["name"] == name
        assert s2.call("PUT", stream_path(name)).result == "noop"
        assert s2.stream_names(f"?prefix={quote(name)}") == [name]
    before = s2.everything()
    long = of_bytes(character, 513)
    in_body = s2.call("POST", "/v1/streams", {"stream": long})
    assert in_body.refuses(400, "bad_json", text)
    for method in ("GET", "PUT", "DELETE"):
        assert s2.call(method, stream_path(long)).refuses(400, "bad_path", f"Invalid URL: {text}")
    for key, word in (("prefix", "prefix"), ("start_after", "start-after")):
        in_query = s2.call("GET", f"/v1/streams?{key}={quote(long)}")
        reason = f"{key}: stream {word} must not exceed 512 bytes in length"
        message = f"Failed to deserialize query string: {reason}"
        assert in_query.refuses(400, "bad_query", message)
    assert s2.everything() == before


RESERVED = 'stream name must not be "." or ".."'
WITH_NUL = "stream name must not contain NUL bytes"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".", RESERVED),
        ("..", RESERVED),
        ("\0", WITH_NUL),
        ("a\0b", WITH_NUL),
        ("\0" * 513, WITH_NUL),
        ("", "stream name must not be empty"),
    ],
    ids=["dot", "dots", "nul", "nul-inside", "nul-and-long", "empty"],
)
def test_bad_stream_name(s2: Api, name: str, text: str) -> None:
    before = s2.everything()
    assert s2.call("POST", "/v1/streams", {"stream": name}).refuses(400, "bad_json", text)
    if name:
        # Encoded in full, so that nothing on the way takes the dots for dots of a path.
        path = "/v1/streams/" + "".join(f"%{byte:02X}" for byte in name.encode())
        for method in ("GET", "PUT", "DELETE"):
            reply = s2.call(method, path)
            assert reply.refuses(400, "bad_path", f"Invalid URL: {text}")
        patched = s2.call("PATCH", path, {})
        assert patched.refuses(400, "bad_path", f"Invalid URL: {text}")
    assert s2.everything() == before


@pytest.mark.parametrize(("key", "word"), [("prefix", "prefix"), ("start_after", "start-after")])
def test_filter_of_streams_obeys_the_length_and_nul_rules_only(
    s2: Api, key: str, word: str
) -> None:
    for value in ("", ".", "..", "%2F"):
        assert s2.call("GET", f"/v1/streams?{key}={value}").status == 200
    reply = s2.call("GET", f"/v1/streams?{key}=a%00b")
    message = f"Failed to deserialize query string: {key}: stream {word} must not contain NUL bytes"
    assert reply.refuses(400, "bad_query", message)


LONG = "basin name must not exceed 48 bytes in length"
SHORT = "basin name should be at least 8 bytes in length"
BEGIN = "basin name must begin with a lowercase letter or number"
END = "basin name must end with a lowercase letter or number"
ALPHABET = "basin name must comprise lowercase letters, numbers, and hyphens"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a" * 49, LONG),
        ("-" * 49, LONG),
        ("é" * 25, LONG),
        ("a" * 7, SHORT),
        ("-", SHORT),
        ("", SHORT),
        ("ééé", SHORT),
        ("éééé", BEGIN),
        ("-test-basin", BEGIN),
        ("Test-basin", BEGIN),
        ("_test-basin", BEGIN),
        ("test-basin-", END),
        ("test-basiN", END),
        ("test-basin\u00e9", END),
        ("test_basin", ALPHABET),
        ("test.basin", ALPHABET),
        ("test basin", ALPHABET),
        ("tesT-basin", ALPHABET),
        ("test-\u00e9-basin", ALPHABET),
        ("test-\u0660-basin", ALPHABET),  # a digit, though none of ours
    ],
    ids=ascii,
)
def test_bad_basin_name(s2: Api, name: str, text: str) -> None:
    before = s2.everything()
    assert s2.call("POST", "/v1/basins", {"basin": name}).refuses(400, "bad_json", text)
    if name:
        path = stream_path(name).replace("streams", "basins")
        for method in ("GET", "PUT", "DELETE"):
            reply = s2.call(method, path)
            assert reply.refuses(400, "bad_path", f"Invalid URL: {text}")
        patched = s2.call("PATCH", path, {})
        assert patched.refuses(400, "bad_path", f"Invalid URL: {text}")
    if name.isascii():
        reply = s2.within(name).call("GET", "/v1/streams")
        assert reply.refuses(400, "bad_header", f"Invalid header `s2-basin`: {text}")
    assert s2.everything() == before


@pytest.mark.parametrize("name", ["a" * 8, "a" * 48, "12345678", "a--------b", "0-1-2-3-4"])
def test_good_basin_name(api: Api, name: str) -> None:
    assert api.create_basin(name).json["name"] == name
    assert api.call("PUT", f"/v1/basins/{name}").result == "noop"
    assert api.within(name).call("GET", "/v1/streams").status == 200


@pytest.mark.parametrize(("key", "word"), [("prefix", "prefix"), ("start_after", "start-after")])
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", None),
        ("a", None),
        ("a-", None),
        ("-a", "basin {} must begin with a lowercase letter or number"),
        ("a_", "basin {} must comprise lowercase letters, numbers, and hyphens"),
        ("aA", "basin {} must comprise lowercase letters, numbers, and hyphens"),
        ("a" * 48, None),
        ("a" * 49, "basin {} must not exceed 48 bytes in length"),
    ],
)
def test_filter_of_basins(api: Api, key: str, word: str, value: str, text: str | None) -> None:
    reply = api.call("GET", f"/v1/basins?{key}={value}")
    if text is None:
        assert reply.status == 200
    else:
        message = f"Failed to deserialize query string: {key}: {text.format(word)}"
        assert reply.refuses(400, "bad_query", message)


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (None, None),
        ("aws:us-east-1", None),
        ("", "location name must be at least 1 character in length"),
        ("x" * 65, "location name must be at most 64 characters in length"),
        ("é" * 65, "location name must be at most 64 characters in length"),
        (
            "aws/us",
            "location name must comprise ASCII letters, numbers, colons, hyphens, and periods",
        ),
        ("é", "location name must comprise ASCII letters, numbers, colons, hyphens, and periods"),
    ],
    ids=ascii,
)
def test_the_name_of_a_location(api: Api, location: str | None, text: str | None) -> None:
    created = api.call("POST", "/v1/basins", {"basin": "created-basin", "location": location})
    ensured = api.call("PUT", "/v1/basins/ensured-basin", {"location": location})
    for reply in (created, ensured):
        if text is None:
            assert (reply.status, reply.json["location"]) == (201, "aws:us-east-1")
        else:
            assert reply.refuses(400, "bad_json", text)
