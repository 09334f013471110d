"""The other spellings of a request body that the real server accepts.

Its JSON library lets an object be written as the array of its values, in field order, and a plain
word such as `"arrival"` as `{"arrival": null}`. Nobody writes these on purpose; they are here so
that what the real server takes is taken, and what it refuses is refused
(reference: control_plane §2.2).
"""

from typing import Any

from s2mock.registry.errors import BadJson


def spelled_out(value: Any, schema: dict[str, Any]) -> Any:
    """`value` with every such spelling replaced by the plain one. Raises `BadJson`."""
    if isinstance(value, list) and "items" in schema:
        return [spelled_out(item, schema["items"]) for item in value]
    fields: dict[str, Any] | None = schema.get("properties")
    if isinstance(value, list) and fields is not None and "maxProperties" not in schema:
        value = _from_array(value, list(fields), schema)
    if not isinstance(value, dict):
        return value
    if fields is None:
        words = schema.get("enum", ())
        [(word, nothing)] = value.items() if len(value) == 1 else [(None, None)]
        return word if word in words and nothing is None and word is not None else value
    # In place, so that what the parser noted about the object stays with it.
    for name in value.keys() & fields.keys():
        value[name] = spelled_out(value[name], fields[name])
    return value


def _from_array(values: list[Any], names: list[str], schema: dict[str, Any]) -> dict[str, Any]:
    if len(values) < schema.get("x-min-items", 0):
        raise BadJson(
            f"invalid length {len(values)}, expected struct {schema['title']} "
            f"with {len(names)} elements"
        )
    if len(values) > len(names):
        raise BadJson(f"trailing characters: struct {schema['title']} has {len(names)} elements")
    return dict(zip(names, values, strict=False))
