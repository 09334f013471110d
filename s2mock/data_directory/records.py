"""Records in frames: those of an append, and those of a chunk of a log, in columns.

A column has one value for each record: timestamps, times of expiry, lengths, digests of keys, and
the metered bytes of all records up to this one. If all records have the same value, or none, the
column is left out.
"""

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from struct import Struct, pack, unpack_from
from typing import Any, Final, NamedTuple

from s2mock.registry.log.chunks import Chunk, Span, Written
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import Header, Record, StoredRecord, parts_of, size_of
from s2mock.runtime.clock import NEVER

CHUNK_RECORDS: Final = 1024
"""The number of records of a chunk."""

_DIGEST_BYTES: Final = 32
_MAX_EXPIRY: Final = 2**63 - 1

# Which columns and values follow a head, in this order.
_HAS_DIGESTS: Final = 1
_HAS_LOG_STATE: Final = 2
_HAS_TIMESTAMPS: Final = 4
_HAS_EXPIRIES: Final = 8
_HAS_HEADERS: Final = 16

# Incarnation of the stream, account time, expiry or -1 for never, first sequence number, last
# timestamp, number of records, flags.
_APPEND_HEAD: Final = Struct("<QqqQQIB")
# Trim point, and the length of the fencing token that follows.
_LOG_STATE: Final = Struct("<QH")
# First sequence number, last timestamp, expiry of the first or -1, number of records, flags.
_CHUNK_HEAD: Final = Struct("<QQqIB")

# No account has this owner, so no account writes to a chunk that has it.
_NO_OWNER: Final = object()
_NO_DIGEST: Final = bytes(1 + _DIGEST_BYTES)


class Appended(NamedTuple):
    """An append in a file: its stream by its incarnation, its account time, and its records.

    `fencing_token` and `trim_point` are those of the log behind it, None if it changes neither.
    """

    incarnation: int
    time: int
    expiry: int
    digest: bytes | None
    fencing_token: str | None
    trim_point: int | None
    timestamps: Sequence[int]
    stored: list[StoredRecord]
    tail: StreamPosition


def encode_append(incarnation: int, time: int, written: Written) -> bytes:
    """Return the payload of an append at that account time."""
    stored, timestamps = written.stored, written.timestamps
    count, last, expiry = len(stored), timestamps[-1], written.expiry
    flags = 0
    parts: list[bytes] = []
    if written.digest is not None:
        flags |= _HAS_DIGESTS
        parts.append(written.digest)
    for one in stored:
        if not isinstance(one, bytes) and one.headers:
            flags |= _HAS_HEADERS
            if one.command is not None:
                flags |= _HAS_LOG_STATE
    if flags & _HAS_LOG_STATE:
        token = written.fencing_token.encode()
        parts += (_LOG_STATE.pack(written.trim_point, len(token)), token)
    if timestamps[0] != last:
        flags |= _HAS_TIMESTAMPS
        parts.append(_column_bytes("Q", timestamps))
    bodies = _bodies(stored, has_headers=bool(flags & _HAS_HEADERS))
    if count > 1:
        parts.append(_column_bytes("I", map(len, bodies)))
    head = _APPEND_HEAD.pack(
        incarnation,
        time,
        expiry if expiry <= _MAX_EXPIRY else -1,
        written.tail.seq_num - count,
        last,
        count,
        flags,
    )
    return b"".join((head, *parts, *bodies))


def stream_of_append(payload: memoryview) -> int:
    """Return the incarnation of the stream that an append is to."""
    return int.from_bytes(payload[:8], "little")


def changes_log_state(payload: memoryview) -> bool:
    """True if an append changes the fencing token or the trim point."""
    return bool(payload[_APPEND_HEAD.size - 1] & _HAS_LOG_STATE)


def decode_append(payload: memoryview) -> Appended:
    """Return the append in a payload."""
    incarnation, time, expiry, first, last, count, flags = _APPEND_HEAD.unpack_from(payload)
    at = _APPEND_HEAD.size
    digest = token = trim_point = None
    if flags & _HAS_DIGESTS:
        digest, at = bytes(payload[at : at + _DIGEST_BYTES]), at + _DIGEST_BYTES
    if flags & _HAS_LOG_STATE:
        trim_point, length = _LOG_STATE.unpack_from(payload, at)
        at += _LOG_STATE.size
        token, at = bytes(payload[at : at + length]).decode(), at + length
    timestamps: Sequence[int] = (last,) * count
    if flags & _HAS_TIMESTAMPS:
        timestamps, at = _read_column("Q", payload, at, count)
    lengths: Sequence[int] = (len(payload) - at,)
    if count > 1:
        lengths, at = _read_column("I", payload, at, count)
    stored = _read_records(payload[at:], lengths, has_headers=bool(flags & _HAS_HEADERS))
    return Appended(
        incarnation,
        time,
        NEVER if expiry < 0 else expiry,
        digest,
        token,
        trim_point,
        timestamps,
        stored,
        StreamPosition(first + count, last),
    )


