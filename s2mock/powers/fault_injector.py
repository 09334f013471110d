"""The stage: the one observer of a mock, which carries out its faults and holds.

It observes only while there is something to do, and costs nothing otherwise.
"""

import threading
from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from s2mock.powers.call import RequestCall
from s2mock.powers.delays import wait_until
from s2mock.powers.faults import Answer, Cut, Delay, Drain, Drop, Fail, Fault
from s2mock.powers.gate import Gate
from s2mock.powers.hold import Hold
from s2mock.powers.injection import Injection
from s2mock.powers.matching import Pattern
from s2mock.powers.outcomes import Dropped, InjectedError, Replaced
from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Call, Point, Waits
from s2mock.registry.rules.append import OpenAppendSession
from s2mock.registry.rules.read import Read
from s2mock.registry.values.codes import CODES
from s2mock.runtime.clock import nanoseconds
from s2mock.runtime.fork_locks import Rank, take_at_fork

if TYPE_CHECKING:
    from collections.abc import Iterable

    from s2mock.powers.exchange import Exchange

_DELAYED = (
    "the request is delayed by an injected Delay, and is made in the thread that would turn the "
    "clock or end the test: make it in another thread"
)


class Stage:
    """The faults and holds of one mock.

    `exchange_of` returns the exchange of a call that has met one of them.
    """

    def __init__(self, engine: Engine, exchange_of: "Callable[[RequestCall], Exchange]") -> None:
        self._engine = engine
        self.exchange_of = exchange_of
        # Not the account's: at the point `commit` that one is held.
        self._lock = threading.Lock()
        take_at_fork(self._lock, Rank.INNER)
        self._injections: tuple[Injection, ...] = ()
        self._holds: tuple[Hold, ...] = ()
        # Those that were released, and that nothing had reached.
        self._unreached: list[Hold] = []
        # Operations that are held before their effect, in the order in which they came.
        self._held: dict[RequestCall, None] = {}
        # Those whose operations may still be waiting.
        self._gates: set[Gate] = set()
        # What is to be said at the end of the test of injections and holds that are gone; the
        # latter only beside another failure.
        self._complaints: list[str] = []
        self._remarks: list[str] = []

    # What a test asks for.

    def inject(
        self,
        fault: Fault | Sequence[Fault | None],
        *,
        on: "str | Iterable[str]",
        basin: str = "*",
        stream: str = "*",
        skip: int = 0,
        times: int | None = 1,
        required: bool = True,
    ) -> Injection:
        """As `S2Mock.inject`."""
        pattern = Pattern(on, basin, stream)
        made = Injection(self, fault, pattern, skip=skip, times=times, required=required)
        with self._lock:
            self._injections = (*self._injections, made)
            self._observe()
            for call in self._held:
                # One that was given up may not have come as far as its hold.
                if not call.is_decided:
                    self._offer(made, call)
        return made

    def hold(
        self,
        *,
        on: "str | Iterable[str]",
        basin: str = "*",
        stream: str = "*",
        at: Point = "commit",
        skip: int = 0,
        times: int | None = 1,
        required: bool = True,
    ) -> Hold:
        """As `S2Mock.hold`."""
        pattern = Pattern(on, basin, stream)
        made = Hold(self, pattern, at, skip=skip, times=times, required=required)
        with self._lock:
            self._holds = (*self._holds, made)
            self._observe()
        return made

    @property
    def injections(self) -> tuple[Injection, ...]:
        """The faults that were injected and not removed."""
        return self._injections

    @property
    def holds(self) -> tuple[Hold, ...]:
        """The holds that were not released."""
        return self._holds

    # What ends it.

    def forget_injection(self, injection: Injection) -> None:
        """It acts no longer."""
        with self._lock:
            self._injections = tuple(one for one in self._injections if one is not injection)
            self._observe()

    def forget_hold(self, hold: Hold) -> None:
        """It holds nothing more."""
        with self._lock:
            self._holds = tuple(one for one in self._holds if one is not hold)
            if hold.complaint is not None:
                self._unreached.append(hold)
            self._observe()

    def end(self, *, has_failed: bool = False) -> None:
        """Remove all faults, and let whatever waits end without an answer and without effect.

        Where an exception is on its way, what was not used fails nobody.
        """
        (self._remarks if has_failed else self._complaints).extend(self._removed())
        for hold in self._holds:
            hold.end(drops=True)
        with self._lock:
            self._held.clear()
            gates, self._gates = self._gates, set()
        for gate in gates:
            gate.open(drops=True)

    def check(self, *, has_failed: bool = False) -> list[str]:
        """Remove all faults and the holds that nothing reached; what is to be said of them.

        That is which faults were not used up and which holds held nothing, since this was last
        asked.
        """
        complaints, remarks = self.take()
        return [*complaints, *remarks] if has_failed else complaints

    def take(self) -> tuple[list[str], list[str]]:
        """The same in two: what fails a test, and what is told beside another failure."""
        taken = ([*self._complaints, *self._removed()], self._remarks)
        self._complaints, self._remarks = [], []
        return taken

    def _removed(self) -> list[str]:
        """As `check`, for those that are there."""
        complaints = []
        for injection in self._injections:
            if (complaint := injection.complaint) is not None:
                complaints.append(complaint)
            injection.remove()
        for hold in (*self._unreached, *self._holds):
            if hold.complaint is None:
                continue
            if (complaint := hold.take_complaint()) is not None:
                complaints.append(complaint)
            if not hold.is_over:
                hold.release()
        self._unreached = []
        return complaints

    def note_refused(self, name: str | None) -> None:
        """A request was refused as it stood, and never became an operation."""
        if name is not None:
            for injection in self._injections:
                injection.came.note_refused(name)
            for hold in self._holds:
                hold.came.note_refused(name)

    # The observer.

    def at(self, point: Point, call: Call) -> Waits | None:
        """Return the waits of holds and faults at this point, or None."""
        assert isinstance(call, RequestCall), "only requests pass points"
        with self._lock:
            if point == "arrival":
                self._draw(call)
            holds = [hold for hold in self._holds if hold.take(point, call)]
            if holds and point != "answer":
                self._held[call] = None
            fault: Fault | None = call.fault
        if holds or fault is not None:
            # Somebody may ask for its exchange.
            call.needs_entry = True
        for hold in holds:
            hold.notify()
        acts = fault is not None and _acts_at(fault, call) == point
        if not holds and not acts:
            return None
        return self._stand(point, call, holds, fault, acts=acts)

    def _draw(self, call: RequestCall) -> None:
        for injection in self._injections:
            self._offer(injection, call)

    def _offer(self, injection: Injection, call: RequestCall) -> None:
        fault = injection.takes(call, is_free=call.fault is None)
        if fault is not None:
            call.fault = fault
            injection.notify()

    def _stand(
        self,
        point: Point,
        call: RequestCall,
        holds: list[Hold],
        fault: Fault | None,
        *,
        acts: bool,
    ) -> Waits:
        """Keep the operation for the holds; then let the fault act, or one injected since."""
        try:
            for hold in holds:
                yield from hold.pass_through()
        finally:
            with self._lock:
                self._held.pop(call, None)
        if call.fault is not fault:
            # Where it would have acted may be behind the operation.
            fault = call.fault
            acts = fault is not None and _acts_at(fault, call) in ("arrival", point)
        if not acts:
            return
        if isinstance(fault, Delay):
            yield from self._delay(fault.seconds)
        elif fault is not None:
            raise _outcome(fault)

    def _delay(self, seconds: float) -> Waits:
        if seconds == inf:
            gate = Gate(_DELAYED)
            with self._lock:
                self._gates.add(gate)
            try:
                yield from gate.pass_through()
            finally:
                with self._lock:
                    self._gates.discard(gate)
            return
        with self._engine.lock as moment:
            generation, until = (
                self._engine.sessions.generation,
                moment.monotonic + nanoseconds(seconds),
            )
        yield from wait_until(self._engine, until, generation, _DELAYED)

    def _observe(self) -> None:
        """Stand at points while there is something to do; with the lock in hand."""
        others = tuple(one for one in self._engine.observers if one is not self)
        wanted = bool(self._injections or self._holds)
        self._engine.observers = (*others, self) if wanted else others


