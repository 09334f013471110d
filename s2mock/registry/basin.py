"""A basin and the streams in it.

Source: reference: control_plane §4 (the basin itself) and §5 (its streams).
"""

from typing import TYPE_CHECKING, NamedTuple, Unpack

from sortedcontainers import SortedDict

from s2mock.registry.config import (
    SYSTEM_DEFAULTS,
    UNSET,
    BasinConfig,
    BasinConfigChanges,
    StreamConfig,
    StreamConfigChanges,
)
from s2mock.registry.errors import (
    BasinDeletionPending,
    BasinNotFound,
    ResourceAlreadyExists,
    StreamNotFound,
)
from s2mock.registry.listing import MAX_PAGE, Page, page_of
from s2mock.registry.names import BasinName, RequestToken, StreamName
from s2mock.registry.resource import Provisioned, Resource
from s2mock.registry.stream import Stream, StreamInfo

if TYPE_CHECKING:
    from s2mock.registry.account import Account


class BasinInfo(NamedTuple):
    """A basin as S2 describes it; times in nanoseconds since the Unix epoch."""

    name: str
    created_at: int
    deleted_at: int | None


class Basin(Resource[BasinConfig]):
    """A basin of the account."""

    __slots__ = ("_streams", "account", "name")

    def __init__(
        self,
        account: "Account",
        name: BasinName,
        config: BasinConfig,
        created_at: int,
        creation: tuple[RequestToken, BasinConfig] | None,
    ) -> None:
        super().__init__(config, created_at, creation)
        self.account = account
        self.name = name
        self._streams: SortedDict[str, Stream] = SortedDict()

    def __repr__(self) -> str:
        return f"<Basin {self.name!r}>"

    @property
    def info(self) -> BasinInfo:
        """The basin as it is now."""
        return BasinInfo(self.name, self.created_at, self.deleted_at)

    @property
    def resolved_defaults(self) -> StreamConfig:
        """What a stream gets where it sets nothing."""
        return self.config.default_stream_config.merge(SYSTEM_DEFAULTS)

    def reconfigure(self, **changes: Unpack[BasinConfigChanges]) -> BasinConfig:
        """Lay `changes` over the basin's configuration and return the new one.

        Raises `InvalidConfig`, `BasinNotFound`, `BasinDeletionPending`.
        Source: reference: control_plane §4.5.
        """
        with self.account.turn:
            self.refuse_if_deleting()
            self.config = self.config.reconfigure(changes)
            return self.config

    def delete(self) -> None:
        """Delete the basin with all its streams; while that is pending, again without effect.

        Raises `BasinNotFound`. Source: reference: control_plane §4.6.
        """
        account = self.account
        with account.turn as now:
            self.refuse_if_removed()
            if self.deleted_at is None:
                self.deleted_at = now
                account.turn.later(now, account.deletion_delay, self._finish_deletion)

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the basin's streams, in order, those pending deletion too."""
        with self.account.turn:
            return tuple(self._streams)

    def stream(self, name: str) -> Stream:
        """The stream of that name, also while its deletion is pending.

        Raises `InvalidName`, `StreamNotFound`.
        """
        name = StreamName(name)
        with self.account.turn:
            stream = self._streams.get(name)
            if stream is None:
                raise StreamNotFound(self.name, name)
            return stream

    def create_stream(
        self, name: str, config: StreamConfig | None = None, *, request_token: str | None = None
    ) -> Stream:
        """Create a stream, or find the one that the same request with the same token created.

        `request_token` is at most 36 bytes. Raises `InvalidName`, `BasinNotFound`,
        `BasinDeletionPending`, `StreamDeletionPending`, `ResourceAlreadyExists`.
        Source: reference: control_plane §5.5.
        """
        return self.provision_stream(name, config, request_token=request_token).resource

    def ensure_stream(self, name: str, config: StreamConfig | None = None) -> Stream:
        """Create the stream, or replace its whole configuration.

        Raises `InvalidName`, `BasinNotFound`, `BasinDeletionPending`, `StreamDeletionPending`.
        Source: reference: control_plane §5.5.
        """
        return self.provision_stream(name, config, ensure=True).resource

    def provision_stream(
        self,
        name: str,
        config: StreamConfig | None = None,
        *,
        request_token: str | None = None,
        ensure: bool = False,
    ) -> Provisioned[Stream, StreamInfo]:
        """Create or, with `ensure`, also update a stream, and say which it was."""
        name, config = StreamName(name), config or UNSET
        token = None if request_token is None else RequestToken(request_token)
        with self.account.turn as now:
            self.refuse_if_deleting()
            resolved = config.merge(self.resolved_defaults)
            stream = self._streams.get(name)
            if stream is None:
                creation = None if token is None else (token, config)
                stream = self._streams[name] = Stream(self, name, resolved, now, creation)
                return Provisioned("created", stream, stream.info)
            stream.refuse_if_deleting()
            if ensure and stream.config != resolved:
                stream.set_config(resolved, now)
                return Provisioned("updated", stream, stream.info)
            if ensure or stream.is_replay(token, config, self.account.profile):
                return Provisioned("noop", stream, stream.info)
            raise ResourceAlreadyExists(f"stream `{name}` in basin `{self.name}` already exists")

    def reconfigure_stream(self, name: str, **changes: Unpack[StreamConfigChanges]) -> StreamConfig:
        """Lay `changes` over a stream's configuration and return the new one.

        Raises `InvalidName`, `InvalidConfig`, `BasinNotFound`, `BasinDeletionPending`,
        `StreamNotFound`, `StreamDeletionPending`. Source: reference: control_plane §5.6.
        """
        with self.account.turn:
            self.refuse_if_deleting()
            return self.stream(name).reconfigure(**changes)

    def list_streams(
        self, *, prefix: str = "", start_after: str = "", limit: int = MAX_PAGE
    ) -> Page[StreamInfo]:
        """One page of streams, in name order, those pending deletion too.

        Raises `InvalidName`, `BasinNotFound`. Source: reference: control_plane §5.7.
        """
        StreamName.check_filter(prefix, "prefix")
        StreamName.check_filter(start_after, "start-after")
        with self.account.turn:
            self.refuse_if_removed()
            page = page_of(self._streams, prefix=prefix, start_after=start_after, limit=limit)
            return Page([stream.info for stream in page.items], page.has_more)

    def refuse_if_removed(self) -> None:
        """Raises `BasinNotFound` once the deletion is complete."""
        if self.removed:
            raise BasinNotFound(self.name)

    def refuse_if_deleting(self) -> None:
        """Raises `BasinNotFound`, or `BasinDeletionPending` from the deletion on."""
        self.refuse_if_removed()
        if self.deleted_at is not None:
            raise BasinDeletionPending(self.name)

    def forget(self, stream: Stream) -> None:
        """Drop a stream whose deletion is complete; its name is free."""
        del self._streams[stream.name]

    def _finish_deletion(self, now: int) -> None:
        for stream in self._streams.values():
            if stream.deleted_at is None:
                stream.begin_deletion(now)
            stream.removed = True
        self._streams.clear()
        self.removed = True
        self.account.forget(self)