def encode_chunk(spans: Sequence[Span]) -> bytes:
    """Return the payload of consecutive records of a log, in columns."""
    chunk, *ends = spans[0]
    if len(spans) == 1 and isinstance(chunk, StoredChunk) and ends == [0, chunk.size]:
        return bytes(chunk.payload)
    stored: list[StoredRecord] = []
    timestamps, totals = array("Q"), array("Q")
    expiries: list[int] = []
    digests: list[bytes | None] = []
    for span in spans:
        chunk, start, end = span
        stored += chunk.stored[start:end]
        timestamps += chunk.timestamps[start:end]
        totals += _rebased(span, totals)
        expiries += chunk.expiries[start:end]
        digests += [None] * (end - start) if chunk.digests is None else chunk.digests[start:end]
    last, flags = timestamps[-1], 0
    parts: list[bytes] = []
    if any(digest is not None for digest in digests):
        flags |= _HAS_DIGESTS
        parts += [_NO_DIGEST if digest is None else b"\1" + digest for digest in digests]
    if timestamps[0] != last:
        flags |= _HAS_TIMESTAMPS
        parts.append(_column_bytes("Q", timestamps))
    if max(expiries) > _MAX_EXPIRY:
        expiries = [expiry if expiry <= _MAX_EXPIRY else -1 for expiry in expiries]
    if expiries.count(expiries[0]) < len(expiries):
        flags |= _HAS_EXPIRIES
        parts.append(_column_bytes("q", expiries))
    has_headers = any(parts_of(one)[0] for one in stored)
    if has_headers:
        flags |= _HAS_HEADERS
    bodies = _bodies(stored, has_headers=has_headers)
    parts += (_column_bytes("Q", totals), _column_bytes("I", map(len, bodies)))
    head = _CHUNK_HEAD.pack(spans[0].first_seq_num, last, expiries[0], len(stored), flags)
    return b"".join((head, *parts, *bodies))


def _rebased(span: Span, totals: "array[int]") -> "array[int]":
    """Return the metered bytes up to each record of a span, behind records with these totals."""
    own = span.chunk.totals[span.start : span.end]
    before = totals[-1] if totals else span.total_before
    if before == span.total_before:
        return own
    return array("Q", [total - span.total_before + before for total in own])


class _LazyChunk(Chunk):
    """A chunk in a file. Its columns and its records are read when they are first used."""

    __slots__ = ("size",)

    def __init__(self, first_seq_num: int, size: int) -> None:
        # Not `super().__init__`, which sets all slots: `__getattr__` is called for an empty one.
        self.write_owner = _NO_OWNER
        self.first_seq_num = first_seq_num
        self.size: int = size

    def __getattr__(self, name: str) -> Any:
        if name not in Chunk.__slots__:
            raise AttributeError(name)
        self._read(name)
        return object.__getattribute__(self, name)

    def _read(self, name: str) -> None:
        """Set the slot of that name, and perhaps others."""
        raise NotImplementedError


class StoredAppends(_LazyChunk):
    """The appends that followed each other in a log, as one chunk of at least one record.

    `tail` is the tail behind it, `time` the account time of the last append, and `next_expiry`
    that of the first expiry.
    """

    __slots__ = ("next_expiry", "payloads", "tail", "time")

    def __init__(self, payloads: Sequence[memoryview], next_expiry: int) -> None:
        first = _APPEND_HEAD.unpack_from(payloads[0])[3]
        _, time, _, last_first, timestamp, count, _ = _APPEND_HEAD.unpack_from(payloads[-1])
        super().__init__(first, last_first + count - first)
        self.payloads: Sequence[memoryview] = payloads
        self.tail: StreamPosition = StreamPosition(last_first + count, timestamp)
        self.time: int = time
        self.next_expiry: int = next_expiry

    def _read(self, _: str) -> None:
        stored: list[StoredRecord] = []
        timestamps, totals = array("Q"), array("Q")
        expiries: list[int] = []
        digests: list[bytes | None] = []
        total = 0
        for payload in self.payloads:
            _, _, expiry, _, last, count, flags = _APPEND_HEAD.unpack_from(payload)
            if flags or count > 1:
                appended = decode_append(payload)
                stored += appended.stored
                timestamps.extend(appended.timestamps)
                digests += (appended.digest,) * count
            else:
                # Most appends have one record.
                stored.append(bytes(payload[_APPEND_HEAD.size :]))
                timestamps.append(last)
                digests.append(None)
            expiries += (NEVER if expiry < 0 else expiry,) * count
        for one in stored:
            total += size_of(one)
            totals.append(total)
        self.expiries = expiries if max(expiries) > _MAX_EXPIRY else array("q", expiries)
        self.expires_in_order = all(one <= other for one, other in pairwise(expiries))
        self.digests = digests if any(digest is not None for digest in digests) else None
        self.timestamps, self.totals, self.stored = timestamps, totals, stored


