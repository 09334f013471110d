"""Phrases that stand in messages of more than one kind."""

from collections.abc import Sequence


def listed(choices: Sequence[str]) -> str:
    """The choices as S2 lists them: up to two with `or`, more as `one of`."""
    quoted = [f"`{choice}`" for choice in choices]
    return " or ".join(quoted) if len(quoted) <= 2 else f"one of {', '.join(quoted)}"


def unknown_variant(word: str, choices: Sequence[str]) -> str:
    """What S2 says of a word that is not among the choices."""
    return f"unknown variant `{word}`, expected {listed(choices)}"


def exactly_one(choices: Sequence[str]) -> str:
    """What is said of a choice that is not made, or made twice."""
    return f"expected exactly one of {listed(choices)}"
