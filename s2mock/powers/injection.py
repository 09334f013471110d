"""A fault that waits for operations, and what it has met."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from s2mock.powers.call import RequestCall
from s2mock.powers.faults import Answer, Drop, Fault, check_fault, check_place
from s2mock.powers.match_stats import MatchStats
from s2mock.powers.matching import Pattern
from s2mock.runtime.arguments import check_count, check_flag
from s2mock.runtime.notifier import Notifier, Pending

if TYPE_CHECKING:
    from s2mock.powers.exchange import Exchange


class UnusedFault(AssertionError):  # what a test that fails by it is told
    """You injected a fault or made a hold, and the operation that it waited for never came."""


class Keeper(Protocol):
    """Who asks the injection at each arrival: the stage."""

    def exchange_of(self, call: RequestCall) -> "Exchange":
        """Return the exchange of a call, which may not have been answered yet."""

    def forget_injection(self, injection: "Injection") -> None:
        """It waits for nothing more."""


class Injection:
    """A fault, or a list of them, that waits for operations.

    A test holds it by a handle, `s2mock.handles.faults.Injection`.
    """

    def __init__(
        self,
        stage: Keeper,
        fault: Fault | Sequence[Fault | None],
        pattern: Pattern,
        *,
        skip: int,
        times: int | None,
        required: bool,
    ) -> None:
        check_count("skip", skip, least=0)
        check_flag("required", required)
        self._faults = _checked_list(fault)
        if self._faults is not None:
            if times != 1:
                raise ValueError(
                    "a list of faults has one for each operation, so times says nothing of it: "
                    "leave it out"
                )
            times = len(self._faults)
        else:
            check_fault(fault)
        check_count("times", times, optional=True)
        for one in [fault] if self._faults is None else self._faults:
            if one is not None:
                check_place(one, pattern.names)  # type: ignore[arg-type]  # checked above
        self._fault = fault
        self._stage = stage
        self._pattern = pattern
        self.came: MatchStats = MatchStats(pattern)
        self._skip = skip
        self._skipped = 0
        self._times = times
        self._required = required
        # How many matching operations it has taken, those that a None lets pass too.
        self._taken = 0
        self._hits: list[RequestCall] = []
        self._is_removed = False
        self._bell = Notifier()

    def __repr__(self) -> str:
        return f"<{self.text}: {self.hits} hits>"

    @property
    def text(self) -> str:
        """The call that made it."""
        text = f"inject({self._fault!r}, {self._pattern}"
        if self._skip:
            text += f", skip={self._skip}"
        if self._faults is None and self._times != 1:
            text += f", times={self._times}"
        return f"{text})"

    @property
    def asked(self) -> dict[str, Any]:
        """The arguments of that call, all of them."""
        return {
            "fault": self._fault,
            **self._pattern.place,
            "skip": self._skip,
            "times": self._times,
            "required": self._required,
        }

    @property
    def hits(self) -> int:
        """How many operations it has met with a fault."""
        return len(self._hits)

    @property
    def exchanges(self) -> "tuple[Exchange, ...]":
        """Those operations, in the order in which they came."""
        return tuple(map(self._stage.exchange_of, list(self._hits)))

    @property
    def remaining(self) -> int | None:
        """How many more operations it waits for; None where it is until removed."""
        if self._is_removed:
            return 0
        return None if self._times is None else self._times - self._taken

    def pending(self, hits: int, timeout: float) -> "Pending[tuple[Exchange, ...]]":
        """Return a wait until `hits` operations have met it, for `timeout` seconds of real time."""

        def missing() -> str:
            came = self.came.describe("the fault")
            return f"{self.hits} of {hits} hits of {self.text} came within {timeout:g} s; {came}"

        return Pending(
            self._bell,
            lambda: self.exchanges if len(self._hits) >= hits else None,
            missing,
            timeout,
        )

    def remove(self) -> None:
        """Let operations pass from now on; whether it was used up is asked no longer."""
        self._is_removed = True
        self._stage.forget_injection(self)

    # For the stage.

    @property
    def complaint(self) -> str | None:
        """What is to be said of a fault that was not used up; None where nothing is."""
        if self._is_removed or not self._required or self._is_used_up:
            return None
        fired = f"fired {self.hits} of {self._times} times" if self._taken else "never fired"
        came = self.came.describe("the fault")
        skipped = ""
        if self._skip and self._skipped < self._skip:
            skipped = f" it was to let {self._skip} pass first, and {self._skipped} came;"
        return f"a fault {fired}: {self.text};{skipped} {came}"

    @property
    def _is_used_up(self) -> bool:
        return bool(self._hits) if self._times is None else self._taken >= self._times

    def takes(self, call: RequestCall, *, is_free: bool) -> Fault | None:
        """Return the fault for a call, or None; `is_free` is True if it has met no other.

        Call it with the injector's lock held.
        """
        operation = call.operation
        self.came.note(operation)
        if not self._pattern.matches(operation):
            return None
        if self._skipped < self._skip:
            self._skipped += 1
            return None
        if not is_free or (self._times is not None and self._taken >= self._times):
            return None
        fault = self._fault if self._faults is None else self._faults[self._taken]
        if call.is_batch and _needs_an_answer(fault):
            self.came.note_misplaced()
            return None
        self._taken += 1
        if fault is not None:
            self._hits.append(call)
        return fault  # type: ignore[return-value]  # checked when it was made

    def notify(self) -> None:
        """Let those who wait for hits look."""
        self._bell.notify()


def _needs_an_answer(fault: object) -> bool:
    """Whether the fault is one of an answer of its own, which a batch of a session has not."""
    return isinstance(fault, Answer) or (isinstance(fault, Drop) and fault.refused)


def _checked_list(fault: object) -> list[Fault | None] | None:
    """The faults where there are several. Raises `TypeError`, `ValueError`."""
    if isinstance(fault, str) or not isinstance(fault, Sequence):
        return None
    faults = list(fault)
    for one in faults:
        if one is not None:
            check_fault(one)
    if not any(one is not None for one in faults):
        raise ValueError(f"{fault!r} holds no fault: give at least one, None lets one pass")
    return faults
