"""The fault injector: the observer that applies the faults and the holds of one mock.

It observes operations only while the mock has faults, holds or hooks, and costs nothing otherwise.
"""

import threading
from functools import partial
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary, WeakSet

from s2mock.powers.delays import wait_until
from s2mock.powers.faults import Delay, Fault, Late
from s2mock.powers.hold import Gate, Hold, HoldArguments
from s2mock.powers.hook import Function, Hook, HookCalls, HookFunction
from s2mock.powers.injection import InjectArguments, Injection
from s2mock.powers.late_calls import LateCalls
from s2mock.powers.outcomes import outcome_of, point_of
from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Call, Point, Waits
from s2mock.registry.rules.read import Read
from s2mock.runtime.clock import ManualClock, nanoseconds
from s2mock.runtime.conversation import DRAINED, MUTE, MutedConnection, Step
from s2mock.runtime.fork_locks import Rank, take_at_fork

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Generator

    from s2mock.powers.call import TrackedCall
    from s2mock.powers.exchange import Exchange

_ADVICE = (
    "the request is delayed by an injected Delay, and is made in the thread that would advance "
    "the clock or end the test: make it in another thread"
)


class FaultInjector:
    """The faults, holds and hooks of one mock, and the observer that applies them.

    `exchange_of` returns the exchange of a call that was affected. `record_late` is called with a
    call that a `Late` has taken, when it was carried out or never will be.
    """

    def __init__(
        self,
        engine: Engine,
        exchange_of: "Callable[[TrackedCall], Exchange]",
        record_late: "Callable[[TrackedCall], object]",
    ) -> None:
        self._engine = engine
        self._exchange_of = exchange_of
        # Not the account's lock, which is held at the point `commit`.
        self._lock = threading.Lock()
        take_at_fork(self._lock, Rank.INNER)
        self._record_late = record_late
        # Made for the first `Late`: most mocks meet none.
        self._late_calls: LateCalls | None = None
        self._injections: tuple[Injection, ...] = ()
        self._holds: tuple[Hold, ...] = ()
        self._hooks: tuple[Hold, ...] = ()
        self.hook_calls: HookCalls = HookCalls()
        # Numbers of the operations that are held.
        self._numbers = count(1)
        # Calls with a fault of a hook or a release, until they have passed their last point.
        self._decided: WeakSet[TrackedCall] = WeakSet()
        # Holds that were released, and held nothing.
        self._unused: list[Hold] = []
        # Calls that are held before their effect, in their order of arrival.
        self._held: dict[TrackedCall, None] = {}
        # The gates of operations with an infinite delay.
        self._gates: dict[Gate, None] = {}
        # The connections that a `Silence` has muted, as long as they exist.
        self._muted: WeakKeyDictionary[MutedConnection, None] = WeakKeyDictionary()
        # For the jitter of delays.
        self._random = engine.sessions.make_random()
        # Messages on injections and holds that were removed, for the end of the test: the remarks
        # are reported only if the test fails by itself.
        self._complaints: list[str] = []
        self._remarks: list[str] = []

    def inject(self, arguments: InjectArguments) -> Injection:
        """Inject a fault, or a list of faults, as `S2Mock.inject` does."""
        made = Injection(arguments, exchange_of=self._exchange_of, on_end=self._forget_injection)
        self._add_remark(made)
        with self._lock:
            self._injections = (*self._injections, made)
            self._observe()
            for call in self._held:
                # A client that left may have ended one before its wait began.
                if not call.is_decided:
                    self._offer(made, call)
        return made

    def hold(self, arguments: HoldArguments) -> Hold:
        """Hold operations at a point, as `S2Mock.hold` does. Raises `NotOnTarget`."""
        self._engine.check_point(arguments.at, "hold")
        return self._add(arguments, None)

    def hook(
        self,
        arguments: HoldArguments,
        do: Function,
        loop: "asyncio.AbstractEventLoop | None",
    ) -> Hook:
        """Call a function for operations at a point, as `S2Mock.on` does.

        Raises `TypeError`, `NotOnTarget`.
        """
        self._engine.check_point(arguments.at, "on")
        function = HookFunction(do, arguments.text, self.hook_calls, loop)

        def call(hold: Hold, held: "TrackedCall") -> None:
            function.call(partial(self._exchange_of, held), partial(hold.finish, held))

        return Hook(self._add(arguments, call), function, self.hook_calls)

    def _add(
        self, arguments: HoldArguments, on_held: "Callable[[Hold, TrackedCall], object] | None"
    ) -> Hold:
        made = Hold(
            arguments,
            exchange_of=self._exchange_of,
            lock=self._lock,
            numbers=self._numbers,
            on_end=self._forget_hold,
            decide=self._decide,
            on_held=on_held,
        )
        self._add_remark(made)
        with self._lock:
            if arguments.is_hook:
                self._hooks = (*self._hooks, made)
            else:
                self._holds = (*self._holds, made)
            self._observe()
        return made

    def _add_remark(self, made: Injection | Hold) -> None:
        """Have the messages of its waits say why a clock that advances by itself does not."""
        clock = self._engine.clock
        if isinstance(clock, ManualClock) and clock.is_automatic:
            made.set_remark(lambda: clock.remark)

    @property
    def is_awaited(self) -> bool:
        """True if a test waits for a hit of an injection, or for a held operation."""
        made: tuple[Injection | Hold, ...] = (*self._injections, *self._holds)
        return any(one.is_awaited for one in made)

    @property
    def injections(self) -> tuple[Injection, ...]:
        """The injections that were not removed."""
        return self._injections

    @property
    def holds(self) -> tuple[Hold, ...]:
        """The holds that were not released."""
        return self._holds

    @property
    def hooks(self) -> tuple[Hold, ...]:
        """The hooks that were not removed, each as the hold that calls its function."""
        return self._hooks

    def _forget_injection(self, injection: Injection) -> None:
        with self._lock:
            self._injections = tuple(one for one in self._injections if one is not injection)
            self._observe()

    def _forget_hold(self, hold: Hold) -> None:
        """Forget a hold or a hook that is over. With the lock held."""
        self._holds = tuple(one for one in self._holds if one is not hold)
        self._hooks = tuple(one for one in self._hooks if one is not hold)
        if hold.complaint is not None and hold not in self._unused:
            self._unused.append(hold)
        self._observe()

    def decide(self, call: "TrackedCall", fault: Fault) -> None:
        """Give a call that waits at its arrival a fault, in the place of an injected one."""
        with self._lock:
            self._decide(call, fault)

    def _decide(self, call: "TrackedCall", fault: Fault) -> None:
        """Give a call a fault, in the place of an injected one, which goes on waiting.

        With the lock held.
        """
        if call.give_back is not None and not call.is_fault_applied:
            call.give_back()
        call.give_back, call.fault, call.is_fault_applied = None, fault, False
        self._decided.add(call)
        self._observe()

    def _forget_decided(self, call: "TrackedCall") -> None:
        """Forget a call that has passed its last point. With the lock held."""
        if call in self._decided:
            self._decided.discard(call)
            self._observe()

    def end(self, *, has_failed: bool = False) -> None:
        """Remove all faults and holds, and drop the operations that wait for them.

        With `has_failed` (an exception ends the block of the mock), unused ones fail no test.
        """
        (self._remarks if has_failed else self._complaints).extend(self._remove_unused())
        self.drop_late()
        for hold in (*self._hooks, *self._holds):
            hold.end(drops=True)
        with self._lock:
            self._held.clear()
            gates, self._gates = self._gates, {}
        for gate in gates:
            gate.open(drops=True)

    def end_muted_connections(self) -> None:
        """Close the connections that a `Silence` has muted."""
        with self._lock:
            muted = [*self._muted]
            self._muted.clear()
        for connection in muted:
            connection.end()

    def drop_late(self) -> None:
        """Apply none of the operations that a `Late` has taken; keep a remark on each."""
        if self._late_calls is not None and (remarks := self._late_calls.drop()):
            self._remarks.extend(remarks)
            with self._lock:
                self._observe()

    def check(self, *, has_failed: bool = False) -> list[str]:
        """Remove all faults, hooks, and holds that held nothing; return messages on unused ones.

        Each message is returned once. With `has_failed`, remarks are among them.
        """
        complaints, remarks = self.take_messages()
        return [*complaints, *remarks] if has_failed else complaints

    def take_messages(self) -> tuple[list[str], list[str]]:
        """Do as `check`; return messages that fail the test, and remarks beside another failure."""
        failures = self.hook_calls.take_complaints()
        for hook in self._hooks:
            hook.release()
        complaints = [*self._complaints, *failures, *self._remove_unused()]
        self._complaints = []
        return complaints, self.take_remarks()

    def take_remarks(self) -> list[str]:
        """Apply none of the operations that a `Late` has taken; return all remarks, each once."""
        self.drop_late()
        taken, self._remarks = self._remarks, []
        return taken

    def _remove_unused(self) -> list[str]:
        complaints = []
        for injection in self._injections:
            if (complaint := injection.complaint) is not None:
                complaints.append(complaint)
            injection.remove()
        for hold in (*self._unused, *self._holds):
            if hold.complaint is None:
                continue
            if (complaint := hold.take_complaint()) is not None:
                complaints.append(complaint)
            if not hold.is_over:
                hold.release()
        self._unused = []
        return complaints

    def count_refused(self, name: str | None) -> None:
        """Count a request that was refused before it became an operation of that name."""
        if name is not None:
            waiting: tuple[Injection | Hold, ...] = (*self._injections, *self._holds)
            for one in waiting:
                one.match_stats.count_refused(name)

    # As an observer of the engine.

    def at(self, point: Point, call: Call) -> Waits | None:
        """Return the waits of a call at a point, which may raise an outcome; else None."""
        # Only requests pass points.
        tracked = cast("TrackedCall", call)
        with self._lock:
            if point == "arrival":
                for injection in self._injections:
                    self._offer(injection, tracked)
            hooks = [hook for hook in self._hooks if hook.claim(point, tracked)]
            # Holds come after the hooks, each of which may make or release some.
            holds = [] if hooks else self._claim_holds(point, tracked)
            is_held = bool(hooks or holds)
            if is_held and point != "answer":
                self._held[tracked] = None
            fault = tracked.fault
            if point == "answer" and not is_held:
                self._forget_decided(tracked)
        counts = point == "answer" and self.counts_reads
        if is_held or fault is not None:
            # The test may ask for its exchange, so the recorder must make an entry.
            tracked.needs_entry = True
        for hold in holds:
            hold.notify()
        if not is_held and not counts and not _is_due(point, tracked):
            return None
        return self._affect(point, tracked, hooks, holds)

    def _claim_holds(self, point: Point, call: "TrackedCall") -> list[Hold]:
        """Return the holds that hold a call at a point from now on. With the lock held."""
        return [hold for hold in self._holds if hold.claim(point, call) and hold.take(call)]

    def _offer(self, injection: Injection, call: "TrackedCall") -> None:
        fault = injection.draw(call, is_free=call.fault is None)
        if fault is not None:
            call.fault = fault
            injection.notify()

    def _affect(
        self,
        point: Point,
        call: "TrackedCall",
        hooks: list[Hold],
        holds: list[Hold],
    ) -> Waits:
        """Wait for the hooks and the holds; then apply the fault that the call has by then."""
        try:
            for hook in hooks:
                with self._lock:
                    is_held = hook.take(call)
                if is_held:
                    hook.notify()
                    yield from hook.pass_through(call)
            if hooks:
                with self._lock:
                    holds = self._claim_holds(point, call)
                for hold in holds:
                    hold.notify()
            for hold in holds:
                yield from hold.pass_through(call)
        finally:
            with self._lock:
                self._held.pop(call, None)
        with self._lock:
            if point == "answer":
                self._forget_decided(call)
            fault = call.fault if _is_due(point, call) else None
            call.is_fault_applied |= fault is not None
        if isinstance(fault, Delay):
            yield from self.delay(fault.seconds, jitter=fault.jitter)
        elif fault is not None:
            if isinstance(fault, Late):
                self._apply_later(fault, call)
            raise outcome_of(fault)
        if point == "answer" and self.counts_reads:
            operation = call.operation
            # A session is counted by its pieces.
            is_session = isinstance(operation, Read) and operation.is_session
            if not is_session or call.error is not None:
                self.count_read(call)

    def _apply_later(self, fault: Late, call: "TrackedCall") -> None:
        with self._lock:
            if self._late_calls is None:
                self._late_calls = LateCalls(self._engine, self._lock, self._record_late)
        self._late_calls.add(fault, call)
        with self._lock:
            # Reads are counted also once no fault is left.
            self._observe()

    @property
    def counts_reads(self) -> bool:
        """True while an operation that a `Late` has taken waits for reads."""
        return self._late_calls is not None and self._late_calls.counts_reads

    def count_read(self, call: "TrackedCall") -> None:
        """Count a call that was answered, if it is a read or a tail check that S2 has answered."""
        late_calls = self._late_calls
        if late_calls is not None and late_calls.is_counted(call):
            late_calls.count_read(call)
            with self._lock:
                self._observe()

    def mute_connection(self) -> "Generator[Step, Any, bool]":
        """Have nothing sent on a conversation's connection after what was sent before.

        Returns False by WSGI, where a call has no connection.
        """
        yield DRAINED
        connection: MutedConnection | None = yield MUTE
        if connection is None:
            return False
        with self._lock:
            self._muted[connection] = None
        return True

    def delay(self, seconds: float, *, jitter: float = 0) -> Waits:
        """Wait for a number of seconds of the account's clock; `inf` ends with the test.

        It takes up to `jitter` seconds longer, drawn from the mock's seed.

        Raises `Dropped` if the test ends, or the account begins anew.
        """
        if seconds == inf:
            gate = Gate(_ADVICE)
            gate.is_endless = True
            with self._lock:
                self._gates[gate] = None
            try:
                yield from gate.pass_through()
            finally:
                with self._lock:
                    self._gates.pop(gate, None)
            return
        with self._engine.lock as moment:
            generation = self._engine.sessions.generation
            # In whole nanoseconds: a number of seconds may be too large for a float.
            more = self._random.randrange(nanoseconds(jitter) + 1) if jitter else 0
            until = moment.monotonic + nanoseconds(seconds) + more
        yield from wait_until(self._engine, until, generation, _ADVICE)

    def _observe(self) -> None:
        """Observe the engine while there is something to apply. With the lock held."""
        others = tuple(one for one in self._engine.observers if one is not self)
        is_needed = (
            self._injections or self._holds or self._hooks or self._decided or self.counts_reads
        )
        self._engine.observers = (*others, self) if is_needed else others


def _is_due(point: Point, call: "TrackedCall") -> bool:
    """True if the fault of a call acts at this point; it may be given after its own point."""
    fault = call.fault
    if fault is None or call.is_fault_applied:
        return False
    return point_of(fault, call) in ("arrival", point)
