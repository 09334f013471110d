"""Error messages for values that their schema does not accept, in S2's own words if it has some.

They are made for one value at a time, whose parts are valid. So the cost of an error does not grow
with the length of the body.
"""

import re
from typing import Any
from unicodedata import category

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from s2mock.json_bodies.messages import exactly_one, list_choices, unknown_variant
from s2mock.json_bodies.validators import FORMATS, Schema
from s2mock.registry.values.config import U64_MAX
from s2mock.registry.values.errors import S2Error

_WANTED = {"string": "a string", "boolean": "a boolean", "integer": "u64", "array": "a sequence"}
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\0": "\\0", "\t": "\\t", "\r": "\\r", "\n": "\\n"}
# The spacing marks and letters that extend a grapheme, as non-spacing marks do.
_JOINING = frozenset(
    "\u09be\u09d7\u0b3e\u0b57\u0bbe\u0bd7\u0cc0\u0cc2\u0cc7\u0cc8\u0cca\u0ccb\u0cd5\u0cd6\u0d3e\u0d57"
    "\u0dcf\u0ddf\u1715\u1734\u1b35\u1b3b\u1b3d\u1b43\u1b44\u1baa\u1bf2\u1bf3\u302e\u302f\ua953\ua9c0"
    "\uff9e\uff9f\U000111c0\U00011235\U0001133e\U0001134d\U00011357\U000114b0\U000114bd\U000115af"
    "\U000116b6\U00011930\U0001193d\U00016ff0\U00016ff1\U0001d165\U0001d166\U0001d16d\U0001d16e"
    "\U0001d16f\U0001d170\U0001d171\U0001d172"
)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# Keywords about the parts of a value, which have been validated before.
_PARTS = ("$schema", "items", "prefixItems", "properties", "additionalProperties")

_formats = FormatChecker(formats=())


def _add_format(name: str) -> None:
    check = FORMATS[name]

    def is_valid(value: object) -> bool:
        if isinstance(value, str):
            check(value)
        return True

    _formats.checks(name, raises=(S2Error, ValueError))(is_valid)


for _name in FORMATS:
    _add_format(_name)

# For JSON Schema 1.0 is an integer, and there is no highest one.
_Validator: Any = extend(  # type: ignore[no-untyped-call]  # the library leaves it untyped
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: type(value) is int and value <= U64_MAX
    ),
)


def explain(value: Any, schema: Schema) -> str:
    """Return the message for the first fault of a value that the schema does not accept."""
    if isinstance(value, str) and _LONE_SURROGATE.search(value):
        return "invalid unicode code point in a string"
    own = {keyword: rule for keyword, rule in schema.items() if keyword not in _PARTS}
    error: ValidationError = next(_Validator(own, format_checker=_formats).iter_errors(value))
    match error.validator:
        case "type" | "enum" if "enum" in schema:
            return _explain_word(value, [word for word in schema["enum"] if word])
        case "type" if isinstance(value, str) and "maxProperties" in schema:
            if value in schema["properties"]:
                return "invalid type: unit variant, expected newtype variant"
            return unknown_variant(value, list(schema["properties"]))
        case "type":
            return f"invalid type: {_got(value)}, expected {_wanted(schema)}"
        case "minimum":
            return f"invalid value: integer `{value}`, expected u64"
        case "required":
            missing = next(name for name in schema["required"] if name not in value)
            return f"missing field `{missing}`"
        case "minProperties":
            return exactly_one(list(schema["properties"]))
        case "format":
            return str(error.cause)
        case _:
            return error.message


def _explain_word(value: Any, words: list[str]) -> str:
    match value:
        case str():
            return unknown_variant(value, words)
        case dict() if value:
            word, beside = next(iter(value.items()))
            if _LONE_SURROGATE.search(word):
                return "invalid unicode code point in a string"
            if word not in words:
                return unknown_variant(word, words)
            if beside is not None:
                return f"invalid type: {_got(beside)}, expected unit"
            return exactly_one(words)
        case _:
            return f"invalid type: {_got(value)}, expected {list_choices(words)}"


def _wanted(schema: Schema) -> str:
    if "x-expected" in schema:
        return str(schema["x-expected"])
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    return _WANTED.get(kind) or f"struct {schema['title']}"


def _quoted(text: str) -> str:
    """Return the text quoted and escaped as Rust's `Debug` does."""
    return f'"{"".join(map(_shown, text))}"'


def _shown(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    is_joining = category(character) in ("Mn", "Me") or character in _JOINING
    return character if character.isprintable() and not is_joining else f"\\u{{{ord(character):x}}}"


def _got(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"boolean `{str(value).lower()}`"
        case int():
            return f"integer `{value}`"
        case float():
            return f"floating point `{value}`"
        case str():
            return f"string {_quoted(value)}"
        case list():
            return "sequence"
        case _:
            return "map"
