"""Plans of faults: values that a test applies, and whose `repr` is the code that does the same."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from s2mock.powers.faults import Fault, check_fault
from s2mock.powers.injection import InjectArguments

Injected = TypeVar("Injected")


@dataclass(frozen=True, slots=True, repr=False)
class PlannedFault:
    """A fault for one operation, after `skip` matching ones: the arguments of `S2Mock.inject`.

    Raises `TypeError`, `ValueError`.
    """

    fault: Fault
    on: str
    basin: str = "*"
    stream: str = "*"
    skip: int = 0

    def __post_init__(self) -> None:
        check_fault(self.fault)
        self._arguments  # noqa: B018  # checks the others

    def __repr__(self) -> str:
        return f"s2_mock.{self._arguments.text}"

    @property
    def _arguments(self) -> InjectArguments:
        return InjectArguments.make(
            self.fault, on=self.on, basin=self.basin, stream=self.stream, skip=self.skip
        )


class FaultPlan:
    """Faults for `S2Mock.apply`; its `repr` is the calls of `inject` that do the same.

    Raises `TypeError`, `ValueError`.
    """

    __slots__ = ("faults",)

    def __init__(self, faults: Iterable[PlannedFault] = ()) -> None:
        self.faults = tuple(faults)
        for fault in self.faults:
            if not isinstance(fault, PlannedFault):
                raise TypeError(f"a plan is made of PlannedFault(fault, on=...), not {fault!r}")

    def __iter__(self) -> Iterator[PlannedFault]:
        return iter(self.faults)

    def __len__(self) -> int:
        return len(self.faults)

    def __eq__(self, other: object) -> bool:
        return self.faults == other.faults if isinstance(other, FaultPlan) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.faults)

    def __repr__(self) -> str:
        if not self.faults:
            return "FaultPlan()"
        return "\n".join(map(repr, self.faults))

    def _repr_pretty_(
        self, printer: Any, _cycle: bool
    ) -> None:  # the protocol of IPython and Hypothesis
        """Print the `repr`: Hypothesis would show how the plan was generated."""
        for number, line in enumerate(repr(self).splitlines()):
            if number:
                printer.break_()
            printer.text(line)


def inject_plan(plan: FaultPlan, inject: Callable[..., Injected]) -> tuple[Injected, ...]:
    """Call `inject` for each fault of the plan; none is required to fire. Raises `TypeError`."""
    if not isinstance(plan, FaultPlan):
        raise TypeError(f"apply() takes a FaultPlan, not {plan!r}")
    return tuple(
        inject(
            one.fault, on=one.on, basin=one.basin, stream=one.stream, skip=one.skip, required=False
        )
        for one in plan
    )
