"""The account: its basins, and the settings and clock of everything below it.

Source: reference: control_plane §4.
"""

import random
from typing import Literal

from sortedcontainers import SortedDict

from s2mock.registry.basin import Basin, BasinInfo
from s2mock.registry.clock import Clock, SystemClock
from s2mock.registry.config import BasinConfig, StreamConfig
from s2mock.registry.errors import BasinNotFound, ResourceAlreadyExists, StreamNotFound
from s2mock.registry.listing import MAX_PAGE, Page, page_of
from s2mock.registry.names import BasinName, RequestToken
from s2mock.registry.profile import REAL, Profile
from s2mock.registry.resource import Provisioned
from s2mock.registry.stream import Stream
from s2mock.registry.turn import Turn


class Account:
    """An S2 account in memory. Safe to use from many threads.

    `deletion_delay` is how long, in seconds, a deleted basin or stream stays pending: with 0 it
    is gone before the answer, with `float("inf")` it stays. `seed` is where all randomness (the
    time between heartbeats) comes from. Raises `ValueError`.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        deletion_delay: float = 0.0,
        profile: Profile = REAL,
        seed: int = 0,
    ) -> None:
        if not (isinstance(deletion_delay, int | float) and deletion_delay >= 0):
            raise ValueError(f"deletion_delay must be 0 or more seconds, not {deletion_delay!r}")
        self.clock: Clock = SystemClock() if clock is None else clock
        self.deletion_delay = deletion_delay
        self.profile = profile
        self.random = random.Random(seed)  # noqa: S311  # reproducible, not secret
        self.turn = Turn(self.clock)
        self._basins: SortedDict[str, Basin] = SortedDict()

    @property
    def basins(self) -> tuple[str, ...]:
        """The names of all basins, in order, those pending deletion too."""
        with self.turn:
            return tuple(self._basins)

    def basin(self, name: str) -> Basin:
        """The basin of that name, also while its deletion is pending.

        Raises `InvalidName`, `BasinNotFound`.
        """
        name = BasinName(name)
        with self.turn:
            basin = self._basins.get(name)
            if basin is None:
                raise BasinNotFound(name)
            return basin

    def stream(self, basin: str, stream: str) -> Stream:
        """The stream of that name in that basin, pending deletion or not.

        Raises `InvalidName`, and `StreamNotFound` also where it is the basin that is missing
        (reference: control_plane §5.7).
        """
        with self.turn:
            found = self._basins.get(BasinName(basin))
            if found is None:
                raise StreamNotFound(basin, stream)
            return found.stream(stream)

    def open_stream(
        self,
        basin: str,
        stream: str,
        *,
        create_on: Literal["append", "read"],
        config: StreamConfig | None = None,
    ) -> Stream:
        """The stream for a data operation, created if the basin says so.

        `config` is for a stream that is created now. Raises `InvalidName`, `StreamNotFound`,
        `StreamDeletionPending`, `BasinNotFound`, `BasinDeletionPending`. Source: reference:
        control_plane §5.9.
        """
        with self.turn:
            try:
                found = self.stream(basin, stream)
            except StreamNotFound:
                parent = self.basin(basin)
                flags = parent.config
                if not (
                    flags.create_stream_on_append
                    if create_on == "append"
                    else flags.create_stream_on_read
                ):
                    raise
                return parent.create_stream(stream, config)
            found.refuse_if_deleting()
            return found

    def create_basin(
        self, name: str, config: BasinConfig | None = None, *, request_token: str | None = None
    ) -> Basin:
        """Create a basin, or find the one that the same request with the same token created.

        `request_token` is at most 36 bytes. Raises `InvalidName`, `BasinDeletionPending`,
        `ResourceAlreadyExists`. Source: reference: control_plane §4.3.
        """
        return self.provision_basin(name, config, request_token=request_token).resource

    def ensure_basin(self, name: str, config: BasinConfig | None = None) -> Basin:
        """Create the basin, or replace its whole configuration.

        Raises `InvalidName`, `BasinDeletionPending`. Source: reference: control_plane §4.4.
        """
        return self.provision_basin(name, config, ensure=True).resource

    def provision_basin(
        self,
        name: str,
        config: BasinConfig | None = None,
        *,
        request_token: str | None = None,
        ensure: bool = False,
    ) -> Provisioned[Basin, BasinInfo]:
        """Create or, with `ensure`, also update a basin, and say which it was."""
        name, config = BasinName(name), config or BasinConfig()
        token = None if request_token is None else RequestToken(request_token)
        with self.turn as now:
            basin = self._basins.get(name)
            if basin is None:
                creation = None if token is None else (token, config)
                basin = self._basins[name] = Basin(self, name, config, now, creation)
                return Provisioned("created", basin, basin.info)
            basin.refuse_if_deleting()
            if ensure and basin.config != config:
                basin.config = config
                return Provisioned("updated", basin, basin.info)
            if ensure or basin.is_replay(token, config, self.profile):
                return Provisioned("noop", basin, basin.info)
            raise ResourceAlreadyExists(f"basin `{name}` already exists")

    def list_basins(
        self, *, prefix: str = "", start_after: str = "", limit: int = MAX_PAGE
    ) -> Page[BasinInfo]:
        """One page of basins, in name order, those pending deletion too.

        Raises `InvalidName`. Source: reference: control_plane §4.7.
        """
        BasinName.check_filter(prefix, "prefix")
        BasinName.check_filter(start_after, "start-after")
        with self.turn:
            page = page_of(self._basins, prefix=prefix, start_after=start_after, limit=limit)
            return Page([basin.info for basin in page.items], page.has_more)

    def forget(self, basin: Basin) -> None:
        """Drop a basin whose deletion is complete; its name is free."""
        del self._basins[basin.name]
