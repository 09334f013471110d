"""Messages for clients in any language: calls and values in them as JSON, not as in Python.

The engine writes its messages for Python, where most tests hold it. The control API sends them in
the spelling of its requests: `{"Drop": {"committed": true}}` for `Drop(committed=True)`. A client
in Python asks for Python's with the header `S2Mock-Spelling: python`.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Final

from s2mock.powers.faults import Fault, bytes_to_json

_FAULTS: Final[Mapping[str, type[Fault]]] = {kind.__name__: kind for kind in Fault.__subclasses__()}
# A call of a fault, or of a method that takes one.
_CALL: Final = re.compile(rf"\b({'|'.join(_FAULTS)}|inject|hold|on)\(")
# An argument with a value that only Python has: `wait=5` is a parameter of a query.
_ARGUMENT: Final = re.compile(r"\b([a-z_]{2,})=(True|False|None|inf\b|'[^']*')")
_ANY: Final = "\0"
_VALUES: Final = {"True": "true", "False": "false", "None": "null", "inf": '"inf"'}
_METHODS: Final[Mapping[str, list[str]]] = {"inject": ["fault"], "hold": [], "on": ["on"]}
# The members of a document that are messages, and those with documents that have some.
_MESSAGES: Final = ("message", "complaint", "reason")
_PARTS: Final = ("faults", "holds", "exchanges")


def spell_document(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document of a response with its messages in JSON's spelling."""
    changed: dict[str, Any] = {
        name: spell_message(document[name])
        for name in _MESSAGES
        if isinstance(document.get(name), str)
    }
    for name in _PARTS:
        if isinstance(parts := document.get(name), list) and parts and isinstance(parts[0], dict):
            changed[name] = [spell_document(part) for part in parts]
    if isinstance(remarks := document.get("remarks"), list):
        changed["remarks"] = [spell_message(remark) for remark in remarks]
    return {**document, **changed}


def spell_message(text: str) -> str:
    """Return a message with the calls and the arguments in it as JSON."""
    if "(" not in text and "=" not in text:
        return text
    return "".join(_spell_parts(text))


def _spell_parts(text: str) -> Iterator[str]:
    """Yield the parts of a message, calls as JSON."""
    position = 0
    while (found := _CALL.search(text, position)) is not None:
        end = _end_of_call(text, found.end())
        spelled = _spell_call(text[found.start() : end])
        yield _spell_arguments(text[position : found.start()])
        yield found[0] if spelled is None else spelled
        position = found.end() if spelled is None else end
    yield _spell_arguments(text[position:])


def _spell_arguments(text: str) -> str:
    """Return text without calls, with `name=True` as `"name": true`."""
    return _ARGUMENT.sub(lambda found: f'"{found[1]}": {_spell_value(found[2])}', text)


def _spell_value(text: str) -> str:
    if text in _VALUES:
        return _VALUES[text]
    return json.dumps(text[1:-1], ensure_ascii=False)


def _end_of_call(text: str, start: int) -> int:
    """Return the position after the bracket that closes a call; its arguments begin at `start`."""
    depth, quote, position = 1, "", start
    while position < len(text) and depth:
        one = text[position]
        if quote:
            if one == "\\":
                position += 1
            elif one == quote:
                quote = ""
        elif one in "'\"":
            quote = one
        else:
            depth += (one in "([{") - (one in ")]}")
        position += 1
    return position


def _spell_call(code: str) -> str | None:
    """Return a call in Python as JSON, None if it has other arguments than values."""
    try:
        call = ast.parse(code, mode="eval").body
        document = _call_to_json(call)
    except (SyntaxError, ValueError):
        return None
    # `Cut(records=...)` is with any number.
    return json.dumps(document, ensure_ascii=False, default=lambda _: _ANY).replace(
        json.dumps(_ANY), "..."
    )


def _call_to_json(node: ast.expr) -> dict[str, Any]:
    """Return a call as the object that a request has for it. Raises `ValueError`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise ValueError("no call")
    name = node.func.id
    names = _arguments_of(name)
    given = dict(zip(names, node.args, strict=False))
    given |= {str(keyword.arg): keyword.value for keyword in node.keywords}
    arguments = {argument: _value_to_json(value) for argument, value in given.items()}
    return {name: arguments} if name in _FAULTS else arguments


def _arguments_of(name: str) -> list[str]:
    """Return the names of the arguments that a call in a message may have without their names."""
    if name not in _FAULTS:
        return _METHODS[name]
    return [one.name for one in fields(_FAULTS[name])]  # type: ignore[arg-type]  # a dataclass


def _value_to_json(node: ast.expr) -> Any:
    if isinstance(node, ast.Call):
        return _call_to_json(node)
    if isinstance(node, ast.List | ast.Tuple):
        return [_value_to_json(one) for one in node.elts]
    if isinstance(node, ast.Name) and node.id == "inf":
        return "inf"
    value = ast.literal_eval(node)
    return bytes_to_json(value) if isinstance(value, bytes) else value
