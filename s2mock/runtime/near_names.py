"""Suggestions for a misspelt name: the known name that is most like it."""

from collections.abc import Iterable
from typing import Final

# Of difflib's ratio, from 0 to 1. Below it, suggestions are mostly wrong.
_CUTOFF: Final = 0.6


def near_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like `name`, or None if none is.

    Case does not count, and a hyphen is equal to an underscore.
    """
    from difflib import get_close_matches  # loaded late: most runs of tests have no such mistake

    folded = {_fold(one): one for one in known}
    found = get_close_matches(_fold(name), folded, 1, _CUTOFF)
    return folded[found[0]] if found else None


def suggest(name: str, known: Iterable[str], listing: str = "there are") -> str:
    """Return "did you mean 'x'?", or the list of all known names behind `listing`."""
    names = tuple(known)
    if (near := near_name(name, names)) is not None:
        return f"did you mean {near!r}?"
    return f"{listing} {', '.join(names)}"


def _fold(name: str) -> str:
    return name.lower().replace("-", "_")
