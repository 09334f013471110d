"""Reading of a snapshot file. Each error is a `ValueError` with the number of the line."""

from collections.abc import Callable
from typing import Any, Final

from s2mock.json_bodies.snapshots.lines import Line
from s2mock.json_bodies.snapshots.times import date_from_file, time_from_file
from s2mock.json_bodies.snapshots.values import (
    account_fields,
    basin_config,
    check,
    cipher,
    expiry,
    flag,
    from_base64,
    headers,
    or_null,
    position,
    scope,
    sha256,
    stream_config,
    text,
    utf8,
    whole,
)
from s2mock.json_bodies.snapshots.writer import VERSION, expiry_of
from s2mock.registry.log.chunks import Written
from s2mock.registry.log.log import LogState
from s2mock.registry.rules.deletion import watch
from s2mock.registry.state import LOCATIONS, AccountState, BasinState, StreamState, new_incarnation
from s2mock.registry.values.config import SYSTEM_DEFAULTS, U64_MAX, UNSET, BasinConfig
from s2mock.registry.values.names import AccessTokenId, BasinName, RequestToken, StreamName
from s2mock.registry.values.persistent_map import PersistentMap
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import AppendRecord, Record, check_fencing_token
from s2mock.registry.values.schedule import CheckEmpty, Due, FinishDeletion, Schedule
from s2mock.registry.values.tokens import AccessToken, Tokens
from s2mock.runtime.clock import Moment

_MILLISECOND: Final = 1_000_000
_HEADS: Final = ("account", "access_token", "basin", "stream")
_KINDS: Final = ("body", "body_base64", "fence", "trim")
_OF_RECORDS: Final = (
    *_KINDS,
    "headers",
    "headers_base64",
    "seq_num",
    "timestamp",
    "expires_at",
    "key_sha256",
)


def state_from_bytes(data: bytes, file: str) -> tuple[AccountState, Moment]:
    """Return the account in a file, and when it was taken; `file` is the file's name in errors.

    Raises `ValueError` with the line that is wrong.
    """
    texts = data.removesuffix(b"\n").split(b"\n")
    first = Line(file, 1, texts[0])
    if "s2mock_snapshot" not in first:
        first.refuse('no snapshot of s2mock: its first line is {"s2mock_snapshot": 1, ...}')
    first.take("s2mock_snapshot", _version)
    taken = first.take("taken", date_from_file)
    count = first.take("lines", whole, None)
    first.end()
    reader = _Reader(taken)
    for number, line in enumerate(texts[1:], 2):
        reader.read(Line(file, number, line))
    reader.end_stream()
    if count not in (None, len(texts)):
        raise ValueError(
            f"{file}, line {len(texts)}: the last line, but `lines` in line 1 is {count}: the file "
            "was truncated or edited; leave `lines` out in a file that you write by hand"
        )
    return reader.state(), Moment(taken, taken, 0)


def _version(value: object) -> None:
    if isinstance(value, int) and value > VERSION:
        raise ValueError(
            f"the file has format {value}, and this s2mock reads up to {VERSION}: use a newer one"
        )
    if value != VERSION or isinstance(value, bool):
        raise ValueError(f"the format is {VERSION}, not {value!r}")


