"""The engine: one operation at a time, with one look at the clock and one commit for each.

First an operation decides, which changes nothing. Then `commit` carries out what it decided, the
one place where an account's state changes. On its way the operation passes three points without a
lock: `arrival`, `commit` and `answer`. Observers may stand there and keep it waiting, and nobody
else.
"""

import random
from collections.abc import Generator
from itertools import count
from typing import Any, Final, Literal

from s2mock.registry.engine.account_lock import AccountLock
from s2mock.registry.engine.authorization import Admitting
from s2mock.registry.engine.followers import Waiter
from s2mock.registry.operation import Observer, Operation, Point, Waiting, Waits
from s2mock.registry.rules import deletion
from s2mock.registry.state import LOCATIONS, AccountState, Change, Location, new_incarnation
from s2mock.registry.usage.usage import Usage
from s2mock.registry.values.persistent_map import PersistentMap
from s2mock.registry.values.profile import REAL, Profile
from s2mock.registry.values.schedule import FinishDeletion, Schedule
from s2mock.registry.values.tokens import fresh_tokens
from s2mock.runtime.arguments import check_delay
from s2mock.runtime.clock import Clock, ManualClock, Moment, SystemClock, Timekeeper, check_clock
from s2mock.runtime.conversation import Wait
from s2mock.runtime.notifier import Notifier

# One number for each time that all sessions of an account end.
_generations: Final = count(1)

Auth = Literal["open", "required"]


