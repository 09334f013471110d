"""Records: what an append brings, what a stream holds, and how both are measured.

Sources: reference: data_plane §1.7 (limits and metering), §3.2 (validation), §3.3 (commands).
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, Literal, NamedTuple

from s2mock.registry.values.config import U64_MAX
from s2mock.registry.values.errors import Invalid
from s2mock.registry.values.positions import StreamPosition
from s2mock.runtime.arguments import (
    as_bytes,
    check_name,
    check_number,
    check_text,
    described,
    encoded,
    is_bytes,
)

Header = tuple[bytes, bytes]
Command = Literal["fence", "trim"]

MAX_BATCH_RECORDS: Final = 1000
MAX_BATCH_BYTES: Final = 1024 * 1024
MAX_FENCING_TOKEN_BYTES: Final = 36

_TRIM_BYTES = 8
# What S2 counts for each record and for each header, beside their bytes.
_RECORD_BYTES = 8
_HEADER_BYTES = 2
_PAIR = 2

_RECORD_TOO_LARGE = "record must have metered size less than 1 MiB"


def metered_bytes(headers: Sequence[Header], body: bytes) -> int:
    """The size that S2's limits count: of the plaintext, with a fixed overhead."""
    size = _RECORD_BYTES + len(body)
    for name, value in headers:
        size += _HEADER_BYTES + len(name) + len(value)
    return size


class Record:
    """A record as an append brings it and a stream keeps it; checked, and typed as it says.

    It is never changed. `timestamp` is in milliseconds since the Unix epoch, or in any unit
    of the user. Raises `Invalid`.
    """

    __slots__ = ("body", "command", "headers", "metered_bytes", "timestamp")

    def __init__(
        self, body: bytes = b"", headers: Iterable[Header] = (), timestamp: int | None = None
    ) -> None:
        self.body: bytes = body
        self.headers: tuple[Header, ...] = tuple(headers)
        self.timestamp: int | None = timestamp
        self.command: Command | None = _command(self.headers, body) if self.headers else None
        self.metered_bytes: int = metered_bytes(self.headers, body)
        if self.metered_bytes > MAX_BATCH_BYTES:
            raise Invalid(_RECORD_TOO_LARGE)
        if timestamp is not None and not 0 <= timestamp <= U64_MAX:
            raise Invalid(f"timestamp must be from 0 to 2^64-1, not {timestamp!r}")


class AppendRecord(Record):
    """A record to append. It never changes, and is one that S2 would accept.

    Text, in the body and in headers, is encoded as UTF-8. A header is a name and a value.
    `timestamp` is in milliseconds since the Unix epoch, or in any unit of yours. Raises
    `Invalid`, and `TypeError` for an argument of the wrong type.
    """

    __slots__ = ()

    def __init__(
        self,
        body: bytes | str = b"",
        headers: Iterable[tuple[bytes | str, bytes | str]] = (),
        timestamp: int | None = None,
    ) -> None:
        check_number("timestamp", timestamp)
        super().__init__(as_bytes("body", body), _as_headers(headers), timestamp)

    def __setattr__(self, name: str, value: object) -> None:
        if hasattr(self, name):
            raise AttributeError(f"an AppendRecord is a value: make another one to set {name}")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"an AppendRecord is a value: {name} stays")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AppendRecord):
            return NotImplemented
        return (self.body, self.headers, self.timestamp) == (
            other.body,
            other.headers,
            other.timestamp,
        )

    def __hash__(self) -> int:
        return hash((self.body, self.headers, self.timestamp))

    def __repr__(self) -> str:
        headers = f", {list(self.headers)!r}" if self.headers else ""
        timestamp = "" if self.timestamp is None else f", timestamp={self.timestamp}"
        return f"AppendRecord({self.body!r}{headers}{timestamp})"

    @classmethod
    def fence(cls, token: str, timestamp: int | None = None) -> "AppendRecord":
        """The command that sets the stream's fencing token. Raises `Invalid`, `TypeError`."""
        return cls(check_name("token", token), [(b"", b"fence")], timestamp)

    @classmethod
    def trim(cls, seq_num: int, timestamp: int | None = None) -> "AppendRecord":
        """The command that trims everything before `seq_num`. Raises `Invalid`, `TypeError`."""
        check_number("seq_num", seq_num, optional=False)
        if not 0 <= seq_num <= U64_MAX:
            raise Invalid(f"seq_num must be from 0 to 2^64-1, not {seq_num!r}")
        return cls(seq_num.to_bytes(_TRIM_BYTES, "big"), [(b"", b"trim")], timestamp)