class _Reader:
    """The account that is being built of the lines read so far."""

    def __init__(self, taken: int) -> None:
        self._taken = taken
        self._owner = object()
        self._basins: PersistentMap[BasinState] = PersistentMap(self._owner)
        self._due: list[tuple[int, Due]] = []
        self._tokens: Tokens | None = None
        self._issued = 0
        self._default_location: str | None = None
        self._basin: BasinState | None = None
        self._stream: _StreamReader | None = None

    def read(self, line: Line) -> None:
        """Add the basin, stream, record or token of the next line."""
        if "account" in line:
            account = line.take("account", account_fields)
            self._default_location = account.get("default_location")
            self._issued = account.get("tokens_issued", 0)
        elif "access_token" in line:
            self._read_token(line)
        elif "basin" in line:
            self.end_stream()
            self._read_basin(line)
        elif "stream" in line:
            self.end_stream()
            self._read_stream(line)
        elif self._stream is None:
            line.end(may_have=(*_HEADS, *_OF_RECORDS))
            line.refuse("a line must have a basin, a stream below it, or a record below that")
        else:
            self._stream.read(line)
        line.end()

    def state(self) -> AccountState:
        """Return the account that all lines describe."""
        schedule = Schedule()
        for time, due in sorted(self._due, key=lambda entry: entry[0]):
            schedule = schedule.add(time, due)
        tokens = None
        if self._tokens is not None or self._issued:
            # Tokens may have been issued of which none is left.
            read = self._tokens or self._no_tokens()
            tokens = read._replace(issued=max(self._issued, read.issued))
        return AccountState(self._basins, schedule, tokens, self._default_location)

    def end_stream(self) -> None:
        """Complete the stream that is being read: no further record of it follows."""
        if self._stream is not None:
            assert self._basin is not None
            stream, due = self._stream.end()
            self._basin.streams[stream.name] = stream
            self._due += due
            self._stream = None

    def _no_tokens(self) -> Tokens:
        return Tokens(PersistentMap(self._owner), PersistentMap(self._owner))

    def _read_token(self, line: Line) -> None:
        tokens = self._tokens or self._no_tokens()
        name = line.take("access_token", lambda value: AccessTokenId(text(value)))
        token = AccessToken(
            str(name),
            line.take("secret", text),
            line.take("scope", scope),
            line.take("expires_at", time_from_file, None),
            line.take("auto_prefix_streams", flag, False),
        )
        if tokens.by_secret.get(token.secret) is not None:
            line.refuse("secret: must differ from those of the access tokens above")
        is_revoked = "revoked" in line
        ends = line.take("revoked", or_null(time_from_file), None)
        if not is_revoked and tokens.by_id.get(token.id) is not None:
            line.refuse(f"there is an access token {token.id!r} above")
        if is_revoked:
            tokens.by_secret[token.secret] = token._replace(ends=ends)
        else:
            tokens = tokens.with_issued(self._owner, token)
        self._tokens = tokens

    def _read_basin(self, line: Line) -> None:
        name = line.take("basin", lambda value: BasinName(text(value)))
        if self._basins.get(name) is not None:
            line.refuse(f"there is a basin {name!r} above")
        incarnation = new_incarnation()
        self._basin = self._basins[name] = BasinState(
            name,
            incarnation,
            line.take("config", basin_config, BasinConfig()),
            line.take("created_at", date_from_file, self._taken),
            line.take("deleted_at", date_from_file, None),
            _creation(line, basin_config, BasinConfig()),
            PersistentMap(self._owner),
            line.take("location", text, LOCATIONS[0].name),
        )
        self._due += _deletion(line, FinishDeletion(name, None, incarnation))

    def _read_stream(self, line: Line) -> None:
        basin = self._basin
        if basin is None:
            line.refuse("a stream must follow its basin")
        name = line.take("stream", lambda value: StreamName(text(value)))
        if basin.streams.get(name) is not None:
            line.refuse(f"there is a stream {name!r} in basin {basin.name!r} above")
        incarnation = new_incarnation()
        config = line.take("config", stream_config, UNSET).merge(basin.resolved_defaults)
        state = StreamState(
            name,
            incarnation,
            config.merge(SYSTEM_DEFAULTS),
            line.take("cipher", or_null(cipher), basin.config.stream_cipher),
            line.take("created_at", date_from_file, self._taken),
            line.take("deleted_at", date_from_file, None),
            _creation(line, stream_config, UNSET),
            line.take("last_write", time_from_file, self._taken),
            None,
            None,
        )
        self._due += _deletion(line, FinishDeletion(basin.name, name, incarnation))
        self._stream = _StreamReader(line, basin.name, state, self._owner, self._taken)


