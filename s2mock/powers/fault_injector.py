"""The fault injector: the observer that applies the faults and the holds of one mock.

It observes operations only while the mock has faults or holds, and costs nothing otherwise.
"""

import threading
from math import inf
from typing import TYPE_CHECKING, cast

from s2mock.powers.delays import wait_until
from s2mock.powers.faults import Delay, Fault
from s2mock.powers.hold import Gate, Hold, HoldArguments
from s2mock.powers.injection import InjectArguments, Injection
from s2mock.powers.outcomes import outcome_of, point_of
from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Call, Point, Waits
from s2mock.runtime.clock import nanoseconds
from s2mock.runtime.fork_locks import Rank, take_at_fork

if TYPE_CHECKING:
    from collections.abc import Callable

    from s2mock.powers.call import TrackedCall
    from s2mock.powers.exchange import Exchange

_ADVICE = (
    "the request is delayed by an injected Delay, and is made in the thread that would advance "
    "the clock or end the test: make it in another thread"
)


class FaultInjector:
    """The faults and holds of one mock, and the observer that applies them.

    `exchange_of` returns the exchange of a call that was affected.
    """

    def __init__(self, engine: Engine, exchange_of: "Callable[[TrackedCall], Exchange]") -> None:
        self._engine = engine
        self._exchange_of = exchange_of
        # Not the account's lock, which is held at the point `commit`.
        self._lock = threading.Lock()
        take_at_fork(self._lock, Rank.INNER)
        self._injections: tuple[Injection, ...] = ()
        self._holds: tuple[Hold, ...] = ()
        # Holds that were released, and held nothing.
        self._unused: list[Hold] = []
        # Calls that are held before their effect, in their order of arrival.
        self._held: dict[TrackedCall, None] = {}
        # The gates of operations with an infinite delay.
        self._gates: set[Gate] = set()
        # Messages on injections and holds that were removed, for the end of the test: the remarks
        # are reported only if the test fails by itself.
        self._complaints: list[str] = []
        self._remarks: list[str] = []

    def inject(self, arguments: InjectArguments) -> Injection:
        """Inject a fault, or a list of faults, as `S2Mock.inject` does."""
        made = Injection(arguments, exchange_of=self._exchange_of, on_end=self._forget_injection)
        with self._lock:
            self._injections = (*self._injections, made)
            self._observe()
            for call in self._held:
                # A client that left may have ended one before its wait began.
                if not call.is_decided:
                    self._offer(made, call)
        return made

    def hold(self, arguments: HoldArguments) -> Hold:
        """Hold operations at a point, as `S2Mock.hold` does."""
        made = Hold(arguments, exchange_of=self._exchange_of, on_end=self._forget_hold)
        with self._lock:
            self._holds = (*self._holds, made)
            self._observe()
        return made

    @property
    def injections(self) -> tuple[Injection, ...]:
        """The injections that were not removed."""
        return self._injections

    @property
    def holds(self) -> tuple[Hold, ...]:
        """The holds that were not released."""
        return self._holds

    def _forget_injection(self, injection: Injection) -> None:
        with self._lock:
            self._injections = tuple(one for one in self._injections if one is not injection)
            self._observe()

    def _forget_hold(self, hold: Hold) -> None:
        with self._lock:
            self._holds = tuple(one for one in self._holds if one is not hold)
            if hold.complaint is not None:
                self._unused.append(hold)
            self._observe()

    def end(self, *, has_failed: bool = False) -> None:
        """Remove all faults and holds, and drop the operations that wait for them.

        With `has_failed` (an exception ends the block of the mock), unused ones fail no test.
        """
        (self._remarks if has_failed else self._complaints).extend(self._remove_unused())
        for hold in self._holds:
            hold.end(drops=True)
        with self._lock:
            self._held.clear()
            gates, self._gates = self._gates, set()
        for gate in gates:
            gate.open(drops=True)

    def check(self, *, has_failed: bool = False) -> list[str]:
        """Remove all faults and all holds that held nothing; return messages on unused ones.

        Each message is returned once. With `has_failed`, remarks are among them.
        """
        complaints, remarks = self.take_messages()
        return [*complaints, *remarks] if has_failed else complaints

    def take_messages(self) -> tuple[list[str], list[str]]:
        """Do as `check`; return messages that fail the test, and remarks beside another failure."""
        taken = ([*self._complaints, *self._remove_unused()], self._remarks)
        self._complaints, self._remarks = [], []
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
            holds = [hold for hold in self._holds if hold.claim(point, tracked)]
            if holds and point != "answer":
                self._held[tracked] = None
            fault: Fault | None = tracked.fault
        if holds or fault is not None:
            # The test may ask for its exchange, so the recorder must make an entry.
            tracked.needs_entry = True
        for hold in holds:
            hold.notify()
        acts = fault is not None and point_of(fault, tracked) == point
        if not holds and not acts:
            return None
        return self._affect(point, tracked, holds, fault, acts=acts)

    def _offer(self, injection: Injection, call: "TrackedCall") -> None:
        fault = injection.draw(call, is_free=call.fault is None)
        if fault is not None:
            call.fault = fault
            injection.notify()

    def _affect(
        self,
        point: Point,
        call: "TrackedCall",
        holds: list[Hold],
        fault: Fault | None,
        *,
        acts: bool,
    ) -> Waits:
        """Wait for the holds; then apply the fault, or one that was injected during the wait."""
        try:
            for hold in holds:
                yield from hold.pass_through()
        finally:
            with self._lock:
                self._held.pop(call, None)
        if call.fault is not fault:
            # The call may have passed the point of the new one.
            fault = call.fault
            acts = fault is not None and point_of(fault, call) in ("arrival", point)
        if not acts:
            return
        if isinstance(fault, Delay):
            yield from self._delay(fault.seconds)
        elif fault is not None:
            raise outcome_of(fault)

    def _delay(self, seconds: float) -> Waits:
        if seconds == inf:
            gate = Gate(_ADVICE)
            with self._lock:
                self._gates.add(gate)
            try:
                yield from gate.pass_through()
            finally:
                with self._lock:
                    self._gates.discard(gate)
            return
        with self._engine.lock as moment:
            generation = self._engine.sessions.generation
            until = moment.monotonic + nanoseconds(seconds)
        yield from wait_until(self._engine, until, generation, _ADVICE)

    def _observe(self) -> None:
        """Observe the engine while there are faults or holds. With the lock held."""
        others = tuple(one for one in self._engine.observers if one is not self)
        is_needed = bool(self._injections or self._holds)
        self._engine.observers = (*others, self) if is_needed else others
