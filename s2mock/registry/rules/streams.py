"""Operations on streams, except on their records. Source: reference: control_plane §5."""

from s2mock.registry.operation import Context, Operation
from s2mock.registry.rules.deletion import delete_stream, watch
from s2mock.registry.rules.listing import MAX_PAGE, page_of
from s2mock.registry.rules.provision import Provisioned, is_replay
from s2mock.registry.rules.retention import check_retention
from s2mock.registry.state import (
    BasinState,
    Change,
    Effect,
    StreamInfo,
    StreamState,
)
from s2mock.registry.values.config import UNSET, StreamConfig, StreamConfigChanges
from s2mock.registry.values.errors import ResourceAlreadyExists
from s2mock.registry.values.names import BasinName, RequestToken, StreamName
from s2mock.registry.values.scopes import ALL
from s2mock.runtime.clock import Moment

_CREATED = Effect("created")


class ListStreams(Operation):
    """List one page of a basin's streams, in name order, with those pending deletion (§5.7).

    Returns a `Page` of `StreamInfo`. Raises `InvalidName`, `BasinNotFound`.
    """

    __slots__ = ("incarnation", "limit", "prefix", "start_after")
    name = "list-streams"
    prepares = "streams"

    def __init__(
        self,
        basin: str,
        *,
        prefix: str = "",
        start_after: str = "",
        limit: int = MAX_PAGE,
        incarnation: int | None = None,
    ) -> None:
        super().__init__(BasinName(basin))
        self.prefix = StreamName.check_filter(prefix, "prefix")
        self.start_after = StreamName.check_filter(start_after, "start-after")
        self.limit = limit
        self.incarnation = incarnation

    def decide(self, context: Context, _: Moment) -> Change:
        """Return the page that the caller may see."""
        token = context.token
        basin = context.state.basin(str(self.basin), self.incarnation)
        return Change(
            page_of(
                basin.streams,
                _info,
                prefix=self.prefix,
                start_after=self.start_after,
                limit=self.limit,
                within=ALL if token is None else token.scope.streams,
            )
        )


def _info(stream: StreamState) -> StreamInfo:
    return stream.info


class _Provision(Operation):
    """An operation that creates a stream if there is none of that name."""

    basin: str
    stream: str
    __slots__ = ("config", "incarnation")

    def __init__(
        self,
        basin: str,
        stream: str,
        config: StreamConfig | None = None,
        incarnation: int | None = None,
    ) -> None:
        super().__init__(BasinName(basin), StreamName(stream))
        self.config = config or UNSET
        # The incarnation of the basin.
        self.incarnation = incarnation

    def _parent(self, context: Context) -> BasinState:
        basin = context.state.basin(self.basin, self.incarnation)
        basin.refuse_if_deleting()
        return basin


class CreateStream(_Provision):
    """Create a stream, or find the one that the same request with the same token created (§5.5).

    Returns a `Provisioned`. Raises `InvalidName`, `BasinNotFound`,
    `BasinDeletionPending`, `StreamDeletionPending`, `ResourceAlreadyExists`, `RetentionTooLong`.
    """

    __slots__ = ("token",)
    name = "create-stream"

    def __init__(
        self,
        basin: str,
        stream: str,
        config: StreamConfig | None = None,
        token: str | None = None,
        incarnation: int | None = None,
    ) -> None:
        super().__init__(basin, stream, config, incarnation)
        self.token = None if token is None else RequestToken(token)

    def decide(self, context: Context, moment: Moment) -> Change:
        """Return a new stream, or the existing one for a replay."""
        basin, name, config = self._parent(context), self.stream, self.config
        stream = basin.streams.get(name)
        if stream is None:
            creation = None if self.token is None else (self.token, config)
            check_retention(context, config)
            return new_stream(basin, name, config, moment, creation, context.next_incarnation)
        stream.refuse_if_deleting()
        if is_replay(stream.creation, self.token, config, context.settings.profile):
            return Change(Provisioned("noop", stream.info, stream.incarnation))
        raise ResourceAlreadyExists(f"stream `{name}` in basin `{basin.name}` already exists")


