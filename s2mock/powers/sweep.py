"""Fault sweeps: a scenario is run again and again, with each fault at each of its operations."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from math import isfinite
from types import TracebackType
from typing import Any, Final, Generic, NamedTuple, Self, TypeVar

import pytest

from s2mock.powers import teardown_report
from s2mock.powers.faults import Fault, check_fault, check_place, has_place
from s2mock.powers.injection import InjectArguments, Injection
from s2mock.powers.matching import Pattern
from s2mock.powers.powers import Powers
from s2mock.powers.timeline import make_timeline
from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Call, Point, Waits
from s2mock.registry.values.config import BasinConfig, StreamConfig
from s2mock.runtime.arguments import check_count
from s2mock.runtime.monotonic import monotonic

LIMIT: Final = 1000
_PROGRESS_SECONDS: Final = 1.0
# A report has a timeline for this number of failures, and a line for each other one.
_MAX_TIMELINES: Final = 10
# Types whose `repr` is the code that makes an equal value.
_TYPES_WITH_CODE: Final = (type(None), bool, int, float, str, bytes, StreamConfig, BasinConfig)
# These end the test, and are no failure of an attempt.
_PASSES_THROUGH: Final = (pytest.skip.Exception, pytest.xfail.Exception, pytest.exit.Exception)


Account = TypeVar("Account", bound=AbstractContextManager[Any])
"""The type of an attempt's account: `S2Mock` for tests."""


class OperationCounter:
    """An observer that counts the operations that match each pattern, by the pattern's name."""

    def __init__(self, engine: Engine, patterns: dict[str, Pattern]) -> None:
        self.counts: Counter[str] = Counter()
        self._patterns = patterns
        engine.observers = (*engine.observers, self)

    def at(self, point: Point, call: Call) -> Waits | None:
        """Count a call at its arrival."""
        if point == "arrival":
            for name, pattern in self._patterns.items():
                if pattern.matches(call.operation):
                    self.counts[name] += 1
        return None


class SweepPoint(NamedTuple):
    """The place of a fault: the `number`-th matching operation of that name, counted from 1."""

    operation: str
    number: int
    fault: Fault

    def __str__(self) -> str:
        return f"{self.fault!r} at {self.operation} {self.number}"


class FailedAttempt(NamedTuple):
    """An attempt that failed: its point, its number of exchanges, the error, the timeline."""

    point: SweepPoint
    length: int
    text: str
    timeline: str


class _Scenario(Generic[Account]):
    """The arguments of a sweep, which all its attempts share."""

    def __init__(
        self,
        make: Callable[..., Account],
        powers_of: Callable[[Account], Powers],
        faults: Iterable[Fault],
        on: Any,
        *,
        basin: str,
        stream: str,
        limit: int,
        options: dict[str, Any],
    ) -> None:
        check_count("limit", limit)
        self._make = make
        self.powers_of = powers_of
        self._options = options
        self.limit = limit
        self.names = Pattern(on, basin, stream).names
        self.basin, self.stream = basin, stream
        self.patterns = {name: Pattern(name, basin, stream) for name in self.names}
        self.faults = _checked_faults(faults, self.names)

    def make(self) -> Account:
        """Return a fresh account for an attempt."""
        return self._make(**self._options)

    def replay(self, point: SweepPoint) -> Iterator[str]:
        """Yield the call that runs the attempt at that point alone, and a line on its options."""
        arguments = [repr(point.operation), str(point.number), repr(point.fault)]
        defaults = {"basin": "*", "stream": "*", "limit": LIMIT}
        given = {name: getattr(self, name) for name in defaults} | self._options
        without_code = []
        for name, value in given.items():
            if name in defaults and value == defaults[name]:
                continue
            if (text := _to_code(value)) is None:
                without_code.append(name)
            arguments.append(f"{name}={text or name}")
        yield f"s2_sweep.replay({', '.join(arguments)})"
        if without_code:
            names = " and ".join(f"`{name}`" for name in without_code)
            are, they = ("is", "it") if len(without_code) == 1 else ("are", "they")
            yield f"where {names} {are} what s2_sweep was given: {they} cannot be written as text"


