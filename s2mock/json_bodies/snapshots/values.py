"""Functions that read the values in a snapshot file, one for each type.

Each raises `ValueError` or `S2Error` for an invalid value.
"""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any, TypeVar

from s2mock.json_bodies import control_plane
from s2mock.json_bodies.decoder import decode
from s2mock.json_bodies.snapshots.lines import unknown_field
from s2mock.json_bodies.snapshots.times import time_from_file
from s2mock.json_bodies.tokens import scope_from_json
from s2mock.json_bodies.validators import schema_node, unknown_fields
from s2mock.registry.values.config import BasinConfig, Cipher, StreamConfig
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import Header
from s2mock.registry.values.scopes import Scope
from s2mock.runtime.clock import NEVER

Value = TypeVar("Value")


def text(value: object) -> str:
    """Return text that is valid Unicode."""
    if not isinstance(value, str):
        raise ValueError(f"this is text, not {value!r}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"no Unicode text: {value!a}") from None
    return value


def whole(value: object) -> int:
    """Return a whole number from 0 to 2^64-1."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**64:
        raise ValueError(f"this is a whole number from 0 to 2^64-1, not {value!r}")
    return value


def count(value: object) -> int:
    """Return a whole number from 0 up, which may be more than 2^64-1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"this is a whole number from 0 on, not {value!r}")
    return value


def or_null(read: Callable[[Any], Value]) -> Callable[[Any], Value | None]:
    """Return a function that reads the same value, or null."""
    return lambda value: None if value is None else read(value)


def basin_config(value: object) -> BasinConfig:
    """Return the configuration of a basin, from S2's JSON."""
    _check_fields(value, "basin_config")
    return control_plane.basin_config(decode(json.dumps(value).encode(), "basin_config"))


def stream_config(value: object) -> StreamConfig:
    """Return the configuration of a stream, from S2's JSON."""
    _check_fields(value, "stream_config")
    return control_plane.stream_config(decode(json.dumps(value).encode(), "stream_config"))


def scope(value: object) -> Scope:
    """Return the scope of an access token, from S2's JSON."""
    _check_fields(value, "access_token_scope")
    issuing = {"id": "any", "scope": value}
    return scope_from_json(decode(json.dumps(issuing).encode(), "issue_access_token")["scope"])


def _check_fields(value: object, schema: str) -> None:
    """Raise `ValueError` for a field that S2 would ignore, at any level."""
    for place, name, known in unknown_fields(value, schema_node(schema)):
        raise ValueError(unknown_field(name, known, place))


def flag(value: object) -> bool:
    """Return True or False, from true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"this is true or false, not {value!r}")
    return value


def account_fields(value: object) -> dict[str, Any]:
    """Return the fields of the account itself, each of which may be missing."""
    reads: dict[str, Callable[[object], Any]] = {"default_location": text, "tokens_issued": count}
    return {name: reads[name](below) for name, below in _fields_of(value, *reads).items()}


def cipher(value: Any) -> Cipher | None:
    """Return the name of a cipher, or None."""
    return BasinConfig(stream_cipher=value).stream_cipher


def _fields_of(value: object, *names: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"this has the fields {' and '.join(names)}, not {value!r}")
    for name in value:
        if name not in names:
            raise ValueError(unknown_field(name, names))
    return value


def _object_of(value: object, *names: str) -> list[Any]:
    if len(fields := _fields_of(value, *names)) < len(names):
        raise ValueError(f"this has the fields {' and '.join(names)}, not {value!r}")
    return [fields[name] for name in names]


def position(value: object) -> StreamPosition:
    """Return a position: a sequence number and a timestamp."""
    return StreamPosition(*map(whole, _object_of(value, "seq_num", "timestamp")))


def check(value: object) -> tuple[int, int]:
    """Return the time at which delete-on-empty is due, and the time of the scheduled check."""
    due, carried_out = _object_of(value, "due", "carried_out")
    return time_from_file(due), time_from_file(carried_out)


def expiry(value: object) -> int:
    """Return the time at which a record expires; null is never."""
    return NEVER if value is None else min(NEVER, time_from_file(value))


def sha256(value: object) -> bytes:
    """Return the 32 bytes of a SHA-256 digest."""
    try:
        digest = bytes.fromhex(text(value))
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise ValueError(f"this is 64 hexadecimal digits, not {value!r}")
    return digest


def headers(value: object, as_bytes: Callable[[object], bytes]) -> tuple[Header, ...]:
    """Return headers, from pairs of name and value."""
    found = []
    for pair in value if isinstance(value, list) else [value]:
        if not isinstance(pair, list) or len(pair) != 2:
            raise ValueError(f"these are pairs of name and value, not {pair!r}")
        found.append((as_bytes(pair[0]), as_bytes(pair[1])))
    return tuple(found)


def utf8(value: object) -> bytes:
    """Return the UTF-8 bytes of a text."""
    return text(value).encode()


def from_base64(value: object) -> bytes:
    """Return the bytes that are written in base64."""
    try:
        return base64.b64decode(text(value), validate=True)
    except binascii.Error as error:
        raise ValueError(f"no base64: {error}") from None
