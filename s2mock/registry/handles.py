"""Handles of a basin and of a stream, for direct calls of a test.

A handle is an account, a name and an incarnation: it is for that basin or stream, and for no later
one of the same name. Its methods follow the rules of the HTTP API and raise its errors.
"""

from collections.abc import Iterable
from typing import Any, Unpack

from s2mock.registry.engine.engine import Engine
from s2mock.registry.log.log import LogState
from s2mock.registry.operation import Operation
from s2mock.registry.rules.append import Append
from s2mock.registry.rules.basins import DeleteBasin, ReconfigureBasin
from s2mock.registry.rules.listing import MAX_PAGE, Page
from s2mock.registry.rules.streams import (
    CreateStream,
    DeleteStream,
    EnsureStream,
    ListStreams,
    ReconfigureStream,
)
from s2mock.registry.state import (
    AccountState,
    BasinInfo,
    BasinState,
    StreamInfo,
    StreamState,
)
from s2mock.registry.values.config import (
    BasinConfig,
    BasinConfigChanges,
    Cipher,
    StreamConfig,
    StreamConfigChanges,
)
from s2mock.registry.values.errors import BasinNotFound, StaleHandle, StreamNotFound
from s2mock.registry.values.names import StreamName
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import (
    AppendAck,
    AppendRecord,
    SequencedRecord,
    batch_of,
    is_command,
)
from s2mock.runtime.arguments import check_config, check_name, check_number, check_text
from s2mock.runtime.notifier import PATIENCE, check_count

# The number of bodies that a message shows at most, the last ones.
_SHOWN = 10


class _Handle:
    """A name in an account, and which of all that ever had it."""

    __slots__ = ("_engine", "_incarnation", "_name")

    def __init__(self, engine: Engine, name: str, incarnation: int) -> None:
        self._engine = engine
        self._name = name
        self._incarnation = incarnation

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._name)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, type(self))
            and self._engine is other._engine
            and self._incarnation == other._incarnation
        )

    def __hash__(self) -> int:
        return hash((type(self), self._incarnation))

    def _carry_out(self, operation: Operation) -> Any:
        try:
            return self._engine.carry_out(operation)
        except (BasinNotFound, StreamNotFound):
            self._refuse_if_stale()
            raise

    def _refuse_if_stale(self) -> None:
        engine = self._engine
        if self._incarnation < engine.store.first_incarnation and not self._is_in(
            engine.store.origin
        ):
            raise StaleHandle(repr(self)) from None

    def _is_in(self, state: AccountState) -> bool:
        raise NotImplementedError


