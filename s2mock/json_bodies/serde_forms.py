"""What the real server takes beyond the plain spelling of a body, and the first fault of the rest.

Its JSON library lets an object be written as the array of its values, in field order, and a plain
word such as `"arrival"` as `{"arrival": null}`. Nobody writes these on purpose; they are here so
that what the real server takes is taken, and what it refuses is refused. It reads a body from its
beginning and stops at the first fault, and so does the walk here (reference: control_plane §2.2).
"""

from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from s2mock.json_bodies.messages import exactly_one, listed
from s2mock.json_bodies.validators import Form, is_text
from s2mock.registry.values.errors import BadJson

# So many items are looked at together, and one by one only where one of them is not accepted.
_ITEMS_AT_ONCE = 500


class RepeatedFields(dict[str, Any]):
    """An object in which some field came twice: an error if the schema knows the field.

    It holds the first value of each field; `names` are all of them, in the order of the text.
    """

    names: list[str]


def spelled_out(value: Any, form: Form, place: str = "") -> Any:
    """`value` with every such spelling replaced by the plain one. Raises `BadJson`.

    `place` is where the value stands in the document, such as `.records[3].body`.
    """
    return value if form.accepts([value]) else respelled(value, form, place)


def respelled(value: Any, form: Form, place: str = "") -> Any:
    """The same, of a value that is not accepted as it is."""
    is_choice = "maxProperties" in form.schema
    if isinstance(value, list):
        if form.item is not None:
            return _items(value, form.item, place)
        if form.places:
            return _tuple(value, form, place)
        if "properties" in form.schema and not is_choice:
            value = _from_array(value, form, place)
    elif isinstance(value, dict):
        if "properties" in form.schema:
            value = (_choice if is_choice else _fields)(value, form, place)
        elif "enum" in form.schema and len(value) == 1:
            [(word, nothing)] = value.items()
            value = word if nothing is None and word in form.schema["enum"] else value
    if not form.accepts([value]):
        # Its library takes longer to import than all the rest, and is needed here only.
        from s2mock.json_bodies.schema_errors import explain

        _refuse(explain(value, form.schema), place)
    return value


def _refuse(message: str, place: str) -> NoReturn:
    raise BadJson(f"{message} at `{place.lstrip('.')}`" if place else message)


def _items(values: list[Any], form: Form, place: str) -> list[Any]:
    # In place, so that there are never two of a long list.
    for start in range(0, len(values), _ITEMS_AT_ONCE):
        some = values[start : start + _ITEMS_AT_ONCE]
        if form.accepts(some):
            continue
        plain = _all_from_arrays(some, form)
        if not form.accepts(plain):
            plain = [
                spelled_out(value, form, f"{place}[{index}]")
                for index, value in enumerate(some, start)
            ]
        values[start : start + _ITEMS_AT_ONCE] = plain
    return values


def _all_from_arrays(values: list[Any], form: Form) -> list[Any]:
    """The values, with arrays turned into objects where they may stand for one."""
    names, least = tuple(form.fields), form.schema.get("x-min-items", 0)
    if not names or "maxProperties" in form.schema:
        return values
    return [
        dict(zip(names, value, strict=False))
        if isinstance(value, list) and least <= len(value) <= len(names)
        else value
        for value in values
    ]


def _tuple(values: list[Any], form: Form, place: str) -> list[Any]:
    spelled = [
        spelled_out(value, below, f"{place}[{index}]")
        for index, (value, below) in enumerate(zip(values, form.places, strict=False))
    ]
    _check_length(values, len(form.places), form.places, form.schema["x-expected"], place)
    return spelled


def _from_array(values: list[Any], form: Form, place: str) -> dict[str, Any]:
    fields = dict(zip(form.fields, values, strict=False))
    spelled = {
        name: spelled_out(value, form.fields[name], f"{place}.{name}")
        for name, value in fields.items()
    }
    least, struct = form.schema.get("x-min-items", 0), f"struct {form.schema['title']}"
    _check_length(values, least, [*form.fields.values()], struct, place)
    return spelled


def _check_length(
    values: list[Any], least: int, forms: Sequence[Form], what: str, place: str
) -> None:
    # Known at the end only, when each value has been read.
    for index in range(len(values), least):
        # What has a default is not missed, and S2 names the first place that is.
        if "x-default" not in forms[index].schema:
            _refuse(f"invalid length {index}, expected {what} with {len(forms)} elements", place)
    if len(values) > len(forms):
        _refuse(f"trailing characters: {what} has {len(forms)} elements", place)


def _fields(value: dict[str, Any], form: Form, place: str) -> dict[str, Any]:
    spelled, seen = dict(value), set()
    for name in _names(value, place):
        if name not in form.fields:
            if not form.schema.get("additionalProperties", True):
                _refuse(f"unknown field `{name}`, expected {listed(list(form.fields))}", place)
            continue
        if name in seen:
            _refuse(f"duplicate field `{name}`", place)
        seen.add(name)
        spelled[name] = spelled_out(value[name], form.fields[name], f"{place}.{name}")
    return spelled


def _choice(value: dict[str, Any], form: Form, place: str) -> dict[str, Any]:
    spelled: dict[str, Any] = {}
    for name in _names(value, place):
        if spelled:
            _refuse(exactly_one(list(form.fields)), place)
        if name not in form.fields:
            _refuse(f"unknown variant `{name}`, expected {listed(list(form.fields))}", place)
        spelled[name] = spelled_out(value[name], form.fields[name], f"{place}.{name}")
    return spelled


def _names(value: dict[str, Any], place: str) -> Iterable[str]:
    """The names of the fields in the order of the text, of which each must be text itself."""
    for name in value.names if isinstance(value, RepeatedFields) else value:
        # S2 reads the names of an object of its own to the end, known ones or not.
        if not is_text((name,)):
            _refuse("invalid unicode code point in a field name", place)
        yield name