class Engine(Admitting):
    """An account without the faces that a test looks at. Safe to use from many threads.

    `deletion_delay` is how long, in seconds, a deleted basin or stream stays pending: with 0 it
    is gone before the answer, with `float("inf")` it stays. `seed` is where all randomness (the
    time between heartbeats, the secrets of access tokens) comes from. `auth` is who is let in
    besides the bearers of its tokens: everybody, or nobody. `token` is the secret of the account's
    own access token; the secrets of those that it issues come from `seed` and `token`, and begin
    with `secret_prefix`. `revocation_delay` is how long, in seconds, a revoked one is still good.
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
        secret_prefix: str = "s2_",
        revocation_delay: float = 0.0,
        locations: tuple[Location, ...] = LOCATIONS,
    ) -> None:
        check_delay("deletion_delay", deletion_delay)
        check_delay("revocation_delay", revocation_delay)
        if auth not in ("open", "required"):
            raise ValueError(f'auth must be "open" or "required", not {auth!r}')
        self.is_open = auth == "open"
        self.own_secret = token
        self.secret_prefix = secret_prefix
        self.locations = locations
        self.revocation_delay = revocation_delay
        self.seed = seed
        self.clock: Clock = SystemClock() if clock is None else check_clock(clock)
        self.deletion_delay = deletion_delay
        self.profile = profile
        self.random: random.Random = random.Random(seed)  # noqa: S311  # reproducible, not secret
        self.timekeeper: Timekeeper = Timekeeper(self.clock)
        self.observers: tuple[Observer, ...] = ()
        write_owner = object()
        super().__init__(write_owner, self._empty(write_owner))
        self.waiters: set[Waiter] = set()
        # Rung when a read session begins to wait at a tail.
        self.followed: Notifier = Notifier()
        # Sessions are of one era, and end with it.
        self.generation: int = next(_generations)
        # What it began with, last: handles from before then stand for what is in there.
        self.origin: AccountState = self.state
        self.first_incarnation: int = new_incarnation()
        self.lock: AccountLock = AccountLock(self._settled_moment)

    # Carrying out.

    def carry_out(self, operation: Operation) -> Any:
        """Decide and commit an operation, without points: for a test's direct calls.

        Raises `S2Error`.
        """
        lock = self.lock
        moment = lock.acquire()
        try:
            operation.at = moment.now
            if operation.caller is not None:
                self._permit(operation, operation.caller, moment)
            return self.commit(operation.decide(self, moment), moment, operation)
        finally:
            lock.release()

    def perform(self, operation: Operation) -> Generator[Wait, None, Any]:
        """Carry an operation out, with its points. Raises `S2Error`, and what observers raise."""
        result = yield from self._begin(operation)
        operation.is_decided = True
        if operation.waits:
            return (yield from self._waited(operation, result))
        if self.observers:
            yield from self._pass("answer", operation)
        return result

    def _waited(self, operation: Operation, waiting: Waiting) -> Generator[Wait, None, Any]:
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
            with self.lock as moment:
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
        except GeneratorExit:
            operation.is_decided = True
            raise
        except Exception as error:
            operation.error = error
            operation.is_decided = True
            yield from self._pass("answer", operation)
            raise

    def _standing(self, point: Point, operation: Operation) -> list[Waits]:
        found = [observer.at(point, operation) for observer in self.observers]
        return [waits for waits in found if waits is not None]

    def _pass(self, point: Point, operation: Operation) -> Waits:
        for waits in self._standing(point, operation):
            yield from waits

    # What falls due.

    def _settled_moment(self) -> Moment:
        moment = self.timekeeper.moment()
        if self.state.schedule.size:
            self.settle(moment)
        return moment

    def settle(self, moment: Moment) -> None:
        """Carry out what has fallen due, the earliest first; in turn only."""
        while (time := self.state.schedule.next_time) is not None and time <= moment.account_time:
            _, due, schedule = self.state.schedule.pop()
            self.state = self.state._replace(schedule=schedule)
            # At the time when it fell due, which may be a while ago.
            then = Moment(moment.now - (moment.account_time - time), time, moment.monotonic)
            if isinstance(due, FinishDeletion):
                change = self._finished_deletion(due)
            else:
                change = deletion.look(self.state, due, then, self.deletion_delay, self.write_owner)
            self.commit(change, then)

    def _finished_deletion(self, due: FinishDeletion) -> Change:
        return deletion.finished_deletion(self.state, due)

    # Waiting.

    def wait_until(self, until: int) -> Waiter:
        """Return a waiter until `until` (of `Moment.monotonic`). Call it with the lock held."""
        waiter = Waiter(self.timekeeper, until, self.waiters.discard)
        self.waiters.add(waiter)
        return waiter

    def end_sessions(self) -> None:
        """End all sessions; each sees it with its next step."""
        with self.lock.mutex:
            waiters = self._end_era()
        for waiter in waiters:
            waiter.wake()

    def _end_era(self) -> list[Waiter]:
        self.generation = next(_generations)
        self.following = {}
        return [*self.waiters]

    # Values of it.

    def take_state(self) -> tuple[AccountState, Moment]:
        """The state as a value that stays as it is, and when it is taken."""
        with self.lock as moment:
            return self.share_state(), moment

    def share_state(self) -> AccountState:
        """The same, with the lock in hand: whoever writes next copies what it touches."""
        self.write_owner = object()
        return self.state

    def put_state(self, state: AccountState, taken: Moment) -> None:
        """Go on from such a value; what is due moves by the time since it was taken."""
        with self.lock.mutex:
            if isinstance(self.clock, ManualClock):
                self.clock.begin_at(taken.now)
            self.timekeeper.shift = self.clock.now() - taken.account_time
            waiters = self._begin_with(state)
        for waiter in waiters:
            waiter.wake()

    def clear(self) -> None:
        """Go on with nothing in it."""
        with self.lock.mutex:
            waiters = self._begin_with(self._empty(object()))
        for waiter in waiters:
            waiter.wake()

    def _empty(self, write_owner: object) -> AccountState:
        tokens = None if self.is_open else fresh_tokens(write_owner)
        return AccountState(PersistentMap(write_owner), Schedule(), tokens)

    def _begin_with(self, state: AccountState) -> list[Waiter]:
        self.write_owner = object()
        if state.tokens is not None:
            # It is no part of a snapshot.
            state = state._replace(tokens=state.tokens.with_own(self.write_owner))
        elif not self.is_open:
            state = state._replace(tokens=fresh_tokens(self.write_owner))
        self.state = self.origin = state
        self.usage = Usage()
        self.first_incarnation = new_incarnation()
        self.changed.notify()
        return self._end_era()