class Basin(_Handle):
    """A basin of the account."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<Basin {self._name!r}>"

    def _is_in(self, state: AccountState) -> bool:
        basin = state.basins.get(self._name)
        return basin is not None and basin.incarnation == self._incarnation

    def _state(self) -> BasinState:
        try:
            return self._engine.state.basin(self._name, self._incarnation)
        except BasinNotFound:
            self._refuse_if_stale()
            raise

    @property
    def info(self) -> BasinInfo:
        """The basin as it is now. Raises `BasinNotFound` once it is gone."""
        with self._engine.lock:
            return self._state().info

    @property
    def config(self) -> BasinConfig:
        """Its configuration. Raises `BasinNotFound` once it is gone."""
        with self._engine.lock:
            return self._state().config

    def reconfigure(self, **changes: Unpack[BasinConfigChanges]) -> BasinConfig:
        """Lay `changes` over the basin's configuration and return the new one.

        Raises `InvalidConfig`, `BasinNotFound`, `BasinDeletionPending`.
        Source: reference: control_plane §4.5.
        """
        operation = ReconfigureBasin(self._name, changes, self._incarnation)
        config: BasinConfig = self._carry_out(operation)
        return config

    def delete(self) -> None:
        """Delete the basin with all its streams. While it is being deleted, this does nothing.

        Raises `BasinNotFound`. Source: reference: control_plane §4.6.
        """
        self._carry_out(DeleteBasin(self._name, self._incarnation))

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the basin's streams, in order, with those that are being deleted.

        Raises `BasinNotFound` once the basin is gone.
        """
        with self._engine.lock:
            self._state()
            return tuple(self._engine.store.ordered_streams(self._name))

    def stream(self, name: str) -> "Stream":
        """The stream of that name, also while it is being deleted.

        Raises `InvalidName`, `StreamNotFound`, and `TypeError` if the name is not text.
        """
        name = StreamName(check_name("a stream's name", name))
        with self._engine.lock:
            try:
                parent = self._state()
            except BasinNotFound:
                raise StreamNotFound(self._name, name) from None
            found = parent.streams.get(name)
            if found is None:
                raise StreamNotFound(self._name, name)
            return Stream(self._engine, self, name, found.incarnation)

    def create_stream(
        self, name: str, config: StreamConfig | None = None, *, request_token: str | None = None
    ) -> "Stream":
        """Create a stream, or find the one that the same request with the same token created.

        `request_token` is at most 36 bytes. Raises `InvalidName`, `BasinNotFound`,
        `BasinDeletionPending`, `StreamDeletionPending`, `ResourceAlreadyExists`, and `TypeError`
        for an argument of the wrong type. Source: reference: control_plane §5.5.
        """
        check_name("a stream's name", name)
        check_config(config, StreamConfig)
        check_text("request_token", request_token)
        name = StreamName(name)
        made = self._carry_out(
            CreateStream(self._name, name, config, request_token, self._incarnation)
        )
        return Stream(self._engine, self, name, made.incarnation)

    def ensure_stream(self, name: str, config: StreamConfig | None = None) -> "Stream":
        """Create the stream, or replace its whole configuration.

        Raises `InvalidName`, `BasinNotFound`, `BasinDeletionPending`, `StreamDeletionPending`,
        and `TypeError` for an argument of the wrong type. Source: reference: control_plane §5.5.
        """
        check_name("a stream's name", name)
        check_config(config, StreamConfig)
        name = StreamName(name)
        made = self._carry_out(EnsureStream(self._name, name, config, self._incarnation))
        return Stream(self._engine, self, name, made.incarnation)

    def list_streams(
        self, *, prefix: str = "", start_after: str = "", limit: int = MAX_PAGE
    ) -> Page[StreamInfo]:
        """One page of streams, in the order of their names, with those that are being deleted.

        Raises `InvalidName`, `BasinNotFound`. Source: reference: control_plane §5.7.
        """
        check_text("prefix", prefix)
        check_text("start_after", start_after)
        check_number("limit", limit)
        page: Page[StreamInfo] = self._carry_out(
            ListStreams(
                self._name,
                prefix=prefix,
                start_after=start_after,
                limit=limit,
                incarnation=self._incarnation,
            )
        )
        return page


