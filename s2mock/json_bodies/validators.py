"""The schema files, compiled on first use into validators: closures that return True or False.

The files are the only source of the rules for bodies. One that is nearly equal to another has only
the difference: `x-based-on` names the other. A validator takes many values at once, those
of the same field in different records, so that a batch of a thousand records costs a few calls and
not thousands. It accepts the plain forms only. `serde_forms` handles the other forms that S2
accepts, and finds the fault in the rest (reference: control_plane §2.2).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

from s2mock.registry.values.config import U64_MAX
from s2mock.registry.values.errors import S2Error
from s2mock.registry.values.names import AccessTokenId, BasinName, LocationName, StreamName
from s2mock.registry.values.records import check_fencing_token
from s2mock.registry.values.rfc3339 import check_timestamp

# Returns True if all values are accepted, of which there is at least one.
Validator = Callable[[Sequence[Any]], bool]
Schema = Mapping[str, Any]

# How many items one call validates: no other thread can run during that call.
_ITEMS_AT_ONCE: Final = 1000

# Read with this module: a request may be received when no file descriptor is left.
_FILES: Final[dict[str, Schema]] = {
    file.name: json.loads(file.read_bytes())
    for file in Path(__file__).with_name("schemas").glob("*.json")
}


def _formats_of(
    kind: str, name_type: type[BasinName | StreamName | AccessTokenId]
) -> dict[str, Callable[[str], object]]:
    return {
        kind: name_type,
        # In a scope the empty name means no resource at all.
        f"{kind}-or-empty": lambda text: text and name_type(text),
        f"{kind}-prefix": lambda text: name_type.check_filter(text, "prefix"),
    }


# The `format`s of the schemas. Each raises `S2Error` or `ValueError` for a text that violates it.
FORMATS: Final[dict[str, Callable[[str], object]]] = {
    **_formats_of("basin-name", BasinName),
    **_formats_of("stream-name", StreamName),
    **_formats_of("access-token-id", AccessTokenId),
    "location-name": LocationName,
    "fencing-token": check_fencing_token,
    "rfc3339": check_timestamp,
}


class SchemaNode(NamedTuple):
    """One place of a document: its schema, its validator, and the nodes below it."""

    schema: Schema
    accepts: Validator
    fields: "dict[str, SchemaNode]"
    # `item` is the node of all items of a list, `places` are those of the items of a tuple.
    item: "SchemaNode | None"
    places: "tuple[SchemaNode, ...]"


@cache
def schema_node(name: str) -> SchemaNode:
    """Return the root node of the schema file of that name."""
    return _compile(_whole(f"{name}.json"))


def unknown_fields(
    value: Any, expected: SchemaNode, place: str = ""
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield the place and name of each unknown field of a document, and the known names there.

    A place is written `config.timestamping`, or `records[]` for all items of a list; that of the
    document itself is empty.
    """
    item = expected.item
    if isinstance(value, dict) and "properties" in expected.schema:
        for name, below in value.items():
            if (known := expected.fields.get(name)) is None:
                yield place, name, tuple(expected.fields)
            elif isinstance(below, dict | list):
                yield from unknown_fields(below, known, f"{place}.{name}" if place else name)
    elif isinstance(value, list) and item is not None and item.fields:
        for below in value:
            yield from unknown_fields(below, item, f"{place}[]")


def _on_its_base(node: Any) -> Any:
    """Return a part of a schema file, each `x-based-on` replaced by the changed content of a file.

    The change is a merge patch (RFC 7396): null removes a keyword or field of the other file.
    """
    if not isinstance(node, dict):
        return node
    change = {name: _on_its_base(value) for name, value in node.items() if name != "x-based-on"}
    if "x-based-on" not in node:
        return change
    return _merged(_on_its_base(_FILES[node["x-based-on"]]), change)


def _merged(base: Any, change: Any) -> Any:
    # A reference is not merged with the one in its place, but replaces it.
    if not isinstance(change, dict) or not isinstance(base, dict) or "$ref" in change:
        return change
    merged = {**base, **{name: _merged(base.get(name), part) for name, part in change.items()}}
    return {name: part for name, part in merged.items() if part is not None}


def _inline(node: Any) -> Any:
    """Return a schema with each reference to another file replaced by its content."""
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _whole(node["$ref"])
    return {name: _inline(below) for name, below in node.items()}