def _as_headers(headers: Iterable[tuple[bytes | str, bytes | str]]) -> Iterable[Header]:
    if isinstance(headers, Mapping):
        raise TypeError(f"headers must be pairs, not {described(headers)}: try headers.items()")
    if isinstance(headers, str | bytes | bytearray) or not isinstance(headers, Iterable):
        raise TypeError(f"headers must be an iterable of pairs, not {described(headers)}")
    for number, header in enumerate(headers):
        if not isinstance(header, tuple | list) or len(header) != _PAIR:
            raise TypeError(
                f"headers[{number}] must be a pair of name and value, not {described(header)}"
            )
        name, value = header
        yield as_bytes(f"name of headers[{number}]", name), as_bytes(f"headers[{number}]", value)


def _command(headers: tuple[Header, ...], body: bytes) -> Command | None:
    if all(name for name, _ in headers):
        return None
    if len(headers) > 1:
        raise Invalid("invalid header: empty name")
    if headers[0][1] == b"fence":
        try:
            check_fencing_token(body.decode())
        except UnicodeDecodeError:
            raise Invalid("invalid `fence` command: invalid UTF-8") from None
        except Invalid as error:
            raise Invalid(f"invalid `fence` command: {error}") from None
        return "fence"
    if headers[0][1] == b"trim":
        if len(body) != _TRIM_BYTES:
            raise Invalid(
                "invalid `trim` command: earliest sequence number to trim to was "
                f"{len(body)} bytes, must be {_TRIM_BYTES}"
            )
        return "trim"
    raise Invalid("unknown command")


def asked_trim_point(record: Record) -> int:
    """Before which sequence number a `trim` is to trim."""
    return int.from_bytes(record.body, "big")


def is_command(headers: tuple[Header, ...]) -> bool:
    """Whether a record with these headers is a command: no other has an empty name."""
    return len(headers) == 1 and not headers[0][0]


def check_fencing_token(token: str) -> str:
    """The token, if it is one: at most 36 bytes. Raises `Invalid`, `ValueError`."""
    if len(encoded("fencing token", token)) > MAX_FENCING_TOKEN_BYTES:
        raise Invalid(f"fencing token must not exceed {MAX_FENCING_TOKEN_BYTES} bytes in length")
    return token


StoredRecord = Record | bytes
"""A record as batches and logs store it: its body, if it has nothing else.

Of a million records, those that are bytes cost the garbage collector nothing.
"""


def as_record(stored: StoredRecord) -> Record:
    """Return the record, made of its body if that is all it has."""
    return Record(stored) if isinstance(stored, bytes) else stored


def parts_of(stored: StoredRecord) -> tuple[tuple[Header, ...], bytes]:
    """Return the headers and the body of a record."""
    return ((), stored) if isinstance(stored, bytes) else (stored.headers, stored.body)


def size_of(stored: StoredRecord) -> int:
    """Return the metered bytes of a record."""
    return _RECORD_BYTES + len(stored) if isinstance(stored, bytes) else stored.metered_bytes


def _enough_of(records: Iterable[StoredRecord]) -> list[StoredRecord]:
    """As many as it takes to see that they are too many; the others are made all the same.

    S2 looks at each record before it counts them.
    """
    rest = iter(records)
    enough = list(islice(rest, MAX_BATCH_RECORDS + 1))
    deque(rest, maxlen=0)
    return enough