class LogFace:
    """Methods that a handle builds on its own `records` and `append`."""

    __slots__ = ()

    _engine: Engine

    @property
    def records(self) -> tuple[SequencedRecord, ...]:
        """The records that are there, in order, with the commands among them."""
        raise NotImplementedError

    def append(self, records: Iterable[AppendRecord | bytes | str]) -> AppendAck:
        """Append records, all or none."""
        raise NotImplementedError

    @property
    def bodies(self) -> tuple[bytes, ...]:
        """The bodies of `records` without those of commands, in order.

        Raises `StreamNotFound`, `StreamDeletionPending`.
        """
        return tuple(record.body for record in self.records if not is_command(record.headers))

    def fence(self, token: str) -> AppendAck:
        """Append the command that sets the fencing token: at most 36 bytes, empty for none.

        Raises `Invalid`, `StreamNotFound`, `StreamDeletionPending`, `TypeError`, and `BadHeader`
        on a stream with a cipher, where `append` takes a key. Source: reference: data_plane §3.3.
        """
        return self.append([AppendRecord.fence(token)])

    def trim(self, seq_num: int) -> AppendAck:
        """Append the command that trims every record before `seq_num`.

        Raises `Invalid`, `StreamNotFound`, `StreamDeletionPending`, `TypeError`, and `BadHeader`
        on a stream with a cipher, where `append` takes a key. Source: reference: data_plane §3.3.
        """
        return self.append([AppendRecord.trim(seq_num)])

    def wait_for(self, count: int = 1, *, timeout: float = PATIENCE) -> tuple[SequencedRecord, ...]:
        """Wait until the stream holds `count` records, and return all that it holds.

        They are counted as in `records`, so a command counts and a trimmed record does not.
        `timeout` is in seconds of real time; after it, `TimeoutError` shows the bodies that are
        there. Raises `StreamNotFound`, `StreamDeletionPending`, and `TypeError`, `ValueError` for
        an argument that makes no sense.
        """
        check_count("count", count)
        return self._engine.store.changed.wait(
            lambda: self._holding(count), lambda: self._missing(count, timeout), timeout
        )

    async def async_wait_for(
        self,
        count: int = 1,
        *,
        timeout: float = PATIENCE,  # as its twin has it
    ) -> tuple[SequencedRecord, ...]:
        """As `wait_for`, for an event loop."""
        check_count("count", count)
        return await self._engine.store.changed.async_wait(
            lambda: self._holding(count), lambda: self._missing(count, timeout), timeout
        )

    def _holding(self, count: int) -> tuple[SequencedRecord, ...] | None:
        records = self.records
        return records if len(records) >= count else None

    def _missing(self, count: int, timeout: float) -> str:
        records = self.records
        bodies = [repr(record.body) for record in records[-_SHOWN:]]
        if len(records) > _SHOWN:
            bodies.insert(0, "...")
        there = f": {', '.join(bodies)}" if bodies else ""
        return f"{self!r} held {len(records)} of {count} records within {timeout:g} s{there}"