class _SweepRun(Generic[Account]):
    """The state of one sweep: one call of `s2_sweep`."""

    def __init__(self, scenario: _Scenario[Account]) -> None:
        self.scenario = scenario
        self.first = Attempt(scenario, None)
        self.tried = 0
        self.failed: list[FailedAttempt] = []
        self._is_reported = False

    @property
    def points(self) -> list[SweepPoint]:
        """The points of all attempts, known when the first attempt has ended."""
        return [point for point in self._all_points if has_place(point.fault, point.operation)]

    @property
    def meaningless(self) -> int:
        """The number of points at which the fault has no meaning, such as a `Late` of a read."""
        return len(self._all_points) - len(self.points)

    @property
    def _all_points(self) -> list[SweepPoint]:
        return [
            SweepPoint(name, number, fault)
            for name, count in self.first.counts.items()
            for number in range(1, count + 1)
            for fault in self.scenario.faults
        ]

    def take_verdict(self) -> str | None:
        """Return the message that fails the test if no further attempt is run, once; else None."""
        if self._is_reported:
            return None
        self._is_reported = True
        if not self.first.is_over:
            return (
                "s2_sweep(...) was called, and none of its attempts was run: "
                "`for attempt in s2_sweep(...)` gives them, `with attempt as s2_mock:` runs each"
            )
        points = self.points
        if not points:
            names = "/".join(self.scenario.names)
            return f"s2_sweep: no {names} arrived, so there is no place for the faults"
        if self.tried == len(points) and not self.failed:
            return None
        return _report(self, points)


class Attempt(Generic[Account]):
    """One run of the scenario: a context manager that returns its account, an `S2Mock`."""

    def __init__(self, scenario: _Scenario[Account], point: SweepPoint | None) -> None:
        self._scenario = scenario
        self.point = point
        self._account: Account | None = None
        self._injection: Injection | None = None
        self._counter: OperationCounter | None = None
        self.is_over = False

    def __repr__(self) -> str:
        return f"<attempt {'without a fault' if self.point is None else self.point}>"

    def __enter__(self) -> Account:
        if self._account is not None:
            raise RuntimeError("an attempt is entered once: take the next one from the loop")
        account = self._account = self._scenario.make()
        point, powers = self.point, self._powers
        if point is None:
            self._counter = OperationCounter(powers.engine, self._scenario.patterns)
        else:
            self._injection = powers.injector.inject(
                InjectArguments.make(
                    point.fault,
                    on=point.operation,
                    basin=self._scenario.basin,
                    stream=self._scenario.stream,
                    skip=point.number - 1,
                    required=False,
                )
            )
        return account

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self.is_over = True
        return self._end(error)

    def _end(self, error: BaseException | None) -> bool:
        """End the account; return True to suppress the exception."""
        assert self._account is not None
        # Before the advice is taken, which depends on what is applied late.
        self._powers.injector.drop_late()
        if error is None:
            # The failure of another attempt is reported without the timeline of this one.
            teardown_report.forget(self._powers, has_failed=False)
        kind, trace = (None, None) if error is None else (type(error), error.__traceback__)
        self._account.__exit__(kind, error, trace)
        return False

    @property
    def _powers(self) -> Powers:
        assert self._account is not None
        return self._scenario.powers_of(self._account)

    @property
    def counts(self) -> dict[str, int]:
        """The number of matching operations, by name."""
        assert self._counter is not None
        return {name: self._counter.counts[name] for name in self._scenario.names}

    @property
    def unreached(self) -> str | None:
        """The message for a fault that affected no operation, else None."""
        injection, point = self._injection, self.point
        if injection is None or injection.hits:
            return None
        assert point is not None
        return f"the fault affected no operation: {injection.match_stats.describe('it')}"


