"""The types of what a test hands over, checked where it enters.

Everything behind here relies on the types. An argument of the wrong type is a `TypeError` that says
what would be right, and changes nothing.
"""

from math import inf
from typing import Any


def check_name(what: str, value: object) -> str:
    """A name, which is text. Raises `TypeError`."""
    if not isinstance(value, str):
        hint = ": decode it first" if is_bytes(value) else ""
        raise TypeError(f"{what} must be text, not {described(value)}{hint}")
    return value


def check_text(what: str, value: object) -> None:
    """Text or None. Raises `TypeError`."""
    if value is not None:
        check_name(what, value)


def check_number(what: str, value: object, *, optional: bool = True) -> None:
    """A whole number; None too, if it is `optional`. Raises `TypeError`."""
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{what} must be a whole number, not {described(value)}")


def check_flag(what: str, value: object) -> None:
    """True or False. Raises `TypeError`."""
    if not isinstance(value, bool):
        raise TypeError(f"{what} must be True or False, not {described(value)}")


def check_seconds(what: str, seconds: object) -> None:
    """A number, of which only the type is checked. Raises `TypeError`."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"{what} must be a number of seconds, not {seconds!r}")


def check_delay(what: str, delay: Any, *, may_be_infinite: bool = True) -> None:
    """A number of seconds, 0 or more. Raises `TypeError`, `ValueError`."""
    check_seconds(what, delay)
    if not delay >= 0 or (delay == inf and not may_be_infinite):
        raise ValueError(f"{what} must be 0 or more seconds, not {delay!r}")


def check_config(value: Any, kind: type) -> None:
    """A configuration of that kind, or None. Raises `TypeError`."""
    if value is not None and not isinstance(value, kind):
        example = f"{kind.__name__}(...)"
        raise TypeError(f"config must be a {kind.__name__}, not {described(value)}: try {example}")


def as_bytes(what: str, value: object) -> bytes:
    """Bytes as they are, text as UTF-8. Raises `TypeError`, `ValueError`."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return encoded(what, value)
    hint = ": try bytes(...)" if is_bytes(value) else ""
    raise TypeError(f"{what} must be bytes or text, not {described(value)}{hint}")


def encoded(what: str, text: str) -> bytes:
    """The text as UTF-8. Raises `ValueError` for half of a surrogate pair, which has none."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        half = text[error.start]
        raise ValueError(
            f"{what} must be text that UTF-8 can encode, and {half!a} is half of a surrogate pair"
        ) from None


def is_bytes(value: object) -> bool:
    """Whether it holds bytes, of whatever type."""
    return isinstance(value, bytes | bytearray | memoryview)


def described(value: object) -> str:
    """Its type and, shortened, what it is."""
    text = repr(value)
    return f"{type(value).__name__}: {text if len(text) <= 60 else text[:57] + '...'}"