class Stream(_Handle, LogFace):
    """A stream of a basin."""

    __slots__ = ("_basin",)

    def __init__(self, engine: Engine, basin: Basin, name: str, incarnation: int) -> None:
        super().__init__(engine, name, incarnation)
        self._basin = basin

    def __repr__(self) -> str:
        return f"<Stream {self._name!r} in {self._basin.name!r}>"

    def _is_in(self, state: AccountState) -> bool:
        basin = state.basins.get(self._basin.name)
        stream = None if basin is None else basin.streams.get(self._name)
        return stream is not None and stream.incarnation == self._incarnation

    @property
    def basin(self) -> Basin:
        """The basin that it is in."""
        return self._basin

    def _state(self) -> StreamState:
        try:
            return self._engine.state.stream(self._basin.name, self._name, self._incarnation)
        except StreamNotFound:
            self._refuse_if_stale()
            raise

    def _living(self) -> StreamState:
        state = self._state()
        state.refuse_if_deleting()
        return state

    @property
    def info(self) -> StreamInfo:
        """The stream as it is now. Raises `StreamNotFound` once it is gone."""
        with self._engine.lock:
            return self._state().info

    @property
    def config(self) -> StreamConfig:
        """Its configuration. Every leaf has a value: its own, the basin's or the system's.

        Raises `StreamNotFound` once it is gone.
        """
        with self._engine.lock:
            return self._state().config

    @property
    def cipher(self) -> Cipher | None:
        """How its records are encrypted, None for not. Raises `StreamNotFound`."""
        with self._engine.lock:
            return self._state().cipher

    @property
    def fencing_token(self) -> str:
        """The fencing token in force, empty for none.

        Raises `StreamNotFound`, `StreamDeletionPending`. Source: reference: data_plane §3.3.
        """
        with self._engine.lock:
            return (self._living().log or LogState()).fencing_token

    @property
    def tail(self) -> StreamPosition:
        """Where the next record goes, and the timestamp of the last one.

        Raises `StreamNotFound`, `StreamDeletionPending`. Source: reference: data_plane §1.8.
        """
        with self._engine.lock:
            return (self._living().log or LogState()).tail

    @property
    def records(self) -> tuple[SequencedRecord, ...]:
        """The records that are there, in order, with the commands among them.

        Raises `StreamNotFound`, `StreamDeletionPending`.
        """
        with self._engine.lock as moment:
            log = self._living().log or LogState()
            log = log.expired(self._engine.store.write_owner, moment.account_time)
        return log.records

    @property
    def readers(self) -> int:
        """How many read sessions follow at the tail now. Raises `StreamNotFound`."""
        with self._engine.lock:
            following = self._engine.sessions.following.get(self._state().incarnation)
            return 0 if following is None else following.count

    def wait_for_readers(self, count: int = 1, *, timeout: float = PATIENCE) -> None:
        """Wait until `count` read sessions have caught up and follow at the tail.

        `timeout` is in seconds of real time; after it, `TimeoutError` says how many there are.
        Raises `StreamNotFound`, and `TypeError`, `ValueError` for an argument that makes no sense.
        """
        check_count("count", count)
        self._engine.sessions.followed.wait(
            lambda: self._has_readers(count), lambda: self._readers_missing(count, timeout), timeout
        )

    async def async_wait_for_readers(
        self,
        count: int = 1,
        *,
        timeout: float = PATIENCE,  # as its twin has it
    ) -> None:
        """As `wait_for_readers`, for an event loop."""
        check_count("count", count)
        await self._engine.sessions.followed.async_wait(
            lambda: self._has_readers(count), lambda: self._readers_missing(count, timeout), timeout
        )

    def _has_readers(self, count: int) -> bool | None:
        return True if self.readers >= count else None

    def _readers_missing(self, count: int, timeout: float) -> str:
        return (
            f"{self.readers} of {count} read sessions followed at the tail of {self!r} within "
            f"{timeout:g} s"
        )

    def reconfigure(self, **changes: Unpack[StreamConfigChanges]) -> StreamConfig:
        """Lay `changes` over the configuration and return the new one.

        A leaf that is `None` falls back to the basin's current default, else the system's.
        Raises `InvalidConfig`, `BasinDeletionPending`, `StreamNotFound`, `StreamDeletionPending`.
        Source: reference: control_plane §5.6.
        """
        operation = ReconfigureStream(self._basin.name, self._name, changes, self._incarnation)
        config: StreamConfig = self._carry_out(operation)
        return config

    def delete(self) -> None:
        """Delete the stream. While it is being deleted, this does nothing.

        Raises `StreamNotFound`. Source: reference: control_plane §5.7.
        """
        self._carry_out(DeleteStream(self._basin.name, self._name, self._incarnation))

    def append(
        self,
        records: Iterable[AppendRecord | bytes | str],
        *,
        match_seq_num: int | None = None,
        fencing_token: str | None = None,
        encryption_key: str | None = None,
    ) -> AppendAck:
        """Append records, all or none. Bytes and text are the bodies of plain records.

        `fencing_token` is at most 36 bytes, `encryption_key` base64 of 32 bytes. Raises
        `Invalid`, `BadHeader` (for the key), `FencingTokenMismatch`, `SeqNumMismatch`,
        `StreamNotFound`, `StreamDeletionPending`, and `TypeError` for an argument of the wrong
        type. Source: reference: data_plane §3.
        """
        batch = batch_of(records, match_seq_num, fencing_token)
        check_text("encryption_key", encryption_key)
        operation = Append(
            self._basin._name,  # noqa: SLF001  # checked once
            self._name,
            batch,
            key=encryption_key,
            incarnation=self._incarnation,
        )
        ack: AppendAck = self._carry_out(operation)
        return ack
