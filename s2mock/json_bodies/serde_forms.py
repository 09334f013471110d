"""Unusual forms of JSON bodies that the real server accepts, and the first fault of invalid ones.

The server's JSON library, serde, also accepts an object as the array of its values, in the order of
its fields, and a word such as `"arrival"` as `{"arrival": null}`. No client uses these forms on
purpose; they are here because the fake accepts and refuses the same bodies as the real server. That
reads a body from the beginning and stops at the first fault, as `normalize` does (reference:
control_plane §2.2).
"""

from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from s2mock.json_bodies.messages import exactly_one, list_choices
from s2mock.json_bodies.validators import SchemaNode, is_text
from s2mock.registry.values.errors import BadJson

# How many items are validated together; one by one only if one of them is not accepted.
_ITEMS_AT_ONCE = 500


class RepeatedFields(dict[str, Any]):
    """An object with a repeated field, which is an error if the schema has that field.

    It has the first value of each field; `names` are all names, in the order of the text.
    """

    names: list[str]


def normalize(value: Any, node: SchemaNode, place: str = "") -> Any:
    """Return the value with each unusual form replaced by the plain one. Raises `BadJson`.

    `place` is the position of the value in the document, such as `.records[3].body`.
    """
    return value if node.accepts([value]) else normalize_refused(value, node, place)


def normalize_refused(value: Any, node: SchemaNode, place: str = "") -> Any:
    """Do the same as `normalize` for a value that the validator does not accept unchanged."""
    is_choice = "maxProperties" in node.schema
    if isinstance(value, list):
        if node.item is not None:
            return _items(value, node.item, place)
        if node.places:
            return _tuple(value, node, place)
        if "properties" in node.schema and not is_choice:
            value = _from_array(value, node, place)
    elif isinstance(value, dict):
        if "properties" in node.schema:
            value = (_choice if is_choice else _fields)(value, node, place)
        elif "enum" in node.schema and len(value) == 1:
            [(word, nothing)] = value.items()
            value = word if nothing is None and word in node.schema["enum"] else value
    if not node.accepts([value]):
        # Imported late: jsonschema takes longer to import than all other modules here.
        from s2mock.json_bodies.schema_errors import explain

        _refuse(explain(value, node.schema), place)
    return value


def _refuse(message: str, place: str) -> NoReturn:
    raise BadJson(f"{message} at `{place.lstrip('.')}`" if place else message)


def _items(values: list[Any], node: SchemaNode, place: str) -> list[Any]:
    # In place, so that memory never holds two copies of a long list.
    for start in range(0, len(values), _ITEMS_AT_ONCE):
        some = values[start : start + _ITEMS_AT_ONCE]
        if node.accepts(some):
            continue
        plain = _all_from_arrays(some, node)
        if not node.accepts(plain):
            plain = [
                normalize(value, node, f"{place}[{index}]")
                for index, value in enumerate(some, start)
            ]
        values[start : start + _ITEMS_AT_ONCE] = plain
    return values


def _all_from_arrays(values: list[Any], node: SchemaNode) -> list[Any]:
    """Return the values, with each array of a suitable length as the object that it denotes."""
    names, least = tuple(node.fields), node.schema.get("x-min-items", 0)
    if not names or "maxProperties" in node.schema:
        return values
    return [
        dict(zip(names, value, strict=False))
        if isinstance(value, list) and least <= len(value) <= len(names)
        else value
        for value in values
    ]


def _tuple(values: list[Any], node: SchemaNode, place: str) -> list[Any]:
    spelled = [
        normalize(value, below, f"{place}[{index}]")
        for index, (value, below) in enumerate(zip(values, node.places, strict=False))
    ]
    _check_length(values, len(node.places), node.places, node.schema["x-expected"], place)
    return spelled


def _from_array(values: list[Any], node: SchemaNode, place: str) -> dict[str, Any]:
    fields = dict(zip(node.fields, values, strict=False))
    spelled = {
        name: normalize(value, node.fields[name], f"{place}.{name}")
        for name, value in fields.items()
    }
    least, struct = node.schema.get("x-min-items", 0), f"struct {node.schema['title']}"
    _check_length(values, least, [*node.fields.values()], struct, place)
    return spelled


def _check_length(
    values: list[Any], least: int, nodes: Sequence[SchemaNode], what: str, place: str
) -> None:
    # Checked last, since the server reads each value first.
    for index in range(len(values), least):
        # A field with a default may be missing. S2 names the first index without one.
        if "x-default" not in nodes[index].schema:
            _refuse(f"invalid length {index}, expected {what} with {len(nodes)} elements", place)
    if len(values) > len(nodes):
        _refuse(f"trailing characters: {what} has {len(nodes)} elements", place)


def _fields(value: dict[str, Any], node: SchemaNode, place: str) -> dict[str, Any]:
    spelled, seen = dict(value), set()
    for name in _names(value, place):
        if name not in node.fields:
            if not node.schema.get("additionalProperties", True):
                _refuse(
                    f"unknown field `{name}`, expected {list_choices(list(node.fields))}", place
                )
            continue
        if name in seen:
            _refuse(f"duplicate field `{name}`", place)
        seen.add(name)
        spelled[name] = normalize(value[name], node.fields[name], f"{place}.{name}")
    return spelled


def _choice(value: dict[str, Any], node: SchemaNode, place: str) -> dict[str, Any]:
    spelled: dict[str, Any] = {}
    for name in _names(value, place):
        if spelled:
            _refuse(exactly_one(list(node.fields)), place)
        if name not in node.fields:
            _refuse(f"unknown variant `{name}`, expected {list_choices(list(node.fields))}", place)
        spelled[name] = normalize(value[name], node.fields[name], f"{place}.{name}")
    return spelled


def _names(value: dict[str, Any], place: str) -> Iterable[str]:
    """Yield the names of the fields in the order of the text. Raises `BadJson`."""
    for name in value.names if isinstance(value, RepeatedFields) else value:
        # S2 decodes all names in an object that it reads, unknown ones too.
        if not is_text((name,)):
            _refuse("invalid unicode code point in a field name", place)
        yield name