class _SweptAttempt(Attempt[Account]):
    """One of many attempts, whose failure is reported at the end of the sweep."""

    def __init__(
        self,
        scenario: _Scenario[Account],
        point: SweepPoint,
        report: Callable[[FailedAttempt | None], None],
    ) -> None:
        super().__init__(scenario, point)
        self._report = report

    def _end(self, error: BaseException | None) -> bool:
        assert self.point is not None
        powers = self._powers
        if error is not None:
            teardown_report.prepare_end(powers)
        powers.injector.drop_late()
        # The sweep's report has the timeline of an attempt that failed.
        teardown_report.forget(powers, has_failed=error is not None)
        if error is not None and not _is_a_failure(error):
            return super()._end(error)
        exchanges = powers.journal.since(0)
        timeline = make_timeline(exchanges) if exchanges else "(no exchange)"
        try:
            super()._end(error)
        except BaseException as raised:  # of unused faults, and of hooks
            if not _is_a_failure(raised):
                raise
            error = raised
        text = None if error is None else _short(error)
        if (unreached := self.unreached) is not None:
            text = unreached if text is None else f"{text}; {unreached}"
        failed = None
        if text is not None:
            failed = FailedAttempt(self.point, len(exchanges), text, timeline)
        self._report(failed)
        return error is not None


class Replay(Attempt[Account]):
    """One attempt alone: a context manager, or the only item of a loop."""

    def __iter__(self) -> Iterator[Self]:
        yield self

    def _end(self, error: BaseException | None) -> bool:
        super()._end(error)
        if error is None and self.unreached is not None:
            pytest.fail(f"{self.point}: {self.unreached}", pytrace=False)
        return False


class FaultSweep(Generic[Account]):
    """The base of the fixture `s2_sweep`: call it, and run the scenario in each attempt.

    `make` returns a fresh account with the given options, and `powers_of` its powers. `show` is
    called with a mark (`,`, or `u` after a failure) while a sweep makes progress.
    """

    def __init__(
        self,
        make: Callable[..., Account],
        show: Callable[[str], object],
        *,
        powers_of: Callable[[Account], Powers],
    ) -> None:
        self._make = make
        self._show = show
        self._powers_of = powers_of
        self._runs: list[_SweepRun[Account]] = []
        self._shown_at = monotonic()
        self._has_failed = False

    def __call__(
        self,
        faults: Iterable[Fault],
        *,
        on: str | Iterable[str],
        basin: str = "*",
        stream: str = "*",
        limit: int = LIMIT,
        **options: Any,
    ) -> Iterator[Attempt[Account]]:
        """Return attempts: one without a fault, then one for each fault at each operation.

        `on`, `basin` and `stream` are those of `S2Mock.inject`, `options` those of `S2Mock`, in
        addition to the marker's. Each attempt is a context manager with an account of its own. The
        first counts the operations; if it fails, the sweep ends. All others are run, up to `limit`,
        and the test fails at the end with a list of those that failed. An operation on which a
        fault has no meaning gets no attempt with it. A test that ends before all
        attempts were run fails, too. Raises `TypeError`, `ValueError`.
        """
        scenario = _Scenario(
            self._make,
            self._powers_of,
            faults,
            on,
            basin=basin,
            stream=stream,
            limit=limit,
            options=options,
        )
        run = _SweepRun(scenario)
        self._runs.append(run)
        return self._attempts(run)

    def replay(
        self,
        operation: str,
        number: int,
        fault: Fault,
        *,
        basin: str = "*",
        stream: str = "*",
        limit: int = LIMIT,
        **options: Any,
    ) -> Replay[Account]:
        """Return one attempt alone, to replace the sweep that has found a failure.

        The `fault` is for the `number`-th matching operation, counted from 1. The other arguments
        are those of the sweep; `limit` changes nothing here. Raises `TypeError`, `ValueError`.
        """
        check_count("number", number)
        scenario = _Scenario(
            self._make,
            self._powers_of,
            [fault],
            operation,
            basin=basin,
            stream=stream,
            limit=limit,
            options=options,
        )
        return Replay(scenario, SweepPoint(scenario.names[0], number, fault))

    def _attempts(self, run: _SweepRun[Account]) -> Iterator[Attempt[Account]]:
        yield run.first
        _check_over(run.first)

        def report(failed: FailedAttempt | None) -> None:
            run.tried += 1
            if failed is not None:
                run.failed.append(failed)
            self._show_progress(has_failed=failed is not None)

        for point in run.points[: run.scenario.limit]:
            attempt = _SweptAttempt(run.scenario, point, report)
            yield attempt
            _check_over(attempt)
        if (text := run.take_verdict()) is not None:
            pytest.fail(text, pytrace=False)

    def _show_progress(self, *, has_failed: bool) -> None:
        self._has_failed |= has_failed
        # The marks that pytest shows for subtests; at most one in a second.
        if (now := monotonic()) - self._shown_at >= _PROGRESS_SECONDS:
            self._show("u" if self._has_failed else ",")
            self._shown_at, self._has_failed = now, False

    def take_unfinished(self, *, has_failed: bool) -> list[str]:
        """Return a message for each sweep that was left early, or never begun; each once.

        If the test `has_failed` by itself, or was skipped, only for sweeps with failed attempts.
        """
        runs = [run for run in self._runs if run.failed or not has_failed]
        return [text for run in runs if (text := run.take_verdict()) is not None]