class AppendInput:
    """One append: a batch that is written whole or not at all, and its conditions.

    `sizes` are the metered bytes of each record; `timestamps` those that came with the records,
    None if there is none. Raises `Invalid`.
    """

    __slots__ = (
        "fencing_token",
        "has_commands",
        "match_seq_num",
        "metered_bytes",
        "sizes",
        "stored",
        "timestamps",
    )

    def __init__(
        self,
        records: Iterable[StoredRecord],
        *,
        match_seq_num: int | None = None,
        fencing_token: str | None = None,
    ) -> None:
        if not isinstance(records, (list, tuple)):
            records = _enough_of(records)
        self.stored: tuple[StoredRecord, ...] = tuple(records)
        # A call of `size_of` for each record would take longer than all else here.
        self.sizes: list[int] = [
            _RECORD_BYTES + len(one) if isinstance(one, bytes) else one.metered_bytes
            for one in self.stored
        ]
        self.metered_bytes: int = sum(self.sizes)
        others = [one for one in self.stored if not isinstance(one, bytes)]
        self.has_commands: bool = any(one.command is not None for one in others)
        self.timestamps: list[int | None] | None = None
        if any(one.timestamp is not None for one in others):
            self.timestamps = [as_record(one).timestamp for one in self.stored]
        self.match_seq_num: int | None = match_seq_num
        self.fencing_token: str | None = fencing_token
        if not self.stored:
            raise Invalid("record batch must not be empty")
        if max(self.sizes) > MAX_BATCH_BYTES:
            raise Invalid(_RECORD_TOO_LARGE)
        if len(self.stored) > MAX_BATCH_RECORDS:
            raise Invalid(f"record batch must not exceed {MAX_BATCH_RECORDS} records")
        if self.metered_bytes > MAX_BATCH_BYTES:
            raise Invalid("record batch must not exceed a metered size of 1 MiB")
        if fencing_token is not None:
            check_fencing_token(fencing_token)

    @property
    def records(self) -> tuple[Record, ...]:
        """The records of the batch, in order."""
        return tuple(map(as_record, self.stored))


def batch_of(
    records: Iterable[AppendRecord | bytes | str],
    match_seq_num: int | None,
    fencing_token: str | None,
) -> AppendInput:
    """The batch that a test hands over. Raises `TypeError`, `Invalid`."""
    if not isinstance(records, (list, tuple)):
        _check_iterable(records)
    check_number("match_seq_num", match_seq_num)
    check_text("fencing_token", fencing_token)
    return AppendInput(
        [_as_stored(index, record) for index, record in enumerate(records)],
        match_seq_num=match_seq_num,
        fencing_token=fencing_token,
    )


def _check_iterable(records: object) -> None:
    # Text and bytes can be iterated, too, but what comes of it is hardly what was meant.
    if isinstance(records, str | bytes | bytearray | memoryview | AppendRecord):
        raise TypeError(f"records must be an iterable of records, not one: try [{records!r}]")
    if isinstance(records, Mapping) or not isinstance(records, Iterable):
        raise TypeError(f"records must be an iterable of records, not {described(records)}")


def _as_stored(index: int, record: object) -> StoredRecord:
    if isinstance(record, AppendRecord):
        return record
    if isinstance(record, bytes):
        return bytes(record)
    if isinstance(record, str):
        return encoded(f"records[{index}]", record)
    hint = ": try bytes(...)" if is_bytes(record) else ""
    raise TypeError(
        f"records[{index}] must be an AppendRecord, bytes or text, not {described(record)}{hint}"
    )


class AppendAck(NamedTuple):
    """The first record of an append, the place behind its last one, and the stream's tail."""

    start: StreamPosition
    end: StreamPosition
    tail: StreamPosition


class SequencedRecord(NamedTuple):
    """A record of a stream; the timestamp is in milliseconds since the Unix epoch.

    `key_digest` tells what key the record was appended with, on a stream with a cipher.
    """

    seq_num: int
    timestamp: int
    headers: tuple[Header, ...]
    body: bytes
    metered_bytes: int
    key_digest: bytes | None = None


class ReadBatch(NamedTuple):
    """The records that a client reads at once, and the tail where the response has it."""

    records: tuple[SequencedRecord, ...]
    tail: StreamPosition | None
