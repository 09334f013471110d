"""The state of an account, and the one place where it changes."""

from s2mock.registry.engine.account_lock import AccountLock
from s2mock.registry.engine.sessions import Sessions
from s2mock.registry.log.log import LogState
from s2mock.registry.operation import Operation
from s2mock.registry.rules.deletion import without_stale
from s2mock.registry.state import (
    AccountState,
    BasinState,
    Change,
    StreamState,
    new_incarnation,
)
from s2mock.registry.usage.usage import Usage
from s2mock.registry.values.persistent_map import PersistentMap
from s2mock.registry.values.schedule import Schedule
from s2mock.registry.values.tokens import IssuedToken, Tokens, fresh_tokens
from s2mock.runtime.clock import Moment
from s2mock.runtime.notifier import Notifier


class Store:
    """The state of an account. Call its methods with the account's lock held.

    Each change is told to the read sessions that follow a stream, to the history of usage, and to
    the tests that wait on `changed`. With `has_tokens` the state has access tokens from the
    beginning, else from the first one that is issued.
    """

    def __init__(self, lock: AccountLock, sessions: Sessions, *, has_tokens: bool) -> None:
        self._lock = lock
        self._sessions = sessions
        self._has_tokens = has_tokens
        # Only parts of the state with this owner may be written to; others are copied first. It is
        # replaced with each snapshot, so that the snapshot's parts stay as they are.
        self.write_owner = object()
        self.state = self._empty()
        self.usage: Usage = Usage()
        # Notified when the records of any stream may have changed.
        self.changed: Notifier = Notifier()
        # The state that it began with, at the last reset or restore.
        self.origin: AccountState = self.state
        # The first number that was not given out by then, for telling stale handles.
        self.first_incarnation: int = new_incarnation()
        # The number of the next basin or stream, reserved among those of all accounts.
        self.next_incarnation: int = self.first_incarnation

    # Changes.

    def commit(self, change: Change, moment: Moment) -> None:
        """Carry out a decision: the one place where the state changes."""
        assert self._lock.is_held, "committed without the lock"
        if change.basin is not None:
            self._put_basin(*change.basin, moment)
        if change.stream is not None:
            self._put_stream(change, moment)
        if change.due_actions:
            schedule = self.state.schedule
            for time, action in change.due_actions:
                schedule = schedule.add(time, action)
            self.state = self.state._replace(schedule=schedule)
        if change.token is not None:
            self._put_token(change)
        if change.default_location is not None:
            self.state = self.state._replace(default_location=change.default_location)
        if self.changed.has_listeners:
            self.changed.notify()

    def _put_basin(self, name: str, basin: BasinState | None, moment: Moment) -> None:
        basins = self._own_basins()
        if basin is not None:
            if basin.incarnation == self.next_incarnation:
                self.next_incarnation = new_incarnation()
            basins[name] = basin
            return
        gone = basins.get(name)
        assert gone is not None, f"no basin {name!r} to take away"
        if len(gone.streams):
            self.usage.end_active(name, moment)
            self.usage.stored.end_basin(name, gone.streams.values(), moment)
        del basins[name]
        if self.state.schedule.size:
            checks = sum(stream.check_due is not None for stream in gone.streams.values())
            self._count_stale(checks)
        for incarnation, following in [*self._sessions.following.items()]:
            stream = gone.streams.get(following.stream)
            if stream is None or stream.incarnation != incarnation:
                continue
            # A follower reads the trim that ends the stream.
            log = stream.log or LogState()
            written = log.decide_end(moment, stream.config)
            following.note(log.with_written(self.write_owner, written)[1], written)

    def _put_stream(self, change: Change, moment: Moment) -> None:
        assert change.stream is not None
        basin, name, stream = change.stream
        streams = self._own_streams(basin)
        before, span = streams.get(name), None
        if before is None:
            if not len(streams):
                self.usage.begin_active(basin, moment)
            self.usage.stored.comes(basin, name, moment)
            if stream is not None and stream.incarnation == self.next_incarnation:
                self.next_incarnation = new_incarnation()
        if change.written is not None or (before is not None and before.log is not None):
            self.usage.stored.changes(basin, name, before, moment)
        if change.written is not None:
            log = (stream or before).log or LogState()  # type: ignore[union-attr]
            log, span = log.with_written(self.write_owner, change.written)
            stream = stream and stream.written(log, moment.account_time)
        if stream is None:
            del streams[name]
            self.usage.stored.goes(basin, name)
            if not len(streams):
                self.usage.end_active(basin, moment)
        else:
            streams[name] = stream
        if before is None:
            return
        following = self._sessions.following.get(before.incarnation)
        if following and (span is not None or stream is None or stream.deleted_at is not None):
            following.note(span, change.written)
        if before.check_due is not None and (stream is None or stream.check_due is None):
            self._count_stale(1)

    def _put_token(self, change: Change) -> None:
        token, owner = change.token, self.write_owner
        tokens = self.state.tokens or fresh_tokens(owner)
        if isinstance(token, IssuedToken):
            tokens = tokens.with_issued(owner, token.token)
        elif token is not None:
            tokens = tokens.with_revoked(owner, token.token, token.ends)
        self.state = self.state._replace(tokens=tokens)

    def _count_stale(self, count: int) -> None:
        """Count scheduled actions that have lost their meaning."""
        self.state = self.state._replace(schedule=without_stale(count, self.state))

    # The parts of the state that this account may write to.

    def _own_basins(self) -> PersistentMap[BasinState]:
        basins = self.state.basins
        if basins.write_owner is not self.write_owner:
            basins = basins.copy(self.write_owner)
            self.state = self.state._replace(basins=basins)
        return basins

    def _own_streams(self, basin: str) -> PersistentMap[StreamState]:
        state = self.state.basin(basin)
        if state.streams.write_owner is not self.write_owner:
            state = state._replace(streams=state.streams.copy(self.write_owner))
            self._own_basins()[basin] = state
        return state.streams

    def _own_tokens(self) -> Tokens:
        tokens = (self.state.tokens or fresh_tokens(self.write_owner)).copy(self.write_owner)
        if self.state.tokens is not None:
            self.state = self.state._replace(tokens=tokens)
        return tokens

    # Parts that are brought up to date when they are asked for.

    def prepare(self, operation: Operation) -> None:
        """Bring up to date the part that `operation.prepares`, so that `decide` only reads it."""
        part = operation.prepares
        if part == "basins":
            self.ordered_basins()
        elif part == "streams":
            if self.state.basins.get(operation.basin or "") is not None:
                self.ordered_streams(operation.basin or "")
        elif part == "access_tokens":
            self.ordered_tokens()
        elif part == "usage":
            self.usage.finish_minute()

    def ordered_basins(self) -> PersistentMap[BasinState]:
        """Return the basins with their order up to date."""
        basins = self.state.basins
        return basins if basins.is_in_order else self._own_basins().put_in_order()

    def ordered_streams(self, basin: str) -> PersistentMap[StreamState]:
        """Return a basin's streams with their order up to date. Raises `BasinNotFound`."""
        streams = self.state.basin(basin).streams
        return streams if streams.is_in_order else self._own_streams(basin).put_in_order()

    def ordered_tokens(self) -> Tokens:
        """Return the access tokens with the order of their ids up to date."""
        tokens = self.state.tokens
        if tokens is None or not tokens.by_id.is_in_order:
            tokens = self._own_tokens()
            tokens.by_id.put_in_order()
        return tokens

    # The state as a value.

    def share(self) -> AccountState:
        """Return the state as a value that never changes: later changes copy what they touch."""
        self.write_owner = object()
        return self.state

    def initial(self, state: AccountState | None) -> AccountState:
        """Return that state of another account, or an empty one, with this account's own token."""
        if state is None:
            return self._empty()
        if state.tokens is not None:
            # The account's own token is no part of a snapshot.
            return state._replace(tokens=state.tokens.with_own(self.write_owner))
        if self._has_tokens:
            return state._replace(tokens=fresh_tokens(self.write_owner))
        return state

    def begin_with(self, state: AccountState) -> None:
        """Continue with that state, without a history."""
        self.state = self.origin = state
        self.usage = Usage()
        self.first_incarnation = self.next_incarnation = new_incarnation()
        self.changed.notify()

    def _empty(self) -> AccountState:
        tokens = fresh_tokens(self.write_owner) if self._has_tokens else None
        return AccountState(PersistentMap(self.write_owner), Schedule(), tokens)
