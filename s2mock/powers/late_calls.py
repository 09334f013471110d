"""The calls that `Late` faults have taken: each is carried out at its time, or after reads.

Those that wait for a time are kept by the engine (`postponed_calls.py`), those that wait for reads
here.
"""

from typing import TYPE_CHECKING, Final

from s2mock.powers.entry import NOT_YET
from s2mock.powers.faults import Delay, Late, Slow
from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Dropped, Interrupted
from s2mock.registry.rules.read import CheckTail, Read
from s2mock.registry.values.errors import S2Error
from s2mock.runtime.clock import nanoseconds

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from s2mock.powers.call import TrackedCall

_APPLIED: Final = "applied late"
_NEVER: Final = "never applied: the test, or its account, ended first"


class _LateCall:
    """One call, and the number of reads that have to be answered before it is carried out."""

    def __init__(self, call: "TrackedCall", fault: Late, generation: int) -> None:
        self.call = call
        self.fault = fault
        self.generation = generation
        self.reads_left: int = fault.reads or 0

    @property
    def remark(self) -> str:
        """The line of the report for a call that was never carried out."""
        operation, fault = self.call.operation, self.fault
        place = " ".join(
            part for part in (operation.name, operation.basin, operation.stream) if part
        )
        why = "its time had not come"
        if fault.reads is not None:
            answered = fault.reads - self.reads_left
            why = f"{answered} of {fault.reads} reads or tail checks of its stream were answered"
        return f"an operation was never applied: {place}, by {fault!r}; {why}"


class LateCalls:
    """The calls of one mock that are carried out late, and were not yet.

    `lock` guards them, and is not held by a caller. `on_change` is called with each call that was
    carried out, was refused, or was dropped, when its `late` says so. It may be called with the
    account's lock held.
    """

    def __init__(
        self,
        engine: Engine,
        lock: "threading.Lock",
        on_change: "Callable[[TrackedCall], object]",
    ) -> None:
        self._engine = engine
        self._on_change = on_change
        # That of the fault injector, since each lock costs a new mock time.
        self._lock = lock
        # All that are not over, in their order of arrival.
        self._waiting: dict[TrackedCall, _LateCall] = {}
        self._remarks: list[str] = []
        self.counts_reads: bool = False
        """True while any of them waits for reads."""

    def add(self, fault: Late, call: "TrackedCall") -> None:
        """Carry out a call later, as the fault says."""
        call.late = NOT_YET
        late = _LateCall(call, fault, self._engine.sessions.generation)
        with self._lock:
            self._waiting[call] = late
            self._update()
        if fault.seconds is not None:
            self._carry_out_after(late, nanoseconds(fault.seconds))

    def is_counted(self, call: "TrackedCall") -> bool:
        """True if the call is a read or a tail check, and S2 has answered it in full.

        A read session is answered later, see `FaultMiddleware`.
        """
        if not isinstance(call.operation, Read | CheckTail):
            return False
        if call.fault is not None and not isinstance(call.fault, Delay | Slow):
            return False
        return not isinstance(call.error, Interrupted)

    def count_read(self, call: "TrackedCall") -> None:
        """Count a read of a stream that was answered, and carry out what has waited for it."""
        place = (call.operation.basin, call.operation.stream)
        due = []
        with self._lock:
            for late in self._waiting.values():
                operation = late.call.operation
                if late.reads_left and (operation.basin, operation.stream) == place:
                    late.reads_left -= 1
                    if not late.reads_left:
                        due.append(late)
            self._update()
        for late in due:
            self._carry_out_after(late, 0)

    def drop(self) -> list[str]:
        """Carry out none of them; return a remark on each that was dropped since the last call."""
        if not self._waiting and not self._remarks:
            # The end of each mock comes here.
            return []
        self._engine.drop_postponed()
        with self._lock:
            rest = [*self._waiting.values()]
        for late in rest:
            self._end(late, Dropped())
        with self._lock:
            remarks, self._remarks = self._remarks, []
        return remarks

    def _carry_out_after(self, late: _LateCall, nanoseconds: int) -> None:
        self._engine.postpone(
            late.call, nanoseconds, late.generation, lambda error: self._end(late, error)
        )

    def _end(self, late: _LateCall, error: Exception | None) -> None:
        call = late.call
        with self._lock:
            if self._waiting.pop(call, None) is None:
                return
            self._update()
            if isinstance(error, Dropped):
                self._remarks.append(late.remark)
        if error is None:
            call.late = _APPLIED
        elif isinstance(error, Dropped):
            call.late = _NEVER
        else:
            assert isinstance(error, S2Error), "S2 refuses with its errors"
            # A failed condition is answered without a code, with what there is.
            code = error.code or next(iter(error.body()))
            call.late = f"never applied: S2 refused it when it was due ({code}: {error.message})"
        self._on_change(call)

    def _update(self) -> None:
        self.counts_reads = any(late.reads_left for late in self._waiting.values())
