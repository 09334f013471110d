"""Handles of a basin and of a stream. Their methods follow the rules of the HTTP API.

A handle is a name and an incarnation in an account: it applies to that basin or stream, and to no
later one of the same name.
"""

from collections.abc import Iterable
from typing import Any, Unpack

from s2mock.handles.backends.backend import AccountBackend, PendingResult
from s2mock.powers.errors import NotOnTarget
from s2mock.registry.operation import Operation
from s2mock.registry.places import Place, StreamView
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
from s2mock.registry.state import BasinInfo, StreamInfo
from s2mock.registry.values.config import (
    BasinConfig,
    BasinConfigChanges,
    Cipher,
    StreamConfig,
    StreamConfigChanges,
)
from s2mock.registry.values.errors import StreamDeletionPending, StreamNotFound
from s2mock.registry.values.names import StreamName
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import (
    AppendAck,
    AppendRecord,
    SequencedRecord,
    batch_of,
    is_command,
)
from s2mock.runtime.arguments import (
    check_config,
    check_count,
    check_name,
    check_number,
    check_text,
    check_timeout,
)
from s2mock.runtime.notifier import PATIENCE
from s2mock.runtime.public_dir import PublicDir


class _Handle(PublicDir):
    """A place in the account of a backend."""

    __slots__ = ("_backend", "_place")

    def __init__(self, backend: AccountBackend, place: Place) -> None:
        self._backend = backend
        self._place = place

    def __repr__(self) -> str:
        return str(self._place)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, type(self))
            and self._backend == other._backend
            and self._place.incarnation == other._place.incarnation
        )

    def __hash__(self) -> int:
        return hash((type(self), self._place.incarnation))

    def _carry_out(self, operation: Operation) -> Any:
        return self._backend.carry_out(operation, self._place)


