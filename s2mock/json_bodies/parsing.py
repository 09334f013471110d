"""JSON request bodies: from bytes to a document that its JSON Schema accepts.

The schemas are the files in `schemas/`. Every failure is `bad_json`, with S2's own text where the
text is about S2, followed by the place (reference: control_plane §2.2).
"""

import json
from collections.abc import Generator
from typing import Any, NoReturn

from s2mock.json_bodies.serde_forms import RepeatedFields, respelled
from s2mock.json_bodies.validators import form
from s2mock.registry.values.errors import BadJson

_MAX_U64_DIGITS = 20
# This number of values is read in a few milliseconds, however long their strings are.
_FEW_VALUES = 20_000


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        # The first value of each field, in the order of the text.
        fields = RepeatedFields(fields | dict(reversed(pairs)))
        fields.names = [name for name, _ in pairs]
    return fields


def _integer(digits: str) -> int | float:
    # The real parser reads -0, and whatever 64 bits cannot hold, as floating point.
    if digits == "-0" or len(digits) > _MAX_U64_DIGITS:
        return float(digits)
    value = int(digits)
    return value if -(2**63) <= value < 2**64 else float(digits)


def _no_constant(name: str) -> NoReturn:
    raise BadJson(f"expected value, not `{name}`, which JSON does not have")


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_constant=_no_constant
)


def decode(body: bytes, schema: str) -> Any:
    """The document in `body`, which the schema of that name accepts. Raises `BadJson`."""
    text = _text(body)
    try:
        document = _decoder.decode(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise _bad_json(text, error) from None
    return _accepted(document, schema)


def decode_in_slices(body: bytes, schema: str) -> Generator[None, None, Any]:
    """Return what `decode` returns, and let other threads have their turn: for a long body.

    Yields where the caller may do something else before it goes on. Raises `BadJson`.
    """
    from s2mock.json_bodies.pieces import decode_in_pieces  # which small bodies do without

    text = _text(body)
    try:
        if _has_few_values(body):
            document = _decoder.decode(text)
        else:
            document = yield from decode_in_pieces(text, _decoder)
    except (json.JSONDecodeError, RecursionError) as error:
        raise _bad_json(text, error) from None
    return _accepted(document, schema)


def _accepted(document: Any, schema: str) -> Any:
    expected = form(schema)
    if document is None and "null" in expected.schema["type"]:
        # The schemas allow null where a configuration may stand; a body is never null.
        raise BadJson(f"invalid type: null, expected struct {expected.schema['title']}")
    return document if expected.accepts([document]) else respelled(document, expected)


def _text(body: bytes) -> str:
    # Bytes that are not UTF-8 become lone surrogates, which no checked string may hold: so they
    # are an error where S2 reads the string, and ignored where it ignores the field.
    return body.decode("utf-8", "surrogateescape")


def _has_few_values(body: bytes) -> bool:
    # Each but the first has one of these before it. Where they are rare, nothing finds them faster.
    return sum(len(body) - len(body.replace(mark, b"")) for mark in (b",", b"[", b"{")) <= (
        _FEW_VALUES
    )


def _bad_json(text: str, error: json.JSONDecodeError | RecursionError) -> BadJson:
    if isinstance(error, RecursionError):
        return BadJson("invalid JSON: nested too deeply to be read")
    what = "EOF while parsing a value" if not text.strip() else f"invalid JSON: {error.msg}"
    return BadJson(f"{what} at line {error.lineno} column {error.colno}")
