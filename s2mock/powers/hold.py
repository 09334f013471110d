"""Holding operations at a point, while all others go on."""

from typing import TYPE_CHECKING, Any, Final, Protocol, get_args

from s2mock.powers.call import RequestCall
from s2mock.powers.gate import Gate
from s2mock.powers.match_stats import MatchStats
from s2mock.powers.matching import Pattern
from s2mock.registry.operation import Point, Waits
from s2mock.runtime.arguments import check_choice, check_count, check_flag
from s2mock.runtime.notifier import Notifier, Pending

if TYPE_CHECKING:
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

    It holds one operation after the other, up to `times`, each until it is released. Every other
    operation goes on. A test has it by a handle, `s2mock.handles.faults.Hold`.
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
        check_choice("at", at, POINTS)
        check_count("skip", skip, least=0)
        check_count("times", times, optional=True)
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

    @property
    def is_over(self) -> bool:
        """Whether it was released, and holds nothing more."""
        return self._is_over

    @property
    def exchanges(self) -> "tuple[Exchange, ...]":
        """What has been held, in the order in which it came; without an answer until it has one."""
        return tuple(map(self._stage.exchange_of, list(self._held)))

    def pending(self, count: int, timeout: float) -> "Pending[tuple[Exchange, ...]]":
        """Return a wait until `count` operations were held, for `timeout` seconds of real time."""

        def missing() -> str:
            came = self.came.describe("the hold")
            return (
                f"{len(self._held)} of {count} operations were held by {self.text} within "
                f"{timeout:g} s; {came}"
            )

        return Pending(
            self._bell,
            lambda: self.exchanges if len(self._held) >= count else None,
            missing,
            timeout,
        )

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
