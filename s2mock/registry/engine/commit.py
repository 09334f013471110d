"""The state of an account, and the one place where it changes."""

from typing import TYPE_CHECKING, Any

from s2mock.registry.engine.account_lock import AccountLock
from s2mock.registry.log.log import LogState
from s2mock.registry.operation import Operation
from s2mock.registry.rules.deletion import without_stale
from s2mock.registry.state import AccountState, BasinState, Change, StreamState
from s2mock.registry.usage.usage import Usage
from s2mock.registry.values.persistent_map import PersistentMap
from s2mock.runtime.clock import Moment
from s2mock.runtime.notifier import Notifier

if TYPE_CHECKING:
    from s2mock.registry.engine.followers import Following


class Committing:
    """The state, and whoever hears of its changes: who follows a stream, metrics, waiting tests."""

    lock: AccountLock

    def __init__(self, write_owner: object, state: AccountState) -> None:
        # Who writes: another one from each snapshot on, so that what it holds is not written to.
        self.write_owner = write_owner
        self.state = state
        # Read sessions that wait at the tail of a stream, by the stream's incarnation.
        self.following: dict[int, Following] = {}
        # Rung when what a stream holds may have changed.
        self.changed: Notifier = Notifier()
        self.usage: Usage = Usage()

    def commit(self, change: Change, moment: Moment, operation: Operation | None = None) -> Any:
        """Carry out what was decided: the one place where the state changes; in turn only."""
        assert self.lock.is_held, "committed without the lock"
        if change.basin is not None:
            self._put_basin(*change.basin, moment)
        if change.stream is not None:
            self._put_stream(change, moment)
        if change.due:
            schedule = self.state.schedule
            for time, due in change.due:
                schedule = schedule.add(time, due)
            self.state = self.state._replace(schedule=schedule)
        if change.account is not None:
            self.state = change.account(self.state, self.write_owner)
        if operation is not None:
            operation.effect = change.effect
        if self.changed.is_heard:
            self.changed.notify()
        if change.error is not None:
            raise change.error
        result = change.result if change.after is None else change.after(moment)
        if operation is not None and operation.request is not None:
            self.usage.carried_out(operation, change, moment)
        return result

    def _put_basin(self, name: str, basin: BasinState | None, moment: Moment) -> None:
        basins = self._own_basins()
        if basin is not None:
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
            self._forget_due(checks)
        for incarnation, following in [*self.following.items()]:
            stream = gone.streams.get(following.stream)
            if stream is None or stream.incarnation != incarnation:
                continue
            # Who follows a stream gets to see its end.
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
        following = self.following.get(before.incarnation)
        if following and (span is not None or stream is None or stream.deleted_at is not None):
            following.note(span, change.written)
        if before.check_due is not None and (stream is None or stream.check_due is None):
            self._forget_due(1)

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

    def ordered_basins(self) -> PersistentMap[BasinState]:
        """The basins, ready to be listed; in turn only."""
        basins = self.state.basins
        return basins if basins.is_in_order else self._own_basins()

    def ordered_streams(self, basin: str) -> PersistentMap[StreamState]:
        """A basin's streams, ready to be listed; in turn only. Raises `BasinNotFound`."""
        streams = self.state.basin(basin).streams
        return streams if streams.is_in_order else self._own_streams(basin)

    def _forget_due(self, count: int) -> None:
        """So many entries of the schedule mean nothing any more."""
        self.state = self.state._replace(schedule=without_stale(count, self.state))
