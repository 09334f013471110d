"""The engine: one operation at a time, with one look at the clock and one commit for each.

First an operation decides, which changes nothing. Then `commit` carries out what it decided, the
one place where an account's state changes. On its way the operation passes three points without a
lock: `arrival`, `commit` and `answer`. Observers may stand there and keep it waiting, and nobody
else.
"""

import random
from collections.abc import Generator
from itertools import count
from typing import Any, ClassVar, Final, Literal, Protocol

from s2mock.conversation import Wait
from s2mock.registry import delete_on_empty, fallen_due
from s2mock.registry.checks import check_delay
from s2mock.registry.clock import Clock, ManualClock, Moment, SystemClock, Timekeeper, check_clock
from s2mock.registry.due import FinishDeletion, Schedule
from s2mock.registry.following import Following, Pause
from s2mock.registry.log import LogState
from s2mock.registry.ordered import Names
from s2mock.registry.permission import Caller, bearer_of, check_end, permit
from s2mock.registry.profile import REAL, Profile
from s2mock.registry.state import (
    LOCATIONS,
    AccountState,
    BasinState,
    Change,
    Effect,
    Location,
    StreamState,
    new_incarnation,
)
from s2mock.registry.tokens import OWN_SECRET, AccessToken, fresh_tokens
from s2mock.registry.turn import Turn
from s2mock.registry.usage import Usage
from s2mock.registry.waiting import Bell

# One number for each time that all sessions of an account end.
_eras: Final = count(1)

Point = Literal["arrival", "commit", "answer"]
Auth = Literal["open", "required"]
Waits = Generator[Wait, None, None]


class Operation:
    """What somebody asks of the account; `name` is S2's own (reference: account_services §1.2).

    `basin` and `stream` are the names that it is about, or None. `caller` is whoever asks for it,
    with what that needs; None may do everything. `request` is for whoever made it. `effect` is what
    it has changed, once it has, and `at` the moment of that, in nanoseconds since the epoch.
    `fault` is for whoever stands at points: what is to go wrong with it; `note` is for whoever
    takes notes. `is_batch` is whether it came in a session, and gets no answer of its own.
    """

    __slots__ = (
        "at",
        "basin",
        "caller",
        "effect",
        "error",
        "fault",
        "is_batch",
        "note",
        "request",
        "stream",
    )

    name: ClassVar[str]
    # Whether its result is a `Waiting`.
    waits: ClassVar[bool] = False
    # Of a read: whether it goes on.
    is_session: bool
    # Of a batch: the operations that it consists of, as S2 calls them.
    parts: "frozenset[str] | None" = None

    def __init__(self, basin: str | None = None, stream: str | None = None) -> None:
        # Plain text, whatever checked it: it is looked up often.
        self.basin: str | None = basin and str(basin)
        self.stream: str | None = stream and str(stream)
        self.caller: Caller | None = None
        self.request: Any = None
        self.effect: Effect | None = None
        self.error: BaseException | None = None
        self.at: int = 0
        self.fault: Any = None
        self.is_batch: bool = False
        self.note: Any = None

    def __repr__(self) -> str:
        return f"<{self.name} {self.basin or ''} {self.stream or ''}>"

    def check(self, moment: Moment) -> None:
        """What it says by itself, before it is asked who may have it. Raises `S2Error`.

        Only what is not checked when it is made; `decide` sees to it, too.
        """

    def decide(self, engine: "Engine", moment: Moment) -> Change:
        """What it would change and return, at this moment. Changes nothing. Raises `S2Error`."""
        raise NotImplementedError


class Waiting(Protocol):
    """The result of an operation that has been carried out, and may wait for its answer."""

    def answer(self) -> Generator[Wait, None, Any]:
        """The answer, when there is one. Raises `S2Error`."""

    def close(self) -> None:
        """There will be no answer."""


class Observer(Protocol):
    """Somebody who stands at points."""

    def at(self, point: Point, operation: Operation) -> Waits | None:
        """An operation has come to a point.

        None lets it go on. A generator is run: each wait that it yields keeps the operation
        waiting, and an exception that it raises becomes the operation's outcome. This is called
        with the account's lock held where the point is `commit`, so it returns at once and calls
        nothing of the account; the generator may.
        """


