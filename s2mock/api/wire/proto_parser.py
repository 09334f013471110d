"""A strict parser of `AppendInput`, with the rules and the error messages of the real server.

Most batches have records with nothing but bodies, which `read_bodies` reads fastest. Of others the
protobuf library is faster, but accepts numbers of more than 64 bits, refuses zeros in front of
a field's number, and treats a known field of the wrong wire type as unknown. So input that is not
in the ordinary encoding is parsed here (reference: data_plane §2).
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, NoReturn

from s2mock.api.wire.proto_encoder import varint
from s2mock.registry.values.errors import BadProto

RECORD_KEY: Final = b"\x0a"
"""The key of `AppendInput.records`, in its shortest form."""

_VARINT, _FIXED_64, _BYTES, _GROUP, _END_OF_GROUP, _FIXED_32 = range(6)
_WIRE_TYPES: Final = (
    "Varint",
    "SixtyFourBit",
    "LengthDelimited",
    "StartGroup",
    "EndGroup",
    "ThirtyTwoBit",
)
_MAX_VARINT_BYTES: Final = 10
_KEYS: Final = 1 << 32
# The key of `AppendRecord.body`.
_BODY_KEY: Final = b"\x1a"
# The highest field number whose key has one byte.
_SHORT_NUMBERS: Final = 15
_MAX_DEPTH: Final = 100


class _Message(NamedTuple):
    """The type of a message: its depth of nesting, and the name and wire type of its fields."""

    depth: int
    fields: dict[int, tuple[str, int]]
    # The field that contains the message.
    place: str = ""


_INPUT: Final = _Message(
    0,
    {
        1: ("AppendInput.records: ", _BYTES),
        2: ("AppendInput.match_seq_num: ", _VARINT),
        3: ("AppendInput.fencing_token: ", _BYTES),
    },
)
_RECORD: Final = _Message(
    1,
    {
        1: ("AppendRecord.timestamp: ", _VARINT),
        2: ("AppendRecord.headers: ", _BYTES),
        3: ("AppendRecord.body: ", _BYTES),
    },
    "AppendInput.records: ",
)
_HEADER: Final = _Message(
    2,
    {1: ("Header.name: ", _BYTES), 2: ("Header.value: ", _BYTES)},
    "AppendRecord.headers: AppendInput.records: ",
)

# Body, headers and timestamp.
Record = tuple[bytes, Sequence[tuple[bytes, bytes]], int | None]


def read_bodies(data: bytes) -> tuple[list[bytes], int]:
    """Return the bodies of the first records, up to one with anything else, and where that begins.

    A record with another field, or not in its shortest form, is not read, nor is what follows it.
    """
    bodies: list[bytes] = []
    at, size, length = 0, len(data), 1
    head = _head(length)
    while at < size:
        # Records of one length begin with the same bytes.
        if not data.startswith(head, at):
            try:
                _, start = _varint(data, at + 1)
                length, start = _varint(data, start + 1)
            except _Malformed:
                break
            head = _head(length)
            if not length or data[at:start] != head:
                break
        start = at + len(head)
        end = start + length
        if end > size:
            break
        bodies.append(data[start:end])
        at = end
    return bodies, at


@lru_cache(maxsize=1024)
def _head(length: int) -> bytes:
    """Return what is before the body of that length in a record without another field."""
    start = _BODY_KEY + varint(length)
    return RECORD_KEY + varint(len(start) + length) + start


class _Malformed(Exception):
    """A fault in the encoding, without its place, which the caller adds."""


def read_input(data: bytes) -> tuple[list[Record], int | None, str | None]:
    """Return records, `match_seq_num`, `fencing_token` of an `AppendInput`. Raises `BadProto`."""
    records: list[Record] = []
    match_seq_num = fencing_token = None
    for number, value, end in _fields(data, 0, len(data), _INPUT):
        if number == 1:
            records.append(_record(data, value, end))
        elif number == 2:
            match_seq_num = value
        else:
            fencing_token = _text(data[value:end])
    return records, match_seq_num, fencing_token


def _record(data: bytes, start: int, end: int) -> Record:
    body, timestamp = b"", None
    headers: list[tuple[bytes, bytes]] | None = None
    for number, value, after in _fields(data, start, end, _RECORD):
        if number == 1:
            timestamp = value
        elif number == 2:
            headers = headers or []
            headers.append(_header(data, value, after))
        else:
            body = data[value:after]
    return body, headers or (), timestamp


def _header(data: bytes, start: int, end: int) -> tuple[bytes, bytes]:
    name = text = b""
    for number, value, after in _fields(data, start, end, _HEADER):
        if number == 1:
            name = data[value:after]
        else:
            text = data[value:after]
    return name, text


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        place, _ = _INPUT.fields[3]
        _refuse(f"{place}invalid string value: data is not UTF-8 encoded")


def _refuse(message: str) -> NoReturn:
    raise BadProto(f"failed to decode Protobuf message: {message}") from None


def _fields(data: bytes, at: int, end: int, message: _Message) -> Iterator[tuple[int, int, int]]:
    """Yield the known fields between two positions.

    Each is its number, then the value and the position behind it, or the start and the end of it.
    """
    place, size = "", len(data)
    try:
        while at < end:
            place = ""
            # Nearly all keys have one byte.
            number, wire_type, at = data[at] >> 3, data[at] & 7, at + 1
            if not 0 < number <= _SHORT_NUMBERS or wire_type > _FIXED_32:
                number, wire_type, at = _key(data, at - 1)
            if number in message.fields:
                place, expected = message.fields[number]
                if wire_type != expected:
                    raise _Malformed(
                        f"invalid wire type: {_WIRE_TYPES[wire_type]} "
                        f"(expected {_WIRE_TYPES[expected]})"
                    )
            if wire_type == _GROUP:
                at = _end_of_group(data, at, number, message.depth)
                continue
            value, at = _value(data, at, size, wire_type)
            if place:
                yield number, value, at
        if at > end:
            place = ""
            raise _Malformed("delimited length exceeded")
    except _Malformed as error:
        _refuse(f"{place}{message.place}{error}")


def _end_of_group(data: bytes, at: int, number: int, depth: int) -> int:
    """Return the end of a group that has begun; `depth` is that of the enclosing message."""
    groups, size = [number], len(data)
    while groups:
        number, wire_type, at = _key(data, at)
        if wire_type == _END_OF_GROUP:
            if groups.pop() != number:
                raise _Malformed("unexpected end group tag")
        elif depth + len(groups) >= _MAX_DEPTH:
            raise _Malformed("recursion limit reached")
        elif wire_type == _GROUP:
            groups.append(number)
        else:
            _, at = _value(data, at, size, wire_type)
    return at


def _key(data: bytes, at: int) -> tuple[int, int, int]:
    """Return number and wire type of a field, and the position behind its key."""
    key, at = _varint(data, at)
    if key >= _KEYS:
        raise _Malformed(f"invalid key value: {key}")
    number, wire_type = key >> 3, key & 7
    if wire_type > _FIXED_32:
        raise _Malformed(f"invalid wire type value: {wire_type}")
    if not number:
        raise _Malformed("invalid tag value: 0")
    return number, wire_type, at


def _value(data: bytes, at: int, size: int, wire_type: int) -> tuple[int, int]:
    """Return a number, or the start of another value; and the position behind it."""
    if wire_type == _VARINT:
        return _varint(data, at)
    if wire_type == _END_OF_GROUP:
        raise _Malformed("unexpected end group tag")
    length = 4 if wire_type == _FIXED_32 else 8
    if wire_type == _BYTES:
        length, at = _varint(data, at)
    if length > size - at:
        raise _Malformed("buffer underflow")
    return at, at + length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a varint of 64 bits at most, and the position behind it.

    Leading zeros are valid, up to ten bytes in all.
    """
    number = shift = 0
    for byte in data[at : at + _MAX_VARINT_BYTES]:
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            if number >= 1 << 64:
                break
            return number, at
    raise _Malformed("invalid varint")
