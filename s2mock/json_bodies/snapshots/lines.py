"""The lines of a snapshot file: JSON objects, whose fields are taken one by one."""

import json
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, TypeVar, overload

from s2mock.registry.values.errors import S2Error
from s2mock.runtime.near_names import suggest

Value = TypeVar("Value")
Default = TypeVar("Default")

_MISSING: Any = object()


class Line:
    """The fields of one line. Each error is a `ValueError` with the number of the line."""

    def __init__(self, file: str, number: int, text: bytes) -> None:
        self._where = f"{file}, line {number}"
        try:
            document = json.loads(text.decode(), object_pairs_hook=_object)
        except UnicodeDecodeError:
            self.refuse("not UTF-8")
        except json.JSONDecodeError as error:
            self.refuse(f"not JSON: {error.msg} at column {error.colno}")
        except RecursionError:
            self.refuse("nested too deeply to be read")
        except ValueError as error:
            self.refuse(str(error))
        if not isinstance(document, dict):
            self.refuse(f"each line is a JSON object, not {document!r}")
        self._fields = document
        # The names of the fields that were taken.
        self._known: list[str] = []

    def refuse(self, what: str) -> NoReturn:
        """Raise `ValueError` with the file and the number of the line."""
        raise ValueError(f"{self._where}: {what}") from None

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    @overload
    def take(self, name: str, read: Callable[[Any], Value]) -> Value: ...

    @overload
    def take(
        self, name: str, read: Callable[[Any], Value], default: Default
    ) -> Value | Default: ...

    def take(self, name: str, read: Callable[[Any], Any], default: Any = _MISSING) -> Any:
        """Return the value of a field after `read`, or the default if the field is missing.

        `read` raises `ValueError` or `S2Error` for an invalid value.
        """
        self._known.append(name)
        value = self._fields.pop(name, _MISSING)
        if value is _MISSING:
            if default is _MISSING:
                self.refuse(f"there is no {name!r}")
            return default
        try:
            return read(value)
        except S2Error as error:
            self.refuse(f"{name}: {error.message}")
        except ValueError as error:
            self.refuse(f"{name}: {error}")

    def end(self, may_have: Iterable[str] = ()) -> None:
        """Raise `ValueError` if a field was neither taken nor is in `may_have`."""
        known = [*self._known, *may_have]
        for name in self._fields:
            if name not in known:
                self.refuse(unknown_field(name, known))


def unknown_field(name: str, known: Iterable[str], place: str = "") -> str:
    """Return the message for a field that is unknown at a place, with the nearest known name."""
    names = tuple(known)
    hint = suggest(name, names, "the fields are") if names else "it has no fields"
    where = f" in {place}" if place else ""
    return f"unknown field {name!r}{where}: {hint}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the field {twice!r} is repeated")
    return fields
