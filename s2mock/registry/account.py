"""The account: what a test reaches without HTTP. Source: reference: control_plane §4."""

from s2mock.registry.basins import CreateBasin, EnsureBasin, ListBasins
from s2mock.registry.checks import check_config, check_name, check_number, check_text
from s2mock.registry.clock import Moment
from s2mock.registry.config import BasinConfig
from s2mock.registry.engine import Engine
from s2mock.registry.handles import Basin, Stream
from s2mock.registry.listing import MAX_PAGE, Page
from s2mock.registry.names import BasinName, StreamName
from s2mock.registry.state import AccountState, BasinInfo


class Snapshot:
    """An account as it was: a value that never changes. Keep it as long as you like.

    It holds basins, streams, records, request tokens, fencing tokens and what is due.
    """

    __slots__ = ("_state", "_taken")

    def __init__(self, state: AccountState, taken: Moment) -> None:
        self._state = state
        self._taken = taken

    def __repr__(self) -> str:
        return f"<Snapshot of {len(self._state.basins)} basins>"

    @property
    def time(self) -> int:
        """When it was taken, in nanoseconds since the Unix epoch."""
        return self._taken.now


class Account(Engine):
    """An S2 account in memory. Many threads may use it.

    `deletion_delay` is for how many seconds a deleted basin or stream stays pending: with 0 it is
    gone before the answer, with `float("inf")` it never goes. `seed` makes what is random (the time
    between heartbeats) the same in each run. Raises `TypeError`, `ValueError`.
    """

    @property
    def basins(self) -> tuple[str, ...]:
        """The names of all basins, in order, with those that are being deleted."""
        with self.turn:
            return tuple(self.ordered_basins())

    def basin(self, name: str) -> Basin:
        """The basin of that name, also while it is being deleted.

        Raises `InvalidName`, `BasinNotFound`, and `TypeError` if the name is not text.
        """
        name = BasinName(check_name("a basin's name", name))
        with self.turn:
            return Basin(self, name, self.state.basin(name).incarnation)

    def stream(self, basin: str, name: str) -> Stream:
        """The stream of that name in that basin, also while it is being deleted.

        Raises `InvalidName`, and `StreamNotFound` also where it is the basin that is missing
        (reference: control_plane §5.7), and `TypeError` if the name is not text.
        """
        basin = BasinName(check_name("a basin's name", basin))
        name = StreamName(check_name("a stream's name", name))
        with self.turn:
            found = self.state.stream(basin, name)
            parent = Basin(self, basin, self.state.basin(basin).incarnation)
            return Stream(self, parent, name, found.incarnation)

    def create_basin(
        self, name: str, config: BasinConfig | None = None, *, request_token: str | None = None
    ) -> Basin:
        """Create a basin, or find the one that the same request with the same token created.

        `request_token` is at most 36 bytes. Raises `InvalidName`, `BasinDeletionPending`,
        `ResourceAlreadyExists`, and `TypeError` for an argument of the wrong type.
        Source: reference: control_plane §4.3.
        """
        check_name("a basin's name", name)
        check_config(config, BasinConfig)
        check_text("request_token", request_token)
        name = BasinName(name)
        made = self.carry_out(CreateBasin(name, config, request_token))
        return Basin(self, name, made.incarnation)

    def ensure_basin(self, name: str, config: BasinConfig | None = None) -> Basin:
        """Create the basin, or replace its whole configuration.

        Raises `InvalidName`, `BasinDeletionPending`, and `TypeError` for an argument of the wrong
        type. Source: reference: control_plane §4.4.
        """
        check_name("a basin's name", name)
        check_config(config, BasinConfig)
        name = BasinName(name)
        made = self.carry_out(EnsureBasin(name, config))
        return Basin(self, name, made.incarnation)

    def list_basins(
        self, *, prefix: str = "", start_after: str = "", limit: int = MAX_PAGE
    ) -> Page[BasinInfo]:
        """One page of basins, in the order of their names, with those that are being deleted.

        Raises `InvalidName`. Source: reference: control_plane §4.7.
        """
        check_text("prefix", prefix)
        check_text("start_after", start_after)
        check_number("limit", limit)
        page: Page[BasinInfo] = self.carry_out(
            ListBasins(prefix=prefix, start_after=start_after, limit=limit)
        )
        return page

    def snapshot(self) -> Snapshot:
        """The account as it is now, as a value. Taking it costs the same at any size."""
        return Snapshot(*self.take_state())

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to the snapshot.

        Dates stay as they are. What is due moves by the time that has passed since the snapshot.
        Sessions end as if their stream were deleted. A `ManualClock` without a start that nobody
        has looked at yet begins at the snapshot's time. Raises `TypeError`.
        """
        if not isinstance(snapshot, Snapshot):
            raise TypeError(f"restore() takes a Snapshot, not {snapshot!r}")
        self.put_state(snapshot._state, snapshot._taken)  # noqa: SLF001  # nobody else's to see
