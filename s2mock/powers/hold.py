"""Holds, which keep operations waiting at a point, and the gates at which they wait."""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

from s2mock.powers.affected_calls import AffectedCalls
from s2mock.powers.matching import MatchStats, Selector
from s2mock.powers.outcomes import check_decided
from s2mock.registry.operation import Dropped, Point, Waits
from s2mock.runtime.arguments import check_choice, check_flag
from s2mock.runtime.conversation import Wait
from s2mock.runtime.fork_locks import Rank, take_at_fork

if TYPE_CHECKING:
    from s2mock.powers.call import TrackedCall
    from s2mock.powers.exchange import Exchange
    from s2mock.powers.faults import Fault
    from s2mock.runtime.notifier import Pending

POINTS: Final = get_args(Point)

_ADVICE: Final = (
    "the request is held by s2_mock.hold(), and is made in the thread that would release it: make "
    "it in another thread, or release the hold first"
)


class Gate:
    """A wait without a timeout: it ends when the gate is opened.

    `advice` is for a call that waits in the only thread that could open it, None if another thread
    opens it. `lock` may be shared by many gates; by default each has one of its own.
    """

    timeout: Final = None

    def __init__(self, advice: str | None, lock: "Lock | None" = None) -> None:
        self.advice = advice
        if lock is None:
            lock = threading.Lock()
            take_at_fork(lock, Rank.INNER)
        self._lock = lock
        self.is_endless: bool = False
        """True if only the end of the test opens it."""
        self._wakes: list[Callable[[], None]] = []
        self._is_open = False
        self._drops = False

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` when the gate is opened, or now if it is open."""
        with self._lock:
            self._wakes.append(wake)
            is_open = self._is_open
        if is_open:
            wake()

    def open(self, *, drops: bool = False) -> None:
        """Let all waiting operations continue, or with `drops`, drop them. Only once."""
        with self._lock:
            if self._is_open:
                return
            self._is_open, self._drops = True, drops
            wakes, self._wakes = self._wakes, []
        for wake in wakes:
            wake()

    def pass_through(self) -> Generator[Wait, None, None]:
        """Wait until the gate is open. Raises `Dropped` if it was opened with `drops`."""
        while not self._is_open:
            yield self
        if self._drops:
            raise Dropped


class NotHeld(ValueError):
    """An operation that is to be released with a fault is not held, or not any more."""


class HoldArguments(NamedTuple):
    """The checked arguments of `S2Mock.hold`, or with `is_hook` of `S2Mock.on`, as one value.

    Operations pass hooks before holds, and one after the other.
    """

    selector: Selector
    at: Point
    is_hook: bool = False

    @classmethod
    def make(
        cls,
        *,
        on: str | Iterable[str],
        basin: str = "*",
        stream: str = "*",
        at: Point = "commit",
        skip: int = 0,
        times: int | None = 1,
        required: bool = True,
        hook: bool = False,
    ) -> "HoldArguments":
        """Return the arguments as one value. Raises `TypeError`, `ValueError`."""
        selector = Selector.make(on, basin, stream, skip=skip, times=times, required=required)
        check_choice("at", at, POINTS)
        check_flag("hook", hook)
        return cls(selector, at, hook)

    def to_json(self) -> dict[str, Any]:
        """Return all arguments as JSON, which `make` accepts."""
        return {**self.selector.to_json(), "at": self.at, "hook": self.is_hook}

    @property
    def text(self) -> str:
        """The call of `hold` or `on` with these arguments, without its limits."""
        text = f"{self.selector.pattern}, at={self.at!r}"
        return f"on({text.removeprefix('on=')})" if self.is_hook else f"hold({text})"


class Hold:
    """The state of a hold: matching operations wait at its point until it is released.

    It holds up to `times` operations; all others continue. A test has it by a handle,
    `s2mock.handles.faults.Hold`. A hook is a hold whose `on_held` is called with each call that it
    holds. `lock` is the injector's. `on_end` and `decide` are called with that lock held: when
    nothing more is held, and with a fault for a call that is released with one.
    """

    def __init__(
        self,
        arguments: HoldArguments,
        *,
        exchange_of: "Callable[[TrackedCall], Exchange]",
        lock: Lock,
        numbers: Iterator[int],
        on_end: "Callable[[Hold], object]",
        decide: "Callable[[TrackedCall, Fault], object]",
        on_held: "Callable[[Hold, TrackedCall], object] | None" = None,
    ) -> None:
        self.arguments = arguments
        self.match_stats: MatchStats = MatchStats(arguments.selector)
        self._lock = lock
        self._numbers = numbers
        self._on_end = on_end
        self._decide = decide
        self._on_held = on_held
        self._is_reported = False
        # The number of calls that were claimed, all that were held, and the gates of those that
        # wait now.
        self._claimed = 0
        self._held = AffectedCalls(exchange_of)
        self._gates: dict[TrackedCall, Gate] = {}
        # Those of the waiting calls that were released, and have not noticed it yet.
        self._released: set[TrackedCall] = set()
        self._is_over = False

    def __repr__(self) -> str:
        return f"<{self.text}: {len(self._held)} held>"

    @property
    def text(self) -> str:
        """The call that made the hold, without its limits."""
        return self.arguments.text

    @property
    def is_over(self) -> bool:
        """True if the hold was released: it holds nothing more."""
        return self._is_over

    @property
    def count(self) -> int:
        """The number of operations that were held."""
        return len(self._held)

    @property
    def is_awaited(self) -> bool:
        """True if a test waits for an operation to be affected."""
        return self._held.is_awaited

    def set_remark(self, remark: Callable[[], str]) -> None:
        """Put what `remark` returns behind the message of a wait that took too long."""
        self._held.set_remark(remark)

    @property
    def waiting(self) -> frozenset[int]:
        """The numbers (`Exchange.held`) of the operations that are held now."""
        with self._lock:
            calls = [call for call in self._gates if call not in self._released]
        return frozenset(call.held for call in calls if call.held is not None)

    @property
    def exchanges(self) -> "tuple[Exchange, ...]":
        """The operations that were held, in their order of arrival; some without a response yet."""
        return self._held.exchanges

    def pending(self, count: int, timeout: float) -> "Pending[tuple[Exchange, ...]]":
        """Return a wait until `count` operations are or were held; it returns their exchanges.

        That of a hook is over when the hook is. `timeout` is in seconds of real time; after it,
        `TimeoutError` lists what arrived instead.
        """
        return self._held.pending(
            count,
            timeout,
            lambda: (
                f"{len(self._held)} of {count} operations were held by {self.text} within "
                f"{timeout:g} s; {self.match_stats.describe('the hold')}"
            ),
            is_over=lambda: self._is_over and self.arguments.is_hook,
        )

    def release(self, number: int | None = None, fault: "Fault | None" = None) -> None:
        """Let all held operations continue, and hold nothing more; or only one continue.

        `number` is `Exchange.held` of that one. The fault is applied to each of them. A required
        hold that held nothing fails the test all the same. Raises `ValueError` for a fault that has
        no meaning there, and `NotHeld` for one that nothing would meet, and for a wrong number.
        """
        at = self.arguments.at
        with self._lock:
            calls = self._waiting(number, has_fault=fault is not None)
            if fault is not None:
                for call in calls:
                    check_decided(fault, call, at)
                for call in calls:
                    self._decide(call, fault)
            gates = [self._gates[call] for call in calls]
            self._released.update(calls)
            if number is None:
                self._is_over = True
                self._on_end(self)
        for gate in gates:
            gate.open()
        self.notify()

    def _waiting(self, number: int | None, *, has_fault: bool) -> "list[TrackedCall]":
        """Return the calls that wait, or the one with that number. Raises `NotHeld`."""
        # A client that left may have ended one before its wait began.
        is_at_end = self.arguments.at == "answer"
        waiting = [
            call
            for call in self._gates
            if call not in self._released and (is_at_end or not call.is_decided)
        ]
        if number is None:
            if has_fault and not waiting:
                raise NotHeld(
                    f"{self.text} holds nothing now, so the fault would meet nothing: call wait() "
                    "before release(fault=...), or inject() the fault"
                )
            return waiting
        found = [call for call in waiting if call.held == number]
        if found or (not has_fault and any(call.held == number for call in self._held)):
            return found
        numbers = ", ".join(str(call.held) for call in waiting) or "none"
        raise NotHeld(
            f"{self.text} does not hold the operation {number} now (`held` of its exchange): it "
            f"holds {numbers}"
        )

    @property
    def complaint(self) -> str | None:
        """The message for a required hold that held nothing, else None."""
        if not self.arguments.selector.required or self._held:
            return None
        return f"a hold held nothing: {self.text}; {self.match_stats.describe_unused('the hold')}"

    def take_complaint(self) -> str | None:
        """Return the message of `complaint`, only once; then None."""
        complaint = None if self._is_reported else self.complaint
        self._is_reported = True
        return complaint

    def stop(self) -> None:
        """Hold nothing more; the operations that are held wait for a release of each."""
        with self._lock:
            self._is_over = True
            self._on_end(self)
        self.notify()

    # For the fault injector:

    def finish(self, call: "TrackedCall", fault: "Fault | None") -> None:
        """Release one call with that fault, if it is still held. Raises as `release`."""
        with suppress(NotHeld):
            self.release(call.held, fault)

    def end(self, *, drops: bool) -> None:
        """Release the hold; with `drops`, drop the held operations without a response or effect."""
        with self._lock:
            self._is_over = True
            self._on_end(self)
            gates = list(self._gates.values())
        for gate in gates:
            gate.open(drops=drops)
        self.notify()

    def claim(self, point: Point, call: "TrackedCall") -> bool:
        """Count the call and return True if it is to be held at this point.

        With the injector's lock held.
        """
        operation, selector = call.operation, self.arguments.selector
        if point == "arrival":
            self.match_stats.count(operation)
        if self._is_over or point != self.arguments.at or not self.match_stats.selects(operation):
            return False
        if selector.times is not None and self._claimed >= selector.times:
            return False
        self._claimed += 1
        return True

    def take(self, call: "TrackedCall") -> bool:
        """Hold a claimed call from now on, and return True; False if the hold is over.

        With the injector's lock held.
        """
        if self._is_over:
            return False
        if call.held is None:
            call.held = next(self._numbers)
        if not self.arguments.is_hook:
            call.held_at = self.arguments.at
        self._gates[call] = Gate(None if self.arguments.is_hook else _ADVICE)
        self._held.add(call)
        return True

    def notify(self) -> None:
        """Notify all waits for held operations."""
        self._held.notify()

    def pass_through(self, call: "TrackedCall") -> Waits:
        """Delay a call that was taken until it is released."""
        try:
            if self._on_held is not None:
                self._on_held(self, call)
            yield from self._gates[call].pass_through()
        finally:
            with self._lock:
                del self._gates[call]
                self._released.discard(call)
