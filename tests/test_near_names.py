"""The suggestions of a known name for a misspelt one."""

import pytest

from s2mock.runtime.near_names import near_name, suggest


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("apend", "append"),
        ("APPEND", "append"),
        ("create_stream", "create-stream"),
        ("drop", "Drop"),
        ("xyz", None),
        ("", None),
    ],
)
def test_near_name_ignores_case_and_kind_of_hyphen(name: str, expected: str | None) -> None:
    assert near_name(name, ["append", "create-stream", "Drop"]) == expected


def test_suggest_lists_all_names_if_none_is_near() -> None:
    assert suggest("apend", ["append", "read"]) == "did you mean 'append'?"
    assert suggest("xyz", ["append", "read"]) == "there are append, read"
    assert suggest("xyz", ["append"], "the fields are") == "the fields are append"
