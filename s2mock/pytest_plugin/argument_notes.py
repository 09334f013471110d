"""Notes on a misspelt keyword argument of s2mock: the nearest name of a parameter.

They are made when a test has failed, so that no call pays for them. Python 3.13 and newer add the
same to the message of some of these errors.
"""

import inspect
import re
from typing import Final

_UNEXPECTED: Final = re.compile(r"([\w.<>]+)\(\) got an unexpected keyword argument '(\w+)'$")


def add_note(error: BaseException) -> None:
    """Add the nearest name to the error, if it is about a keyword argument of s2mock."""
    found = _UNEXPECTED.search(str(error)) if isinstance(error, TypeError) else None
    if found is None or hasattr(error, "__notes__"):
        return
    from s2mock.runtime.near_names import near_name

    names = _parameters(found[1].split("."))
    if names and (near := near_name(found[2], names)) is not None:
        error.add_note(f"did you mean {near}=?")


def _parameters(path: list[str]) -> list[str]:
    """Return the parameters of a function or method of the public API, by its qualified name."""
    import s2mock

    owner = path[0]
    if owner in ("MockBase", "DirectCalls"):
        owner = "S2Mock"
    thing = getattr(s2mock, owner, None) if owner in s2mock.__all__ else None
    for name in path[1:]:
        thing = getattr(thing, name, None)
    if not callable(thing):
        return []
    return list(inspect.signature(thing).parameters)
