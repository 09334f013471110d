"""The builder of an account from the frames of a state and of the logs after it."""

import json
from typing import Any, Final, cast

from s2mock.data_directory.frames import APPEND, CHANGE, CHUNK, TIME
from s2mock.data_directory.records import (
    StoredChunk,
    changes_log_state,
    decode_append,
    stored_appends,
    stream_of_append,
)
from s2mock.registry.log.chunks import Chunk, Written
from s2mock.registry.log.log import LogState
from s2mock.registry.rules.deletion import valid_schedule
from s2mock.registry.state import AccountState, BasinState, StreamState
from s2mock.registry.values.config import BasinConfig, StreamConfig
from s2mock.registry.values.names import RequestToken
from s2mock.registry.values.persistent_map import PersistentMap
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import size_of
from s2mock.registry.values.schedule import CheckEmpty, Due, FinishDeletion, Schedule
from s2mock.registry.values.scopes import ResourceSet, Scope
from s2mock.registry.values.tokens import AccessToken, Tokens, fresh_tokens

_LENGTH_BYTES: Final = 4


class StateBuilder:
    """Builds the account of all frames that were added.

    `last_incarnation` is the highest number of a basin or stream, `time` the account time of the
    last change, `now` the latest date of a manual clock. Raises `ValueError`, `KeyError` and the
    like for a frame that no s2mock of this version has written.
    """

    def __init__(self) -> None:
        self.owner = object()
        self.last_incarnation: int = 0
        self.time: int = 0
        self.now: int = 0
        self._basins: PersistentMap[BasinState] = PersistentMap(self.owner)
        # The streams that exist, and the names of basin and stream, by incarnation.
        self._streams: dict[int, _StreamBuilder] = {}
        # The incarnation of each stream by the names of basin and stream.
        self._names: dict[str, dict[str, int]] = {}
        self._due: list[tuple[int, Due]] = []
        self._tokens: Tokens | None = None
        self._default_location: str | None = None
        # The stream to which chunks belong.
        self._latest: _StreamBuilder | None = None
        self._stream_configs: dict[tuple[Any, ...], StreamConfig] = {}

    def add(self, kind: int, payload: memoryview) -> None:
        """Carry out the change of a frame."""
        if kind == APPEND:
            self._streams[stream_of_append(payload)].append(payload)
        elif kind == CHUNK:
            assert self._latest is not None, "a chunk without a stream"
            self._latest.add_chunk(StoredChunk(payload))
        elif kind == CHANGE:
            self._change(payload)
        elif kind == TIME:
            self.now = max(self.now, int.from_bytes(payload, "little"))
        else:
            raise ValueError(f"a frame of the kind {kind}")

    def state(self) -> AccountState:
        """Return the account."""
        for basin, streams in self._names.items():
            kept = self._basins.get(basin)
            assert kept is not None, basin
            for name, incarnation in streams.items():
                stream = kept.streams[name] = self._streams[incarnation].state()
                self.time = max(self.time, stream.last_write)
        schedule = Schedule()
        for time, due in sorted(self._due, key=lambda entry: entry[0]):
            schedule = schedule.add(time, due)
        state = AccountState(self._basins, schedule, self._tokens, self._default_location)
        # Many entries have been carried out since, or no longer mean anything.
        return state._replace(schedule=valid_schedule(state))

    def _change(self, payload: memoryview) -> None:
        start = _LENGTH_BYTES + int.from_bytes(payload[:_LENGTH_BYTES], "little")
        fields = json.loads(bytes(payload[_LENGTH_BYTES:start]))
        if "time" in fields:
            self.time = max(self.time, fields["time"])
        if "basin" in fields:
            self._put_basin(*fields["basin"])
        if "stream" in fields:
            self._put_stream(*fields["stream"])
        if "log" in fields:
            assert self._latest is not None, "a log without a stream"
            self._latest.begin_log(fields["log"])
        if start < len(payload):
            appended = payload[start:]
            self._streams[stream_of_append(appended)].append(appended)
        self._due += [(time, _due(*due)) for time, *due in fields.get("due", ())]
        if "location" in fields:
            self._default_location = fields["location"]
        if "tokens_issued" in fields:
            issued = fields["tokens_issued"]
            self._tokens = Tokens(PersistentMap(self.owner), PersistentMap(self.owner), issued)
        if "token" in fields:
            self._put_token(*fields["token"])
        if "issued" in fields:
            issued = _token(*fields["issued"])
            self._tokens = self._known_tokens().with_issued(self.owner, issued)
        if "revoked" in fields:
            *token, ends = fields["revoked"]
            revoked = _token(*token)
            self._tokens = self._known_tokens().with_revoked(self.owner, revoked, ends)

    def _put_basin(self, name: str, fields: list[Any] | None) -> None:
        if fields is None:
            del self._basins[name]
            for incarnation in self._names.pop(name).values():
                del self._streams[incarnation]
            return
        incarnation, config, created_at, deleted_at, creation, location = fields
        before = self._basins.get(name)
        self._note(incarnation)
        self._names.setdefault(name, {})
        self._basins[name] = BasinState(
            name,
            incarnation,
            self._basin_config(config),
            created_at,
            deleted_at,
            creation and (RequestToken(creation[0]), self._basin_config(creation[1])),
            PersistentMap(self.owner) if before is None else before.streams,
            location,
        )

    def _put_stream(self, basin: str, name: str, fields: list[Any] | None) -> None:
        names = self._names[basin]
        if fields is None:
            del self._streams[names.pop(name)]
            return
        incarnation, config, cipher, created_at, deleted_at, creation, written, check_due = fields
        self._note(incarnation)
        state = StreamState(
            name,
            incarnation,
            self._stream_config(config),
            cipher,
            created_at,
            deleted_at,
            creation and (RequestToken(creation[0]), self._stream_config(creation[1])),
            written,
            check_due,
            None,
        )
        names[name] = incarnation
        stream = self._streams.get(incarnation)
        if stream is None:
            stream = self._streams[incarnation] = _StreamBuilder(state, self.owner)
        else:
            stream.change(state)
        self._latest = stream

    def _note(self, incarnation: int) -> None:
        self.last_incarnation = max(self.last_incarnation, incarnation)

    def _known_tokens(self) -> Tokens:
        return fresh_tokens(self.owner) if self._tokens is None else self._tokens

    def _put_token(self, *fields: Any) -> None:
        *token, ends, is_listed = fields
        tokens = self._tokens
        assert tokens is not None, "a token without the number of tokens"
        put = tokens.by_secret[token[1]] = _token(*token)._replace(ends=ends)
        if is_listed:
            tokens.by_id[put.id] = put

    def _basin_config(self, fields: list[Any]) -> BasinConfig:
        defaults, *others = fields
        return BasinConfig(self._stream_config(defaults), *others)

    def _stream_config(self, fields: list[Any]) -> StreamConfig:
        """Return the configuration, the same object for the same fields: many streams share it."""
        key = tuple(fields)
        known = self._stream_configs.get(key)
        if known is None:
            known = self._stream_configs[key] = StreamConfig(*fields)
        return known


