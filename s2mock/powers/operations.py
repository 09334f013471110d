"""The names of operations, as a test says them: S2's 24, and three of ours.

Source: reference: account_services §1.2. `ensure-basin` and `ensure-stream` are the two PUTs,
`append-session` is the opening of a session of appends.
"""

from collections.abc import Iterable
from typing import Final

from s2mock.registry.scopes import OPERATIONS

OPERATION_NAMES: Final = (
    *OPERATIONS,
    "ensure-basin",
    "ensure-stream",
    "append-session",
)

COMMANDS: Final = frozenset({"trim", "fence"})
"""Names of what is asked for by an append that holds such a command, beside `append` itself."""


def checked_operations(given: object, *, what: str = "on") -> tuple[str, ...]:
    """Names of operations, one or several. Raises `TypeError`, `ValueError`."""
    names: tuple[object, ...]
    if isinstance(given, str):
        names = (given,)
    elif isinstance(given, Iterable):
        names = tuple(given)
    else:
        raise TypeError(f"{what} must be the name of an operation, or several, not {given!r}")
    if not names:
        raise ValueError(f"{what} must name an operation: there are {', '.join(OPERATION_NAMES)}")
    return tuple(_checked(name, what) for name in names)


def _checked(name: object, what: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"{what} must be the name of an operation, or several, not {name!r}")
    if name not in OPERATION_NAMES:
        from difflib import get_close_matches  # which a test without mistakes does without

        near = get_close_matches(name.lower().replace("_", "-"), OPERATION_NAMES, 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(OPERATION_NAMES)}"
        raise ValueError(f"{what}={name!r} is no operation: {hint}")
    return name
