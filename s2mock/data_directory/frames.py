"""Frames, the parts of each file of a data directory: a kind, a payload and a checksum.

After a write that was cut short, the last frame is incomplete or does not match its checksum.
"""

import json
from collections.abc import Iterator
from struct import Struct
from typing import Any, Final
from zlib import crc32

VERSION: Final = 1
"""The version of the format. Increment it when an older s2mock would misread a directory."""

HEADER: Final = ord("H")
"""Kind of the first frame of a file: JSON, with the version."""
CHANGE: Final = ord("C")
"""Kind of a change as JSON; records may follow it."""
APPEND: Final = ord("A")
"""Kind of records that were appended to a stream, without any other change."""
CHUNK: Final = ord("K")
"""Kind of records of the stream before it, in columns."""
TIME: Final = ord("T")
"""Kind of the time of a manual clock."""
END: Final = ord("E")
"""Kind of the last frame of a state."""

# A mark, the kind, the length of the payload, and the checksum of kind and payload.
_HEAD: Final = Struct("<2sBxII")
_MARK: Final = b"\xa5S"
_HEAD_BYTES: Final = _HEAD.size


Frame = tuple[int, memoryview, int]
"""The kind and the payload of a frame, and the position behind it.

A tuple, since a file may have a million frames.
"""


def encode_frame(kind: int, payload: bytes) -> bytes:
    """Return the bytes of a frame."""
    return _HEAD.pack(_MARK, kind, len(payload), crc32(payload, kind)) + payload


def encode_json(kind: int, document: Any) -> bytes:
    """Return the bytes of a frame with a JSON document."""
    return encode_frame(kind, json_bytes(document))


def json_bytes(document: Any) -> bytes:
    """Return a JSON document as UTF-8, as short as it can be."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def read_frames(data: memoryview) -> Iterator[Frame]:
    """Yield the frames from the beginning of the data, up to the first one that is not whole."""
    at, size, unpack = 0, len(data), _HEAD.unpack_from
    while at + _HEAD_BYTES <= size:
        mark, kind, length, checksum = unpack(data, at)
        start = at + _HEAD_BYTES
        at = start + length
        payload = data[start:at]
        if mark != _MARK or len(payload) < length or crc32(payload, kind) != checksum:
            return
        yield kind, payload, at


def has_frame(data: bytes) -> bool:
    """True if a whole frame begins anywhere in the data."""
    at = data.find(_MARK)
    while at >= 0:
        if next(read_frames(memoryview(data)[at:]), None) is not None:
            return True
        at = data.find(_MARK, at + 1)
    return False
