"""The plan of a campaign of crashes: the worker stops before and after each of its operations."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Literal, NamedTuple

from s2mock.campaigns.campaign import Failure, Outcome, timeline_of
from s2mock.campaigns.report import FailedAttempt
from s2mock.campaigns.scope import Scope
from s2mock.campaigns.wording import PYTHON, Wording
from s2mock.powers.call import TrackedCall
from s2mock.powers.powers import Powers
from s2mock.registry.operation import Call, Dropped, Point, Waits
from s2mock.runtime.arguments import check_choice, check_count
from s2mock.runtime.conversation import Reset
from s2mock.runtime.fork_locks import Rank, take_at_fork

When = Literal["before", "after"]


class CrashPoint(NamedTuple):
    """A place where the worker stops: right before or after the effect of an operation.

    It is the `number`-th matching operation of that name, counted from 1.
    """

    when: When
    operation: str
    number: int

    def __str__(self) -> str:
        return f"a crash {self.when} {self.operation} {self.number}"


class CrashInstructions:
    """The instructions of one attempt: to count the operations, or to stop the worker at a point.

    It observes the operations while the worker runs (`begin_work` to `end_work`). From the point
    on, all requests are dropped until the worker has ended, and those with its token until the end
    of the attempt. `on_reached` is called when the point is reached, from any thread.
    """

    def __init__(self, plan: "CrashPlan", point: CrashPoint | None) -> None:
        self.point: Final = point
        self.plan: Final = plan
        self._lock = threading.Lock()
        take_at_fork(self._lock, Rank.INNER)
        self._is_working = False
        self.has_worked = False
        self.is_reached = False
        # True from the point on until the worker has ended; a worker after that is undisturbed.
        self.has_to_stop = False
        self.on_reached: Callable[[], object] = bool
        self._tokens: set[str] = set()
        # True if a worker is known by its tokens, False if by the time in which it runs.
        self._is_known_by_token = False
        self._dead: frozenset[str] = frozenset()
        self._counts: Counter[str] = Counter()
        # The matching operations of the worker, each with its name and number.
        self._calls: dict[Call, list[tuple[str, int]]] = {}
        # The call with which the point was reached.
        self._reached: Call | None = None
        # Those that had an effect.
        self.effects: set[tuple[str, int]] = set()

    @property
    def title(self) -> str:
        """The instructions in a few words."""
        return "without a crash" if self.point is None else str(self.point)

    def begin(self, powers: Powers) -> None:
        """Observe the operations of the account."""
        engine = powers.engine
        engine.observers = (self, *engine.observers)

    def end(self, powers: Powers) -> str | None:  # noqa: ARG002  # of the protocol
        """Return a complaint about a point that was not reached, else None."""
        if self.point is None:
            self.plan.counts = dict(self._counts)
            self.plan.effects = self.effects
            return None
        if self.is_reached or not self.plan.scope.is_required:
            return None
        if not self.has_worked:
            return "attempt.run(work) was not called: it runs the worker, and stops it"
        name = self.point.operation
        count = self._counts[name]
        return f"the point was not reached: {count} {name} of the worker arrived"

    def to_json(self) -> dict[str, Any]:
        """Return the point as JSON; None for the attempt without a crash."""
        return {"point": None if self.point is None else self.point._asdict()}

    @property
    def counts(self) -> dict[str, int]:
        """The number of matching operations of the worker, by their names."""
        return {name: self._counts[name] for name in self.plan.scope.names}

    def begin_work(self, tokens: Iterable[str], *, only_these: bool = False) -> None:
        """Observe the operations of a worker that starts, which has these tokens of its own.

        With `only_these`, operations with other tokens are not the worker's.
        """
        with self._lock:
            self._is_known_by_token = only_these
            self._is_working = self.has_worked = True
            self._tokens.update(tokens)

    def end_work(self) -> None:
        """Take note that the worker has ended, or was stopped: its tokens are dead from now on."""
        with self._lock:
            self._is_working = self.has_to_stop = False
            self._dead = frozenset(self._tokens)

    @property
    def marks(self) -> dict[int, str]:
        """A mark for the exchange at which the worker was stopped, by its number."""
        call, point = self._reached, self.point
        if point is None or not isinstance(call, TrackedCall) or call.entry is None:
            return {}
        return {call.entry.number: f"the crash, {point.when} its effect"}

    # As an observer of the engine.

    def at(self, point: Point, call: Call) -> Waits | None:
        """Drop the calls of a worker that is to stop."""
        if point == "commit":
            return None
        with self._lock:
            is_dropped, is_reached = self._look(point, call)
        if is_reached:
            self._reached = call
            if isinstance(call, TrackedCall):
                # For the report.
                call.needs_entry = True
            self.on_reached()
        return _drop() if is_dropped else None

    def _look(self, point: Point, call: Call) -> tuple[bool, bool]:
        """Return whether the call is dropped, and whether the point is reached with it."""
        if call.caller is not None and call.caller.secret in self._dead:
            return point == "arrival", False
        if self._is_known_by_token and (
            call.caller is None or call.caller.secret not in self._tokens
        ):
            return False, False
        if not self._is_working and call not in self._calls:
            return False, False
        if point == "answer":
            return self._look_at_answer(call)
        if self.has_to_stop:
            return True, False
        numbers = []
        for name, pattern in self.plan.scope.patterns.items():
            if pattern.matches(call.operation):
                self._counts[name] += 1
                numbers.append((name, self._counts[name]))
        if numbers:
            self._calls[call] = numbers
        return self._reach("before", numbers)

    def _look_at_answer(self, call: Call) -> tuple[bool, bool]:
        numbers = self._calls.pop(call, [])
        if call.effect is not None:
            self.effects.update(numbers)
        if self.has_to_stop:
            # The point was reached while it was carried out.
            return (call.error is None), False
        return self._reach("after", numbers)

    def _reach(self, when: When, numbers: list[tuple[str, int]]) -> tuple[bool, bool]:
        point = self.point
        if point is None or self.is_reached or point.when != when or point[1:] not in numbers:
            return False, False
        self.is_reached = self.has_to_stop = True
        return True, True


def _drop() -> Waits:
    """Raise `Dropped` in place of a wait: the connection ends without an answer."""
    raise Dropped(Reset(connection=True))
    yield


class CrashPlan:
    """A crash before and after each matching operation; the first attempt is without one.

    If the scope is not required (`is_required`), a point that is not reached is no failure.
    """

    def __init__(self, scope: Scope, *, wording: Wording = PYTHON) -> None:
        self.name = wording.name("crash")
        self.scope: Final = scope
        self.checks = scope.check
        self._wording: Final = wording
        # What the first attempt has counted, None before its end.
        self.counts: dict[str, int] | None = None
        self.effects: set[tuple[str, int]] = set()
        self._has_probe_failed = False
        self._attempts = self._make_attempts()

    def next(self) -> CrashInstructions | None:
        """Return the instructions of the next attempt, None after the last one."""
        return next(self._attempts, None)

    def _make_attempts(self) -> Iterator[CrashInstructions]:
        yield CrashInstructions(self, None)
        # The points are known now that the first attempt has ended.
        for point in self.points[: self.scope.limit]:
            yield CrashInstructions(self, point)

    def learn(self, instructions: CrashInstructions, outcome: Outcome) -> None:
        """Take note of a first attempt that failed."""
        self._has_probe_failed |= instructions.point is None and outcome.result == "failed"

    def is_probe(self, instructions: CrashInstructions) -> bool:
        """True for the attempt without a crash."""
        return instructions.point is None

    @property
    def points(self) -> list[CrashPoint]:
        """The points of all attempts, known when the first attempt has ended.

        After an operation without an effect, the worker would stop in the same state as before it.
        """
        points = []
        for name in self.scope.names:
            for number in range(1, (self.counts or {}).get(name, 0) + 1):
                points.append(CrashPoint("before", name, number))
                if (name, number) in self.effects:
                    points.append(CrashPoint("after", name, number))
        return points

    @property
    def planned(self) -> int | None:
        """The number of all attempts, with the first one; None before the end of that."""
        if self.counts is None:
            return None
        return self.scope.planned(len(self.points))

    @property
    def notes(self) -> list[str]:
        """No lines for a campaign that passed."""
        return []

    def describe(self, failure: Failure[CrashInstructions]) -> FailedAttempt:
        """Return a failure for the report."""
        number, instructions, outcome, exchanges = failure
        point = instructions.point
        title = instructions.title
        of = "" if point is None else f" of {(self.counts or {}).get(point.operation, 0)}"
        short = title if point is None else f"{point.when} {point.operation} {point.number}"
        return FailedAttempt(
            number=number,
            title=title,
            short_title=short,
            long_title=f"{title}{of}",
            text=outcome.message,
            timeline=timeline_of(exchanges, instructions.marks),
            rank=(0,) if point is None else (len(exchanges), point.number, point.when),
            key=(outcome.message, outcome.detail),
            replay=() if point is None else tuple(self.replay_lines(point)),
        )

    def headline(self, tried: int, failed: list[FailedAttempt]) -> str | None:
        """Return the first line of the report; None if there is nothing to complain about."""
        points = self.points
        if self._has_probe_failed:
            return f"{self.name}: the attempt without a crash failed"
        if not points:
            names = "/".join(self.scope.names)
            return (
                f"{self.name}: no {names} of the worker arrived {self._wording.no_worker}, so "
                "there is no point to stop it at"
            )
        if tried == len(points) and not failed:
            return None
        return f"{self.name}: {self.scope.count_failed(len(failed), len(points), self._wording)}"

    def replay_lines(self, point: CrashPoint) -> Iterable[str]:
        """Yield the call that runs the attempt at that point alone, and a line on its options."""
        arguments = [repr(point.when), repr(point.operation), str(point.number)]
        body = {"replay": point._asdict()}
        return self._wording.replay_lines("crash", arguments, self.scope.arguments(), body)


def checked_point(when: When, operation: str, number: int) -> CrashPoint:
    """Return the point of a replay. Raises `TypeError`, `ValueError`."""
    check_choice("when", when, ("before", "after"))
    check_count("number", number)
    return CrashPoint(when, operation, number)
