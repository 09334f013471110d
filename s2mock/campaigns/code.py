"""Values as Python code, for lines and tests to paste."""

from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Any, Final

from s2mock.powers.faults import Fault
from s2mock.registry.values.config import BasinConfig, StreamConfig

# Types whose `repr` is the code that makes an equal value.
_TYPES_WITH_CODE: Final = (type(None), bool, int, float, str, bytes, StreamConfig, BasinConfig)


def to_code(value: object) -> str | None:
    """Return the code that makes an equal value; None if there is none."""
    if isinstance(value, float) and not isfinite(value):
        return f"float('{value}')"
    if type(value) in _TYPES_WITH_CODE or isinstance(value, Fault):
        return repr(value)
    if type(value) is dict:
        pairs = [(to_code(key), to_code(below)) for key, below in value.items()]
        parts = [None if None in pair else f"{pair[0]}: {pair[1]}" for pair in pairs]
        return None if None in parts else f"{{{', '.join(map(str, parts))}}}"
    if type(value) in (list, tuple):
        items = [to_code(item) for item in value]  # type: ignore[attr-defined]  # as checked
        if None in items:
            return None
        text = ", ".join(map(str, items))
        if type(value) is list:
            return f"[{text}]"
        return f"({text},)" if len(items) == 1 else f"({text})"
    return None


def call_lines(
    name: str, arguments: Iterable[str], options: Iterable[tuple[str, Any]], *, fixture: str
) -> Iterator[str]:
    """Yield a call as code, and a line on options that are no code.

    `arguments` are code, `options` are names and values.
    """
    parts, without_code = list(arguments), []
    for option, value in options:
        if (text := to_code(value)) is None:
            without_code.append(option)
        parts.append(f"{option}={text or option}")
    yield f"{name}({', '.join(parts)})"
    if without_code:
        names = " and ".join(f"`{option}`" for option in without_code)
        are, they = ("is", "it") if len(without_code) == 1 else ("are", "they")
        yield f"where {names} {are} what {fixture} was given: {they} cannot be written as text"
