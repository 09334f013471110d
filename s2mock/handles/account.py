"""The account as a test has it by direct calls. Source: reference: control_plane §4."""

from s2mock.handles.backends.backend import AccountBackend
from s2mock.handles.backends.in_process import EngineBackend
from s2mock.handles.resources import Basin, Stream
from s2mock.json_bodies.snapshots.snapshot import Snapshot, content_of
from s2mock.registry.engine.engine import Auth, Engine
from s2mock.registry.places import Place
from s2mock.registry.rules.basins import CreateBasin, EnsureBasin, ListBasins
from s2mock.registry.rules.listing import MAX_PAGE, Page
from s2mock.registry.settings import Settings
from s2mock.registry.state import LOCATIONS, BasinInfo, Location
from s2mock.registry.values.config import BasinConfig
from s2mock.registry.values.errors import BasinNotFound, StreamNotFound
from s2mock.registry.values.limits import NO_LIMITS, Limits
from s2mock.registry.values.names import BasinName, StreamName
from s2mock.registry.values.prices import NO_PRICES, Prices
from s2mock.registry.values.profile import REAL, Profile
from s2mock.runtime.arguments import (
    check_choice,
    check_config,
    check_delay,
    check_name,
    check_number,
    check_text,
)
from s2mock.runtime.clock import Clock
from s2mock.runtime.public_dir import PublicDir


class DirectCalls(PublicDir):
    """Basins, streams and the ids of access tokens, with the rules and errors of the HTTP API."""

    @property
    def _account_backend(self) -> AccountBackend:
        raise NotImplementedError

    @property
    def basins(self) -> tuple[str, ...]:
        """The names of all basins, in order, those with a pending deletion included."""
        return self._account_backend.basins()

    @property
    def tokens(self) -> tuple[str, ...]:
        """The ids of all access tokens, in order: the account's own too, and expired ones."""
        return self._account_backend.tokens()

    def basin(self, name: str) -> Basin:
        """Return the basin of that name, also while its deletion is pending.

        Raises `InvalidName`, `BasinNotFound`, and `TypeError` if the name is not text.
        """
        name = BasinName(check_name("a basin's name", name))
        backend = self._account_backend
        try:
            return self._basin(name, backend.basin(Place(name)).incarnation)
        except BasinNotFound as error:
            from s2mock.handles.near_misses import add_note  # loaded late: only an error needs it

            add_note(error, backend, name)
            raise

    def stream(self, basin: str, name: str) -> Stream:
        """Return the stream of that name in that basin, also while its deletion is pending.

        Raises `InvalidName`, `StreamNotFound` also if the basin is missing (reference:
        control_plane §5.7), and `TypeError` if a name is not text.
        """
        basin = BasinName(check_name("a basin's name", basin))
        name = StreamName(check_name("a stream's name", name))
        backend = self._account_backend
        try:
            view = backend.stream(Place(basin, name))
        except StreamNotFound as error:
            from s2mock.handles.near_misses import add_note  # loaded late: only an error needs it

            add_note(error, backend, basin, name)
            raise
        parent = self._basin(basin, view.basin_incarnation)
        return Stream(backend, parent, Place(basin, name, view.incarnation))

    def create_basin(
        self,
        name: str,
        config: BasinConfig | None = None,
        *,
        request_token: str | None = None,
        location: str | None = None,
    ) -> Basin:
        """Create a basin, or return the one that the same request with the same token created.

        `request_token` is at most 36 bytes. `location` is the name of a location, None for the
        default. Raises `InvalidName`, `Invalid` (for the location), `BasinDeletionPending`,
        `ResourceAlreadyExists`, and `TypeError` for an argument of the wrong type.
        Source: reference: control_plane §4.3.
        """
        check_name("a basin's name", name)
        check_config(config, BasinConfig)
        check_text("request_token", request_token)
        check_text("location", location)
        name = BasinName(name)
        made = self._account_backend.carry_out(CreateBasin(name, config, request_token, location))
        return self._basin(name, made.incarnation)

    def ensure_basin(
        self, name: str, config: BasinConfig | None = None, *, location: str | None = None
    ) -> Basin:
        """Create the basin, or replace its whole configuration but not its location.

        Raises `InvalidName`, `Invalid` (for the location), `BasinDeletionPending`, and `TypeError`
        for an argument of the wrong type. Source: reference: control_plane §4.4.
        """
        check_name("a basin's name", name)
        check_config(config, BasinConfig)
        check_text("location", location)
        name = BasinName(name)
        made = self._account_backend.carry_out(EnsureBasin(name, config, location))
        return self._basin(name, made.incarnation)

    def _basin(self, name: str, incarnation: int) -> Basin:
        return Basin(self._account_backend, Place(name, None, incarnation))


class Account(DirectCalls):
    """An S2 account in memory. Many threads may use it.

    `deletion_delay` is for how many seconds a deleted basin or stream stays pending: with 0 it is
    gone before the answer, with `float("inf")` it never goes. `seed` makes what is random (the time
    between heartbeats, the secrets of access tokens) the same in each run. `auth`, `token` and
    `revocation_delay` are as with `S2Mock`. Raises `TypeError`, `ValueError`.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        deletion_delay: float = 0.0,
        profile: Profile = REAL,
        seed: int = 0,
        auth: Auth = "open",
        token: str | None = None,
        secret_prefix: str = "s2_",
        revocation_delay: float = 0.0,
        locations: tuple[Location, ...] = LOCATIONS,
        limits: Limits = NO_LIMITS,
        prices: Prices = NO_PRICES,
    ) -> None:
        check_delay("deletion_delay", deletion_delay)
        check_delay("revocation_delay", revocation_delay)
        check_choice("auth", auth, ("open", "required"))
        settings = Settings(
            deletion_delay,
            profile,
            seed,
            auth == "open",
            token,
            secret_prefix,
            revocation_delay,
            locations,
            limits,
            prices,
        )
        self.engine: Engine = Engine(clock=clock, settings=settings)

    def __repr__(self) -> str:
        names = self.basins
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        listed = f": {', '.join(names[:5])}{more}" if names else ""
        return f"<Account with {len(names)} basin{'' if len(names) == 1 else 's'}{listed}>"

    @property
    def _account_backend(self) -> AccountBackend:
        # Not kept: an account that nothing else refers to is let go at once.
        return EngineBackend(self.engine)

    @property
    def clock(self) -> Clock:
        """The clock that all times of the account come from."""
        return self.engine.clock

    @property
    def deletion_delay(self) -> float:
        """The seconds for which a deleted basin or stream stays pending."""
        return self.engine.settings.deletion_delay

    def list_basins(
        self, *, prefix: str = "", start_after: str = "", limit: int = MAX_PAGE
    ) -> Page[BasinInfo]:
        """Return one page of basins in name order, those with a pending deletion included.

        Raises `InvalidName`. Source: reference: control_plane §4.7.
        """
        check_text("prefix", prefix)
        check_text("start_after", start_after)
        check_number("limit", limit)
        page: Page[BasinInfo] = self.engine.carry_out(
            ListBasins(prefix=prefix, start_after=start_after, limit=limit)
        )
        return page

    def snapshot(self) -> Snapshot:
        """Return the account as it is now, as a value. The cost is the same at any size."""
        return Snapshot(*self.engine.take_state())

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to the snapshot.

        Dates stay as they are. What is due moves by the time that has passed since the snapshot.
        Sessions end as if their stream were deleted. A `ManualClock` without a start that has not
        been read yet begins at the snapshot's time. Raises `TypeError`.
        """
        self.engine.put_state(*content_of(snapshot))
