"""The decoder of HTTP/2 header compression (RFC 7541).

A client sends the same few fields again and again, so blocks and decoded strings are remembered.
The static table and the Huffman code are those of the library `hpack`: its decoder decodes each
entry once, and each new string. Whole blocks would take it six times as long (28 against 4.5
microseconds for a request of an SDK).
"""

from collections import deque
from typing import Final

from hpack import Decoder, HPACKDecodingError

Field = tuple[bytes, bytes]

# Its limit is larger than any decoded block. No block that it decodes changes its tables, so all
# threads may share it.
_library: Final = Decoder(max_header_list_size=1 << 24)


def _by_library(block: bytes) -> Field:
    """Return the only field of a block that changes no table."""
    [(name, value)] = _library.decode(block, raw=True)
    return bytes(name), bytes(value)


_STATIC_ENTRIES: Final = 61
_STATIC: Final[tuple[Field, ...]] = tuple(
    _by_library(bytes([0x80 | index])) for index in range(1, _STATIC_ENTRIES + 1)
)
# The largest table that clients may use, since we announce no other size (RFC 9113 §6.5.2).
_MAX_TABLE_BYTES = 4096
FIELD_COST: Final = 32
"""Bytes that each field counts beside its text, in a table and in a list."""
# No encoded length is larger; a larger number is an attack.
_MAX_INTEGER = 1 << 24

# Decoded strings by their Huffman code, for all connections.
_DECODED: Final[dict[bytes, bytes]] = {}
_MAX_REMEMBERED = 1000
_MAX_REMEMBERED_BYTES = 128
# Remembered whole blocks of a connection. Those of a client that repeats a request are equal.
_MAX_BLOCKS = 16
_MAX_BLOCK_BYTES = 1024


class CompressionError(Exception):
    """A malformed block, after which no block of the connection can be decoded."""


class ListTooLargeError(Exception):
    """A block whose header list is longer than the decoder's limit."""


class HpackDecoder:
    """The decoder of a connection. `max_list_bytes` is the limit of a header list."""

    def __init__(self, max_list_bytes: int) -> None:
        self._max_list_bytes = max_list_bytes
        self._table: deque[Field] = deque()
        self._table_bytes = 0
        self._max_table_bytes = _MAX_TABLE_BYTES
        # The fields of blocks that were decoded with the table as it is, and did not change it.
        self._blocks: dict[bytes, list[Field]] = {}
        self._has_changed = False

    def decode(self, block: bytes) -> list[Field]:
        """Return the fields of a block, in a list that is not to be changed.

        Raises `CompressionError` or `ListTooLargeError`.
        """
        fields = self._blocks.get(block)
        if fields is not None:
            return fields
        self._has_changed = False
        try:
            fields = self._decode(block)
        except (IndexError, HPACKDecodingError):
            raise CompressionError from None
        finally:
            if self._has_changed or len(self._blocks) >= _MAX_BLOCKS:
                self._blocks.clear()
        if not self._has_changed and len(block) <= _MAX_BLOCK_BYTES:
            self._blocks[block] = fields
        return fields

    def _decode(self, block: bytes) -> list[Field]:
        fields: list[Field] = []
        position, end, left = 0, len(block), self._max_list_bytes
        while position < end:
            byte = block[position]
            if byte & 0x80:
                index, position = _integer(block, position, 0x7F)
                field = self._entry(index)
            elif byte & 0xE0 == 0x20:
                if fields:
                    raise CompressionError
                size, position = _integer(block, position, 0x1F)
                if size > _MAX_TABLE_BYTES:
                    raise CompressionError
                self._max_table_bytes = size
                self._has_changed = True
                self._shrink()
                continue
            else:
                is_indexed = byte & 0x40
                index, position = _integer(block, position, 0x3F if is_indexed else 0x0F)
                if index:
                    name = self._entry(index)[0]
                else:
                    name, position = _string(block, position)
                value, position = _string(block, position)
                field = (name, value)
                if is_indexed:
                    self._has_changed = True
                    self._table.appendleft(field)
                    self._table_bytes += len(name) + len(value) + FIELD_COST
                    self._shrink()
            left -= len(field[0]) + len(field[1]) + FIELD_COST
            if left < 0:
                raise ListTooLargeError
            fields.append(field)
        return fields

    def _entry(self, index: int) -> Field:
        if not index:
            raise CompressionError
        if index <= len(_STATIC):
            return _STATIC[index - 1]
        return self._table[index - len(_STATIC) - 1]

    def _shrink(self) -> None:
        while self._table_bytes > self._max_table_bytes:
            name, value = self._table.pop()
            self._table_bytes -= len(name) + len(value) + FIELD_COST


def _integer(block: bytes, position: int, mask: int) -> tuple[int, int]:
    """Return a number and the position after it (RFC 7541 §5.1)."""
    number = block[position] & mask
    position += 1
    if number < mask:
        return number, position
    shift = 0
    while True:
        byte = block[position]
        position += 1
        number += (byte & 0x7F) << shift
        shift += 7
        if number > _MAX_INTEGER or shift > 35:
            raise CompressionError
        if byte < 0x80:
            return number, position


def _string(block: bytes, position: int) -> tuple[bytes, int]:
    """Return a string and the position after it (RFC 7541 §5.2)."""
    start, is_huffman = position, block[position] & 0x80
    length, position = _integer(block, position, 0x7F)
    end = position + length
    if end > len(block):
        raise CompressionError
    data = block[position:end]
    if not is_huffman:
        return data, end
    decoded = _DECODED.get(data)
    if decoded is None:
        # As the value of a field without a name.
        decoded = _by_library(b"\0\0" + block[start:end])[1]
        if len(_DECODED) < _MAX_REMEMBERED and len(data) <= _MAX_REMEMBERED_BYTES:
            _DECODED[data] = decoded
    return decoded, end