class _StreamBuilder:
    """A stream, and its records so far."""

    def __init__(self, state: StreamState, owner: object) -> None:
        self._owner = owner
        self._state = state
        self._last_write = state.last_write
        self._log: LogState | None = None
        # The chunks of the log, and appends behind them, which become chunks together.
        self._chunks: list[Chunk] = []
        self._appends: list[memoryview] = []

    def state(self) -> StreamState:
        """Return the stream with its records."""
        log = self._settled_log()
        return StreamState(*self._state[:7], self._last_write, self._state.check_due, log)

    def change(self, state: StreamState) -> None:
        """Give the stream another configuration, or begin its deletion."""
        self._settled_log()
        self._state = state
        self._last_write = state.last_write

    def begin_log(self, fields: list[Any]) -> None:
        """Set all of a log but its records, which follow in chunks."""
        seq_num, timestamp, token, trim_point, next_expiry = fields
        tail = StreamPosition(seq_num, timestamp)
        self._log = LogState((), 0, 0, tail, token, trim_point, next_expiry)

    def add_chunk(self, chunk: StoredChunk) -> None:
        """Add a chunk behind the others."""
        self._chunks.append(chunk)

    def append(self, payload: memoryview) -> None:
        """Add the records of an append."""
        if not changes_log_state(payload):
            self._appends.append(payload)
            return
        log = self._settled_log() or LogState()
        appended = decode_append(payload)
        self._last_write = appended.time
        written = Written(
            appended.stored,
            [*map(size_of, appended.stored)],
            appended.timestamps,
            appended.expiry,
            appended.digest,
            appended.tail,
            appended.fencing_token or "",
            appended.trim_point or 0,
        )
        self._log = log.with_written(self._owner, written)[0]
        self._chunks = [*self._log.chunks]

    def _settled_log(self) -> LogState | None:
        """Return the log with the chunks and appends that were added to it."""
        if self._appends:
            self._add_appends(self._log or LogState())
        elif self._log is not None and len(self._chunks) > len(self._log.chunks):
            # All of these chunks are from a state.
            size = cast("StoredChunk", self._chunks[-1]).size
            self._log = self._log._replace(chunks=tuple(self._chunks), size=size)
        return self._log

    def _add_appends(self, log: LogState) -> None:
        added = [*stored_appends(self._appends)]
        self._appends = []
        self._chunks += added
        self._last_write = added[-1].time
        self._log = log._replace(
            chunks=tuple(self._chunks),
            size=added[-1].size,
            tail=added[-1].tail,
            next_expiry=min(log.next_expiry, *(chunk.next_expiry for chunk in added)),
        )


def _token(
    token_id: str, secret: str, scope: list[Any], expires: int | None, is_prefixed: bool
) -> AccessToken:
    basins, streams, access_tokens, groups, ops = scope
    sets = (ResourceSet(*basins), ResourceSet(*streams), ResourceSet(*access_tokens))
    return AccessToken(
        token_id, secret, Scope(*sets, tuple(groups), tuple(ops)), expires, is_prefixed
    )


def _due(kind: str, *fields: Any) -> Due:
    return FinishDeletion(*fields) if kind == "finish" else CheckEmpty(*fields)