class Basin(_Handle):
    """A basin of the account."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name of the basin."""
        return str(self._place.basin)

    @property
    def info(self) -> BasinInfo:
        """The basin as S2 describes it now. Raises `BasinNotFound` once it is gone."""
        return self._backend.basin(self._place).info

    @property
    def config(self) -> BasinConfig:
        """The configuration of the basin. Raises `BasinNotFound` once it is gone."""
        return self._backend.basin(self._place).config

    def reconfigure(self, **changes: Unpack[BasinConfigChanges]) -> BasinConfig:
        """Change members of the basin's configuration, and return the new configuration.

        Raises `InvalidConfig`, `BasinNotFound`, `BasinDeletionPending`.
        Source: reference: control_plane §4.5.
        """
        # A bad value is refused before the basin is looked for, as S2 does.
        BasinConfig().reconfigure(changes)
        operation = ReconfigureBasin(self.name, changes, self._place.incarnation)
        config: BasinConfig = self._carry_out(operation)
        return config

    def delete(self) -> None:
        """Delete the basin with all its streams; no effect while its deletion is pending.

        Raises `BasinNotFound`. Source: reference: control_plane §4.6.
        """
        self._carry_out(DeleteBasin(self.name, self._place.incarnation))

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the basin's streams, in order, those with a pending deletion included.

        Raises `BasinNotFound` once the basin is gone.
        """
        return self._backend.streams(self._place)

    def stream(self, name: str) -> "Stream":
        """Return the stream of that name, also while its deletion is pending.

        Raises `InvalidName`, `StreamNotFound`, and `TypeError` if the name is not text.
        """
        name = StreamName(check_name("a stream's name", name))
        try:
            view = self._backend.stream(Place(self._place.basin, name), self._place)
        except StreamNotFound as error:
            from s2mock.handles.near_misses import add_note  # loaded late: only an error needs it

            add_note(error, self._backend, self._place.basin, name)
            raise
        return self._stream(name, view.incarnation)

    def create_stream(
        self, name: str, config: StreamConfig | None = None, *, request_token: str | None = None
    ) -> "Stream":
        """Create a stream, or return the one that the same request with the same token created.

        `request_token` is at most 36 bytes. Raises `InvalidName`, `BasinNotFound`,
        `BasinDeletionPending`, `StreamDeletionPending`, `ResourceAlreadyExists`, and `TypeError`
        for an argument of the wrong type. Source: reference: control_plane §5.5.
        """
        check_name("a stream's name", name)
        check_config(config, StreamConfig)
        check_text("request_token", request_token)
        basin, name = self._place.basin, StreamName(name)
        made = self._carry_out(
            CreateStream(basin, name, config, request_token, self._place.incarnation)
        )
        return self._stream(name, made.incarnation)

    def ensure_stream(self, name: str, config: StreamConfig | None = None) -> "Stream":
        """Create the stream, or replace its whole configuration, and return it.

        Raises `InvalidName`, `BasinNotFound`, `BasinDeletionPending`, `StreamDeletionPending`,
        and `TypeError` for an argument of the wrong type. Source: reference: control_plane §5.5.
        """
        check_name("a stream's name", name)
        check_config(config, StreamConfig)
        basin, name = self._place.basin, StreamName(name)
        made = self._carry_out(EnsureStream(basin, name, config, self._place.incarnation))
        return self._stream(name, made.incarnation)

    def list_streams(
        self, *, prefix: str = "", start_after: str = "", limit: int = MAX_PAGE
    ) -> Page[StreamInfo]:
        """Return one page of streams in name order, those with a pending deletion included.

        Raises `InvalidName`, `BasinNotFound`. Source: reference: control_plane §5.7.
        """
        check_text("prefix", prefix)
        check_text("start_after", start_after)
        check_number("limit", limit)
        page: Page[StreamInfo] = self._carry_out(
            ListStreams(
                self.name,
                prefix=prefix,
                start_after=start_after,
                limit=limit,
                incarnation=self._place.incarnation,
            )
        )
        return page

    def _stream(self, name: str, incarnation: int) -> "Stream":
        return Stream(self._backend, self, Place(self._place.basin, name, incarnation))


class Stream(_Handle):
    """A stream of a basin."""

    __slots__ = ("_basin",)

    def __init__(self, backend: AccountBackend, basin: Basin, place: Place) -> None:
        super().__init__(backend, place)
        self._basin = basin

    @property
    def name(self) -> str:
        """The name of the stream."""
        return str(self._place.stream)

    @property
    def basin(self) -> Basin:
        """The basin that has the stream."""
        return self._basin

    def _view(self) -> StreamView:
        return self._backend.stream(self._place)

    def _living(self) -> StreamView:
        view = self._view()
        if view.info.deleted_at is not None:
            raise StreamDeletionPending
        return view

    @property
    def info(self) -> StreamInfo:
        """The stream as S2 describes it now. Raises `StreamNotFound` once it is gone."""
        return self._view().info

    @property
    def config(self) -> StreamConfig:
        """The resolved configuration: each leaf is the stream's, the basin's or the system's.

        Raises `StreamNotFound` once it is gone.
        """
        return self._view().config

    @property
    def cipher(self) -> Cipher | None:
        """The cipher of the stream's records, None for none. Raises `StreamNotFound`."""
        return self._view().info.cipher

    @property
    def fencing_token(self) -> str:
        """The fencing token in force, empty for none.

        Raises `StreamNotFound`, `StreamDeletionPending`. Source: reference: data_plane §3.3.
        """
        token: str | None = self._living().fencing_token
        if token is None:
            raise NotOnTarget(
                "stream.fencing_token is not there in front of an upstream, which does not tell "
                "it: an append with the token that you expect is refused if it is another"
            )
        return token

    @property
    def tail(self) -> StreamPosition:
        """The next sequence number, and the last record's timestamp in milliseconds since 1970.

        Raises `StreamNotFound`, `StreamDeletionPending`. Source: reference: data_plane §1.8.
        """
        return self._living().tail

    @property
    def records(self) -> tuple[SequencedRecord, ...]:
        """The records of the stream, in order, commands included.

        Raises `StreamNotFound`, `StreamDeletionPending`.
        """
        return self._backend.records(self._place)

    @property
    def bodies(self) -> tuple[bytes, ...]:
        """The bodies of `records`, in order, without those of commands.

        Raises `StreamNotFound`, `StreamDeletionPending`.
        """
        return tuple(record.body for record in self.records if not is_command(record.headers))

    @property
    def readers(self) -> int:
        """The number of read sessions that follow at the tail now. Raises `StreamNotFound`."""
        return self._view().readers

    def wait_for(self, count: int = 1, *, timeout: float = PATIENCE) -> tuple[SequencedRecord, ...]:
        """Wait until the stream holds `count` records, and return all of its records.

        They are counted as in `records`: a command counts, and a trimmed record does not.
        `timeout` is in seconds of real time; after it, `TimeoutError` shows the bodies that are
        there. Raises `StreamNotFound`, `StreamDeletionPending`, and `TypeError`, `ValueError` for
        an invalid argument.
        """
        __tracebackhide__ = True
        return self._records_pending(count, timeout).wait()

    async def async_wait_for(
        self, count: int = 1, *, timeout: float = PATIENCE
    ) -> tuple[SequencedRecord, ...]:
        """Wait as `wait_for` does, while the event loop goes on."""
        __tracebackhide__ = True
        return await self._records_pending(count, timeout).async_wait()

    def _records_pending(
        self, count: int, timeout: float
    ) -> PendingResult[tuple[SequencedRecord, ...]]:
        check_count("count", count)
        check_timeout(timeout)
        return self._backend.records_pending(self._place, count, timeout)

    def wait_for_readers(self, count: int = 1, *, timeout: float = PATIENCE) -> None:
        """Wait until `count` read sessions have caught up and follow at the tail.

        `timeout` is in seconds of real time; after it, `TimeoutError` says how many there are.
        Raises `StreamNotFound`, and `TypeError`, `ValueError` for an invalid argument.
        """
        __tracebackhide__ = True
        self._readers_pending(count, timeout).wait()

    async def async_wait_for_readers(self, count: int = 1, *, timeout: float = PATIENCE) -> None:
        """Wait as `wait_for_readers` does, while the event loop goes on."""
        __tracebackhide__ = True
        await self._readers_pending(count, timeout).async_wait()

    def _readers_pending(self, count: int, timeout: float) -> PendingResult[object]:
        check_count("count", count)
        check_timeout(timeout)
        return self._backend.readers_pending(self._place, count, timeout)

    def reconfigure(self, **changes: Unpack[StreamConfigChanges]) -> StreamConfig:
        """Change members of the stream's configuration, and return the new configuration.

        A leaf that is `None` falls back to the basin's current default, else the system's.
        Raises `InvalidConfig`, `BasinDeletionPending`, `StreamNotFound`, `StreamDeletionPending`.
        Source: reference: control_plane §5.6.
        """
        StreamConfig().reconfigure(changes)
        operation = ReconfigureStream(
            self._place.basin, self.name, changes, self._place.incarnation
        )
        config: StreamConfig = self._carry_out(operation)
        return config

    def delete(self) -> None:
        """Delete the stream; no effect while its deletion is pending.

        Raises `StreamNotFound`. Source: reference: control_plane §5.7.
        """
        self._carry_out(DeleteStream(self._place.basin, self.name, self._place.incarnation))

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
        place = self._place
        operation = Append(
            place.basin,
            place.stream or "",
            batch,
            key=encryption_key,
            incarnation=place.incarnation,
        )
        ack: AppendAck = self._backend.carry_out(operation, place)
        return ack

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
