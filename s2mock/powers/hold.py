"""Holding operations at a point, while all others go on."""

from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, get_args

from s2mock.powers.call import RequestCall
from s2mock.powers.gate import Gate
from s2mock.powers.injection import UnusedFault
from s2mock.powers.match_stats import MatchStats
from s2mock.powers.matching import Pattern
from s2mock.registry.operation import Point, Waits
from s2mock.runtime.arguments import check_flag
from s2mock.runtime.notifier import PATIENCE, Notifier, NotifierWait, check_count

if TYPE_CHECKING:
    from collections.abc import Generator

    from s2mock.powers.exchange import Exchange

POINTS: Final = get_args(Point)

_ADVICE: Final = (
    "the request is held by s2_mock.hold(), and is made in the thread that would release it: make "
    "it in another thread, or release the hold first"
)


class Keeper(Protocol):
    """Who asks the hold at each point: the stage."""

    def exchange_of(self, call: RequestCall) -> "Exchange":
        """Return the exchange of a call, which may not have been answered yet."""

    def forget_hold(self, hold: "Hold") -> None:
        """It holds nothing more."""


class Hold:
    """Operations that are kept waiting at a point.

    Leaving the `with` block releases them. It also checks that there were any, unless an exception
    is on its way.

    It holds one operation after the other, up to `times`, each until it is released. Every other
    operation goes on meanwhile.
    """

    def __init__(
        self,
        stage: Keeper,
        pattern: Pattern,
        at: Point,
        *,
        skip: int,
        times: int | None,
        required: bool,
    ) -> None:
        if at not in POINTS:
            raise ValueError(f"at must be one of {', '.join(map(repr, POINTS))}, not {at!r}")
        check_count("skip", skip, least=0)
        if times is not None:
            check_count("times", times)
        check_flag("required", required)
        self._stage = stage
        self._pattern = pattern
        self.came: MatchStats = MatchStats(pattern)
        self._at = at
        self._asked_skip = self._skip = skip
        self._times = times
        self._required = required
        self._is_told = False
        self._gate = Gate(_ADVICE)
        self._bell = Notifier()
        self._held: list[RequestCall] = []
        self._is_over = False

    def __repr__(self) -> str:
        return f"<{self.text}: {len(self._held)} came>"

    @property
    def text(self) -> str:
        """The call that made it."""
        return f"hold({self._pattern}, at={self._at!r})"

    @property
    def asked(self) -> dict[str, Any]:
        """The arguments of that call, all of them."""
        place = self._pattern.place
        return {
            **place,
            "skip": self._asked_skip,
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
        """Whether it was released, and holds nothing more."""
        return self._is_over

    @property
    def exchanges(self) -> "tuple[Exchange, ...]":
        """What has been held, in the order in which it came; without an answer until it has one."""
        return tuple(map(self._stage.exchange_of, list(self._held)))

    def wait(self, count: int = 1, *, timeout: float = PATIENCE) -> "tuple[Exchange, ...]":
        """Wait until so many operations have come to be held; those that have come already count.

        `timeout` is in seconds of real time; after it, `TimeoutError` says what did come. Raises
        `TypeError`, `ValueError`.
        """
        check_count("count", count)
        self._bell.wait(lambda: self._enough(count), lambda: self._missing(count, timeout), timeout)
        return self.exchanges

    async def async_wait(
        self,
        count: int = 1,
        *,
        timeout: float = PATIENCE,  # as its twin has it
    ) -> "tuple[Exchange, ...]":
        """As `wait`, for an event loop."""
        check_count("count", count)
        await self._bell.async_wait(
            lambda: self._enough(count), lambda: self._missing(count, timeout), timeout
        )
        return self.exchanges

    def steps(
        self, count: int, timeout: float
    ) -> "Generator[NotifierWait, None, tuple[Exchange, ...]]":
        """As `wait`, for a conversation."""
        yield from self._bell.steps(
            lambda: self._enough(count), lambda: self._missing(count, timeout), timeout
        )
        return self.exchanges

    def release(self) -> None:
        """Let go what is held, and hold nothing more.

        That nothing had reached it fails the test all the same, unless it is not required.
        """
        self.end(drops=False)

    # For the stage.

    @property
    def complaint(self) -> str | None:
        """What is to be said of a hold that nothing reached; None where nothing is."""
        if not self._required or self._held:
            return None
        skipped = ""
        if self._skip:
            passed = self._asked_skip - self._skip
            skipped = f" it was to let {self._asked_skip} pass first, and {passed} came;"
        return f"a hold held nothing: {self.text};{skipped} {self.came.describe('the hold')}"

    def take_complaint(self) -> str | None:
        """The same, once."""
        complaint = None if self._is_told else self.complaint
        self._is_told = True
        return complaint

    def end(self, *, drops: bool) -> None:
        """Hold nothing more; with `drops`, what is held gets no answer and takes no effect."""
        self._is_over = True
        self._stage.forget_hold(self)
        self._gate.open(drops=drops)

    def take(self, point: Point, call: RequestCall) -> bool:
        """True if the call is to be held at this point. Call it with the injector's lock held."""
        operation = call.operation
        if point == "arrival":
            self.came.note(operation)
        if self._is_over or point != self._at or not self._pattern.matches(operation):
            return False
        if self._skip:
            self._skip -= 1
            return False
        if self._times is not None and len(self._held) >= self._times:
            return False
        self._held.append(call)
        return True

    def notify(self) -> None:
        """Wake all waits for what it holds, so that they look."""
        self._bell.notify()

    def pass_through(self) -> Waits:
        """Keep an operation that was taken until it is released."""
        return self._gate.pass_through()

    def _enough(self, count: int) -> bool | None:
        return True if len(self._held) >= count else None

    def _missing(self, count: int, timeout: float) -> str:
        came = self.came.describe("the hold")
        return (
            f"{len(self._held)} of {count} operations were held by {self.text} within "
            f"{timeout:g} s; {came}"
        )
