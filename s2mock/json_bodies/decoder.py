"""Decoding and validation of JSON bodies.

The schemas are the files in `schemas/`. Every failure is `bad_json`. Its message is S2's own if it
is about S2's types, followed by the position (reference: control_plane §2.2).
"""

import json
from collections.abc import Generator
from typing import Any, NoReturn

from s2mock.json_bodies.serde_forms import RepeatedFields, normalize_refused
from s2mock.json_bodies.validators import schema_node
from s2mock.registry.values.errors import BadJson

_MAX_U64_DIGITS = 20
# This number of values takes a few milliseconds to decode, independent of the length of strings.
_FEW_VALUES = 20_000


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        # The first value of each field, in the order in which the fields are written.
        fields = RepeatedFields(fields | dict(reversed(pairs)))
        fields.names = [name for name, _ in pairs]
    return fields


def _integer(digits: str) -> int | float:
    # The real parser reads -0, and a number of more than 64 bits, as floating point.
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
    """Return the document in `body`, validated by the schema of that name. Raises `BadJson`."""
    text = _text(body)
    try:
        document = _decoder.decode(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise _bad_json(text, error) from None
    return _validate(document, schema)


def decode_in_slices(body: bytes, schema: str) -> Generator[None, None, Any]:
    """Decode a long body as `decode` does, in slices between which other threads can run.

    Yields after each slice. Raises `BadJson`.
    """
    from s2mock.json_bodies.pieces import decode_in_pieces  # loaded late: for long bodies only

    text = _text(body)
    try:
        if _has_few_values(body):
            document = _decoder.decode(text)
        else:
            document = yield from decode_in_pieces(text, _decoder)
    except (json.JSONDecodeError, RecursionError) as error:
        raise _bad_json(text, error) from None
    return _validate(document, schema)


def _validate(document: Any, schema: str) -> Any:
    node = schema_node(schema)
    if document is None and "null" in node.schema["type"]:
        # The schemas allow null for a configuration within a body; the body itself is never null.
        raise BadJson(f"invalid type: null, expected struct {node.schema['title']}")
    return document if node.accepts([document]) else normalize_refused(document, node)


def _text(body: bytes) -> str:
    # Bytes that are not UTF-8 become lone surrogates, which the validators refuse: so they are an
    # error in a string that S2 reads, and ignored in a field that it ignores.
    return body.decode("utf-8", "surrogateescape")


def _has_few_values(body: bytes) -> bool:
    # Each value but the first follows one of these marks. To replace them is the fastest count if
    # they are rare.
    return sum(len(body) - len(body.replace(mark, b"")) for mark in (b",", b"[", b"{")) <= (
        _FEW_VALUES
    )


def _bad_json(text: str, error: json.JSONDecodeError | RecursionError) -> BadJson:
    if isinstance(error, RecursionError):
        return BadJson("invalid JSON: nested too deeply to be read")
    what = "EOF while parsing a value" if not text.strip() else f"invalid JSON: {error.msg}"
    return BadJson(f"{what} at line {error.lineno} column {error.colno}")
