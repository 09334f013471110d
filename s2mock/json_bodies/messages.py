"""Parts of error messages that are common to bodies and query strings, in S2's own words."""

from collections.abc import Sequence


def list_choices(choices: Sequence[str]) -> str:
    """Return the choices as S2 lists them: up to two with `or`, more as `one of`."""
    quoted = [f"`{choice}`" for choice in choices]
    return " or ".join(quoted) if len(quoted) <= 2 else f"one of {', '.join(quoted)}"


def unknown_variant(word: str, choices: Sequence[str]) -> str:
    """Return the message for a word that is not among the choices."""
    return f"unknown variant `{word}`, expected {list_choices(choices)}"


def exactly_one(choices: Sequence[str]) -> str:
    """Return the message for a choice that is missing or made twice."""
    return f"expected exactly one of {list_choices(choices)}"
