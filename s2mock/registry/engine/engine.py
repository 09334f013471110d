"""The engine: it carries out operations one at a time, each with one look at the clock.

First an operation decides, which changes nothing. Then the store commits the decision, the one
place where an account's state changes. On its way the operation passes three points without a lock:
`arrival`, `commit` and `answer`. At points, observers may keep it waiting; nothing else does.
"""

from collections.abc import Callable, Generator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from s2mock.registry.engine.account_lock import AccountLock
from s2mock.registry.engine.authorization import Authorization
from s2mock.registry.engine.postponed_calls import PostponedCall, PostponedCalls, WhenOver
from s2mock.registry.engine.read_session import ReadSession
from s2mock.registry.engine.sessions import Sessions
from s2mock.registry.engine.store import Store
from s2mock.registry.engine.unary_read import UnaryRead
from s2mock.registry.engine.waiter import Waiter
from s2mock.registry.operation import (
    Call,
    Context,
    Dropped,
    Observer,
    Operation,
    Point,
    Waiting,
    Waits,
)
from s2mock.registry.rules import deletion
from s2mock.registry.settings import Settings
from s2mock.registry.state import AccountState, Change, ReadStart
from s2mock.registry.values.errors import S2Error, StorageFailed
from s2mock.registry.values.schedule import Due, FinishDeletion
from s2mock.runtime.clock import Clock, ManualClock, Moment, SystemClock, Timekeeper, check_clock
from s2mock.runtime.conversation import Wait

if TYPE_CHECKING:
    from s2mock.registry.engine.change_log import ChangeLog

Auth = Literal["open", "required"]

_DEFAULTS: Final = Settings()


