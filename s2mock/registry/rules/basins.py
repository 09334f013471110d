"""Operations on basins. Source: reference: control_plane §4."""

from s2mock.registry.operation import Context, Operation
from s2mock.registry.rules.deletion import later
from s2mock.registry.rules.listing import MAX_PAGE, page_of
from s2mock.registry.rules.locations import default_location, location_named
from s2mock.registry.rules.provision import Provisioned, is_replay
from s2mock.registry.rules.retention import check_retention
from s2mock.registry.state import BasinInfo, BasinState, Change, Effect
from s2mock.registry.values.config import BasinConfig, BasinConfigChanges
from s2mock.registry.values.errors import (
    InvalidLocation,
    QuotaExhausted,
    ResourceAlreadyExists,
)
from s2mock.registry.values.names import BasinName, LocationName, RequestToken
from s2mock.registry.values.persistent_map import PersistentMap
from s2mock.registry.values.schedule import FinishDeletion
from s2mock.registry.values.scopes import ALL
from s2mock.runtime.clock import Moment


class ListBasins(Operation):
    """List one page of basins, in name order, with those pending deletion (§4.7).

    Returns a `Page` of `BasinInfo`. Raises `InvalidName`.
    """

    __slots__ = ("limit", "prefix", "start_after")
    name = "list-basins"
    prepares = "basins"

    def __init__(self, *, prefix: str = "", start_after: str = "", limit: int = MAX_PAGE) -> None:
        super().__init__()
        self.prefix = BasinName.check_filter(prefix, "prefix")
        self.start_after = BasinName.check_filter(start_after, "start-after")
        self.limit = limit

    def decide(self, context: Context, _: Moment) -> Change:
        """Return the page that the caller may see."""
        token = context.token
        return Change(
            page_of(
                context.state.basins,
                _info,
                prefix=self.prefix,
                start_after=self.start_after,
                limit=self.limit,
                within=ALL if token is None else token.scope.basins,
            )
        )


def _info(basin: BasinState) -> BasinInfo:
    return basin.info


class CreateBasin(Operation):
    """Create a basin, or find the one that the same request with the same token created (§4.3).

    Returns a `Provisioned`. Raises `InvalidName`, `BasinDeletionPending`,
    `ResourceAlreadyExists`, `InvalidLocation`, `RetentionTooLong`, `QuotaExhausted`.
    """

    __slots__ = ("config", "location", "token")
    name = "create-basin"

    def __init__(
        self,
        basin: str,
        config: BasinConfig | None = None,
        token: str | None = None,
        location: str | None = None,
    ) -> None:
        super().__init__(BasinName(basin))
        self.location = None if location is None else str(LocationName(location))
        self.config = config or BasinConfig()
        self.token = None if token is None else RequestToken(token)

    def decide(self, context: Context, moment: Moment) -> Change:
        """Return a new basin, or the existing one for a replay."""
        name, config, token = str(self.basin), self.config, self.token
        location = _location(context, self.location)
        basin = context.state.basins.get(name)
        if basin is None:
            creation = None if token is None else (token, config)
            return _new(context, name, config, moment, creation, location)
        basin.refuse_if_deleting()
        if is_replay(basin.creation, token, config, context.settings.profile):
            return Change(Provisioned("noop", basin.info, basin.incarnation))
        raise ResourceAlreadyExists(f"basin `{name}` already exists")


class EnsureBasin(Operation):
    """Create a basin, or replace its whole configuration (§4.4).

    Returns a `Provisioned`. Raises `InvalidName`, `InvalidLocation`,
    `BasinDeletionPending`, `RetentionTooLong`, `QuotaExhausted`.
    """

    __slots__ = ("config", "location")
    name = "ensure-basin"

    def __init__(
        self, basin: str, config: BasinConfig | None = None, location: str | None = None
    ) -> None:
        super().__init__(BasinName(basin))
        self.location = None if location is None else str(LocationName(location))
        self.config = config or BasinConfig()

    def decide(self, context: Context, moment: Moment) -> Change:
        """Return a new basin, or another configuration, or no change."""
        name, config = str(self.basin), self.config
        location = _location(context, self.location)
        basin = context.state.basins.get(name)
        if basin is None:
            return _new(context, name, config, moment, None, location)
        basin.refuse_if_deleting()
        if self.location not in (None, basin.location):
            raise InvalidLocation(f"basin `{name}` is in location `{basin.location}`")
        check_retention(context, config.default_stream_config)
        if basin.config == config:
            return Change(Provisioned("noop", basin.info, basin.incarnation))
        changed = basin._replace(config=config)
        return Change(
            Provisioned("updated", basin.info, basin.incarnation),
            basin=(name, changed),
            effect=Effect("updated"),
        )