def _whole(file: str) -> Any:
    """Return a schema file with all that it is based on and refers to."""
    return _inline(_on_its_base(_FILES[file]))


def _compile(schema: Schema) -> SchemaNode:
    fields = {name: _compile(below) for name, below in schema.get("properties", {}).items()}
    item = _compile(schema["items"]) if "items" in schema else None
    places = tuple(_compile(below) for below in schema.get("prefixItems", ()))
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    match types[0]:
        case "object":
            accepts = _objects(schema, {name: below.accepts for name, below in fields.items()})
        case "array":
            accepts = _lists(item.accepts) if item else _tuples([p.accepts for p in places])
        case "string":
            accepts = _strings(schema)
        case "integer":
            accepts = _integers(schema["minimum"])
        case _:
            accepts = _booleans
    return SchemaNode(
        schema, _or_null(accepts) if "null" in types else accepts, fields, item, places
    )


def _or_null(accepts: Validator) -> Validator:
    def values_or_null(column: Sequence[Any]) -> bool:
        if None in column:
            column = [value for value in column if value is not None]
        return not column or accepts(column)

    return values_or_null


def _all_of(kind: type, column: Sequence[Any]) -> bool:
    # Most columns have a single value, for which a set and a map would be slow.
    if len(column) == 1:
        return type(column[0]) is kind
    return {kind}.issuperset(map(type, column))


def _objects(schema: Schema, properties: dict[str, Validator]) -> Validator:
    required, closed = schema.get("required", ()), not schema.get("additionalProperties", True)
    fewest, most = schema.get("minProperties", 0), schema.get("maxProperties")

    def objects(column: Sequence[Any]) -> bool:
        # An object with a repeated field is a `RepeatedFields`, which `serde_forms` handles.
        if not _all_of(dict, column):
            return False
        alone = column[0] if len(column) == 1 else None
        known = 0
        for name, accepts in properties.items():
            if alone is not None:
                values = [alone[name]] if name in alone else []
            else:
                values = [fields[name] for fields in column if name in fields]
            if values:
                known += len(values)
                if not accepts(values):
                    return False
            if len(values) < len(column) and name in required:
                return False
        fields_in_all = len(alone) if alone is not None else sum(map(len, column))
        if known < fields_in_all and (closed or not is_text(chain.from_iterable(column))):
            return False
        return most is None or all(fewest <= len(fields) <= most for fields in column)

    return objects


def _lists(accepts: Validator) -> Validator:
    def lists(column: Sequence[Any]) -> bool:
        if not _all_of(list, column):
            return False
        items = column[0] if len(column) == 1 else list(chain.from_iterable(column))
        if len(items) <= _ITEMS_AT_ONCE:
            return not items or accepts(items)
        starts = range(0, len(items), _ITEMS_AT_ONCE)
        return all(accepts(items[start : start + _ITEMS_AT_ONCE]) for start in starts)

    return lists


def _tuples(places: list[Validator]) -> Validator:
    def tuples(column: Sequence[Any]) -> bool:
        if not (_all_of(list, column) and {len(places)}.issuperset(map(len, column))):
            return False
        return all(accepts([values[i] for values in column]) for i, accepts in enumerate(places))

    return tuples


def _strings(schema: Schema) -> Validator:
    words = frozenset(schema["enum"]) if "enum" in schema else None
    keeps = _keeps(FORMATS[schema["format"]]) if "format" in schema else None

    def strings(column: Sequence[Any]) -> bool:
        if not (_all_of(str, column) and is_text(column)):
            return False
        if words is not None:
            return words.issuperset(column)
        return keeps is None or all(map(keeps, column))

    return strings


def _keeps(check: Callable[[str], object]) -> Callable[[str], bool]:
    def keeps(text: str) -> bool:
        try:
            check(text)
        except (S2Error, ValueError):
            return False
        return True

    return keeps


def _integers(minimum: int) -> Validator:
    def integers(column: Sequence[Any]) -> bool:
        return _all_of(int, column) and minimum <= min(column) and max(column) <= U64_MAX

    return integers


def _booleans(column: Sequence[Any]) -> bool:
    return _all_of(bool, column)


def is_text(strings: Iterable[str]) -> bool:
    """True if none of the strings contains a lone surrogate, which UTF-8 cannot encode."""
    text = "".join(strings)
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