class EnsureStream(_Provision):
    """Create a stream, or replace its whole configuration (§5.5).

    Returns a `Provisioned`. Raises `InvalidName`, `BasinNotFound`,
    `BasinDeletionPending`, `StreamDeletionPending`, `RetentionTooLong`.
    """

    __slots__ = ()
    name = "ensure-stream"

    def decide(self, context: Context, moment: Moment) -> Change:
        """Return a new stream, or another configuration, or no change."""
        basin, name = self._parent(context), self.stream
        stream = basin.streams.get(name)
        check_retention(context, self.config)
        if stream is None:
            return new_stream(basin, name, self.config, moment, None, context.next_incarnation)
        stream.refuse_if_deleting()
        resolved = self.config.merge(basin.resolved_defaults)
        if stream.config == resolved:
            return Change(Provisioned("noop", stream.info, stream.incarnation))
        made = Provisioned("updated", stream.info, stream.incarnation)
        return _reconfigured(made, basin.name, stream, resolved, moment)


def new_stream(
    basin: BasinState,
    name: str,
    config: StreamConfig | None,
    moment: Moment,
    creation: tuple[RequestToken, StreamConfig] | None,
    incarnation: int,
) -> Change:
    """Create a stream with that configuration, the unset leaves from the basin (§5.4)."""
    stream = StreamState(
        name,
        incarnation,
        (config or UNSET).merge(basin.resolved_defaults),
        basin.config.stream_cipher,
        moment.now,
        None,
        creation,
        moment.account_time,
        None,
        None,
    )
    made = Provisioned("created", stream.info, stream.incarnation)
    stream, due = watch(basin.name, stream, moment.account_time, UNSET)
    return Change(made, stream=(basin.name, name, stream), due_actions=due, effect=_CREATED)


def _reconfigured(
    result: object, basin: str, stream: StreamState, config: StreamConfig, moment: Moment
) -> Change:
    changed = stream._replace(config=config)
    changed, due = watch(basin, changed, moment.account_time, stream.config)
    return Change(
        result, stream=(basin, stream.name, changed), due_actions=due, effect=Effect("updated")
    )


class _OfAStream(Operation):
    """An operation on an existing stream; with `incarnation` on no later one of its name."""

    __slots__ = ("incarnation",)

    def __init__(self, basin: str, stream: str, incarnation: int | None = None) -> None:
        super().__init__(BasinName(basin), StreamName(stream))
        self.incarnation = incarnation

    def _found(self, context: Context) -> StreamState:
        return context.state.stream(str(self.basin), str(self.stream), self.incarnation)


class GetStreamConfig(_OfAStream):
    """Get a stream's resolved configuration (§5.7).

    Returns a `StreamConfig`. Raises `StreamNotFound`, `StreamDeletionPending`.
    """

    __slots__ = ()
    name = "get-stream-config"

    def decide(self, context: Context, _: Moment) -> Change:
        """Return the configuration, in which every leaf has a value."""
        stream = self._found(context)
        stream.refuse_if_deleting()
        return Change(stream.config)


class ReconfigureStream(_OfAStream):
    """Change members of a stream's configuration (§5.6).

    A leaf that is `None` falls back to the basin's current default, else the system's. Returns
    the new `StreamConfig`. Raises `InvalidConfig`, `BasinNotFound`, `BasinDeletionPending`,
    `StreamNotFound`, `StreamDeletionPending`, `RetentionTooLong`.
    """

    __slots__ = ("changes",)
    name = "reconfigure-stream"

    def __init__(
        self,
        basin: str,
        stream: str,
        changes: StreamConfigChanges,
        incarnation: int | None = None,
    ) -> None:
        super().__init__(basin, stream, incarnation)
        self.changes = changes

    def decide(self, context: Context, moment: Moment) -> Change:
        """Return the stream with its new configuration."""
        basin = context.state.basin(str(self.basin))
        basin.refuse_if_deleting()
        stream = self._found(context)
        stream.refuse_if_deleting()
        config = stream.config.reconfigure(self.changes).merge(basin.resolved_defaults)
        if config.retention_policy != stream.config.retention_policy:
            check_retention(context, config)
        return _reconfigured(config, basin.name, stream, config, moment)


class DeleteStream(_OfAStream):
    """Delete a stream; without effect while its deletion is pending (§5.7).

    Raises `StreamNotFound`.
    """

    __slots__ = ()
    name = "delete-stream"

    def decide(self, context: Context, moment: Moment) -> Change:
        """Return the stream as being deleted, or without it at a delay of 0."""
        stream = self._found(context)
        if stream.deleted_at is not None:
            return Change()
        return delete_stream(str(self.basin), stream, moment, context.settings.deletion_delay)
