"""The account as a value: its basins, streams and records, its schedule, and changes of them.

Each state is frozen, and a change makes another one. Successive states share maps and logs,
and snapshots do too. Only the account that owns a part (`write_owner`) writes to it. All others
copy what they touch.
"""

from itertools import count
from typing import Any, Final, Literal, NamedTuple

from s2mock.registry.log.chunks import Written
from s2mock.registry.log.log import LogState
from s2mock.registry.log.read_request import ReadRequest
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
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.schedule import Due, Schedule
from s2mock.registry.values.tokens import IssuedToken, RevokedToken, Tokens

ProvisionResult = Literal["created", "updated", "noop"]

# One number for each basin and stream that was ever created: a name may be used again, a number
# is not.
_incarnations = count(1)


def new_incarnation() -> int:
    """Return the number of another basin or stream."""
    return next(_incarnations)


def skip_incarnations(last: int) -> None:
    """Give out no number up to `last`: those are of an earlier process."""
    global _incarnations  # noqa: PLW0603
    _incarnations = count(max(last + 1, next(_incarnations)))


class Location(NamedTuple):
    """A location as S2 describes it."""

    name: str
    is_private: bool = False
    storage_classes: tuple[str, ...] = ("standard", "express")
    default_storage_class: str = "express"


LOCATIONS: Final = tuple(map(Location, ("aws:us-east-1", "aws:us-west-2", "aws:eu-north-1")))
"""The locations of an account for which none were given, its default first."""


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

    `creation` is compared with a later request to find out whether that is a replay.
    `last_write` and `check_due` are account time, see `Moment`.
    """

    name: str
    incarnation: int
    config: StreamConfig
    # Frozen for the stream's life, also if the basin's setting changes.
    cipher: Cipher | None
    created_at: int
    deleted_at: int | None
    creation: tuple[RequestToken, StreamConfig] | None
    last_write: int
    # The time of the next check of delete-on-empty, if one is scheduled.
    check_due: int | None
    # None before the first write: a basin may hold a million streams without records.
    log: LogState | None

    @property
    def info(self) -> StreamInfo:
        """The stream as S2 describes it."""
        return StreamInfo(self.name, self.created_at, self.deleted_at, self.cipher)

    def with_log(self, log: LogState) -> "StreamState":
        """Return the stream with another log."""
        return StreamState(*self[:9], log)

    def written(self, log: LogState, time: int) -> "StreamState":
        """Return the stream after a write at that account time."""
        # `StreamState(...)` costs twice as much, for each append.
        return tuple.__new__(StreamState, (*self[:7], time, self.check_due, log))

    def refuse_if_deleting(self) -> None:
        """Raise `StreamDeletionPending` if the deletion has begun."""
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
        """The configuration of a stream that sets nothing itself."""
        return self.config.default_stream_config.merge(SYSTEM_DEFAULTS)

    def refuse_if_deleting(self) -> None:
        """Raise `BasinDeletionPending` if the deletion has begun."""
        if self.deleted_at is not None:
            raise BasinDeletionPending(self.name)


class AccountState(NamedTuple):
    """An account: its basins, its schedule of later actions, and its access tokens.

    `tokens` is None while no request is checked: the account's own token is the only one, and
    requests without a token may do everything. `default_location` is None until one is chosen.
    """

    basins: PersistentMap[BasinState]
    schedule: Schedule
    tokens: Tokens | None = None
    default_location: str | None = None

    def basin(self, name: str, incarnation: int | None = None) -> BasinState:
        """Return the basin of that name, also while its deletion is pending.

        With `incarnation` no other basin of that name will do. Raises `BasinNotFound`.
        """
        basin = self.basins.get(name)
        if basin is None or (incarnation is not None and incarnation != basin.incarnation):
            raise BasinNotFound(name)
        return basin

    def stream(self, basin: str, name: str, incarnation: int | None = None) -> StreamState:
        """Return the stream of that name in that basin, also while its deletion is pending.

        With `incarnation` no other stream of that name will do. Raises `StreamNotFound` also where
        the basin is missing (reference: control_plane §5.7).
        """
        parent = self.basins.get(basin)
        found = None if parent is None else parent.streams.get(name)
        if found is None or (incarnation is not None and incarnation != found.incarnation):
            raise StreamNotFound(basin, name)
        return found


class Effect(NamedTuple):
    """The effect of an operation: a resource created, updated or deleted, or records appended."""

    kind: Literal["created", "updated", "deleted", "appended"]
    first_seq_num: int | None = None
    last_seq_num: int | None = None


class ReadStart(NamedTuple):
    """Where a read begins: a stream, the key of the request, and the position of the next record.

    `tail` is the stream's tail at the beginning. With `is_session` the read goes on until its
    limits are reached, else it delivers one batch.
    """

    basin: str
    stream: str
    incarnation: int
    digest: bytes | None
    request: ReadRequest
    position: int
    tail: StreamPosition
    is_session: bool


class Change(NamedTuple):
    """The decision of an operation: all that its commit does, as a value. See `Store.commit`.

    `result` is what the operation returns, unless it is a read. `error`, if there is one, is raised
    after the rest has been carried out: an append may create its stream and then be refused.
    """

    result: Any = None
    # A basin by its name, and its next state; None where it is removed.
    basin: tuple[str, BasinState | None] | None = None
    # A stream by its basin's and its own name, likewise.
    stream: tuple[str, str, StreamState | None] | None = None
    # Records to append to that stream.
    written: Written | None = None
    # Actions for the schedule, each with its time.
    due_actions: tuple[tuple[int, Due], ...] = ()
    effect: Effect | None = None
    error: S2Error | None = None
    # The read that begins with the commit, which is the result.
    read: ReadStart | None = None
    token: IssuedToken | RevokedToken | None = None
    # The name of the default location.
    default_location: str | None = None
