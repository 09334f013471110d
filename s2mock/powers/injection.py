"""Injections: a fault, or a list of faults, for the operations that match a pattern."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from s2mock.powers.faults import Answer, Drop, Fault, check_fault, check_place
from s2mock.powers.matching import MatchStats, Pattern
from s2mock.runtime.arguments import check_count, check_flag
from s2mock.runtime.notifier import Notifier, Pending

if TYPE_CHECKING:
    from s2mock.powers.call import TrackedCall
    from s2mock.powers.exchange import Exchange


class Injection:
    """A fault, or a list of faults, for matching operations.

    A test holds it by a handle, `s2mock.handles.faults.Injection`.
    """

    def __init__(
        self,
        fault: Fault | Sequence[Fault | None],
        pattern: Pattern,
        *,
        skip: int,
        times: int | None,
        required: bool,
        exchange_of: "Callable[[TrackedCall], Exchange]",
        on_end: "Callable[[Injection], object]",
    ) -> None:
        check_count("skip", skip, least=0)
        check_flag("required", required)
        self._faults = _checked_list(fault)
        if self._faults is not None:
            if times != 1:
                raise ValueError(
                    "a list of faults has one for each operation, so times has no meaning: "
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
        self._exchange_of = exchange_of
        self._on_end = on_end
        self._pattern = pattern
        self.match_stats: MatchStats = MatchStats(pattern)
        self._skip = skip
        self._skipped = 0
        self._times = times
        self._required = required
        # The number of matching operations it has taken, with those for which the list has None.
        self._taken = 0
        self._hits: list[TrackedCall] = []
        self._is_removed = False
        self._notifier = Notifier()

    def __repr__(self) -> str:
        return f"<{self.text}: {self.hits} hits>"

    @property
    def text(self) -> str:
        """The call that made the injection."""
        text = f"inject({self._fault!r}, {self._pattern}"
        if self._skip:
            text += f", skip={self._skip}"
        if self._faults is None and self._times != 1:
            text += f", times={self._times}"
        return f"{text})"

    @property
    def arguments(self) -> dict[str, Any]:
        """All arguments of the call that made the injection."""
        return {
            "fault": self._fault,
            **self._pattern.place,
            "skip": self._skip,
            "times": self._times,
            "required": self._required,
        }

    @property
    def hits(self) -> int:
        """The number of operations that got a fault."""
        return len(self._hits)

    @property
    def exchanges(self) -> "tuple[Exchange, ...]":
        """The exchanges of these operations, in their order of arrival."""
        return tuple(map(self._exchange_of, list(self._hits)))

    @property
    def remaining(self) -> int | None:
        """The number of operations that it still waits for; None without a limit."""
        if self._is_removed:
            return 0
        return None if self._times is None else self._times - self._taken

    def pending(self, hits: int, timeout: float) -> "Pending[tuple[Exchange, ...]]":
        """Return a wait until `hits` operations have got a fault; it returns their exchanges.

        `timeout` is in seconds of real time; after it, `TimeoutError` lists what arrived instead.
        """

        def missing() -> str:
            arrived = self.match_stats.describe("the fault")
            return (
                f"{self.hits} of {hits} hits of {self.text} arrived within {timeout:g} s; {arrived}"
            )

        return Pending(
            self._notifier,
            lambda: self.exchanges if len(self._hits) >= hits else None,
            missing,
            timeout,
        )

    def remove(self) -> None:
        """Affect no more operations; the test no longer fails if it was not used up."""
        self._is_removed = True
        self._on_end(self)

    # Not for tests: for the fault injector.

    @property
    def complaint(self) -> str | None:
        """The message for a required fault that was not used up, else None."""
        if self._is_removed or not self._required or self._is_used_up:
            return None
        fired = f"fired {self.hits} of {self._times} times" if self._taken else "never fired"
        arrived = self.match_stats.describe("the fault")
        skipped = ""
        if self._skip and self._skipped < self._skip:
            skipped = f" skip={self._skip}, and {self._skipped} arrived;"
        return f"a fault {fired}: {self.text};{skipped} {arrived}"

    @property
    def _is_used_up(self) -> bool:
        return bool(self._hits) if self._times is None else self._taken >= self._times

    def draw(self, call: "TrackedCall", *, is_free: bool) -> Fault | None:
        """Return the fault for a call that has arrived, or None.

        Only a call that `is_free` (without a fault) gets one. With the injector's lock held.
        """
        operation = call.operation
        self.match_stats.count(operation)
        if not self._pattern.matches(operation):
            return None
        if self._skipped < self._skip:
            self._skipped += 1
            return None
        if not is_free or (self._times is not None and self._taken >= self._times):
            return None
        fault = self._fault if self._faults is None else self._faults[self._taken]
        if call.is_batch and _needs_response(fault):
            self.match_stats.count_misplaced()
            return None
        self._taken += 1
        if fault is not None:
            self._hits.append(call)
        return fault  # type: ignore[return-value]  # checked by `__init__`

    def notify(self) -> None:
        """Notify all waits for hits."""
        self._notifier.notify()


def _needs_response(fault: object) -> bool:
    """True if the fault changes a response of its own, which a batch in a session has not."""
    return isinstance(fault, Answer) or (isinstance(fault, Drop) and fault.refused)


def _checked_list(fault: object) -> list[Fault | None] | None:
    """Return the faults of a list; None for a single fault. Raises `TypeError`, `ValueError`."""
    if isinstance(fault, str) or not isinstance(fault, Sequence):
        return None
    faults = list(fault)
    for one in faults:
        if one is not None:
            check_fault(one)
    if not any(one is not None for one in faults):
        raise ValueError(f"{fault!r} holds no fault: give at least one, None lets one pass")
    return faults
