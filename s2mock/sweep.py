"""Every fault at every operation of a scenario, one after the other: the fixture `s2_sweep`."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from math import isfinite
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import pytest

from s2mock.mock import S2Mock
from s2mock.powers import teardown_report
from s2mock.powers.faults import Fault, check_fault, check_place
from s2mock.powers.matching import Pattern
from s2mock.powers.timeline import make_timeline
from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Operation, Point, Waits
from s2mock.registry.values.config import BasinConfig, StreamConfig
from s2mock.runtime.monotonic import monotonic
from s2mock.runtime.notifier import check_count

if TYPE_CHECKING:
    from s2mock.powers.injection import Injection

LIMIT: Final = 1000
_PROGRESS_SECONDS: Final = 1.0
_MAX_TOLD: Final = 10
# Their `repr` is what one types.
_TYPED: Final = (type(None), bool, int, float, str, bytes, StreamConfig, BasinConfig)
# What ends a test, and is no failure of an attempt.
_PASSES_THROUGH: Final = (pytest.skip.Exception, pytest.xfail.Exception, pytest.exit.Exception)


class OperationCounter:
    """An observer that counts the operations that match each pattern, by the pattern's name."""

    def __init__(self, engine: Engine, patterns: dict[str, Pattern]) -> None:
        self.counts: Counter[str] = Counter()
        self._patterns = patterns
        engine.observers = (*engine.observers, self)

    def at(self, point: Point, operation: Operation) -> Waits | None:
        """Count an operation at its arrival."""
        if point == "arrival":
            for name, pattern in self._patterns.items():
                if pattern.matches(operation):
                    self.counts[name] += 1
        return None


class SweepPoint(NamedTuple):
    """Where a fault goes: at the `number`-th of the operations of that name that match."""

    operation: str
    number: int
    fault: Fault


class Found(NamedTuple):
    """An attempt that failed: at which point, how, and what it met."""

    point: SweepPoint
    length: int
    text: str
    timeline: str