def _report(run: _SweepRun[Any], points: list[SweepPoint]) -> str:
    scenario, failed = run.scenario, run.failed
    order = {fault: index for index, fault in enumerate(scenario.faults)}
    failed = sorted(failed, key=lambda one: (one.length, one.point.number, order[one.point.fault]))
    total = min(len(points), scenario.limit)
    if run.tried < total:
        # With the first attempt, which has no fault.
        lines = [
            f"s2_sweep was left before its end: {run.tried + 1} of {total + 1} attempts were run"
        ]
        if failed:
            lines[0] += f", and {len(failed)} failed"
    else:
        lines = [f"s2_sweep: {len(failed)} of {total} attempts failed"]
    if left := len(points) - total:
        lines[0] += (
            f"; {left} more were left out: there are {len(points)}, and limit={total} is the limit"
        )
    if count := run.meaningless:
        lines[0] += f"; {count} were left out, at operations on which their faults have no meaning"
    for one in failed[:_MAX_TIMELINES]:
        count = run.first.counts[one.point.operation]
        lines += ["", f"{one.point} of {count}: {one.text}"]
        lines += [f"    {line}" for line in scenario.replay(one.point)]
        lines += [f"    {line}" for line in one.timeline.splitlines()]
    if rest := failed[_MAX_TIMELINES:]:
        lines += ["", *(f"{one.point}: {one.text.splitlines()[0]}" for one in rest)]
    return "\n".join(lines)


def _to_code(value: object) -> str | None:
    """Return the code that makes an equal value; None if there is none."""
    if isinstance(value, float) and not isfinite(value):
        return f"float('{value}')"
    if type(value) in _TYPES_WITH_CODE:
        return repr(value)
    if type(value) is dict:
        pairs = [(_to_code(key), _to_code(below)) for key, below in value.items()]
        parts = [None if None in pair else f"{pair[0]}: {pair[1]}" for pair in pairs]
        return None if None in parts else f"{{{', '.join(map(str, parts))}}}"
    if type(value) in (list, tuple):
        items = [_to_code(item) for item in value]  # type: ignore[attr-defined]  # as checked
        if None in items:
            return None
        text = ", ".join(map(str, items))
        if type(value) is list:
            return f"[{text}]"
        return f"({text},)" if len(items) == 1 else f"({text})"
    return None


def _short(error: BaseException) -> str:
    """Return the type and the first line of an error."""
    text = str(error).strip()
    name = type(error).__name__
    lines = text.splitlines()
    return f"{name}: {lines[0]}" if lines else name


def _is_a_failure(error: BaseException) -> bool:
    """True for a failure of the attempt; any other exception ends the test."""
    if isinstance(error, _PASSES_THROUGH):
        return False
    if not isinstance(error, Exception | pytest.fail.Exception):
        return False
    # A timeout ends the test: the next attempt would take as long.
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__") == "pytest_timeout":
            return False
        trace = trace.tb_next
    return True


def _check_over(attempt: Attempt[Any]) -> None:
    if not attempt.is_over:
        raise RuntimeError("an attempt was not run: `with attempt as s2_mock:` runs it")


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