class Engine:
    """An account without handles. Many threads may use it. Raises `TypeError` for a wrong clock.

    Its parts: `lock` gives each operation its moment; `store` has the state and commits changes;
    `authorization` checks access tokens; `sessions` has the open sessions and what they wait for.
    """

    tails: Mapping[tuple[str | None, str | None], int] | None = None
    """How far each stream goes, where an upstream has it; None here, where the state tells."""

    def __init__(self, *, clock: Clock | None = None, settings: Settings = _DEFAULTS) -> None:
        self.settings = settings
        self.clock: Clock = SystemClock() if clock is None else check_clock(clock)
        self.timekeeper: Timekeeper = Timekeeper(self.clock)
        self.lock: AccountLock = AccountLock(self._settled_moment)
        self.sessions: Sessions = Sessions(self.timekeeper, settings.seed)
        self.store: Store = Store(self.lock, self.sessions, has_tokens=not settings.is_open)
        self.authorization: Authorization = Authorization(
            self.lock, self.store, is_open=settings.is_open, own_secret=settings.own_secret
        )
        self.observers: tuple[Observer, ...] = ()
        # Carries out a decision; for an account that is kept, once it is in the log of changes.
        self._carry_out_change: Callable[[Change, Moment], None] = self.store.commit
        self._change_log: ChangeLog | None = None
        # Made for the first one: most accounts have none.
        self._postponed: PostponedCalls | None = None

    def check_point(self, point: Point, member: str) -> None:
        """Check that calls pass that point, for a member of a mock that waits there."""

    @property
    def state(self) -> AccountState:
        """The state of the account as it is now."""
        return self.store.state

    @property
    def own_secret(self) -> str | None:
        """The secret of the account's own token."""
        return self.settings.own_secret

    # Carrying out.

    def carry_out(self, operation: Operation, call: Call | None = None) -> Any:
        """Decide and commit an operation, without points, and fill in its `call`.

        Without a call, as from a test, everything is permitted, and metrics leave the operation
        out. Raises `S2Error`.
        """
        lock = self.lock
        moment = lock.acquire()
        try:
            return self._commit(self._decide(operation, call, moment), operation, call, moment)
        finally:
            lock.release()

    def perform(self, call: Call) -> Generator[Wait, None, Any]:
        """Carry out a call, with its points. Raises `S2Error`, and what observers raise."""
        result = yield from self._begin(call)
        call.is_decided = True
        if call.operation.waits:
            return (yield from self._waited(call, result))
        if self.observers:
            yield from self._pass("answer", call)
        return result

    def _waited(self, call: Call, waiting: Waiting) -> Generator[Wait, None, Any]:
        """Wait for the answer of a call that was carried out, and pass its last point."""
        try:
            result = yield from waiting.answer()
        except Exception as error:
            call.error = error
            yield from self._pass("answer", call)
            raise
        try:
            yield from self._pass("answer", call)
        except BaseException:
            # It follows the stream by now, for an answer that never begins.
            waiting.close()
            raise
        return result

    def _begin(self, call: Call) -> Generator[Wait, None, Any]:
        """Carry out a call, with its points but the last."""
        operation = call.operation
        if not self.observers:
            return self.carry_out(operation, call)
        try:
            yield from self._pass("arrival", call)
            with self.lock as moment:
                change = self._decide(operation, call, moment)
                waits = None if change.error else self._waits_at("commit", call)
                if not waits:
                    return self._commit(change, operation, call, moment)
            for wait in waits:
                yield from wait
            # Decided anew, at another moment: the first decision may not hold any more.
            return self.carry_out(operation, call)
        except GeneratorExit:
            call.is_decided = True
            raise
        except Exception as error:
            yield from self._refuse(call, error)
            raise

    def _refuse(self, call: Call, error: Exception) -> Waits:
        """Have a call that was refused with that error pass its answer."""
        call.error = error
        call.is_decided = True
        yield from self._pass("answer", call)

    def _waits_at(self, point: Point, call: Call) -> list[Waits]:
        found = [observer.at(point, call) for observer in self.observers]
        return [waits for waits in found if waits is not None]

    def _pass(self, point: Point, call: Call) -> Waits:
        for waits in self._waits_at(point, call):
            yield from waits

    def _decide(self, operation: Operation, call: Call | None, moment: Moment) -> Change:
        store, caller, token = self.store, None, None
        if call is not None:
            call.at = moment.now
            caller = call.caller
            if caller is not None and store.state.tokens is not None:
                token = self.authorization.permit(operation, caller, moment)
        if operation.prepares is not None:
            store.prepare(operation)
        values = (
            store.state,
            self.settings,
            store.usage,
            caller,
            token,
            self.sessions.generation,
            store.next_incarnation,
            store.write_owner,
        )
        # `Context(...)` costs twice as much, for each operation.
        context = tuple.__new__(Context, values)
        return operation.decide(context, moment)

    def _commit(
        self, change: Change, operation: Operation, call: Call | None, moment: Moment
    ) -> Any:
        self._carry_out_change(change, moment)
        if call is not None:
            call.effect = change.effect
        if change.error is not None:
            raise change.error
        result = change.result
        if change.read is not None:
            result = self._read(change.read, is_counted=call is not None).begin(moment)
        if call is not None:
            self.store.usage.record(
                operation.name, operation.basin, change, call.connection, moment
            )
        return result

    def _read(self, start: ReadStart, *, is_counted: bool) -> ReadSession:
        kind = ReadSession if start.is_session else UnaryRead
        return kind(self.lock, self.store, self.sessions, start, is_counted=is_counted)

    # Scheduled actions, and calls that are carried out later.

    def postpone(self, call: Call, nanoseconds: int, generation: int, when_over: WhenOver) -> None:
        """Carry out a call, without points, once that time has passed on the account's clock.

        It is decided then. It is dropped by `drop_postponed`, and if that `generation` of sessions
        ends first.
        """
        with self.lock as moment:
            if generation != self.sessions.generation:
                when_over(Dropped())
                return
            if self._postponed is None:
                self._postponed = PostponedCalls(self.lock, self.sessions)
            self.lock.look = partial(self._moment_after_postponed, self._postponed)
            self._postponed.add(moment.monotonic + nanoseconds, call, when_over)
        # It may be due by now.
        with self.lock:
            pass

    def drop_postponed(self) -> None:
        """Carry out none of the calls that wait for their time."""
        with self.lock.mutex:
            if self._postponed is not None:
                self._postponed.drop()

    def _settled_moment(self) -> Moment:
        moment = self.timekeeper.moment()
        if self.store.state.schedule.size:
            self._settle(moment)
        return moment

    def _settle(self, moment: Moment) -> None:
        """Carry out all actions that are due, the earliest first."""
        store, now = self.store, moment.account_time
        while (time := store.state.schedule.next_time) is not None and time <= now:
            if not self._settle_next(moment):
                break

    def _settle_next(self, moment: Moment) -> bool:
        """Carry out the first action of the schedule; return False if it cannot be kept now."""
        store = self.store
        before = store.state
        time, action, schedule = before.schedule.pop()
        store.state = before._replace(schedule=schedule)
        # At the time when it was due, which may be a while ago.
        then = _before(moment, moment.account_time - time)
        try:
            self._carry_out_change(self._decide_due(action, then), then)
        except StorageFailed:
            # It stays due, and nothing else has to fail for that.
            store.state = before
            return False
        return True

    def _moment_after_postponed(self, postponed: PostponedCalls) -> Moment:
        """Do as `_settled_moment`, and carry out the postponed calls that are due among these."""
        moment = self.timekeeper.moment()
        while True:
            due, time = postponed.next_due, self.store.state.schedule.next_time
            # How long ago each was due: the two are times of different origins.
            call_age = -1 if due is None else moment.monotonic - due
            action_age = -1 if time is None else moment.account_time - time
            if call_age < 0 and action_age < 0:
                break
            if action_age >= call_age:
                if not self._settle_next(moment):
                    break
            else:
                # The dates of a machine may be set back, and no change is dated before an earlier.
                is_system = isinstance(self.clock, SystemClock)
                then = moment if is_system else _before(moment, call_age)
                self._settle_call(postponed.pop(), then)
        if not len(postponed):
            self.lock.look = self._settled_moment
        return moment

    def _settle_call(self, postponed: PostponedCall, then: Moment) -> None:
        _, _, call, when_over = postponed
        error = None
        try:
            self._commit(self._decide(call.operation, call, then), call.operation, call, then)
        except S2Error as refused:
            error = refused
        when_over(error)

    def _decide_due(self, action: Due, moment: Moment) -> Change:
        state, delay = self.store.state, self.settings.deletion_delay
        if isinstance(action, FinishDeletion):
            return deletion.finished_deletion(state, action)
        return deletion.look(state, action, moment, delay, self.store.write_owner)

    # The account as a whole.

    def take_state(self) -> tuple[AccountState, Moment]:
        """Return the state as a value that never changes, and the moment of that."""
        with self.lock as moment:
            return self.store.share(), moment

    def put_state(self, state: AccountState, taken: Moment) -> None:
        """Continue with such a value; its schedule moves by the time since `taken`.

        Raises `StorageFailed`.
        """
        with self.lock.mutex:
            if isinstance(self.clock, ManualClock):
                self.clock.begin_at(taken.now)
            self._begin_with(state, self.clock.now() - taken.account_time)
            waiters = self._end_generation()
        _wake(waiters)

    def clear(self) -> None:
        """Continue with an empty account. Raises `StorageFailed`."""
        with self.lock.mutex:
            self._begin_with(None, self.timekeeper.shift)
            waiters = self._end_generation()
        _wake(waiters)

    def _begin_with(self, state: AccountState | None, shift: int) -> None:
        self.store.share()
        state = self.store.initial(state)
        if self._change_log is not None:
            self._change_log.begin_with(state, shift, self.clock.now())
        self.timekeeper.shift = shift
        self.store.begin_with(state)

    def keep_changes(self, change_log: "ChangeLog") -> None:
        """Write each change to a log before it takes effect, from now on.

        An operation whose change cannot be written raises `StorageFailed`.
        """
        store = self.store

        def carry_out(change: Change, moment: Moment) -> None:
            change_log.write(change, store.state, moment)
            store.commit(change, moment)

        with self.lock.mutex:
            self._change_log = change_log
            self._carry_out_change = carry_out

    def continue_with(self, state: AccountState, shift: int, now: int) -> None:
        """Continue as an earlier process has ended, with the state and the shift of its clock.

        A manual clock that has not begun continues from `now`. Before any operation.
        """
        with self.lock.mutex:
            if isinstance(self.clock, ManualClock):
                self.clock.begin_at(now)
            self.timekeeper.shift = shift
            if state.tokens is None:
                state = self.store.initial(state)
            self.store.begin_with(state)

    def end_sessions(self) -> None:
        """End all sessions; each of them sees that with its next step."""
        with self.lock.mutex:
            waiters = self._end_generation()
        _wake(waiters)

    def _end_generation(self) -> list[Waiter]:
        if self._postponed is not None:
            self._postponed.drop()
        return self.sessions.end()


def _before(moment: Moment, age: int) -> Moment:
    """Return the moment that many nanoseconds earlier."""
    return Moment(moment.now - age, moment.account_time - age, moment.monotonic - age)


def _wake(waiters: list[Waiter]) -> None:
    for waiter in waiters:
        waiter.wake()
