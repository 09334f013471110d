"""`Sweep`: a scenario is run again and again, with each fault at each of its operations."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

from s2mock.campaigns.campaign import Attempt as CampaignAttempt
from s2mock.campaigns.scope import LIMIT, Scope
from s2mock.campaigns.sweep import SweepInstructions, SweepPlan, SweepPoint
from s2mock.handles.campaigns.driver import (
    DrivenAttempt,
    PythonCampaign,
    Surroundings,
    fail,
    outside_pytest,
)
from s2mock.handles.campaigns.source import LoopSource, as_name, names_in, write_function
from s2mock.handles.mock import S2Mock
from s2mock.powers.faults import Fault
from s2mock.runtime.arguments import check_count


class Attempt(DrivenAttempt):
    """One attempt of a sweep: a context manager that returns its account, an `S2Mock`."""

    @property
    def point(self) -> SweepPoint | None:
        """The place of its fault; None in the first attempt, which is without one."""
        instructions: SweepInstructions = self._attempt.instructions
        return instructions.point


class Replay(Attempt):
    """One attempt alone: a context manager, or the only item of a loop."""

    def __iter__(self) -> Iterator[Self]:
        yield self


class Sweep(PythonCampaign[Attempt]):
    """A fault sweep: run the scenario in each attempt of a loop.

    The first attempt is without a fault, and counts the operations that match `on`, `basin` and
    `stream` (those of `S2Mock.inject`); if it fails, the sweep ends. Then there is one attempt for
    each fault at each of them, up to `limit`. `options` are those of `S2Mock`. A fault that has no
    meaning on an operation gets no attempt there. With `check` an attempt also fails if what its
    clients observed is not linearizable. All attempts share one URL. After the loop,
    `report()` has the failures, the shortest first.

    The fixture `s2_sweep` is one without a plan: call it with these arguments, and its test fails
    at the end of the loop with that report. Raises `TypeError`, `ValueError`.
    """

    _fixture = "s2_sweep"

    def __init__(
        self,
        faults: Iterable[Fault],
        *,
        on: str | Iterable[str],
        basin: str = "*",
        stream: str = "*",
        limit: int = LIMIT,
        check: bool = False,
        **options: Any,
    ) -> None:
        scope = Scope(on, basin=basin, stream=stream, limit=limit, check=check, options=options)
        plan = SweepPlan(faults, scope)
        super().__init__(plan, outside_pytest(), options)

    def __call__(
        self,
        faults: Iterable[Fault],
        *,
        on: str | Iterable[str],
        basin: str = "*",
        stream: str = "*",
        limit: int = LIMIT,
        check: bool = False,
        **options: Any,
    ) -> "Sweep":
        """Return attempts: one without a fault, then one for each fault at each operation.

        `on`, `basin` and `stream` are those of `S2Mock.inject`, `options` those of `S2Mock`, in
        addition to the marker's. Each attempt is a context manager with an account of its own. The
        first counts the operations; if it fails, the sweep ends. All others are run, up to `limit`,
        and the test fails at the end with a list of those that failed. An operation on which a
        fault has no meaning gets no attempt with it. A test that ends before all
        attempts were run fails, too. Raises `TypeError`, `ValueError`.
        """
        scope = Scope(on, basin=basin, stream=stream, limit=limit, check=check, options=options)
        return self._with_plan(SweepPlan(faults, scope), options)

    def replay(
        self,
        operation: str,
        number: int,
        fault: Fault,
        *,
        basin: str = "*",
        stream: str = "*",
        limit: int = LIMIT,
        check: bool = False,
        required: bool = True,
        **options: Any,
    ) -> Replay:
        """Return one attempt alone, to replace the sweep that has found a failure.

        The `fault` is for the `number`-th matching operation, counted from 1. If it is not
        `required`, a fault that affects no operation is no failure. The other arguments are those
        of the sweep; `limit` changes nothing here. Raises `TypeError`, `ValueError`.
        """
        check_count("number", number)
        scope = Scope(
            operation,
            basin=basin,
            stream=stream,
            limit=limit,
            check=check,
            options=options,
            is_required=required,
        )
        plan = SweepPlan([fault], scope)
        instructions = SweepInstructions(plan, SweepPoint(scope.names[0], number, fault))
        return self._run_alone(Replay, plan, instructions, options)

    def _drive(self, attempt: CampaignAttempt[SweepInstructions]) -> Attempt:
        return Attempt(attempt, self._make, on_end=self._note_end)

    def _write_test(self, instructions: SweepInstructions, source: LoopSource) -> str | None:
        point = instructions.point
        if point is None:
            return None
        plan = instructions.plan
        fault = repr(point.fault)
        place = plan.scope.place_as_code()
        if plan.checks or source.uses_attempt:
            arguments = [repr(point.operation), str(point.number), fault, *place]
            return self._write_replay(f"with {point}", arguments, source)
        call = [fault, f"on={point.operation!r}", *place]
        if point.number > 1:
            call.append(f"skip={point.number - 1}")
        # Code that is repaired may make fewer calls.
        inject = f"s2_mock.inject({', '.join(call)}, required=False)"
        rename = "" if source.mock == "s2_mock" else f"{source.mock} = s2_mock"
        return write_function(
            f"{source.function}_with_{as_name(str(point))}",
            ["s2_mock", *(name for name in source.arguments if name != "s2_mock")],
            [source.before, rename, inject, source.block],
            options=self._all_options,
            imports=["import pytest", "", f"from s2mock import {', '.join(names_in([fault]))}"],
        )


def sweep_fixture(
    make: Callable[..., S2Mock], show: Callable[[str], object] = lambda _: None
) -> Sweep:
    """Return what the fixture `s2_sweep` is, without pytest's subtests.

    `make` returns an `S2Mock` with the given options; `show` is called with a mark while a sweep
    makes progress.
    """
    return Sweep.for_fixture(Surroundings(make, show, lambda report, _: fail(str(report))))
