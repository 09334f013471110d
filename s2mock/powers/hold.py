"""Holds, which keep operations waiting at a point, and the gates at which they wait."""

import threading
from collections.abc import Callable, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, get_args

from s2mock.powers.errors import UnusedFault
from s2mock.powers.matching import MatchStats, Pattern
from s2mock.powers.outcomes import Dropped
from s2mock.registry.operation import Operation, Point, Waits
from s2mock.runtime.arguments import check_flag
from s2mock.runtime.conversation import Wait
from s2mock.runtime.fork_locks import Rank, take_at_fork
from s2mock.runtime.notifier import PATIENCE, Notifier, NotifierWait, check_count

if TYPE_CHECKING:
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

    It holds up to `times` operations; all others continue. As a context manager it releases them at
    the end of the block, and raises `UnusedFault` if it held none, unless the block raised.
    """

    def __init__(
        self,
        pattern: Pattern,
        at: Point,
        *,
        skip: int,
        times: int | None,
        required: bool,
        exchange_of: "Callable[[Operation], Exchange]",
        on_end: "Callable[[Hold], object]",
    ) -> None:
        if at not in POINTS:
            raise ValueError(f"at must be one of {', '.join(map(repr, POINTS))}, not {at!r}")
        check_count("skip", skip, least=0)
        if times is not None:
            check_count("times", times)
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
        self._held: list[Operation] = []
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        complaint = self.take_complaint()
        self.release()
        if complaint is not None and kind is None:
            raise UnusedFault(complaint)

    @property
    def is_over(self) -> bool:
        """True if the hold was released: it holds nothing more."""
        return self._is_over

    @property
    def exchanges(self) -> "tuple[Exchange, ...]":
        """The operations that were held, in their order of arrival; some without a response yet."""
        return tuple(map(self._exchange_of, list(self._held)))

    def wait(self, count: int = 1, *, timeout: float = PATIENCE) -> "tuple[Exchange, ...]":
        """Wait until `count` operations are or were held, and return their exchanges.

        `timeout` is in seconds of real time; after it, `TimeoutError` lists what arrived instead.
        Raises `TypeError`, `ValueError`.
        """
        check_count("count", count)
        self._notifier.wait(
            lambda: self._find(count), lambda: self._describe_missing(count, timeout), timeout
        )
        return self.exchanges

    async def async_wait(
        self,
        count: int = 1,
        *,
        timeout: float = PATIENCE,  # the same argument as that of `wait`
    ) -> "tuple[Exchange, ...]":
        """Wait as `wait` does, without blocking the event loop."""
        check_count("count", count)
        await self._notifier.async_wait(
            lambda: self._find(count), lambda: self._describe_missing(count, timeout), timeout
        )
        return self.exchanges

    def steps(
        self, count: int, timeout: float
    ) -> "Generator[NotifierWait, None, tuple[Exchange, ...]]":
        """Wait as `wait` does, within a conversation."""
        yield from self._notifier.steps(
            lambda: self._find(count), lambda: self._describe_missing(count, timeout), timeout
        )
        return self.exchanges

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

    def claim(self, point: Point, operation: Operation) -> bool:
        """Take the operation and return True if it is to be held at this point.

        With the injector's lock held.
        """
        if point == "arrival":
            self.match_stats.count(operation)
        if self._is_over or point != self._at or not self._pattern.matches(operation):
            return False
        if self._skipped < self._skip:
            self._skipped += 1
            return False
        if self._times is not None and len(self._held) >= self._times:
            return False
        self._held.append(operation)
        return True

    def notify(self) -> None:
        """Notify all waits for held operations."""
        self._notifier.notify()

    def pass_through(self) -> Waits:
        """Delay a claimed operation until the hold is released."""
        return self._gate.pass_through()

    def _find(self, count: int) -> bool | None:
        return True if len(self._held) >= count else None

    def _describe_missing(self, count: int, timeout: float) -> str:
        arrived = self.match_stats.describe("the hold")
        return (
            f"{len(self._held)} of {count} operations were held by {self.text} within "
            f"{timeout:g} s; {arrived}"
        )
