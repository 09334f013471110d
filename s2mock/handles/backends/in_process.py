"""The backend in this process: the engine of an account, and the powers of its mock."""

from typing import TYPE_CHECKING, Any

from s2mock.handles.backends.backend import (
    JournalBackend,
    PlacedFault,
    PlacedHold,
    PlacedHook,
)
from s2mock.json_bodies.snapshots.snapshot import Snapshot, content_of
from s2mock.powers.powers import Powers
from s2mock.registry.engine.engine import Engine
from s2mock.registry.log.log import LogState
from s2mock.registry.operation import Operation
from s2mock.registry.places import BasinView, Place, StreamView
from s2mock.registry.state import AccountState, BasinState, StreamState
from s2mock.registry.values.errors import (
    AccessTokenNotFound,
    BasinNotFound,
    StaleHandle,
    StreamNotFound,
)
from s2mock.registry.values.records import SequencedRecord
from s2mock.registry.values.tokens import TokenInfo
from s2mock.runtime.clock import ManualClock
from s2mock.runtime.notifier import Pending

if TYPE_CHECKING:
    from s2mock.handles.connections import Connections
    from s2mock.powers.hold import HoldArguments
    from s2mock.powers.hook import Function
    from s2mock.powers.injection import InjectArguments

_EMPTY = LogState()
# A timeout shows the bodies of the last records, this number of them at most.
_SHOWN = 10


class EngineBackend:
    """An `AccountBackend` over an engine of this process. Two over one engine are equal."""

    __slots__ = ("engine",)

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EngineBackend) and other.engine is self.engine

    def __hash__(self) -> int:
        return hash((EngineBackend, id(self.engine)))

    def carry_out(self, operation: Operation, place: Place | None = None) -> Any:
        try:
            return self.engine.carry_out(operation)
        except (BasinNotFound, StreamNotFound):
            self._refuse_if_stale(place)
            raise

    def basins(self) -> tuple[str, ...]:
        with self.engine.lock:
            return tuple(self.engine.store.ordered_basins())

    def streams(self, place: Place) -> tuple[str, ...]:
        with self.engine.lock:
            self._basin_state(place)
            return tuple(self.engine.store.ordered_streams(place.basin))

    def tokens(self) -> tuple[str, ...]:
        with self.engine.lock:
            return tuple(self.engine.store.ordered_tokens().by_id)

    def basin(self, place: Place) -> BasinView:
        with self.engine.lock:
            state = self._basin_state(place)
            return BasinView(state.incarnation, state.info, state.config)

    def stream(self, place: Place, parent: Place | None = None) -> StreamView:
        engine = self.engine
        with engine.lock:
            if parent is not None:
                self._check_parent(parent, place)
            state = self._stream_state(place)
            log = state.log or _EMPTY
            following = engine.sessions.following.get(state.incarnation)
            return StreamView(
                state.incarnation,
                engine.state.basin(place.basin).incarnation,
                state.info,
                state.config,
                log.fencing_token,
                log.tail,
                0 if following is None else following.count,
            )

    def token(self, token_id: str, secret: str) -> TokenInfo:
        with self.engine.lock as moment:
            tokens = self.engine.state.tokens
            found = None if tokens is None else tokens.by_id.get(token_id)
            if found is None or found.secret != secret:
                raise AccessTokenNotFound(token_id)
            return found.info(moment)

    def records(self, place: Place) -> tuple[SequencedRecord, ...]:
        with self.engine.lock as moment:
            state = self._stream_state(place)
            state.refuse_if_deleting()
            log = (state.log or _EMPTY).expired(self.engine.store.write_owner, moment.account_time)
        return log.records

    def records_pending(
        self, place: Place, count: int, timeout: float
    ) -> Pending[tuple[SequencedRecord, ...]]:

        def look() -> tuple[SequencedRecord, ...] | None:
            records = self.records(place)
            return records if len(records) >= count else None

        def missing() -> str:
            records = self.records(place)
            bodies = [repr(record.body) for record in records[-_SHOWN:]]
            if len(records) > _SHOWN:
                bodies.insert(0, "...")
            there = f": {', '.join(bodies)}" if bodies else ""
            return f"{place} held {len(records)} of {count} records within {timeout:g} s{there}"

        return Pending(self.engine.store.changed, look, missing, timeout)

    def readers_pending(self, place: Place, count: int, timeout: float) -> Pending[bool]:

        def look() -> bool | None:
            return True if self._readers(place) >= count else None

        def missing() -> str:
            return (
                f"{self._readers(place)} of {count} read sessions followed at the tail of stream "
                f"{place.stream!r} in {place.basin!r} within {timeout:g} s"
            )

        return Pending(self.engine.sessions.followed, look, missing, timeout)

    def _readers(self, place: Place) -> int:
        """Return the number of readers, 0 for a stream that a read would create."""
        try:
            return self.stream(place).readers
        except StreamNotFound:
            with self.engine.lock:
                basin = self.engine.state.basins.get(place.basin)
            # The stream of one incarnation is gone for good.
            if place.incarnation is not None or basin is None:
                raise
            if not basin.config.creates_stream_on("read"):
                raise
            return 0

    # With the account's lock held:

    def _basin_state(self, place: Place) -> BasinState:
        try:
            return self.engine.state.basin(place.basin, place.incarnation)
        except BasinNotFound:
            self._refuse_if_stale(place)
            raise

    def _stream_state(self, place: Place) -> StreamState:
        try:
            return self.engine.state.stream(place.basin, place.stream or "", place.incarnation)
        except StreamNotFound:
            self._refuse_if_stale(place)
            raise

    def _check_parent(self, parent: Place, place: Place) -> None:
        """Raise `StreamNotFound` if the basin of that incarnation is gone."""
        try:
            self._basin_state(parent)
        except BasinNotFound:
            raise StreamNotFound(place.basin, str(place.stream)) from None

    def _refuse_if_stale(self, place: Place | None) -> None:
        """Raise `StaleHandle` if the account was reset since that place was made."""
        if place is None or place.incarnation is None:
            return
        engine = self.engine
        if place.incarnation < engine.store.first_incarnation and not _is_in(
            engine.store.origin, place
        ):
            raise StaleHandle(str(place)) from None