class _StreamReader:
    """The stream that is being built of the records read so far."""

    def __init__(
        self, line: Line, basin: str, state: StreamState, owner: object, taken: int
    ) -> None:
        self._line = line
        self._basin = basin
        self._state = state
        self._owner = owner
        self._taken = taken
        self._log = LogState()
        self._usual_expiry = expiry_of(taken, state.config)
        self._tail = line.take("tail", position, None)
        self._token = line.take(
            "fencing_token", lambda value: check_fencing_token(text(value)), None
        )
        self._trim_point = line.take("trim_point", whole, 0)
        self._is_checked = "empty_check" in line
        self._check = line.take("empty_check", or_null(check), None)

    def read(self, line: Line) -> None:
        """Append the record of the next line."""
        tail = self._log.tail
        seq_num = line.take("seq_num", whole, tail.seq_num)
        timestamp = line.take("timestamp", whole, max(tail.timestamp, self._taken // _MILLISECOND))
        if seq_num == U64_MAX:
            line.refuse(f"seq_num: must be less than {U64_MAX}, not {seq_num}")
        if seq_num < tail.seq_num:
            line.refuse(f"seq_num: {seq_num} must be more than {tail.seq_num - 1}")
        if timestamp < tail.timestamp:
            line.refuse(f"timestamp: {timestamp} must be {tail.timestamp} or more")
        expires_at = line.take("expires_at", expiry, self._usual_expiry)
        digest = line.take("key_sha256", sha256, None)
        record = _record(line)
        end = StreamPosition(seq_num + 1, timestamp)
        token = record.body.decode() if record.command == "fence" else self._log.fencing_token
        written = Written(
            (record,), (record.metered_bytes,), (timestamp,), expires_at, digest, end, token, 0
        )
        # With a gap in the sequence numbers before it, the record starts a new chunk.
        log = self._log._replace(tail=StreamPosition(seq_num, timestamp))
        self._log = log.with_written(self._owner, written)[0]

    def end(self) -> tuple[StreamState, list[tuple[int, Due]]]:
        """Return the stream with all its records, and its scheduled actions."""
        log, state = self._log, self._state
        tail = log.tail if self._tail is None else self._tail
        if tail.seq_num < log.tail.seq_num or tail.timestamp < log.tail.timestamp:
            self._line.refuse(f"tail: {tail.seq_num} is not behind the records of the stream")
        log = log._replace(
            tail=tail,
            fencing_token=log.fencing_token if self._token is None else self._token,
            trim_point=self._trim_point,
        )
        if log != LogState():
            state = state.with_log(log)
        if not self._is_checked:
            state, entries = watch(self._basin, state, self._taken, UNSET)
            return state, [*entries]
        if self._check is None:
            return state, []
        at, falls_due = self._check
        due = CheckEmpty(self._basin, state.name, state.incarnation, at)
        return state._replace(check_due=at), [(falls_due, due)]


def _creation(
    line: Line, read: Callable[[Any], Any], default: Any
) -> tuple[RequestToken, Any] | None:
    token = line.take("request_token", lambda value: RequestToken(text(value)), None)
    config = line.take("requested_config", read, default)
    return None if token is None else (token, config)


def _deletion(line: Line, due: Due) -> list[tuple[int, Due]]:
    time = line.take("deletion_finishes_at", time_from_file, None)
    return [] if time is None else [(time, due)]


def _record(line: Line) -> Record:
    """Return the record of a line, which has exactly one of four fields for its kind."""
    kinds = [name for name in _KINDS if name in line]
    if len(kinds) != 1:
        line.end(may_have=(*_HEADS, *_OF_RECORDS))
        line.refuse("a record has a `body`, or a `body_base64`, or is a `fence` or a `trim`")
    kind = kinds[0]
    if kind == "fence":
        return line.take(kind, lambda value: AppendRecord.fence(text(value)))
    if kind == "trim":
        return line.take(kind, lambda value: AppendRecord.trim(whole(value)))
    pairs = line.take("headers", lambda value: headers(value, utf8), ())
    pairs += line.take("headers_base64", lambda value: headers(value, from_base64), ())
    as_bytes = utf8 if kind == "body" else from_base64
    return line.take(kind, lambda value: Record(as_bytes(value), pairs))
