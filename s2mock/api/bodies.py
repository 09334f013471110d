"""JSON request bodies: from bytes to a document that its JSON Schema accepts.

The schemas are the files in `schemas/`. Every failure is `bad_json`, with S2's own text where the
text is about S2, followed by the place (reference: control_plane §2.2).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NoReturn

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from s2mock.api.spellings import spelled_out
from s2mock.api.wording import listed, unknown_variant
from s2mock.registry.errors import BadJson, S2Error
from s2mock.registry.names import AccessTokenId, BasinName, LocationName, StreamName
from s2mock.registry.records import check_fencing_token
from s2mock.registry.rfc3339 import check_timestamp

_WANTED = {"string": "a string", "boolean": "a boolean", "integer": "u64", "array": "a sequence"}
_MAX_U64_DIGITS = 20


class _RepeatedFields(dict[str, Any]):
    """An object in which some field came twice: an error if the schema knows the field.

    It holds the first value of each field; `names` are all of them, in the order of the text.
    """

    names: list[str]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        fields = _RepeatedFields()
        for name, value in pairs:
            fields.setdefault(name, value)
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


def _is_string(_: object, value: object) -> bool:
    return isinstance(value, str) and (value.isascii() or not _has_lone_surrogate(value))


def _has_lone_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _is_integer(_: object, value: object) -> bool:
    return type(value) is int


_types = Draft202012Validator.TYPE_CHECKER.redefine_many(
    {"string": _is_string, "integer": _is_integer}
)
_formats = FormatChecker(formats=())


def _format(name: str, check: Callable[[str], object]) -> None:
    def is_valid(value: object) -> bool:
        if isinstance(value, str):
            check(value)
        return True

    _formats.checks(name, raises=(S2Error, ValueError))(is_valid)


def _resource_formats(name: str, name_type: type[BasinName | StreamName | AccessTokenId]) -> None:
    _format(name, name_type)
    # In a scope the empty name stands for no resource at all.
    _format(f"{name}-or-empty", lambda text: text and name_type(text))
    _format(f"{name}-prefix", lambda text: name_type.check_filter(text, "prefix"))


_resource_formats("basin-name", BasinName)
_resource_formats("stream-name", StreamName)
_resource_formats("access-token-id", AccessTokenId)
_format("location-name", LocationName)
_format("fencing-token", check_fencing_token)
_format("rfc3339", check_timestamp)


# By the identity of their schemas, which live as long as they do.
_property_validators: dict[int, Any] = {}


def _properties(
    validator: Any, known: Mapping[str, Any], instance: Any, _: Any
) -> Iterator[ValidationError]:
    for name in instance if isinstance(instance, dict) else ():
        # S2 reads the names of an object of its own to the end, known ones or not.
        if not name.isascii() and _has_lone_surrogate(name):
            yield ValidationError("invalid unicode code point in a field name", validator="name")
    if isinstance(instance, _RepeatedFields):
        names = instance.names
        for name in known:
            if names.count(name) > 1:
                second = names.index(name, names.index(name) + 1)
                yield ValidationError(
                    f"duplicate field `{name}`", validator="repeated", validator_value=second
                )
    if not isinstance(instance, dict):
        return
    for name, schema in known.items():
        if name not in instance:
            continue
        # The library would make a new validator for each property of each document.
        if id(schema) not in _property_validators:
            _property_validators[id(schema)] = validator.evolve(schema=schema)
        for error in _property_validators[id(schema)].iter_errors(instance[name]):
            error.path.appendleft(name)
            yield error


_Validator: Any = extend(  # type: ignore[no-untyped-call]  # the library leaves it untyped
    Draft202012Validator, {"properties": _properties}, type_checker=_types
)


def _load(file: str) -> Any:
    """A schema file with the files that it refers to put in their places."""

    def inline(node: Any) -> Any:
        if isinstance(node, dict):
            return (
                _load(node["$ref"]) if "$ref" in node else {k: inline(v) for k, v in node.items()}
            )
        return node

    schema = inline(json.loads((files("s2mock.api") / "schemas" / file).read_text("utf-8")))
    # Below a "$schema" the library would go on with its own validator in place of ours.
    del schema["$schema"]
    return schema


@cache
def _validator(schema: str) -> Any:
    return _Validator(_load(f"{schema}.json"), format_checker=_formats)


def decode(body: bytes, schema: str) -> Any:
    """The document in `body`, which the schema of that name accepts. Raises `BadJson`."""
    validator = _validator(schema)
    document = _parse(body)
    if document is None:
        # The schemas allow null where a configuration may stand; a body is never null.
        raise BadJson(f"invalid type: null, expected {_wanted(validator.schema)}")
    if validator.is_valid(document):
        return document
    document = spelled_out(document, validator.schema)
    errors = list(validator.iter_errors(document))
    if errors:
        first = min(errors, key=lambda error: _position(error, document))
        raise BadJson(f"{_explain(first)}{_place(first)}")
    return document


def _parse(body: bytes) -> Any:
    # Bytes that are not UTF-8 become lone surrogates, which no checked string may hold: so they
    # are an error where S2 reads the string, and ignored where it ignores the field.
    text = body.decode("utf-8", "surrogateescape")
    try:
        return _decoder.decode(text)
    except json.JSONDecodeError as error:
        what = "EOF while parsing a value" if not text.strip() else f"invalid JSON: {error.msg}"
        raise BadJson(f"{what} at line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise BadJson("invalid JSON: nested too deeply to be read") from None


def _position(error: ValidationError, document: Any) -> list[float]:
    """Where in the document the error stands, so that the first one is the one reported."""
    position: list[float] = []
    for step in error.absolute_path:
        position.append(float(_names(document).index(step)) if isinstance(step, str) else step)
        document = document[step]
    if error.validator == "repeated":
        position.append(error.validator_value)  # type: ignore[arg-type]  # put there by us
    if error.validator == "required":
        # Seen at the closing brace only, behind all that stands in the object.
        position.append(float("inf"))
    return position


def _names(document: dict[str, Any]) -> list[str]:
    return document.names if isinstance(document, _RepeatedFields) else list(document)


def _place(error: ValidationError) -> str:
    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path]
    return f" at `{''.join(steps).lstrip('.')}`" if steps else ""


def _explain(error: ValidationError) -> str:
    instance: Any = error.instance
    schema: Any = error.schema
    match error.validator:
        case "type" | "enum" if "enum" in schema:
            return _explain_variant(instance, [word for word in schema["enum"] if word])
        case "type" if isinstance(instance, str) and _has_lone_surrogate(instance):
            return "invalid unicode code point in a string"
        case "type" if isinstance(instance, str) and "maxProperties" in schema:
            if instance in schema["properties"]:
                return "invalid type: unit variant, expected newtype variant"
            return unknown_variant(instance, list(schema["properties"]))
        case "type":
            return f"invalid type: {_got(instance)}, expected {_wanted(schema)}"
        case "minimum":
            return f"invalid value: integer `{instance}`, expected u64"
        case "required":
            missing = next(name for name in schema["required"] if name not in instance)
            return f"missing field `{missing}`"
        case "additionalProperties":
            unknown = next(name for name in instance if name not in schema["properties"])
            kind = "variant" if "maxProperties" in schema else "field"
            return f"unknown {kind} `{unknown}`, expected {listed(list(schema['properties']))}"
        case "minProperties" | "maxProperties":
            return f"expected exactly one of {listed(list(schema['properties']))}"
        case "minItems" | "maxItems":
            return f"invalid length {len(instance)}, expected {schema['minItems']} elements"
        case "format":
            return str(error.cause)
        case _:
            return error.message


def _explain_variant(instance: Any, words: list[str]) -> str:
    match instance:
        case str():
            return unknown_variant(instance, words)
        case dict() if len(instance) == 1:
            [(word, value)] = instance.items()
            if word not in words:
                return unknown_variant(word, words)
            return f"invalid type: {_got(value)}, expected unit"
        case _:
            return f"invalid type: {_got(instance)}, expected {listed(words)}"


def _wanted(schema: Mapping[str, Any]) -> str:
    if "x-expected" in schema:
        return str(schema["x-expected"])
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    return _WANTED.get(kind) or f"struct {schema['title']}"


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
            return f"string {json.dumps(value, ensure_ascii=False)}"
        case list():
            return "sequence"
        case _:
            return "map"
