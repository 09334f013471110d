"""The account for direct calls of a test. Source: reference: control_plane §4."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from s2mock.registry.engine.engine import Auth, Engine
from s2mock.registry.handles import Basin, Stream
from s2mock.registry.rules.basins import CreateBasin, EnsureBasin, ListBasins
from s2mock.registry.rules.listing import MAX_PAGE, Page
from s2mock.registry.settings import Settings
from s2mock.registry.state import LOCATIONS, AccountState, BasinInfo, Location
from s2mock.registry.values.config import BasinConfig
from s2mock.registry.values.names import BasinName, StreamName
from s2mock.registry.values.profile import REAL, Profile
from s2mock.runtime.arguments import (
    check_config,
    check_delay,
    check_name,
    check_number,
    check_text,
)
from s2mock.runtime.clock import Clock, Moment

if TYPE_CHECKING:
    from os import PathLike


class Snapshot:
    """An account at one moment: a value that never changes. Keep it as long as you like.

    It holds basins, streams, records, request tokens, fencing tokens, issued access tokens and
    scheduled actions. Two snapshots are equal if they hold the same at any time: two of an account
    without a change between them, or one and a copy that was read from its file. What `restore`
    has moved (scheduled actions, expiry included) is not the same any more.
    """

    __slots__ = ("_state", "_taken")

    def __init__(self, state: AccountState, taken: Moment) -> None:
        self._state = state
        self._taken = taken

    def __repr__(self) -> str:
        number = len(self._state.basins)
        return f"<Snapshot of {number} basin{'' if number == 1 else 's'}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Snapshot):
            return NotImplemented
        writing = import_module("s2mock.json_bodies.snapshots.writing")
        return bool(writing.hold_the_same(self._state, self._taken, other._state, other._taken))

    def __hash__(self) -> int:
        return hash(frozenset(str(basin.name) for basin in self._state.basins.values()))

    @property
    def time(self) -> int:
        """The time of the snapshot, in nanoseconds since the Unix epoch."""
        return self._taken.now

    def save(self, path: "str | PathLike[str]") -> None:
        """Write the snapshot to a file of JSON lines, which you can read, compare and edit.

        Raises `OSError`.
        """
        Path(path).write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the bytes that `save` writes."""
        # By name: the file has S2's JSON, which lies in a package above this one.
        writing = import_module("s2mock.json_bodies.snapshots.writing")
        data: bytes = writing.snapshot_to_bytes(self._state, self._taken)
        return data

    @classmethod
    def load(cls, path: "str | PathLike[str]") -> "Snapshot":
        """Read a snapshot from a file that `save` or you have written.

        Raises `OSError`, and `ValueError` with the line that is wrong.
        """
        return cls.from_bytes(Path(path).read_bytes(), str(path))

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> "Snapshot":
        """Read a snapshot from the bytes of such a file; errors call it `name`.

        Raises `ValueError` with the line that is wrong.
        """
        reading = import_module("s2mock.json_bodies.snapshots.reading")
        loaded: Snapshot = reading.snapshot_from_bytes(data, name)
        return loaded


class Account:
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
    ) -> None:
        check_delay("deletion_delay", deletion_delay)
        check_delay("revocation_delay", revocation_delay)
        if auth not in ("open", "required"):
            raise ValueError(f'auth must be "open" or "required", not {auth!r}')
        settings = Settings(
            deletion_delay,
            profile,
            seed,
            auth == "open",
            token,
            secret_prefix,
            revocation_delay,
            locations,
        )
        self.engine: Engine = Engine(clock=clock, settings=settings)

    @property
    def basins(self) -> tuple[str, ...]:
        """The names of all basins, in order, with those that are being deleted."""
        with self.engine.lock:
            return tuple(self.engine.store.ordered_basins())

    @property
    def tokens(self) -> tuple[str, ...]:
        """The ids of all access tokens, in order, with the expired ones and the account's own."""
        with self.engine.lock:
            return tuple(self.engine.store.ordered_tokens().by_id)

    def basin(self, name: str) -> Basin:
        """Return the basin of that name, also while it is being deleted.

        Raises `InvalidName`, `BasinNotFound`, and `TypeError` if the name is not text.
        """
        name = BasinName(check_name("a basin's name", name))
        with self.engine.lock:
            return Basin(self.engine, name, self.engine.state.basin(name).incarnation)

    def stream(self, basin: str, name: str) -> Stream:
        """Return the stream of that name in that basin, also while it is being deleted.

        Raises `InvalidName`, and `StreamNotFound` also where it is the basin that is missing
        (reference: control_plane §5.7), and `TypeError` if the name is not text.
        """
        basin = BasinName(check_name("a basin's name", basin))
        name = StreamName(check_name("a stream's name", name))
        with self.engine.lock:
            found = self.engine.state.stream(basin, name)
            parent = Basin(self.engine, basin, self.engine.state.basin(basin).incarnation)
            return Stream(self.engine, parent, name, found.incarnation)

    def create_basin(
        self,
        name: str,
        config: BasinConfig | None = None,
        *,
        request_token: str | None = None,
        location: str | None = None,
    ) -> Basin:
        """Create a basin, or find the one that the same request with the same token created.

        `request_token` is at most 36 bytes, `location` the name of one, None for the default.
        Raises `InvalidName`, `Invalid` (for the location), `BasinDeletionPending`,
        `ResourceAlreadyExists`, and `TypeError` for an argument of the wrong type.
        Source: reference: control_plane §4.3.
        """
        check_name("a basin's name", name)
        check_config(config, BasinConfig)
        check_text("request_token", request_token)
        check_text("location", location)
        name = BasinName(name)
        made = self.engine.carry_out(CreateBasin(name, config, request_token, location))
        return Basin(self.engine, name, made.incarnation)

    def ensure_basin(
        self, name: str, config: BasinConfig | None = None, *, location: str | None = None
    ) -> Basin:
        """Create the basin, or replace its whole configuration; not its location.

        Raises `InvalidName`, `Invalid` (for the location), `BasinDeletionPending`, and `TypeError`
        for an argument of the wrong type. Source: reference: control_plane §4.4.
        """
        check_name("a basin's name", name)
        check_config(config, BasinConfig)
        check_text("location", location)
        name = BasinName(name)
        made = self.engine.carry_out(EnsureBasin(name, config, location))
        return Basin(self.engine, name, made.incarnation)

    def list_basins(
        self, *, prefix: str = "", start_after: str = "", limit: int = MAX_PAGE
    ) -> Page[BasinInfo]:
        """List one page of basins, in the order of their names, with those that are being deleted.

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
        """Return the account as it is now, as a value. That costs the same at any size."""
        return Snapshot(*self.engine.take_state())

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to the snapshot.

        Dates stay as they are. Scheduled actions move by the time that has passed since the
        snapshot. Sessions end as if their stream were deleted. A `ManualClock` without a start
        that was not read yet begins at the snapshot's time. Raises `TypeError`.
        """
        if not isinstance(snapshot, Snapshot):
            raise TypeError(f"restore() takes a Snapshot, not {snapshot!r}")
        self.engine.put_state(snapshot._state, snapshot._taken)  # noqa: SLF001  # two halves of one thing