def stored_appends(payloads: Sequence[memoryview]) -> Iterator[StoredAppends]:
    """Yield the appends in chunks, each complete once it has `CHUNK_RECORDS` records."""
    start, count, next_expiry = 0, 0, NEVER
    for index, payload in enumerate(payloads, 1):
        _, _, expiry, _, _, number, _ = _APPEND_HEAD.unpack_from(payload)
        count += number
        if 0 <= expiry < next_expiry:
            next_expiry = expiry
        if count >= CHUNK_RECORDS:
            yield StoredAppends(payloads[start:index], next_expiry)
            start, count, next_expiry = index, 0, NEVER
    if count:
        yield StoredAppends(payloads[start:], next_expiry)


class StoredChunk(_LazyChunk):
    """A chunk in the file of a state."""

    __slots__ = ("payload",)

    def __init__(self, payload: memoryview) -> None:
        first, _, _, count, _ = _CHUNK_HEAD.unpack_from(payload)
        super().__init__(first, count)
        self.payload: memoryview = payload

    def _read(self, name: str) -> None:
        at, has_headers = self._read_columns()
        if name == "stored":
            lengths, at = _read_column("I", self.payload, at, self.size)
            self.stored = _read_records(self.payload[at:], lengths, has_headers=has_headers)

    def _read_columns(self) -> tuple[int, bool]:
        """Read all but the records; return where their lengths begin, and True for headers."""
        payload, count = self.payload, self.size
        _, last, expiry, _, flags = _CHUNK_HEAD.unpack_from(payload)
        at = _CHUNK_HEAD.size
        digests: list[bytes | None] | None = None
        if flags & _HAS_DIGESTS:
            width = 1 + _DIGEST_BYTES
            each = (bytes(payload[at + n * width : at + (n + 1) * width]) for n in range(count))
            digests = [one[1:] if one[0] else None for one in each]
            at += count * width
        timestamps = array("Q", (last,)) * count
        if flags & _HAS_TIMESTAMPS:
            timestamps, at = _read_column("Q", payload, at, count)
        expiries: array[int] | list[int] = array("q", (expiry,)) * count
        if flags & _HAS_EXPIRIES:
            expiries, at = _read_column("q", payload, at, count)
        if min(expiries) < 0:
            expiries = [NEVER if expiry < 0 else expiry for expiry in expiries]
        self.expires_in_order = not flags & _HAS_EXPIRIES or all(
            one <= other for one, other in pairwise(expiries)
        )
        self.totals, at = _read_column("Q", payload, at, count)
        self.timestamps, self.expiries, self.digests = timestamps, expiries, digests
        return at, bool(flags & _HAS_HEADERS)


def _bodies(stored: Sequence[StoredRecord], *, has_headers: bool) -> list[bytes]:
    """Return the bytes of each record: the body, or the headers and the body of each."""
    if not has_headers:
        return [one if isinstance(one, bytes) else one.body for one in stored]
    encoded = []
    for one in stored:
        headers, body = parts_of(one)
        parts = [part for header in headers for part in header]
        lengths = pack(f"<{1 + len(parts)}I", len(headers), *map(len, parts))
        encoded.append(b"".join((lengths, *parts, body)))
    return encoded


def _read_records(
    data: memoryview, lengths: Iterable[int], *, has_headers: bool
) -> list[StoredRecord]:
    """Return the records of these lengths, which follow each other in the data."""
    whole, at = data.tobytes(), 0
    stored: list[StoredRecord] = []
    for length in lengths:
        body = whole[at : at + length]
        at += length
        if has_headers:
            headers, body = _read_headers(body)
            stored.append(Record(body, headers) if headers else body)
        else:
            stored.append(body)
    return stored


def _read_headers(data: bytes) -> tuple[tuple[Header, ...], bytes]:
    """Return the headers and the body of a record in the form with headers."""
    (count,) = unpack_from("<I", data)
    lengths = unpack_from(f"<{2 * count}I", data, 4)
    parts = [*_pieces(data, 4 + 8 * count, lengths)]
    body = data[4 + 8 * count + sum(lengths) :]
    return tuple(zip(parts[::2], parts[1::2], strict=True)), body


def _pieces(data: bytes, at: int, lengths: Iterable[int]) -> Iterator[bytes]:
    for length in lengths:
        yield data[at : at + length]
        at += length


def _column_bytes(code: str, values: Iterable[int]) -> bytes:
    """Return a column of numbers, each with its lowest byte first."""
    column = array(code, values)
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()


def _read_column(code: str, payload: memoryview, at: int, count: int) -> "tuple[array[int], int]":
    """Return a column of that many numbers, and the position behind it."""
    column = array(code)
    end = at + count * column.itemsize
    column.frombytes(payload[at:end])
    if sys.byteorder == "big":
        column.byteswap()
    return column, end
