"""Names as value types: what they hold is valid, and lengths are in bytes.

The answers over HTTP are in `test_names` of the contract suite.
"""

import pytest

from s2mock import InvalidName
from s2mock.registry.values.names import (
    BasinName,
    LocationName,
    RequestToken,
    StreamName,
    utf8_length,
)


@pytest.mark.parametrize(
    ("name_type", "good", "bad"),
    [
        (BasinName, ["a" * 8, "0" * 48, "a-------b"], ["a" * 7, "a" * 49, "-aaaaaaa", "aaaaaaa-"]),
        (StreamName, ["a", "...", "\n", "é" * 256, "€" * 170 + "aa"], ["", ".", "..", "a\0"]),
        (StreamName, ["😀" * 128], ["😀" * 128 + "a", "€" * 171, "é" * 257, "a" * 513]),
        (RequestToken, ["", "a" * 36, "é" * 18, "😀" * 9], ["a" * 37, "é" * 18 + "a", "😀" * 10]),
        (LocationName, ["a", "A:.-9", "x" * 64], ["", "x" * 65, "a/b", "é", "a b"]),
    ],
)
def test_a_name_holds_what_is_valid_and_nothing_else(
    name_type: type[str], good: list[str], bad: list[str]
) -> None:
    for text in good:
        name = name_type(text)
        assert (type(name), name, hash(name)) == (name_type, text, hash(text))
    for text in bad:
        with pytest.raises(InvalidName):
            name_type(text)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\ud83dx", "😀\udc00"])
@pytest.mark.parametrize("name_type", [BasinName, StreamName, RequestToken, LocationName])
def test_lone_surrogates_are_no_name(name_type: type[str], text: str) -> None:
    with pytest.raises(InvalidName):
        name_type(text)
    with pytest.raises(InvalidName, match="lone surrogate"):
        utf8_length(text)


def test_in_direct_use_the_error_is_that_of_a_body() -> None:
    with pytest.raises(InvalidName) as caught:
        StreamName("")
    assert caught.value.body() == {
        "code": "bad_json",
        "message": "stream name must not be empty",
    }
    assert caught.value.status == 400
    assert str(caught.value) == "stream name must not be empty"
