"""The schema files, each compiled once into closures that say whether a document is accepted.

The files are the one source of what a body may be. A closure takes many values at once, those
that stand in the same place of different records, so that a batch of a thousand records costs a
few calls and not thousands. It knows the plain spelling only and says yes or no; what else S2
takes, and what is wrong with the rest, `spellings` finds out
(reference: control_plane §2.2).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

from s2mock.registry.values.config import U64_MAX
from s2mock.registry.values.errors import S2Error
from s2mock.registry.values.names import AccessTokenId, BasinName, LocationName, StreamName
from s2mock.registry.values.records import check_fencing_token
from s2mock.registry.values.rfc3339 import check_timestamp

# Whether all of the values are accepted, of which there is one at least.
Acceptor = Callable[[Sequence[Any]], bool]
Schema = Mapping[str, Any]

# The number of items that are looked at together: no other thread has its turn within such a look.
_ITEMS_AT_ONCE: Final = 1000

_SCHEMAS: Final = Path(__file__).with_name("schemas")


def _formats_of(
    kind: str, name_type: type[BasinName | StreamName | AccessTokenId]
) -> dict[str, Callable[[str], object]]:
    return {
        kind: name_type,
        # In a scope the empty name stands for no resource at all.
        f"{kind}-or-empty": lambda text: text and name_type(text),
        f"{kind}-prefix": lambda text: name_type.check_filter(text, "prefix"),
    }


# The `format`s of the schemas. Each raises `S2Error` or `ValueError` for a text that breaks it.
FORMATS: Final[dict[str, Callable[[str], object]]] = {
    **_formats_of("basin-name", BasinName),
    **_formats_of("stream-name", StreamName),
    **_formats_of("access-token-id", AccessTokenId),
    "location-name": LocationName,
    "fencing-token": check_fencing_token,
    "rfc3339": check_timestamp,
}


class Form(NamedTuple):
    """One place of a document: its schema, the acceptor of that, and the forms below it."""

    schema: Schema
    accepts: Acceptor
    fields: "dict[str, Form]"
    # Of each item of a list, or of each place in a tuple.
    item: "Form | None"
    places: "tuple[Form, ...]"


def form(name: str) -> Form:
    """The form that the schema file of that name describes."""
    return _forms[name]


def unknown_fields(
    value: Any, expected: Form, place: str = ""
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Place and name of each field of a document that its form has not, and the names that it has.

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


def _load(file: str) -> Schema:
    """A schema file with the files that it refers to put in their places."""

    def inline(node: Any) -> Any:
        if isinstance(node, dict):
            return (
                _load(node["$ref"]) if "$ref" in node else {k: inline(v) for k, v in node.items()}
            )
        return node

    schema: Schema = inline(json.loads((_SCHEMAS / file).read_text("utf-8")))
    return schema


def _form(schema: Schema) -> Form:
    fields = {name: _form(below) for name, below in schema.get("properties", {}).items()}
    item = _form(schema["items"]) if "items" in schema else None
    places = tuple(_form(below) for below in schema.get("prefixItems", ()))
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
    return Form(schema, _or_null(accepts) if "null" in types else accepts, fields, item, places)


def _or_null(accepts: Acceptor) -> Acceptor:
    def values_or_null(column: Sequence[Any]) -> bool:
        if None in column:
            column = [value for value in column if value is not None]
        return not column or accepts(column)

    return values_or_null


def _all_of(kind: type, column: Sequence[Any]) -> bool:
    # One value alone is what most columns are, and a set and a map have their price.
    if len(column) == 1:
        return type(column[0]) is kind
    return {kind}.issuperset(map(type, column))


def _objects(schema: Schema, properties: dict[str, Acceptor]) -> Acceptor:
    required, closed = schema.get("required", ()), not schema.get("additionalProperties", True)
    fewest, most = schema.get("minProperties", 0), schema.get("maxProperties")

    def objects(column: Sequence[Any]) -> bool:
        # An object with a field twice is of a type of its own, and not for us.
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


def _lists(accepts: Acceptor) -> Acceptor:
    def lists(column: Sequence[Any]) -> bool:
        if not _all_of(list, column):
            return False
        items = column[0] if len(column) == 1 else list(chain.from_iterable(column))
        if len(items) <= _ITEMS_AT_ONCE:
            return not items or accepts(items)
        starts = range(0, len(items), _ITEMS_AT_ONCE)
        return all(accepts(items[start : start + _ITEMS_AT_ONCE]) for start in starts)

    return lists


def _tuples(places: list[Acceptor]) -> Acceptor:
    def tuples(column: Sequence[Any]) -> bool:
        if not (_all_of(list, column) and {len(places)}.issuperset(map(len, column))):
            return False
        return all(accepts([values[i] for values in column]) for i, accepts in enumerate(places))

    return tuples


def _strings(schema: Schema) -> Acceptor:
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


def _integers(minimum: int) -> Acceptor:
    def integers(column: Sequence[Any]) -> bool:
        return _all_of(int, column) and minimum <= min(column) and max(column) <= U64_MAX

    return integers


def _booleans(column: Sequence[Any]) -> bool:
    return _all_of(bool, column)


def is_text(strings: Iterable[str]) -> bool:
    """Whether none of the strings holds a lone surrogate, which no text in UTF-8 can."""
    text = "".join(strings)
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# All of them, with this module: a request that came first would find no descriptor to open one.
_forms: Final = {file.stem: _form(_load(file.name)) for file in _SCHEMAS.glob("*.json")}
