"""The encoder of S2's responses as protobuf, which writes the bytes directly.

The protobuf library would create an object for each record first; it is used for decoding, and by
the tests to compare with. As the library does, the encoder writes fields in the order of their
numbers, and leaves out those that are zero or empty (reference: data_plane §2).
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import AppendAck, Header, StoredRecord

# The last byte of a varint, and a byte that others follow.
_LAST: Final = [bytes([digit]) for digit in range(128)]
_MORE: Final = [bytes([digit | 0x80]) for digit in range(128)]

# Field number and wire type, as one byte.
_NUMBER_1, _NUMBER_2 = b"\x08", b"\x10"
_BYTES_1, _BYTES_2, _BYTES_3, _BYTES_4 = b"\x0a", b"\x12", b"\x1a", b"\x22"

_TIMES: Final = [_NUMBER_2 + digit for digit in _MORE]
# The sum of the lengths of name and value below which the message of a header has < 128 bytes.
_SHORT: Final = 124


def varint(number: int) -> bytes:
    """Return a number from 0 to 2^64-1 as a varint: seven bits per byte, the lowest first."""
    if number < 1 << 7:
        return _LAST[number]
    if number < 1 << 14:
        return _MORE[number & 0x7F] + _LAST[number >> 7]
    return _MORE[number & 0x7F] + _MORE[number >> 7 & 0x7F] + _common(number >> 14)


# Timestamps within 16 seconds have the same upper digits, and lengths recur.
_common = lru_cache(maxsize=4096)(varint)


def _number(tag: bytes, number: int) -> bytes:
    return tag + varint(number) if number else b""


def _bytes(tag: bytes, data: bytes) -> bytes:
    return tag + _common(len(data)) + data if data else b""


def encode_position(tag: bytes, position: StreamPosition) -> bytes:
    """Return a field with a `StreamPosition`, also if both of its numbers are zero."""
    seq_num, timestamp = position
    data = _NUMBER_1 + varint(seq_num) if seq_num else b""
    if timestamp:
        data += _NUMBER_2 + varint(timestamp)
    # The length is one byte, since two numbers have 22 bytes at most.
    return tag + _LAST[len(data)] + data


def encode_ack(ack: AppendAck) -> bytes:
    """Return the message of an `AppendAck`."""
    start, end, tail = ack
    last = encode_position(_BYTES_2, end)
    behind = last[1:] if tail == end else encode_position(b"", tail)
    return encode_position(_BYTES_1, start) + last + _BYTES_3 + behind


def encode_record(seq_num: int, timestamp: int, headers: Sequence[Header], body: bytes) -> bytes:
    """Return a `SequencedRecord` as a field of a `ReadBatch`."""
    message = _number(_NUMBER_1, seq_num) + _number(_NUMBER_2, timestamp)
    if headers:
        message += _encode_headers(headers)
    message += _bytes(_BYTES_4, body)
    return _BYTES_1 + _common(len(message)) + message


def _encode_headers(headers: Sequence[Header]) -> bytes:
    parts: list[bytes] = []
    for name, value in headers:
        first, second = len(name), len(value)
        if first and second and first + second < _SHORT:
            # All three lengths have one byte.
            parts += (_BYTES_3, _LAST[first + second + 4], _BYTES_1, _LAST[first], name)
            parts += (_BYTES_2, _LAST[second], value)
        else:
            message = _bytes(_BYTES_1, name) + _bytes(_BYTES_2, value)
            parts += (_BYTES_3, _common(len(message)), message)
    return b"".join(parts)


def encode_batch(records: Iterable[bytes], tail: StreamPosition | None) -> bytes:
    """Return a `ReadBatch` of records that are already encoded, or of parts of them in order."""
    return b"".join(records) + (b"" if tail is None else encode_position(_BYTES_2, tail))


def encode_records(  # noqa: PLR0912  # a call for each record would take most of the time
    rows: Iterable[tuple[int, int, StoredRecord]],
) -> list[bytes]:
    """Return the bytes that `encode_record` returns for each record, in pieces, much faster.

    Neighbouring records are similar: most have no headers, and the upper digits of their numbers
    and the length prefixes are equal. Those are encoded once.
    """
    parts: list[bytes] = []
    last_time, time, last_quarter, quarter = -1, b"", -1, b""
    last_upper, upper, digits = -1, b"", _LAST
    # By the length of the body: the bytes before the sequence number, and those before the body.
    frames: dict[int, tuple[bytes, bytes]] = {}
    headers: tuple[Header, ...]
    for seq_num, timestamp, stored in rows:
        # As `parts_of` does, without the time of a call for each record.
        if isinstance(stored, bytes):
            headers, body = (), stored
        else:
            headers, body = stored.headers, stored.body
        if not seq_num:
            parts.append(encode_record(seq_num, timestamp, headers, body))
            continue
        if timestamp != last_time:
            last_time, former = timestamp, time
            if timestamp >> 14 != last_quarter:
                # All timestamps within 16 seconds have the same upper digits.
                last_quarter = timestamp >> 14
                quarter = varint(last_quarter)
            if last_quarter:
                time = _TIMES[timestamp & 0x7F] + _MORE[timestamp >> 7 & 0x7F] + quarter
            else:
                time = _number(_NUMBER_2, timestamp)
            if len(time) != len(former):
                frames = {}
        if seq_num >> 7 != last_upper:
            last_upper, former = seq_num >> 7, upper
            upper, digits = (varint(last_upper), _MORE) if last_upper else (b"", _LAST)
            if len(upper) != len(former):
                frames = {}
        length = len(body)
        frame = None if headers else frames.get(length)
        if frame is None:
            start = _BYTES_4 + _common(length) if length else b""
            if headers:
                start = _encode_headers(headers) + start
            size = 2 + len(upper) + len(time) + len(start) + length
            frame = (_BYTES_1 + _common(size) + _NUMBER_1, start)
            if not headers:
                frames[length] = frame
        parts += (frame[0], digits[seq_num & 0x7F], upper, time, frame[1], body)
    return parts