def _location(context: Context, name: str | None) -> str:
    """Return the location of a basin that names this one. Raises `InvalidLocation`."""
    return (default_location(context) if name is None else location_named(context, name)).name


def _new(
    context: Context,
    name: str,
    config: BasinConfig,
    moment: Moment,
    creation: tuple[RequestToken, BasinConfig] | None,
    location: str,
) -> Change:
    """Return a new basin. Raises `RetentionTooLong`, `QuotaExhausted`."""
    check_retention(context, config.default_stream_config)
    most = context.settings.limits.basins
    if most is not None and len(context.state.basins) >= most:
        raise QuotaExhausted(most)
    basin = BasinState(
        name,
        context.next_incarnation,
        config,
        moment.now,
        None,
        creation,
        PersistentMap(context.write_owner),
        location,
    )
    made = Provisioned("created", basin.info, basin.incarnation)
    return Change(made, basin=(name, basin), effect=Effect("created"))


class _OfABasin(Operation):
    """An operation on an existing basin; with `incarnation` on no later one of its name."""

    __slots__ = ("incarnation",)

    def __init__(self, basin: str, incarnation: int | None = None) -> None:
        super().__init__(BasinName(basin))
        self.incarnation = incarnation

    def _found(self, context: Context) -> BasinState:
        return context.state.basin(str(self.basin), self.incarnation)


class GetBasinConfig(_OfABasin):
    """Get a basin's configuration with its unset leaves, also while it is deleted (§4.5).

    Returns a `BasinConfig`. Raises `InvalidName`, `BasinNotFound`.
    """

    __slots__ = ()
    name = "get-basin-config"

    def decide(self, context: Context, _: Moment) -> Change:
        """Return the configuration as it is set."""
        return Change(self._found(context).config)


class ReconfigureBasin(_OfABasin):
    """Change members of a basin's configuration (§4.5).

    Returns the new `BasinConfig`. Raises `InvalidConfig`, `BasinNotFound`,
    `BasinDeletionPending`, `RetentionTooLong`.
    """

    __slots__ = ("changes",)
    name = "reconfigure-basin"

    def __init__(
        self, basin: str, changes: BasinConfigChanges, incarnation: int | None = None
    ) -> None:
        super().__init__(basin, incarnation)
        self.changes = changes

    def decide(self, context: Context, _: Moment) -> Change:
        """Return the basin with its new configuration."""
        basin = self._found(context)
        basin.refuse_if_deleting()
        config = basin.config.reconfigure(self.changes)
        if config.default_stream_config != basin.config.default_stream_config:
            check_retention(context, config.default_stream_config)
        changed = basin._replace(config=config)
        return Change(config, basin=(basin.name, changed), effect=Effect("updated"))


class DeleteBasin(_OfABasin):
    """Delete a basin with all its streams; without effect while that is pending (§4.6).

    Raises `BasinNotFound`.
    """

    __slots__ = ()
    name = "delete-basin"

    def decide(self, context: Context, moment: Moment) -> Change:
        """Return the basin as being deleted, or without it at a delay of 0."""
        basin, delay = self._found(context), context.settings.deletion_delay
        if basin.deleted_at is not None:
            return Change()
        if delay == 0:
            return Change(basin=(basin.name, None), effect=Effect("deleted"))
        due = later(moment, delay, FinishDeletion(basin.name, None, basin.incarnation))
        deleting = basin._replace(deleted_at=moment.now)
        return Change(basin=(basin.name, deleting), due_actions=due, effect=Effect("deleted"))
