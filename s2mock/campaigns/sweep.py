"""The plan of a sweep: each fault at each operation of the scenario."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple

from s2mock.campaigns.campaign import Failure, Outcome, timeline_of
from s2mock.campaigns.report import FailedAttempt
from s2mock.campaigns.scope import Scope
from s2mock.campaigns.wording import PYTHON, Wording
from s2mock.powers.call import TrackedCall
from s2mock.powers.exchange import Exchange
from s2mock.powers.faults import (
    Cut,
    Drop,
    Fault,
    check_fault,
    check_place,
    fault_to_json,
    has_place,
)
from s2mock.powers.injection import InjectArguments, Injection, needs_response
from s2mock.powers.matching import Pattern
from s2mock.powers.outcomes import reset_of
from s2mock.powers.powers import Powers
from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Call, Point, Waits


class OperationCounter:
    """An observer that counts the operations that match each pattern, by the pattern's name.

    `is_batch` has an item for each of them: True for a batch in a session.
    """

    def __init__(self, engine: Engine, patterns: dict[str, Pattern]) -> None:
        self.is_batch: dict[str, list[bool]] = {name: [] for name in patterns}
        self._patterns = patterns
        engine.observers = (*engine.observers, self)

    def at(self, point: Point, call: Call) -> Waits | None:
        """Count a call at its arrival."""
        if point == "arrival":
            for name, pattern in self._patterns.items():
                if pattern.matches(call.operation):
                    is_batch = isinstance(call, TrackedCall) and call.is_batch
                    self.is_batch[name].append(is_batch)
        return None


class SweepPoint(NamedTuple):
    """The place of a fault: the `number`-th matching operation of that name, counted from 1."""

    operation: str
    number: int
    fault: Fault

    def __str__(self) -> str:
        return f"{self.fault!r} at {self.operation} {self.number}"


class SweepInstructions:
    """The instructions of one attempt: to count the operations, or to inject a fault at a point."""

    def __init__(self, plan: "SweepPlan", point: SweepPoint | None) -> None:
        self.point: Final = point
        self.plan: Final = plan
        self._injection: Injection | None = None
        self._counter: OperationCounter | None = None

    @property
    def title(self) -> str:
        """The instructions in a few words."""
        return "without a fault" if self.point is None else self.plan.name_point(self.point)

    def begin(self, powers: Powers) -> None:
        """Inject the fault, or begin to count."""
        point = self.point
        if point is None:
            self._counter = OperationCounter(powers.engine, self.plan.scope.patterns)
            return
        self._injection = powers.injector.inject(
            InjectArguments.make(
                point.fault,
                on=point.operation,
                basin=self.plan.scope.place["basin"],
                stream=self.plan.scope.place["stream"],
                skip=point.number - 1,
                required=False,
            )
        )

    def end(self, powers: Powers) -> str | None:  # noqa: ARG002  # of the protocol
        """Return the message for a fault that affected no operation, else None."""
        if self._counter is not None:
            self.plan.is_batch = self._counter.is_batch
        injection = self._injection
        if injection is None or injection.hits or not self.plan.scope.is_required:
            return None
        return f"the fault affected no operation: {injection.match_stats.describe('it')}"

    def to_json(self) -> dict[str, Any]:
        """Return the point as JSON; None for the attempt without a fault."""
        point = self.point
        return {"point": None if point is None else point_to_json(point)}

    @property
    def hits(self) -> tuple[Exchange, ...]:
        """The exchange with the fault; none if the fault affected no operation."""
        return () if self._injection is None else self._injection.exchanges


class SweepPlan:
    """Each fault at each operation; the first attempt is without one, and counts the operations.

    If the scope is not required (`is_required`), a fault that affects no operation is no failure.
    Raises `TypeError`, `ValueError`.
    """

    def __init__(self, faults: Iterable[Fault], scope: Scope, *, wording: Wording = PYTHON) -> None:
        self.name = wording.name("sweep")
        self.scope: Final = scope
        self.checks = scope.check
        self.faults = _checked_faults(faults, scope.names)
        self._wording: Final = wording
        self._order = {fault: index for index, fault in enumerate(self.faults)}
        # What the first attempt has counted, None before its end.
        self.is_batch: dict[str, list[bool]] | None = None
        self._has_probe_failed = False
        self._attempts = self._make_attempts()
        self._points: list[SweepPoint] | None = None

    # As a plan.

    def next(self) -> SweepInstructions | None:
        """Return the instructions of the next attempt, None after the last one."""
        return next(self._attempts, None)

    def _make_attempts(self) -> Iterator[SweepInstructions]:
        yield SweepInstructions(self, None)
        # The points are known now that the first attempt has ended.
        for point in self.points[: self.scope.limit]:
            yield SweepInstructions(self, point)

    def learn(self, instructions: SweepInstructions, outcome: Outcome) -> None:
        """Take note of a first attempt that failed."""
        self._has_probe_failed |= instructions.point is None and outcome.result == "failed"

    def is_probe(self, instructions: SweepInstructions) -> bool:
        """True for the attempt without a fault."""
        return instructions.point is None

    @property
    def points(self) -> list[SweepPoint]:
        """The points of all attempts, known when the first attempt has ended."""
        if self._points is None or not self._points:
            self._points = [point for point in self._all_points if self._has_meaning(point)]
        return self._points

    @property
    def meaningless(self) -> int:
        """The number of points at which the fault has no meaning, such as a `Late` of a read."""
        return len(self._all_points) - len(self.points)

    def _has_meaning(self, point: SweepPoint) -> bool:
        name, number, fault = point
        assert self.is_batch is not None
        is_batch = self.is_batch[name][number - 1]
        return has_place(fault, name) and not (is_batch and needs_response(fault))

    @property
    def _all_points(self) -> list[SweepPoint]:
        return [
            SweepPoint(name, number, fault)
            for name, is_batch in (self.is_batch or {}).items()
            for number in range(1, len(is_batch) + 1)
            for fault in self.faults
        ]

    @property
    def planned(self) -> int | None:
        """The number of all attempts, with the first one; None before the end of that."""
        if self.is_batch is None:
            return None
        return self.scope.planned(len(self.points))

    @property
    def notes(self) -> list[str]:
        """No lines for a sweep that passed."""
        return []

    def name_point(self, point: SweepPoint) -> str:
        """Return a point in a few words, such as "Drop() at append 3"."""
        return f"{self._wording.fault(point.fault)} at {point.operation} {point.number}"

    def describe(self, failure: Failure[SweepInstructions]) -> FailedAttempt:
        """Return a failure for the report."""
        number, instructions, outcome, exchanges = failure
        point = instructions.point
        if point is None:
            return FailedAttempt(
                number=number,
                title="without a fault",
                short_title="without a fault",
                long_title="without a fault",
                text=outcome.message,
                timeline=timeline_of(exchanges),
                rank=(0,),
                key=(None, outcome),
            )
        count = len((self.is_batch or {}).get(point.operation, ()))
        return FailedAttempt(
            number=number,
            title=instructions.title,
            short_title=f"at {point.operation} {point.number}",
            long_title=f"{instructions.title} of {count}",
            text=outcome.message,
            timeline=timeline_of(exchanges),
            rank=(len(exchanges), point.number, self._order[point.fault]),
            key=(point.fault, outcome.message, outcome.detail),
            replay=tuple(self.replay_lines(point)),
            taken=_taken_along(instructions, exchanges),
        )

    def headline(self, tried: int, failed: list[FailedAttempt]) -> str | None:
        """Return the first line of the report; None if there is nothing to complain about."""
        points = self.points
        if self._has_probe_failed:
            return f"{self.name}: the attempt without a fault failed"
        if not self._all_points:
            names = "/".join(self.scope.names)
            return f"{self.name}: no {names} arrived, so there is no place for the faults"
        if not points:
            count = len(self._all_points)
            return f"{self.name}: the faults have no meaning at any of the {count} points"
        if tried == len(points) and not failed:
            return None
        counts = self.scope.count_failed(len(failed), len(points), self._wording)
        text = f"{self.name}: {counts}"
        if count := self.meaningless:
            text += f"; {count} were left out, at operations on which their faults have no meaning"
        return text

    def replay_lines(self, point: SweepPoint) -> Iterable[str]:
        """Yield the call that runs the attempt at that point alone, and a line on its options."""
        arguments = [repr(point.operation), str(point.number), repr(point.fault)]
        body = {"replay": point_to_json(point)}
        return self._wording.replay_lines("sweep", arguments, self.scope.arguments(), body)


def point_to_json(point: SweepPoint) -> dict[str, Any]:
    """Return a point as JSON."""
    return {
        "operation": point.operation,
        "number": point.number,
        "fault": fault_to_json(point.fault),
    }


def _taken_along(
    instructions: SweepInstructions, exchanges: tuple[Exchange, ...]
) -> tuple[str, ...]:
    """Return the exchanges that ended with the connection of the fault, as the timeline names them.

    They have no fault of their own: the connection that the fault has broken was theirs too.
    """
    point, hits = instructions.point, instructions.hits
    if point is None or not hits or not isinstance(point.fault, Drop | Cut):
        return ()
    hit = hits[0]
    if not reset_of(point.fault).connection or hit.connection is None:
        return ()
    ended = hit.began if hit.ended is None else hit.ended
    own = (hit.number, hit.session)
    return tuple(
        f"{one.number} {one.operation or one.request.method}"
        for one in exchanges
        if one.connection == hit.connection
        and one.number not in own
        and one.fault is None
        and one.began <= ended
        and (one.ended is None or one.ended >= ended)
    )


def _checked_faults(faults: Iterable[Fault], names: tuple[str, ...]) -> tuple[Fault, ...]:
    if isinstance(faults, Fault):
        raise TypeError(f"s2_sweep takes a list of faults: try [{faults!r}]")
    with suppress(TypeError):
        faults = tuple(faults)
    if not isinstance(faults, tuple):
        raise TypeError(f"s2_sweep takes a list of faults, not {faults!r}")
    if not faults:
        raise ValueError("s2_sweep needs a fault at least, as in [Drop(committed=True)]")
    for fault in faults:
        check_fault(fault)
        if not any(has_place(fault, name) for name in names):
            check_place(fault, names)
    return tuple(dict.fromkeys(faults))
