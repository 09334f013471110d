"""Query strings: read left to right, the first bad pair is the error.

Source: reference: control_plane §2.4.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from s2mock.json_bodies.messages import unknown_variant
from s2mock.registry.values.errors import BadQuery, InvalidName
from s2mock.registry.values.names import StreamName

# More than any integer here has, and little enough to convert without a thought.
_MAX_DIGITS = 20
_FAILED = "Failed to deserialize query string: "


def parse_query(
    raw: str, parameters: Mapping[str, Callable[[str], Any]], *, required: str | None = None
) -> dict[str, Any]:
    """The values of the known parameters in a raw query string; the unknown ones are ignored.

    Each parameter comes with the function that reads its text, which raises `ValueError` or
    `InvalidName`; the `required` one must be there. Raises `BadQuery`.
    """
    values: dict[str, Any] = {}
    # A WSGI server hands over bytes as Latin-1; what the client meant is UTF-8.
    text = raw.encode("latin-1", "replace").decode("utf-8", "replace")
    for name, value in parse_qsl(text, keep_blank_values=True, errors="replace"):
        read = parameters.get(name)
        if read is None:
            continue
        if name in values:
            raise BadQuery(f"{_FAILED}duplicate field `{name}`")
        try:
            values[name] = read(value)
        except (ValueError, InvalidName) as error:
            raise BadQuery(f"{_FAILED}{name}: {error}") from None
    if required is not None and required not in values:
        raise BadQuery(f"{_FAILED}missing field `{required}`")
    return values


def unsigned(bits: int) -> Callable[[str], int]:
    """Return a reader of unsigned integers of `bits` bits: digits, perhaps after a plus sign."""

    def read(text: str) -> int:
        digits = text.removeprefix("+")
        if not text:
            raise ValueError("cannot parse integer from empty string")
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError("invalid digit found in string")
        significant = digits.lstrip("0")
        if len(significant) > _MAX_DIGITS or int(significant or "0") >= 1 << bits:
            raise ValueError("number too large to fit in target type")
        return int(significant or "0")

    return read


def flag(text: str) -> bool:
    """Reads a truth value. Raises `ValueError`."""
    if text not in ("true", "false"):
        raise ValueError("provided string was not `true` or `false`")
    return text == "true"


def one_of(*choices: str) -> Callable[[str], str]:
    """Reads one of some words."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(unknown_variant(text, choices))
        return text

    return read


def listing_parameters(
    check_filter: Callable[[str, str], str],
) -> Mapping[str, Callable[[str], Any]]:
    """The parameters of a listing whose names follow `check_filter`'s rules."""
    return {
        "prefix": lambda text: check_filter(text, "prefix"),
        "start_after": lambda text: check_filter(text, "start-after"),
        "limit": unsigned(64),
    }


def prefixed_filters(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Those of a listing of streams, each name with that before it. Raises `BadQuery`."""
    prefixed = {**values, "prefix": prefix + values.get("prefix", "")}
    if values.get("start_after"):
        prefixed["start_after"] = prefix + values["start_after"]
    for name in ("prefix", "start_after"):
        try:
            StreamName.check_filter(prefixed.get(name, ""), name.replace("_", "-"))
        except InvalidName as error:
            raise BadQuery(f"{_FAILED}{name}: {error}") from None
    return prefixed
