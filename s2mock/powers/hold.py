"""Holds, which keep operations waiting at a point, and the gates at which they wait."""

import threading
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

from s2mock.powers.affected_calls import AffectedCalls
from s2mock.powers.matching import MatchStats, Selector
from s2mock.registry.operation import Dropped, Point, Waits
from s2mock.runtime.arguments import check_choice
from s2mock.runtime.conversation import Wait
from s2mock.runtime.fork_locks import Rank, take_at_fork

if TYPE_CHECKING:
    from s2mock.powers.call import TrackedCall
    from s2mock.powers.exchange import Exchange
    from s2mock.runtime.notifier import Pending

POINTS: Final = get_args(Point)

_ADVICE: Final = (
    "the request is held by s2_mock.hold(), and is made in the thread that would release it: make "
    "it in another thread, or release the hold first"
)


class Gate:
    """A wait without a timeout: it ends when the gate is opened.

    `advice` is for a call that waits in the only thread that could open it.
    """

    timeout: Final = None

    def __init__(self, advice: str) -> None:
        self.advice = advice
        self._lock = threading.Lock()
        take_at_fork(self._lock, Rank.INNER)
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


class HoldArguments(NamedTuple):
    """The checked arguments of `S2Mock.hold`, as one value."""

    selector: Selector
    at: Point

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
    ) -> "HoldArguments":
        """Return the arguments as one value. Raises `TypeError`, `ValueError`."""
        selector = Selector.make(on, basin, stream, skip=skip, times=times, required=required)
        check_choice("at", at, POINTS)
        return cls(selector, at)

    def to_json(self) -> dict[str, Any]:
        """Return all arguments as JSON, which `make` accepts."""
        return {**self.selector.to_json(), "at": self.at}

    @property
    def text(self) -> str:
        """The call of `hold` with these arguments, without its limits."""
        return f"hold({self.selector.pattern}, at={self.at!r})"


class Hold:
    """The state of a hold: matching operations wait at its point until it is released.

    It holds up to `times` operations; all others continue. A test has it by a handle,
    `s2mock.handles.faults.Hold`.
    """

    def __init__(
        self,
        arguments: HoldArguments,
        *,
        exchange_of: "Callable[[TrackedCall], Exchange]",
        on_end: "Callable[[Hold], object]",
    ) -> None:
        self.arguments = arguments
        self._on_end = on_end
        self.match_stats: MatchStats = MatchStats(arguments.selector)
        self._is_reported = False
        self._gate = Gate(_ADVICE)
        self._held = AffectedCalls(exchange_of)
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
    def exchanges(self) -> "tuple[Exchange, ...]":
        """The operations that were held, in their order of arrival; some without a response yet."""
        return self._held.exchanges

    def pending(self, count: int, timeout: float) -> "Pending[tuple[Exchange, ...]]":
        """Return a wait until `count` operations are or were held; it returns their exchanges.

        `timeout` is in seconds of real time; after it, `TimeoutError` lists what arrived instead.
        """
        return self._held.pending(
            count,
            timeout,
            lambda: (
                f"{len(self._held)} of {count} operations were held by {self.text} within "
                f"{timeout:g} s; {self.match_stats.describe('the hold')}"
            ),
        )

    def release(self) -> None:
        """Let all held operations continue, and hold nothing more.

        A required hold that held nothing fails the test all the same.
        """
        self.end(drops=False)

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

    # For the fault injector:

    def end(self, *, drops: bool) -> None:
        """Release the hold; with `drops`, drop the held operations without a response or effect."""
        self._is_over = True
        self._on_end(self)
        self._gate.open(drops=drops)

    def claim(self, point: Point, call: "TrackedCall") -> bool:
        """Take the call and return True if it is to be held at this point.

        With the injector's lock held.
        """
        operation, selector = call.operation, self.arguments.selector
        if point == "arrival":
            self.match_stats.count(operation)
        if self._is_over or point != self.arguments.at or not self.match_stats.selects(operation):
            return False
        if selector.times is not None and len(self._held) >= selector.times:
            return False
        self._held.add(call)
        return True

    def notify(self) -> None:
        """Notify all waits for held operations."""
        self._held.notify()

    def pass_through(self) -> Waits:
        """Delay a claimed operation until the hold is released."""
        return self._gate.pass_through()
