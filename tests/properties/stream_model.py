"""What a stream should do, written down a second time, from the reference alone.

Nothing here is shared with the package. Source: reference: data_plane §3.5, §4.3, §4.4, §8, §9.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
MAX_U64 = 2**64 - 1
MIB = 1024 * 1024
FENCE, TRIM = ((b"", b"fence"),), ((b"", b"trim"),)


class Refused(Exception):
    """What a unary call would answer, with another status than 200."""

    def __init__(self, status: int, **body: Any) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body

    def is_answer(self, status: int, body: Any) -> None:
        """Have it be the answer that was given."""
        assert (status, body) == (self.status, self.body)


class Tail(NamedTuple):
    seq_num: int
    timestamp: int


EMPTY = Tail(0, 0)


class Given(NamedTuple):
    """A record to append."""

    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    timestamp: int | None = None


class Kept(NamedTuple):
    """A record of the stream."""

    seq_num: int
    timestamp: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    expires: int | None
    key: str | None

    @property
    def size(self) -> int:
        names_and_values = sum(len(name) + len(value) for name, value in self.headers)
        return 8 + 2 * len(self.headers) + names_and_values + len(self.body)


@dataclass
class Settings:
    mode: str = "client-prefer"
    uncapped: bool = False
    age: int | None = 7 * 24 * 60 * 60


class StreamModel:
    def __init__(self, settings: Settings, *, encrypted: bool = False) -> None:
        self.settings = settings
        self.encrypted = encrypted
        self.records: list[Kept] = []
        self.tail = EMPTY
        self.token = ""
        self.trimmed = 0
        self.deleted = False
        self.readers: list[Reader] = []

    def surviving(self, now: int) -> list[Kept]:
        return [
            record
            for record in self.records
            if record.seq_num >= self.trimmed and (record.expires is None or record.expires > now)
        ]

    def append(
        self,
        batch: Sequence[Given],
        now: int,
        *,
        match_seq_num: int | None = None,
        fencing_token: str | None = None,
        key: str | None = None,
    ) -> tuple[Tail, Tail]:
        """Append, and say where it begins and where it ends. Raises `Refused`."""
        if fencing_token is not None and fencing_token != self.token:
            raise Refused(412, fencing_token_mismatch=self.token)
        if match_seq_num is not None and match_seq_num != self.tail.seq_num:
            raise Refused(412, seq_num_mismatch=self.tail.seq_num)
        stamps = self._stamps(batch, now // MILLISECOND)
        self._write(batch, stamps, now, key)
        start = Tail(self.tail.seq_num - len(batch), stamps[0])
        for seq_num, given in enumerate(batch, start.seq_num):
            if given.headers == FENCE:
                self.token = given.body.decode()
            if given.headers == TRIM:
                wanted = int.from_bytes(given.body, "big")
                self.trimmed = max(self.trimmed, min(wanted, seq_num + 1))
        return start, self.tail

    def delete(self, now: int) -> None:
        """Write the terminal trim, and end."""
        latest = now // MILLISECOND
        if self.settings.uncapped and self.settings.mode != "arrival":
            latest = MAX_U64
        stamp = max(latest, self.tail.timestamp)
        self._write([Given(b"\xff" * 8, TRIM)], [stamp], now, None)
        self.trimmed = MAX_U64
        self.deleted = True

    def _stamps(self, batch: Sequence[Given], now: int) -> list[int]:
        stamps, last = [], self.tail.timestamp
        for given in batch:
            stamp = given.timestamp
            if self.settings.mode == "arrival":
                stamp = now
            elif stamp is None:
                if self.settings.mode == "client-require":
                    message = "record timestamp was required but was missing"
                    raise Refused(422, code="invalid", message=message)
                stamp = now
            if not self.settings.uncapped:
                stamp = min(stamp, now)
            last = max(last, stamp)
            stamps.append(last)
        return stamps

    def _write(self, batch: Sequence[Given], stamps: list[int], now: int, key: str | None) -> None:
        age = self.settings.age
        written = [
            Kept(
                seq_num,
                stamp,
                given.headers,
                given.body,
                None if age is None else now + age * SECOND,
                key if self.encrypted and given.headers not in (FENCE, TRIM) else None,
            )
            for seq_num, (given, stamp) in enumerate(
                zip(batch, stamps, strict=True), self.tail.seq_num
            )
        ]
        self.records += written
        self.tail = Tail(written[-1].seq_num + 1, stamps[-1])
        for reader in self.readers:
            if reader.is_following:
                reader.live.append((written, self.tail))


@dataclass
class Wanted:
    """What a read asks for."""

    kind: str = "tail_offset"
    start: int = 0
    clamp: bool = False
    count: int | None = None
    bytes: int | None = None
    until: int | None = None
    wait: int | None = None

    def may_follow(self) -> bool:
        unbounded = self.count is None and self.bytes is None and self.until is None
        return unbounded or bool(self.wait)

    def position(self, stream: StreamModel, now: int) -> int:
        """Where the read starts. Raises `Refused`."""
        tail = stream.tail
        unwritten = Refused(416, tail=tail._asdict())
        if self.kind == "tail_offset":
            start = max(0, tail.seq_num - self.start)
        elif self.start > (tail.seq_num if self.kind == "seq_num" else tail.timestamp):
            if not self.clamp:
                raise unwritten
            start = tail.seq_num
        elif self.kind == "seq_num":
            start = self.start
        else:
            later = [r.seq_num for r in stream.surviving(now) if r.timestamp >= self.start]
            start = min(later, default=tail.seq_num)
        if start == tail.seq_num and not self.may_follow():
            raise unwritten
        return start


class Output(NamedTuple):
    """Records, or with none a heartbeat; the tail where it is told."""

    records: list[Kept]
    tail: Tail | None


class Rest(NamedTuple):
    """Nothing to say by now: a heartbeat within a span of time, unless the wait ends before."""

    earliest: int
    latest: int
    deadline: int | None


class End(NamedTuple):
    """No more. The error is the name of one, if it is one."""

    error: str | None = None


@dataclass
class Reader:
    """A read in progress: what it says next."""

    stream: StreamModel
    wanted: Wanted
    key: str | None
    tells_tail: bool
    position: int = 0
    tail: Tail = EMPTY
    deadline: int | None = None
    is_following: bool = False
    has_ended: bool = False
    live: list[tuple[list[Kept], Tail]] = field(default_factory=list)

    @classmethod
    def open(
        cls,
        stream: StreamModel,
        wanted: Wanted,
        now: int,
        *,
        key: str | None = None,
        tells_tail: bool = False,
    ) -> "Reader":
        """A read that has taken its place. Raises `Refused`."""
        reader = cls(stream, Wanted(**vars(wanted)), key, tells_tail, tail=stream.tail)
        if 0 in (wanted.count, wanted.bytes):
            reader.has_ended = True
        else:
            reader.position = wanted.position(stream, now)
        stream.readers.append(reader)
        return reader

    def next(self, now: int) -> Output | Rest | End:
        said = self._next(now)
        if isinstance(said, Output) and any(r.key not in (None, self.key) for r in said.records):
            said = End("DecryptionFailed")
        if isinstance(said, End):
            self.has_ended = True
            self.is_following = False
        return said

    def _next(self, now: int) -> Output | Rest | End:
        while not self.has_ended and 0 not in (self.wanted.count, self.wanted.bytes):
            if self.position < self.tail.seq_num:
                missing = [
                    record
                    for record in self.stream.surviving(now)
                    if self.position <= record.seq_num < self.tail.seq_num
                ]
                batch = self._within_limits(_one_batch(missing))
                if batch:
                    at_tail = batch[-1].seq_num + 1 == self.stream.tail.seq_num
                    told = self.stream.tail if at_tail and self.tells_tail else None
                    return self._deliver(batch, told, now)
                self.position = self.tail.seq_num
            elif not self.wanted.may_follow():
                break
            elif self.tail.seq_num < self.stream.tail.seq_num:
                if self.is_following and len(self.live) <= 25:
                    appended, self.tail = self.live.pop(0)
                    if batch := self._within_limits(appended):
                        return self._deliver(batch, self.tail, now)
                else:
                    self.is_following = False
                    self.live.clear()
                    self.tail = self.stream.tail
            else:
                return self._at_the_tail(now)
        return End()

    def _at_the_tail(self, now: int) -> Output | Rest | End:
        if self.stream.deleted:
            return End("Unavailable")
        if self.deadline is None and self.wanted.wait is not None:
            self.deadline = now + self.wanted.wait * SECOND
        if self.deadline is not None and self.deadline <= now:
            return End()
        if self.is_following:
            return Rest(now + 5 * SECOND, now + 15 * SECOND, self.deadline)
        self.is_following = True
        return Output([], self.tail)

    def _within_limits(self, records: Iterable[Kept]) -> list[Kept]:
        """As many as the limits allow; one too many ends the read."""
        wanted, taken, size = self.wanted, [], 0
        for record in records:
            size += record.size
            if (
                (wanted.until is not None and record.timestamp >= wanted.until)
                or (wanted.count is not None and len(taken) == wanted.count)
                or (wanted.bytes is not None and size > wanted.bytes)
            ):
                self.has_ended = True
                break
            taken.append(record)
        return taken

    def _deliver(self, records: list[Kept], told: Tail | None, now: int) -> Output:
        self.position = records[-1].seq_num + 1
        if self.wanted.count is not None:
            self.wanted.count -= len(records)
        if self.wanted.bytes is not None:
            self.wanted.bytes -= sum(record.size for record in records)
        if self.wanted.wait is not None:
            self.deadline = now + self.wanted.wait * SECOND
        return Output(records, told)


def _one_batch(records: list[Kept]) -> list[Kept]:
    batch, size = [], 0
    for record in records[:1000]:
        size += record.size
        if size > MIB:
            break
        batch.append(record)
    return batch
