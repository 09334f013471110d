"""Records: what an append brings, what a stream holds, and how both are measured.

Sources: reference: data_plane §1.7 (limits and metering), §3.2 (validation), §3.3 (commands).
"""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import attrgetter
from typing import Final, Literal, NamedTuple

from s2mock.registry.config import U64_MAX
from s2mock.registry.errors import Invalid

Header = tuple[bytes, bytes]
Command = Literal["fence", "trim"]

MAX_BATCH_RECORDS: Final = 1000
MAX_BATCH_BYTES: Final = 1024 * 1024
MAX_FENCING_TOKEN_BYTES: Final = 36

_TRIM_BYTES = 8
# What S2 counts for each record and for each header, beside their bytes.
_RECORD_BYTES = 8
_HEADER_BYTES = 2

_RECORD_TOO_LARGE = "record must have metered size less than 1 MiB"

_metered_bytes = attrgetter("metered_bytes")


def metered_bytes(headers: Sequence[Header], body: bytes) -> int:
    """The size that S2's limits count: of the plaintext, with a fixed overhead."""
    size = _RECORD_BYTES + len(body)
    for name, value in headers:
        size += _HEADER_BYTES + len(name) + len(value)
    return size


class AppendRecord:
    """A record to append; checked, so that it cannot be one that S2 refuses.

    `timestamp` is in milliseconds since the Unix epoch, or in whatever the user counts. Raises
    `Invalid`.
    """

    __slots__ = ("body", "command", "headers", "metered_bytes", "timestamp")

    def __init__(
        self, body: bytes = b"", headers: Iterable[Header] = (), timestamp: int | None = None
    ) -> None:
        self.body = body
        self.headers = tuple(headers)
        self.timestamp = timestamp
        self.command: Command | None = _command(self.headers, body) if self.headers else None
        self.metered_bytes = metered_bytes(self.headers, body)
        if self.metered_bytes > MAX_BATCH_BYTES:
            raise Invalid(_RECORD_TOO_LARGE)
        if timestamp is not None and not 0 <= timestamp <= U64_MAX:
            raise Invalid(f"timestamp must be from 0 to 2^64-1, not {timestamp!r}")

    @classmethod
    def fence(cls, token: str, timestamp: int | None = None) -> "AppendRecord":
        """The command that sets the stream's fencing token. Raises `Invalid`."""
        return cls(token.encode(), [(b"", b"fence")], timestamp)

    @classmethod
    def trim(cls, seq_num: int, timestamp: int | None = None) -> "AppendRecord":
        """The command that trims everything before `seq_num`. Raises `Invalid`."""
        if not 0 <= seq_num <= U64_MAX:
            raise Invalid(f"seq_num must be from 0 to 2^64-1, not {seq_num!r}")
        return cls(seq_num.to_bytes(_TRIM_BYTES, "big"), [(b"", b"trim")], timestamp)


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


def check_fencing_token(token: str) -> str:
    """The token, if it is one: at most 36 bytes. Raises `Invalid`."""
    if len(token.encode()) > MAX_FENCING_TOKEN_BYTES:
        raise Invalid(f"fencing token must not exceed {MAX_FENCING_TOKEN_BYTES} bytes in length")
    return token


def plain_records(bodies: Sequence[bytes], timestamps: Iterable[int | None]) -> list[AppendRecord]:
    """What `AppendRecord(body, (), timestamp)` makes of each of them, at a third of its price.

    The timestamps must be from 0 to 2^64-1; there are as many as bodies. At most one record more
    than a batch may have is made, which is enough to be too many. Raises `Invalid`.
    """
    if bodies and _RECORD_BYTES + max(map(len, bodies)) > MAX_BATCH_BYTES:
        raise Invalid(_RECORD_TOO_LARGE)
    records = []
    new = AppendRecord.__new__
    for body, timestamp in zip(islice(bodies, MAX_BATCH_RECORDS + 1), timestamps, strict=False):
        record = new(AppendRecord)
        record.body = body
        record.headers = ()
        record.timestamp = timestamp
        record.command = None
        record.metered_bytes = _RECORD_BYTES + len(body)
        records.append(record)
    return records


def _enough_of(records: Iterable[AppendRecord]) -> list[AppendRecord]:
    """As many as it takes to see that they are too many; the others are made all the same.

    S2 looks at each record before it counts them.
    """
    rest = iter(records)
    enough = list(islice(rest, MAX_BATCH_RECORDS + 1))
    deque(rest, maxlen=0)
    return enough


class AppendInput:
    """One append: a batch that is written whole or not at all, and its conditions.

    Raises `Invalid`.
    """

    __slots__ = ("fencing_token", "match_seq_num", "records")

    def __init__(
        self,
        records: Iterable[AppendRecord],
        *,
        match_seq_num: int | None = None,
        fencing_token: str | None = None,
    ) -> None:
        if not isinstance(records, (list, tuple)):
            records = _enough_of(records)
        self.records = tuple(records)
        self.match_seq_num = match_seq_num
        self.fencing_token = fencing_token
        if not self.records:
            raise Invalid("record batch must not be empty")
        if len(self.records) > MAX_BATCH_RECORDS:
            raise Invalid(f"record batch must not exceed {MAX_BATCH_RECORDS} records")
        if sum(map(_metered_bytes, self.records)) > MAX_BATCH_BYTES:
            raise Invalid("record batch must not exceed a metered size of 1 MiB")
        if fencing_token is not None:
            check_fencing_token(fencing_token)


class StreamPosition(NamedTuple):
    """A place in a stream; the timestamp is in milliseconds since the Unix epoch."""

    seq_num: int
    timestamp: int


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