def _is_in(state: AccountState, place: Place) -> bool:
    """True if a state has that basin or stream, of that incarnation."""
    basin = state.basins.get(place.basin)
    if basin is None or place.stream is None:
        return basin is not None and basin.incarnation == place.incarnation
    stream = basin.streams.get(place.stream)
    return stream is not None and stream.incarnation == place.incarnation


class MockBackend:
    """A `PowersBackend` over the powers of a mock of this process."""

    __slots__ = ("_connections", "_engine", "_powers")

    def __init__(self, engine: Engine, powers: Powers, connections: "Connections") -> None:
        self._engine = engine
        self._powers = powers
        self._connections = connections

    @property
    def journal(self) -> JournalBackend:
        return self._powers.journal

    def inject(self, arguments: "InjectArguments") -> PlacedFault:
        return self._powers.injector.inject(arguments)

    def hold(self, arguments: "HoldArguments") -> PlacedHold:
        return self._powers.injector.hold(arguments)

    def hook(self, arguments: "HoldArguments", do: "Function") -> PlacedHook:
        return self._powers.injector.hook(arguments, do, self._connections.loop)

    def snapshot(self) -> Snapshot:
        return Snapshot(*self._engine.take_state())

    def restore(self, snapshot: Snapshot) -> None:
        self._powers.journal.note_cut()
        self._engine.put_state(*content_of(snapshot))
        self._powers.drop_late()
        self._connections.drop()

    def begin_outage(self) -> None:
        self._powers.outages += 1
        self._powers.journal.note_cut()
        self._connections.refuse()

    def end_outage(self) -> None:
        # None is left if the mock was closed during the outage.
        if self._powers.outages:
            self._powers.outages -= 1
            if not self._powers.outages:
                self._connections.accept()

    def manual_clock(self, method: str) -> ManualClock:
        clock = self._engine.clock
        if not isinstance(clock, ManualClock):
            raise TypeError(
                f"{method}() needs a ManualClock, and the clock of this mock is {clock!r}: "
                'make the mock with clock="manual", as in @pytest.mark.s2_mock(clock="manual")'
            )
        return clock