def _acts_at(fault: Fault, call: RequestCall) -> Point | None:
    """Where the fault decides what becomes of the operation; None where it shapes its answer."""
    operation = call.operation
    is_session = call.is_batch or isinstance(operation, OpenAppendSession)
    is_read_session = isinstance(operation, Read) and operation.is_session
    if isinstance(fault, Cut) or (isinstance(fault, Drain) and (is_session or is_read_session)):
        return None
    if isinstance(fault, Fail) and fault.records is not None:
        return None if is_read_session else "answer"
    return "answer" if getattr(fault, "committed", False) else "arrival"


def _outcome(fault: Fault) -> Exception:
    """What becomes of an operation that meets this."""
    if isinstance(fault, Drop):
        return Dropped(refused=fault.refused, connection=fault.connection)
    if isinstance(fault, Answer):
        headers: Any = fault.headers
        return Replaced(fault.status, list(headers), fault.body)
    return error_of(fault)


def error_of(fault: Fault) -> InjectedError:
    """The error that a fault answers with."""
    if isinstance(fault, Fail):
        code = CODES[fault.code]
        message = code.message if fault.message is None else fault.message
        return InjectedError(fault.code, code.status, message, retry_after=fault.retry_after)
    assert isinstance(fault, Drain), f"{fault!r} answers with no error"
    code = CODES["server_draining"]
    return InjectedError("server_draining", code.status, code.message, retires=True)
