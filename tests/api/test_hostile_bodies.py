"""Bodies made to cost: their price grows with their length, and no faster.

Counted in calls of functions, and in bytes of memory at the worst moment, since both are the same
on any machine.
"""

import sys
import tracemalloc
from collections.abc import Callable, Generator
from typing import Any

import pytest

from s2mock.api.wire import json_records, proto_records
from s2mock.json_bodies import decoder
from s2mock.json_bodies.decoder import decode, decode_in_slices
from s2mock.registry.values.errors import BadJson, BadProto, Invalid

pytestmark = pytest.mark.slow


def in_json(item: bytes, before: bytes = b'{"records":[', after: bytes = b"]}") -> Any:
    def body(size: int) -> bytes:
        return before + b",".join([item] * (size // (len(item) + 1))) + after

    return body


JSON: dict[str, Callable[[int], bytes]] = {
    "numbers for records": in_json(b"1"),
    "empty records": in_json(b"{}"),
    "empty arrays": in_json(b"[]"),
    "arrays of a timestamp": in_json(b"[1]"),
    "empty records, then a number": in_json(b"{}", after=b",1]}"),
    "fields that S2 does not know": in_json(b'{"x":1}'),
    "fields that come twice": in_json(b'{"x":1,"x":1}'),
    "headers": in_json(b'["a",""]', b'{"records":[{"headers":[', b"]}]}"),
    "headers without a name": in_json(b'["",""]', b'{"records":[{"headers":[', b"]}]}"),
    "numbers that are ignored": in_json(b"-1", b'{"x":[', b'],"records":[{}]}'),
}


def varint(number: int) -> bytes:
    low = b""
    while number > 127:
        low, number = low + bytes([number & 127 | 128]), number >> 7
    return low + bytes([number])


def in_one_record(content: bytes) -> bytes:
    return b"\x0a" + varint(len(content)) + content


PROTOBUF: dict[str, Callable[[int], bytes]] = {
    "empty records": lambda size: b"\x0a\0" * (size // 2),
    "records of a timestamp": lambda size: b"\x0a\2\x08\1" * (size // 4),
    "empty records, then rubbish": lambda size: b"\x0a\0" * (size // 2) + b"\xff",
    "headers": lambda size: in_one_record(b"\x12\3\x0a\1a" * (size // 5)),
    "headers without a name": lambda size: in_one_record(b"\x12\0" * (size // 2)),
    "unknown fields": lambda size: b"\x20\0" * (size // 2),
    "unknown fields in records": lambda size: b"\x0a\2\x20\0" * (size // 4),
    "groups": lambda size: b"\x23\x24" * (size // 2),
    "groups in a group": lambda size: b"\x23" + b"\x2b\x2c" * (size // 2) + b"\x24",
    "headers with a body that is empty": lambda size: in_one_record(
        b"\x1a\0" + b"\x12\3\x0a\1a" * (size // 5)
    ),
    "keys with zeros in front": lambda size: b"\xa0\x80\x00\0" * (size // 4),
}

CASES = [(kind, name) for kind in ("json", "json in slices") for name in JSON] + [
    ("protobuf", name) for name in PROTOBUF
]


def whole(work: Generator[None, None, Any]) -> Any:
    """What it returns in the end."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value


def take(kind: str, body: bytes) -> None:
    try:
        if kind == "json":
            json_records.append_input(decode(body, "append_input"), "raw")
        elif kind == "json in slices":
            json_records.append_input(whole(decode_in_slices(body, "append_input")), "raw")
        else:
            proto_records.append_input(body)
    except (BadJson, BadProto, Invalid):
        pass


def calls(kind: str, body: bytes) -> int:
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    former = sys.getprofile()
    sys.setprofile(note)
    try:
        take(kind, body)
    finally:
        sys.setprofile(former)
    return count


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_the_price_of_a_body(kind: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "_FEW_VALUES", -1)
    body = (PROTOBUF if kind == "protobuf" else JSON)[name]
    # For all that is imported and made once.
    take(kind, body(20))

    small, large = calls(kind, body(10_000)), calls(kind, body(40_000))
    assert large <= 4 * small + 1000
    # An item has two bytes at least; entering a function and leaving it count as two.
    assert large <= 8 * 40_000

    data = body(100_000)
    tracemalloc.start()
    try:
        take(kind, data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # An object of Python's has 56 bytes at least, and two bytes of a body can ask for one.
    assert peak <= 60 * len(data)