class Scenario:
    """What all attempts have in common: which operations, and which accounts to meet them."""

    def __init__(
        self,
        make: Callable[..., S2Mock],
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
        self._options = options
        self.limit = limit
        self.names = Pattern(on, basin, stream).names
        self.basin, self.stream = basin, stream
        self.patterns = {name: Pattern(name, basin, stream) for name in self.names}
        self.faults = _checked_faults(faults, self.names)

    def make(self) -> S2Mock:
        """The account of an attempt."""
        return self._make(**self._options)

    def replay(self, point: SweepPoint) -> Iterator[str]:
        """The call that runs the attempt at that point alone, and what it takes beside that."""
        arguments = [repr(point.operation), str(point.number), repr(point.fault)]
        defaults = {"basin": "*", "stream": "*", "limit": LIMIT}
        given = {name: getattr(self, name) for name in defaults} | self._options
        untyped = []
        for name, value in given.items():
            if name in defaults and value == defaults[name]:
                continue
            if (text := _typed(value)) is None:
                untyped.append(name)
            arguments.append(f"{name}={text or name}")
        yield f"s2_sweep.replay({', '.join(arguments)})"
        if untyped:
            names = " and ".join(f"`{name}`" for name in untyped)
            are, they = ("is", "it") if len(untyped) == 1 else ("are", "they")
            yield f"where {names} {are} what s2_sweep was given: {they} cannot be written as text"


class _SweepRun:
    """How far one sweep has come: a call of `s2_sweep`."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.first = Attempt(scenario, None)
        self.tried = 0
        self.found: list[Found] = []
        self._is_told = False

    @property
    def points(self) -> list[SweepPoint]:
        """Where the faults go, known once the first attempt is over."""
        return [
            SweepPoint(name, number, fault)
            for name, count in self.first.counts.items()
            for number in range(1, count + 1)
            for fault in self.scenario.faults
        ]

    def verdict(self) -> str | None:
        """What fails the test, where no further attempt is run; told once."""
        if self._is_told:
            return None
        self._is_told = True
        if not self.first.is_over:
            return (
                "s2_sweep(...) was called, and none of its attempts was run: "
                "`for attempt in s2_sweep(...)` gives them, `with attempt as s2_mock:` runs each"
            )
        points = self.points
        if not points:
            names = "/".join(self.scenario.names)
            return f"s2_sweep: no {names} came that the faults could meet"
        if self.tried == len(points) and not self.found:
            return None
        return _report(self, points)


class Attempt:
    """One run of the scenario, in a `with` block that gives its `S2Mock`."""

    def __init__(self, scenario: Scenario, point: SweepPoint | None) -> None:
        self._scenario = scenario
        self.point = point
        self._mock: S2Mock | None = None
        self._injection: Injection | None = None
        self._counter: OperationCounter | None = None
        self.is_over = False

    def __repr__(self) -> str:
        return f"<attempt {'without a fault' if self.point is None else self.point}>"

    def __enter__(self) -> S2Mock:
        if self._mock is not None:
            raise RuntimeError("an attempt is entered once: take the next one from the loop")
        mock = self._mock = self._scenario.make()
        point = self.point
        if point is None:
            self._counter = OperationCounter(mock.account, self._scenario.patterns)
        else:
            self._injection = mock.inject(
                point.fault,
                on=point.operation,
                basin=self._scenario.basin,
                stream=self._scenario.stream,
                skip=point.number - 1,
                required=False,
            )
        return mock

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self.is_over = True
        return self._end(kind, error, trace)

    def _end(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """End the mock; whether the exception goes no further."""
        assert self._mock is not None
        if error is None:
            # What others fail with is not what this one has met.
            teardown_report.forget(self._mock._powers, has_failed=False)  # noqa: SLF001  # no user's
        self._mock.__exit__(kind, error, trace)
        return False

    @property
    def counts(self) -> dict[str, int]:
        """How many operations came, by name."""
        assert self._counter is not None
        return {name: self._counter.counts[name] for name in self._scenario.names}

    @property
    def unreached(self) -> str | None:
        """What is to be said of a fault that nothing has met."""
        injection, point = self._injection, self.point
        if injection is None or injection.hits:
            return None
        assert point is not None
        return f"nothing met the fault: {injection.match_stats.describe('it')}"


class _SweptAttempt(Attempt):
    """One of many, whose failure is told at the end."""

    def __init__(
        self, scenario: Scenario, point: SweepPoint, tell: Callable[[Found | None], None]
    ) -> None:
        super().__init__(scenario, point)
        self._tell = tell

    def _end(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        mock = self._mock
        assert mock is not None
        assert self.point is not None
        if error is not None:
            teardown_report.prepare_end(mock._powers)  # noqa: SLF001  # as below
        # The report has its timeline already, where it fails.
        teardown_report.forget(mock._powers, has_failed=error is not None)  # noqa: SLF001  # no user's
        if error is not None and not _is_a_failure(error, trace):
            return super()._end(kind, error, trace)
        exchanges = mock.journal[:]
        met = make_timeline(exchanges) if exchanges else "(no exchange)"
        try:
            super()._end(kind, error, trace)
        except AssertionError as unused:
            error = unused
        text = None if error is None else _short(error)
        if (unreached := self.unreached) is not None:
            text = unreached if text is None else f"{text}; {unreached}"
        found = None if text is None else Found(self.point, len(exchanges), text, met)
        self._tell(found)
        return error is not None


class Replay(Attempt):
    """One attempt alone: the loop's only one, or a `with` block by itself."""

    def __iter__(self) -> Iterator[Self]:
        yield self

    def _end(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        super()._end(kind, error, trace)
        if error is None and self.unreached is not None:
            pytest.fail(f"{self.point}: {self.unreached}", pytrace=False)
        return False


class Sweep:
    """The fixture `s2_sweep`: call it, and run the scenario in each attempt that it gives.

    `make` makes a mock with options; `show` says how it goes on.
    """

    def __init__(self, make: Callable[..., S2Mock], show: Callable[[str], object]) -> None:
        self._make = make
        self._show = show
        self._runs: list[_SweepRun] = []
        self._shown = monotonic()
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
    ) -> Iterator[Attempt]:
        """Attempts: one without a fault, then one for each fault at each matching operation.

        `on`, `basin` and `stream` are as with `S2Mock.inject`, `options` as of `S2Mock`, beside
        those of the marker. Each attempt is a context manager that gives an account of its own.
        The first counts the operations; where it fails, that is the failure. All others are run,
        `limit` of them at most, and the test fails at the end with a list of those that failed.
        A test that passes although not all of them were run fails, too. Raises `TypeError`,
        `ValueError`.
        """
        scenario = Scenario(
            self._make, faults, on, basin=basin, stream=stream, limit=limit, options=options
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
    ) -> Replay:
        """One attempt alone, in the place of the sweep that has found it.

        The `fault` meets the `number`-th matching operation, counted from 1. All else is as the
        sweep was given it; its `limit` changes nothing here. Raises `TypeError`, `ValueError`.
        """
        check_count("number", number)
        scenario = Scenario(
            self._make, [fault], operation, basin=basin, stream=stream, limit=limit, options=options
        )
        return Replay(scenario, SweepPoint(scenario.names[0], number, fault))

    def _attempts(self, run: _SweepRun) -> Iterator[Attempt]:
        yield run.first
        _check_over(run.first)

        def tell(found: Found | None) -> None:
            run.tried += 1
            if found is not None:
                run.found.append(found)
            self._show_progress(has_failed=found is not None)

        for point in run.points[: run.scenario.limit]:
            attempt = _SweptAttempt(run.scenario, point, tell)
            yield attempt
            _check_over(attempt)
        if (text := run.verdict()) is not None:
            pytest.fail(text, pytrace=False)

    def _show_progress(self, *, has_failed: bool) -> None:
        self._has_failed |= has_failed
        # As pytest shows subtests; not each of them, where there are many in a second.
        if (now := monotonic()) - self._shown >= _PROGRESS_SECONDS:
            self._show("u" if self._has_failed else ",")
            self._shown, self._has_failed = now, False

    def unfinished(self, *, has_failed: bool) -> list[str]:
        """What to say of each sweep that was left before its end, or never begun; said once.

        Of a test that has failed by itself, or was skipped, only the attempts that failed.
        """
        runs = [run for run in self._runs if run.found or not has_failed]
        return [text for run in runs if (text := run.verdict()) is not None]


def _report(run: _SweepRun, points: list[SweepPoint]) -> str:
    scenario, found = run.scenario, run.found
    order = {fault: index for index, fault in enumerate(scenario.faults)}
    found = sorted(found, key=lambda one: (one.length, one.point.number, order[one.point.fault]))
    total = min(len(points), scenario.limit)
    if run.tried < total:
        # The first one counts here, since it was run.
        lines = [
            f"s2_sweep was left before its end: {run.tried + 1} of {total + 1} attempts were run"
        ]
        if found:
            lines[0] += f", and {len(found)} failed"
    else:
        lines = [f"s2_sweep: {len(found)} of {total} attempts failed"]
    if left := len(points) - total:
        lines[0] += (
            f"; {left} more were left out: there are {len(points)}, and limit={total} is the limit"
        )
    for one in found[:_MAX_TOLD]:
        place = f"{_place(one.point)} of {run.first.counts[one.point.operation]}"
        lines += ["", f"{place}: {one.text}"]
        lines += [f"    {line}" for line in scenario.replay(one.point)]
        lines += [f"    {line}" for line in one.timeline.splitlines()]
    if rest := found[_MAX_TOLD:]:
        lines += ["", *(f"{_place(one.point)}: {one.text.splitlines()[0]}" for one in rest)]
    return "\n".join(lines)


def _typed(value: object) -> str | None:
    """A value as you would type it; None for one that has no such text."""
    if isinstance(value, float) and not isfinite(value):
        return f"float('{value}')"
    if type(value) in _TYPED:
        return repr(value)
    if type(value) is dict:
        pairs = [(_typed(key), _typed(below)) for key, below in value.items()]
        parts = [None if None in pair else f"{pair[0]}: {pair[1]}" for pair in pairs]
        return None if None in parts else f"{{{', '.join(map(str, parts))}}}"
    if type(value) in (list, tuple):
        items = [_typed(item) for item in value]  # type: ignore[attr-defined]  # as checked
        if None in items:
            return None
        text = ", ".join(map(str, items))
        if type(value) is list:
            return f"[{text}]"
        return f"({text},)" if len(items) == 1 else f"({text})"
    return None


def _place(point: SweepPoint) -> str:
    return f"{point.fault!r} at {point.operation} {point.number}"


def _short(error: BaseException) -> str:
    """The kind of an error and what it says, without what pytest explains at length."""
    text = str(error).strip()
    name = type(error).__name__
    lines = text.splitlines()
    return f"{name}: {lines[0]}" if lines else name


def _is_a_failure(error: BaseException, trace: TracebackType | None) -> bool:
    """Whether the attempt has failed; else the test ends here."""
    if isinstance(error, _PASSES_THROUGH):
        return False
    if not isinstance(error, Exception | pytest.fail.Exception):
        return False
    # A test that takes too long ends; its next attempt would take as long.
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__") == "pytest_timeout":
            return False
        trace = trace.tb_next
    return True


def _check_over(attempt: Attempt) -> None:
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
        check_place(fault, names)
    return tuple(dict.fromkeys(faults))
