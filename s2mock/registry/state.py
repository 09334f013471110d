"""The account as a value: its basins, streams and records, and what is due.

Each state is frozen, and a change makes another one. Successive states share maps and logs,
and snapshots do too. Only the account that owns a part (`write_owner`) writes to it. All others
copy what they touch.
"""

from collections.abc import Callable
from itertools import count
from typing import Any, Final, Literal, NamedTuple

from s2mock.registry.log.chunks import Written
from s2mock.registry.log.log import LogState
from s2mock.registry.values.config import (
    SYSTEM_DEFAULTS,
    BasinConfig,
    Cipher,
    StreamConfig,
)
from s2mock.registry.values.errors import (
    BasinDeletionPending,
    BasinNotFound,
    S2Error,
    StreamDeletionPending,
    StreamNotFound,
)
from s2mock.registry.values.names import RequestToken
from s2mock.registry.values.persistent_map import PersistentMap
from s2mock.registry.values.schedule import Due, Schedule
from s2mock.registry.values.tokens import Tokens
from s2mock.runtime.clock import Moment

ProvisionResult = Literal["created", "updated", "noop"]

# One number for each basin and stream that was ever made: a name may come again, they do not.
new_incarnation: Final = count(1).__next__


class Location(NamedTuple):
    """A location as S2 describes it."""

    name: str
    is_private: bool = False
    storage_classes: tuple[str, ...] = ("standard", "express")
    default_storage_class: str = "express"


LOCATIONS: Final = tuple(map(Location, ("aws:us-east-1", "aws:us-west-2", "aws:eu-north-1")))
"""Those that an account knows unless others are said, its default first."""


class BasinInfo(NamedTuple):
    """A basin as S2 describes it; times in nanoseconds since the Unix epoch."""

    name: str
    created_at: int
    deleted_at: int | None
    location: str = LOCATIONS[0].name


class StreamInfo(NamedTuple):
    """A stream as S2 describes it; times in nanoseconds since the Unix epoch."""

    name: str
    created_at: int
    deleted_at: int | None
    cipher: Cipher | None


class StreamState(NamedTuple):
    """A stream. `config` is resolved and has no unset leaf.

    `creation` is what a later request is compared with to find out whether it is a replay.
    `last_write` and `check_due` go by the account's time, see `Moment`.
    """

    name: str
    incarnation: int
    config: StreamConfig
    # Frozen for the stream's life, whatever becomes of the basin's setting.
    cipher: Cipher | None
    created_at: int
    deleted_at: int | None
    creation: tuple[RequestToken, StreamConfig] | None
    last_write: int
    # When delete-on-empty looks at it next, if it does.
    check_due: int | None
    # A basin may hold a million streams that nobody ever writes to.
    log: LogState | None

    @property
    def info(self) -> StreamInfo:
        """The stream as S2 describes it."""
        return StreamInfo(self.name, self.created_at, self.deleted_at, self.cipher)

    def with_log(self, log: LogState) -> "StreamState":
        """The stream with another log."""
        return StreamState(*self[:9], log)

    def written(self, log: LogState, time: int) -> "StreamState":
        """The stream after a write, at that time of the account's."""
        return StreamState(*self[:7], time, self.check_due, log)

    def refuse_if_deleting(self) -> None:
        """Raises `StreamDeletionPending` from the deletion on."""
        if self.deleted_at is not None:
            raise StreamDeletionPending()


class BasinState(NamedTuple):
    """A basin and the streams in it."""

    name: str
    incarnation: int
    config: BasinConfig
    created_at: int
    deleted_at: int | None
    creation: tuple[RequestToken, BasinConfig] | None
    streams: PersistentMap[StreamState]
    location: str

    @property
    def info(self) -> BasinInfo:
        """The basin as S2 describes it."""
        return BasinInfo(self.name, self.created_at, self.deleted_at, self.location)

    @property
    def resolved_defaults(self) -> StreamConfig:
        """What a stream gets where it sets nothing."""
        return self.config.default_stream_config.merge(SYSTEM_DEFAULTS)

    def refuse_if_deleting(self) -> None:
        """Raises `BasinDeletionPending` from the deletion on."""
        if self.deleted_at is not None:
            raise BasinDeletionPending(self.name)


class AccountState(NamedTuple):
    """An account: its basins, what falls due later, and its access tokens.

    `tokens` is None while there is nothing to look at: its own token alone, and everybody is let
    in. `default_location` is None where nobody has chosen one.
    """

    basins: PersistentMap[BasinState]
    schedule: Schedule
    tokens: Tokens | None = None
    default_location: str | None = None

    def basin(self, name: str, incarnation: int | None = None) -> BasinState:
        """The basin of that name, also while its deletion is pending; that one, if it is said.

        Raises `BasinNotFound`.
        """
        basin = self.basins.get(name)
        if basin is None or (incarnation is not None and incarnation != basin.incarnation):
            raise BasinNotFound(name)
        return basin

    def stream(self, basin: str, name: str, incarnation: int | None = None) -> StreamState:
        """The stream of that name in that basin, also while its deletion is pending.

        Raises `StreamNotFound` also where it is the basin that is missing (reference:
        control_plane §5.7).
        """
        parent = self.basins.get(basin)
        found = None if parent is None else parent.streams.get(name)
        if found is None or (incarnation is not None and incarnation != found.incarnation):
            raise StreamNotFound(basin, name)
        return found


class Effect(NamedTuple):
    """What an operation has changed: something made, changed or deleted, or records appended."""

    kind: Literal["created", "updated", "deleted", "appended"]
    first_seq_num: int | None = None
    last_seq_num: int | None = None


class Change(NamedTuple):
    """What an operation would do, decided and not yet done: see `Engine.commit`.

    `result` is what the operation returns. `error`, if there is one, is raised once the rest has
    been carried out: an append may make its stream and then be refused.
    """

    result: Any = None
    # A basin by its name, and its next state; None where it goes.
    basin: tuple[str, BasinState | None] | None = None
    # A stream by its basin's and its own name, likewise.
    stream: tuple[str, str, StreamState | None] | None = None
    # Records that go behind those of that stream.
    written: Written | None = None
    due: tuple[tuple[int, Due], ...] = ()
    effect: Effect | None = None
    error: S2Error | None = None
    # Done in the same turn, when all else has been; returns the result.
    after: Callable[[Moment], Any] | None = None
    # From the account's state, and who may write to it, to the next; for what is of the account
    # as such.
    account: Callable[[AccountState, object], AccountState] | None = None
