"""Checks of the arguments that a test passes, made where they enter.

The code behind these checks relies on them. A value of the wrong type raises `TypeError`, one out
of range `ValueError`; both say what is wrong and what would be right, and nothing has changed yet.
"""

from collections.abc import Iterable, Mapping
from math import inf
from typing import Any, Final

_MAX_PORT: Final = 65_535


def check_name(what: str, value: object) -> str:
    """Return the value if it is text. Raises `TypeError`."""
    if not isinstance(value, str):
        hint = ": decode it first" if is_bytes(value) else ""
        raise TypeError(f"{what} must be text, not {described(value)}{hint}")
    return value


def check_text(what: str, value: object) -> None:
    """Check that the value is text or None. Raises `TypeError`."""
    if value is not None:
        check_name(what, value)


def check_number(what: str, value: object, *, optional: bool = True) -> None:
    """Check that the value is an integer, or None if `optional`. Raises `TypeError`."""
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{what} must be a whole number, not {described(value)}")


def check_count(
    what: str, value: Any, *, least: int = 1, below: float = inf, optional: bool = False
) -> None:
    """Check that the value is an integer from `least` up, and less than `below`.

    With `optional`, None is a right value too. Raises `TypeError`, `ValueError`.
    """
    check_number(what, value, optional=optional)
    if value is not None and not least <= value < below:
        raise ValueError(f"{what} must be {least} or more, not {value!r}")


def check_flag(what: str, value: object) -> None:
    """Check that the value is True or False. Raises `TypeError`."""
    if not isinstance(value, bool):
        raise TypeError(f"{what} must be True or False, not {described(value)}")


def check_choice(what: str, value: object, choices: Iterable[str]) -> None:
    """Check that the value is one of the texts in `choices`. Raises `ValueError`."""
    known = tuple(choices)
    if value not in known:
        *others, last = (f'"{choice}"' for choice in known)
        raise ValueError(f"{what} must be {', '.join(others)} or {last}, not {value!r}")


def check_iterable(what: str, value: object, items: str) -> None:
    """Check that the value is an iterable of `items`, other than text, bytes and mappings.

    Raises `TypeError`.
    """
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise TypeError(f"{what} must be a list of {items}, not {described(value)}")


def check_seconds(what: str, value: object) -> None:
    """Check that the value is a number of seconds, in any range. Raises `TypeError`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{what} must be a number of seconds, not {described(value)}")


def check_delay(what: str, value: Any, *, may_be_infinite: bool = True) -> None:
    """Check that the value is a number of seconds from 0 up. Raises `TypeError`, `ValueError`."""
    check_seconds(what, value)
    if not value >= 0 or (value == inf and not may_be_infinite):
        raise ValueError(f"{what} must be 0 or more seconds, not {value!r}")


def check_timeout(value: object) -> None:
    """Check that `timeout` is a number of seconds from 0 up. Raises `TypeError`, `ValueError`."""
    check_delay("timeout", value)


def check_config(value: Any, kind: type) -> None:
    """Check that `config` is None or a configuration of that kind. Raises `TypeError`."""
    if value is not None and not isinstance(value, kind):
        example = f"{kind.__name__}(...)"
        raise TypeError(f"config must be a {kind.__name__}, not {described(value)}: try {example}")


def check_token(value: object) -> str:
    """Return the access token if a header can hold it. Raises `TypeError`, `ValueError`."""
    token = check_name("token", value)
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError(f"token must be text that fits into a header, not {token!r}")
    return token


def check_host(value: str) -> None:
    """Check that the value is an address or a name to listen on. Raises `ValueError`."""
    try:
        # The system's resolver encodes a name that is not ASCII in the same way.
        is_right = bool(value) and "\0" not in value and (value.isascii() or value.encode("idna"))
    except UnicodeError:
        is_right = False
    if not is_right:
        raise ValueError(f"host must be an address or a name to listen on, not {value!r}")


def check_port(value: Any) -> None:
    """Check that the value is the number of a TCP port, or 0 for any. Raises `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_PORT:
        raise ValueError(f"port must be a number from 0 to {_MAX_PORT}, not {value!r}")


def as_bytes(what: str, value: object) -> bytes:
    """Return bytes as they are, and text as UTF-8. Raises `TypeError`, `ValueError`."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return encoded(what, value)
    hint = ": try bytes(...)" if is_bytes(value) else ""
    raise TypeError(f"{what} must be bytes or text, not {described(value)}{hint}")


def encoded(what: str, text: str) -> bytes:
    """Return the text as UTF-8. Raises `ValueError` for half of a surrogate pair."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        half = text[error.start]
        raise ValueError(
            f"{what} must be text that UTF-8 can encode, and {half!a} is half of a surrogate pair"
        ) from None


def is_bytes(value: object) -> bool:
    """True if the value is of one of the types that hold bytes."""
    return isinstance(value, bytes | bytearray | memoryview)


def described(value: object) -> str:
    """Return the type and the shortened representation of a value, for a message."""
    text = repr(value)
    return f"{type(value).__name__}: {text if len(text) <= 60 else text[:57] + '...'}"
