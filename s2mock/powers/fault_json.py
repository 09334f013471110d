"""Faults as JSON: an object of one key, the name, with the arguments, as `{"Drop": {}}`.

Arguments have the names that they have in Python. A body is text, or `{"base64": ...}` where it is
no text; a delay without an end is `"inf"`.
"""

import base64
from collections.abc import Sequence
from dataclasses import fields
from math import inf, isinf
from typing import Any, Final

from s2mock.powers.faults import Answer, Cut, Delay, Drain, Drop, Fail, Fault
from s2mock.runtime.arguments import encoded
from s2mock.runtime.near_names import suggest

_KINDS: Final[dict[str, type[Fault]]] = {
    kind.__name__: kind for kind in (Answer, Cut, Delay, Drain, Drop, Fail)
}
_EXAMPLE: Final = 'as in {"Fail": {"code": "unavailable"}}'


def fault_to_json(fault: Fault) -> dict[str, Any]:
    """The fault as JSON has it; arguments that were not given are left out."""
    arguments: dict[str, Any] = {}
    for one in fields(fault):  # type: ignore[arg-type]  # each is a dataclass
        value = getattr(fault, one.name)
        if value == one.default:
            continue
        if isinstance(value, bytes) and one.name == "body":
            value = bytes_to_json(value)
        elif one.name == "headers":
            value = [list(pair) for pair in value]
        elif isinstance(value, float) and isinf(value):
            value = "inf"
        arguments[one.name] = value
    return {type(fault).__name__: arguments}


def fault_from_json(document: Any) -> Fault:
    """The fault that this describes. Raises `TypeError`, `ValueError`."""
    if not isinstance(document, dict) or len(document) != 1:
        raise TypeError(f"a fault is an object of one key, its name, {_EXAMPLE}; not {document!r}")
    [(name, arguments)] = document.items()
    kind = _KINDS.get(name)
    if kind is None:
        raise ValueError(f"{name!r} is no fault: {suggest(name, _KINDS)}")
    if not isinstance(arguments, dict):
        raise TypeError(f"{name} takes an object of its arguments, {_EXAMPLE}; not {arguments!r}")
    known = [one.name for one in fields(kind)]  # type: ignore[arg-type]  # each is a dataclass
    for argument in arguments:
        if argument not in known:
            hint = suggest(argument, known, "it takes")
            raise ValueError(f"{name} takes no {argument!r}: {hint}")
    given = dict(arguments)
    if "body" in given:
        given["body"] = bytes_from_json("body", given["body"])
    if given.get("seconds") == "inf":
        given["seconds"] = inf
    missing = [need for need in _NEEDED.get(name, ()) if need not in given]
    if missing:
        raise ValueError(f"{name} needs {missing[0]!r}")
    return kind(**given)


_NEEDED: Final = {"Fail": ("code",), "Delay": ("seconds",), "Answer": ("status",)}


def faults_to_json(fault: Fault | Sequence[Fault | None]) -> Any:
    """A fault, or a list of them with None for those that are let pass."""
    if isinstance(fault, Fault):
        return fault_to_json(fault)
    return [None if one is None else fault_to_json(one) for one in fault]


def faults_from_json(document: Any) -> Fault | list[Fault | None]:
    """The same back. Raises `TypeError`, `ValueError`."""
    if isinstance(document, list):
        return [None if one is None else fault_from_json(one) for one in document]
    return fault_from_json(document)


def bytes_to_json(data: bytes) -> Any:
    """Text where they are UTF-8, else `{"base64": ...}`."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def bytes_from_json(what: str, value: Any) -> bytes:
    """The same back. Raises `TypeError`, `ValueError`."""
    if isinstance(value, str):
        return encoded(what, value)
    if isinstance(value, dict) and list(value) == ["base64"] and isinstance(value["base64"], str):
        try:
            return base64.b64decode(value["base64"], validate=True)
        except ValueError as error:
            raise ValueError(f"{what} is no base64: {error}") from None
    raise TypeError(f'{what} must be text, or {{"base64": ...}}, not {value!r}')