class Engine:
    """An account without the faces that a test looks at. Safe to use from many threads.

    `deletion_delay` is how long, in seconds, a deleted basin or stream stays pending: with 0 it
    is gone before the answer, with `float("inf")` it stays. `seed` is where all randomness (the
    time between heartbeats, the secrets of access tokens) comes from. `auth` is who is let in
    besides the bearers of its tokens: everybody, or nobody. `token` is the secret of the account's
    own access token. `revocation_delay` is how long, in seconds, a revoked one is still good.
    `locations` are where basins can be, the default first. Raises `TypeError`, `ValueError`.
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
        revocation_delay: float = 0.0,
        locations: tuple[Location, ...] = LOCATIONS,
    ) -> None:
        check_delay("deletion_delay", deletion_delay)
        check_delay("revocation_delay", revocation_delay)
        if auth not in ("open", "required"):
            raise ValueError(f'auth must be "open" or "required", not {auth!r}')
        self.is_open = auth == "open"
        self.own_secret = token
        self.locations = locations
        self.revocation_delay = revocation_delay
        self.seed = seed
        self.clock: Clock = SystemClock() if clock is None else check_clock(clock)
        self.deletion_delay = deletion_delay
        self.profile = profile
        self.random: random.Random = random.Random(seed)  # noqa: S311  # reproducible, not secret
        self.timekeeper: Timekeeper = Timekeeper(self.clock)
        self.observers: tuple[Observer, ...] = ()
        # Who writes: another one from each snapshot on, so that what it holds is not written to.
        self.owner: object = object()
        self.state: AccountState = self._empty(self.owner)
        # Read sessions that wait at the tail of a stream, by the stream's incarnation.
        self.following: dict[int, Following] = {}
        self.pauses: set[Pause] = set()
        # Rung when a read session begins to wait at a tail.
        self.followed: Bell = Bell()
        # Rung when what a stream holds may have changed.
        self.changed: Bell = Bell()
        # Sessions are of one era, and end with it.
        self.era: int = next(_eras)
        # What it began with, last: handles from before then stand for what is in there.
        self.origin: AccountState = self.state
        self.usage: Usage = Usage()
        self.first_incarnation: int = new_incarnation()
        self.turn: Turn = Turn(self._settled_moment)

    # Carrying out.

    def carry_out(self, operation: Operation) -> Any:
        """Decide and commit an operation, without points: for a test's direct calls.

        Raises `S2Error`.
        """
        turn = self.turn
        moment = turn.begin()
        try:
            operation.at = moment.now
            if operation.caller is not None:
                self._permit(operation, operation.caller, moment)
            return self.commit(operation.decide(self, moment), moment, operation)
        finally:
            turn.end()

    def perform(self, operation: Operation) -> Generator[Wait, None, Any]:
        """Carry an operation out, with its points. Raises `S2Error`, and what observers raise."""
        result = yield from self._begin(operation)
        if operation.waits:
            return (yield from self._waited(operation, result))
        if self.observers:
            yield from self._pass("answer", operation)
        return result

    def _waited(self, operation: Operation, waiting: "Waiting") -> Generator[Wait, None, Any]:
        """What comes of an operation that was carried out and waits, with its last point."""
        try:
            result = yield from waiting.answer()
        except Exception as error:
            operation.error = error
            yield from self._pass("answer", operation)
            raise
        try:
            yield from self._pass("answer", operation)
        except BaseException:
            # It follows the stream by now, for an answer that never begins.
            waiting.close()
            raise
        return result

    def _begin(self, operation: Operation) -> Generator[Wait, None, Any]:
        """Carry an operation out, with its points but the last."""
        if not self.observers:
            return self.carry_out(operation)
        try:
            yield from self._pass("arrival", operation)
            with self.turn as moment:
                operation.at = moment.now
                if operation.caller is not None:
                    self._permit(operation, operation.caller, moment)
                change = operation.decide(self, moment)
                standing = None if change.error else self._standing("commit", operation)
                if not standing:
                    return self.commit(change, moment, operation)
            for waits in standing:
                yield from waits
            # Another moment: what was decided then may not hold any more.
            return self.carry_out(operation)
        except Exception as error:
            operation.error = error
            yield from self._pass("answer", operation)
            raise

    def _standing(self, point: Point, operation: Operation) -> list[Waits]:
        found = [observer.at(point, operation) for observer in self.observers]
        return [waits for waits in found if waits is not None]

    def _pass(self, point: Point, operation: Operation) -> Waits:
        for waits in self._standing(point, operation):
            yield from waits

    # Who may.

    def authenticate(self, secret: str) -> AccessToken | None:
        """The token with that secret; None for somebody who may do everything. Raises `Authn`.

        It may have ended: that is looked at in the operation's own moment, or by `check_end` where
        there is no operation.
        """
        with self.turn.lock:
            return self._bearer_of(secret)

    def check_end(self, secret: str) -> None:
        """Check that the token with that secret lives. Raises `Authn`."""
        token = self.authenticate(secret)
        if token is not None and token.has_an_end:
            with self.turn as moment:
                check_end(token, moment)

    def token_of(self, caller: Caller | None) -> AccessToken | None:
        """The token of whoever asks, None for somebody who may do everything; in turn only."""
        return None if caller is None else self._bearer_of(caller.secret)

    def _bearer_of(self, secret: str) -> AccessToken | None:
        tokens = self.state.tokens
        if tokens is None:
            return None
        key = OWN_SECRET if secret and secret == self.own_secret else secret
        return bearer_of(tokens, key, is_open=self.is_open)

    def _permit(self, operation: Operation, caller: Caller, moment: Moment) -> None:
        token = self._bearer_of(caller.secret)
        if token is not None:
            check_end(token, moment)
            operation.check(moment)
            permit(token, caller.needs, operation)

    # Changing.

    def commit(self, change: Change, moment: Moment, operation: Operation | None = None) -> Any:
        """Carry out what was decided: the one place where the state changes; in turn only."""
        assert self.turn.is_mine, "committed out of turn"
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
            self.state = change.account(self.state, self.owner)
        if operation is not None:
            operation.effect = change.effect
        if self.changed.is_heard:
            self.changed.ring()
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
            following.note(log.with_written(self.owner, written)[1], written)

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
            log, span = log.with_written(self.owner, change.written)
            stream = stream and stream.written(log, moment.time)
        if stream is None:
            del streams[name]
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

    def _own_basins(self) -> Names[BasinState]:
        basins = self.state.basins
        if basins.owner is not self.owner:
            basins = basins.copy(self.owner)
            self.state = self.state._replace(basins=basins)
        return basins

    def _own_streams(self, basin: str) -> Names[StreamState]:
        state = self.state.basin(basin)
        if state.streams.owner is not self.owner:
            state = state._replace(streams=state.streams.copy(self.owner))
            self._own_basins()[basin] = state
        return state.streams

    def ordered_basins(self) -> Names[BasinState]:
        """The basins, ready to be listed; in turn only."""
        basins = self.state.basins
        return basins if basins.is_in_order else self._own_basins()

    def ordered_streams(self, basin: str) -> Names[StreamState]:
        """A basin's streams, ready to be listed; in turn only. Raises `BasinNotFound`."""
        streams = self.state.basin(basin).streams
        return streams if streams.is_in_order else self._own_streams(basin)

    # What falls due.

    def _settled_moment(self) -> Moment:
        moment = self.timekeeper.moment()
        if self.state.schedule.size:
            self.settle(moment)
        return moment

    def settle(self, moment: Moment) -> None:
        """Carry out what has fallen due, the earliest first; in turn only."""
        while (time := self.state.schedule.next_time) is not None and time <= moment.time:
            _, due, schedule = self.state.schedule.pop()
            self.state = self.state._replace(schedule=schedule)
            # At the time when it fell due, which may be a while ago.
            then = Moment(moment.now - (moment.time - time), time, moment.elapsed)
            if isinstance(due, FinishDeletion):
                change = self._finished_deletion(due)
            else:
                change = delete_on_empty.look(
                    self.state, due, then, self.deletion_delay, self.owner
                )
            self.commit(change, then)

    def _finished_deletion(self, due: FinishDeletion) -> Change:
        return fallen_due.finished_deletion(self.state, due)

    def _forget_due(self, count: int) -> None:
        """So many entries of the schedule mean nothing any more."""
        self.state = self.state._replace(schedule=fallen_due.without(count, self.state))

    # Waiting.

    def pause(self, until: int) -> Pause:
        """A wait until `until` (of `Moment.elapsed`), or until somebody wakes it; in turn only."""
        pause = Pause(self.timekeeper, until, self.pauses.discard)
        self.pauses.add(pause)
        return pause

    def end_sessions(self) -> None:
        """End all sessions; each sees it with its next step."""
        with self.turn.lock:
            pauses = self._end_era()
        for pause in pauses:
            pause.wake()

    def _end_era(self) -> list[Pause]:
        self.era = next(_eras)
        self.following = {}
        return [*self.pauses]

    # Values of it.

    def take_state(self) -> tuple[AccountState, Moment]:
        """The state as a value that stays as it is, and when it is taken."""
        with self.turn as moment:
            self.owner = object()
            return self.state, moment

    def put_state(self, state: AccountState, taken: Moment) -> None:
        """Go on from such a value; what is due moves by the time since it was taken."""
        with self.turn.lock:
            if isinstance(self.clock, ManualClock):
                self.clock.begin_at(taken.now)
            self.timekeeper.shift = self.clock.now() - taken.time
            pauses = self._begin_with(state)
        for pause in pauses:
            pause.wake()

    def clear(self) -> None:
        """Go on with nothing in it."""
        with self.turn.lock:
            pauses = self._begin_with(self._empty(object()))
        for pause in pauses:
            pause.wake()

    def _empty(self, owner: object) -> AccountState:
        tokens = None if self.is_open else fresh_tokens(owner)
        return AccountState(Names(owner), Schedule(), tokens)

    def _begin_with(self, state: AccountState) -> list[Pause]:
        self.owner = object()
        if state.tokens is not None:
            # It is no part of a snapshot.
            state = state._replace(tokens=state.tokens.with_own(self.owner))
        elif not self.is_open:
            state = state._replace(tokens=fresh_tokens(self.owner))
        self.state = self.origin = state
        self.usage = Usage()
        self.first_incarnation = new_incarnation()
        self.changed.ring()
        return self._end_era()
