"""Holds, which keep operations waiting at a point, and the gates at which they wait."""

import threading
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Final, get_args

from s2mock.powers.matching import MatchStats, Pattern
from s2mock.registry.operation import Dropped, Point, Waits
from s2mock.runtime.arguments import check_choice, check_count, check_flag
from s2mock.runtime.conversation import Wait
from s2mock.runtime.fork_locks import Rank, take_at_fork
from s2mock.runtime.notifier import Notifier, Pending

if TYPE_CHECKING:
    from s2mock.powers.call import TrackedCall
    from s2mock.powers.exchange import Exchange

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


class Hold:
    """Holds matching operations at a point: each waits there until the hold is released.

    It holds up to `times` operations; all others continue. A test has it by a handle,
    `s2mock.handles.faults.Hold`.
    """

    def __init__(
        self,
        pattern: Pattern,
        at: Point,
        *,
        skip: int,
        times: int | None,
        required: bool,
        exchange_of: "Callable[[TrackedCall], Exchange]",
        on_end: "Callable[[Hold], object]",
    ) -> None:
        check_choice("at", at, POINTS)
        check_count("skip", skip, least=0)
        check_count("times", times, optional=True)
        check_flag("required", required)
        self._exchange_of = exchange_of
        self._on_end = on_end
        self._pattern = pattern
        self.match_stats: MatchStats = MatchStats(pattern)
        self._at = at
        self._skip = skip
        self._skipped = 0
        self._times = times
        self._required = required
        self._is_reported = False
        self._gate = Gate(_ADVICE)
        self._notifier = Notifier()
        self._held: list[TrackedCall] = []
        self._is_over = False

    def __repr__(self) -> str:
        return f"<{self.text}: {len(self._held)} held>"

    @property
    def text(self) -> str:
        """The call that made the hold, without its limits."""
        return f"hold({self._pattern}, at={self._at!r})"

    @property
    def arguments(self) -> dict[str, Any]:
        """All arguments of the call that made the hold."""
        return {
            **self._pattern.place,
            "skip": self._skip,
            "times": self._times,
            "at": self._at,
            "required": self._required,
        }

    @property
    def is_over(self) -> bool:
        """True if the hold was released: it holds nothing more."""
        return self._is_over

    @property
    def exchanges(self) -> "tuple[Exchange, ...]":
        """The operations that were held, in their order of arrival; some without a response yet."""
        return tuple(map(self._exchange_of, list(self._held)))

    def pending(self, count: int, timeout: float) -> "Pending[tuple[Exchange, ...]]":
        """Return a wait until `count` operations are or were held; it returns their exchanges.

        `timeout` is in seconds of real time; after it, `TimeoutError` lists what arrived instead.
        """

        def missing() -> str:
            arrived = self.match_stats.describe("the hold")
            return (
                f"{len(self._held)} of {count} operations were held by {self.text} within "
                f"{timeout:g} s; {arrived}"
            )

        return Pending(
            self._notifier,
            lambda: self.exchanges if len(self._held) >= count else None,
            missing,
            timeout,
        )

    def release(self) -> None:
        """Let all held operations continue, and hold nothing more.

        A required hold that held nothing fails the test all the same.
        """
        self.end(drops=False)

    # Not for tests: for the fault injector.

    @property
    def complaint(self) -> str | None:
        """The message for a required hold that held nothing, else None."""
        if not self._required or self._held:
            return None
        skipped = ""
        if self._skipped < self._skip:
            skipped = f" skip={self._skip}, and {self._skipped} arrived;"
        return f"a hold held nothing: {self.text};{skipped} {self.match_stats.describe('the hold')}"

    def take_complaint(self) -> str | None:
        """Return the same message, only once."""
        complaint = None if self._is_reported else self.complaint
        self._is_reported = True
        return complaint

    def end(self, *, drops: bool) -> None:
        """Release the hold; with `drops`, drop the held operations without a response or effect."""
        self._is_over = True
        self._on_end(self)
        self._gate.open(drops=drops)

    def claim(self, point: Point, call: "TrackedCall") -> bool:
        """Take the call and return True if it is to be held at this point.

        With the injector's lock held.
        """
        operation = call.operation
        if point == "arrival":
            self.match_stats.count(operation)
        if self._is_over or point != self._at or not self._pattern.matches(operation):
            return False
        if self._skipped < self._skip:
            self._skipped += 1
            return False
        if self._times is not None and len(self._held) >= self._times:
            return False
        self._held.append(call)
        return True

    def notify(self) -> None:
        """Notify all waits for held operations."""
        self._notifier.notify()

    def pass_through(self) -> Waits:
        """Delay a claimed operation until the hold is released."""
        return self._gate.pass_through()
