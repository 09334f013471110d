"""Injections: a fault, or a list of faults, for the operations that a selector matches."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, NamedTuple

from s2mock.powers.affected_calls import AffectedCalls
from s2mock.powers.faults import (
    Answer,
    Drop,
    Fault,
    check_fault,
    check_place,
    faults_from_json,
    faults_to_json,
)
from s2mock.powers.matching import MatchStats, Selector

if TYPE_CHECKING:
    from s2mock.powers.call import TrackedCall
    from s2mock.powers.exchange import Exchange
    from s2mock.runtime.notifier import Pending


class InjectArguments(NamedTuple):
    """The checked arguments of `S2Mock.inject`, as one value.

    `faults` has one for each operation if `is_list`, else one for all.
    """

    faults: tuple[Fault | None, ...]
    is_list: bool
    selector: Selector

    @classmethod
    def make(
        cls,
        fault: Fault | Sequence[Fault | None],
        *,
        on: str | Iterable[str],
        basin: str = "*",
        stream: str = "*",
        skip: int = 0,
        times: int | None = 1,
        required: bool = True,
    ) -> "InjectArguments":
        """Return the arguments as one value. Raises `TypeError`, `ValueError`."""
        faults = _checked_faults(fault)
        is_list = not isinstance(fault, Fault)
        if is_list:
            if times != 1:
                raise ValueError(
                    "a list of faults has one for each operation, so times has no meaning: "
                    "leave it out"
                )
            times = len(faults)
        selector = Selector.make(on, basin, stream, skip=skip, times=times, required=required)
        for one in faults:
            if one is not None:
                check_place(one, selector.pattern.names)
        return cls(faults, is_list, selector)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "InjectArguments":
        """Return the arguments that JSON describes. Raises `TypeError`, `ValueError`."""
        return cls.make(**{**document, "fault": faults_from_json(document["fault"])})

    def to_json(self) -> dict[str, Any]:
        """Return all arguments as JSON; `times` of a list is its length."""
        return {"fault": faults_to_json(self._fault), **self.selector.to_json()}

    @property
    def text(self) -> str:
        """The call of `inject` with these arguments."""
        _, skip, times, _ = self.selector
        text = f"inject({self._fault!r}, {self.selector.pattern}"
        if skip:
            text += f", skip={skip}"
        if times != 1 and not self.is_list:
            text += f", times={times}"
        return f"{text})"

    @property
    def _fault(self) -> Any:
        return list(self.faults) if self.is_list else self.faults[0]


class Injection:
    """The state of a fault, or a list of faults, that was injected.

    A test holds it by a handle, `s2mock.handles.faults.Injection`.
    """

    def __init__(
        self,
        arguments: InjectArguments,
        *,
        exchange_of: "Callable[[TrackedCall], Exchange]",
        on_end: "Callable[[Injection], object]",
    ) -> None:
        self.arguments = arguments
        self._on_end = on_end
        self.match_stats: MatchStats = MatchStats(arguments.selector)
        # The number of matching operations it has taken, with those for which the list has None.
        self._taken = 0
        # The positions in a list of the faults that were given back, the lowest first.
        self._given_back: list[int] = []
        self._hits = AffectedCalls(exchange_of)
        self._is_removed = False

    def __repr__(self) -> str:
        return f"<{self.text}: {self.hits} hits>"

    @property
    def text(self) -> str:
        """The call that made the injection."""
        return self.arguments.text

    @property
    def hits(self) -> int:
        """The number of operations that got a fault."""
        return len(self._hits)

    @property
    def is_awaited(self) -> bool:
        """True if a test waits for an operation to be affected."""
        return self._hits.is_awaited

    def set_remark(self, remark: Callable[[], str]) -> None:
        """Put what `remark` returns behind the message of a wait that took too long."""
        self._hits.set_remark(remark)

    @property
    def exchanges(self) -> "tuple[Exchange, ...]":
        """The exchanges of these operations, in their order of arrival."""
        return self._hits.exchanges

    @property
    def remaining(self) -> int | None:
        """The number of operations that it still waits for; None without a limit."""
        if self._is_removed:
            return 0
        times = self.arguments.selector.times
        return None if times is None else times - self._taken

    def pending(self, hits: int, timeout: float) -> "Pending[tuple[Exchange, ...]]":
        """Return a wait until `hits` operations have got a fault; it returns their exchanges.

        `timeout` is in seconds of real time; after it, `TimeoutError` lists what arrived instead.
        """
        return self._hits.pending(
            hits,
            timeout,
            lambda: (
                f"{self.hits} of {hits} hits of {self.text} arrived within {timeout:g} s; "
                f"{self.match_stats.describe('the fault')}"
            ),
        )

    def remove(self) -> None:
        """Affect no more operations; the test no longer fails if it was not used up."""
        self._is_removed = True
        self._on_end(self)

    @property
    def complaint(self) -> str | None:
        """The message for a required fault that was not used up, else None."""
        times = self.arguments.selector.times
        is_used_up = self.hits > 0 if times is None else self._taken >= times
        if self._is_removed or not self.arguments.selector.required or is_used_up:
            return None
        fired = f"fired {self.hits} of {times} times" if self._taken else "never fired"
        return f"a fault {fired}: {self.text}; {self.match_stats.describe_unused('the fault')}"

    # For the fault injector:

    def draw(self, call: "TrackedCall", *, is_free: bool) -> Fault | None:
        """Return the fault for a call that has arrived, or None.

        Only a call that `is_free` (without a fault) gets one. With the injector's lock held.
        """
        self.match_stats.count(call.operation)
        if not self.match_stats.selects(call.operation) or not is_free or self.remaining == 0:
            return None
        faults, is_list, _ = self.arguments
        position = self._given_back[0] if self._given_back else self._taken
        fault = faults[position if is_list else 0]
        if call.is_batch and needs_response(fault):
            self.match_stats.count_misplaced()
            return None
        if self._given_back:
            heappop(self._given_back)
        self._taken += 1
        if fault is not None:
            self._hits.add(call)
            call.give_back = partial(self._give_back, call, position)
        return fault

    def _give_back(self, call: "TrackedCall", position: int) -> None:
        """Take back the fault at a position, for a later call. With the injector's lock held."""
        self._hits.remove(call)
        self._taken -= 1
        heappush(self._given_back, position)

    def notify(self) -> None:
        """Notify all waits for hits."""
        self._hits.notify()


def needs_response(fault: Fault | None) -> bool:
    """True if the fault changes a response of its own, which a batch in a session has not."""
    return isinstance(fault, Answer) or (isinstance(fault, Drop) and fault.refused)


def _checked_faults(fault: object) -> tuple[Fault | None, ...]:
    """Return the faults of a list, or a single one. Raises `TypeError`, `ValueError`."""
    if isinstance(fault, str) or not isinstance(fault, Sequence):
        return (check_fault(fault),)
    faults = tuple(None if one is None else check_fault(one) for one in fault)
    if not any(faults):
        raise ValueError(f"{fault!r} holds no fault: give at least one, None lets one pass")
    return faults
