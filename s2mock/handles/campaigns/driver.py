"""The driver of campaigns for Python: accounts of attempts, and the end of a loop."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from textwrap import indent
from types import CodeType, MappingProxyType, TracebackType
from typing import Any, ClassVar, Final, Generic, Self, TypeVar

from s2mock.campaigns import linearizability
from s2mock.campaigns.campaign import Attempt as CampaignAttempt
from s2mock.campaigns.campaign import Campaign, Outcome, Plan, SomeInstructions, outcome_of
from s2mock.campaigns.report import CampaignReport
from s2mock.campaigns.single import SinglePlan
from s2mock.handles.campaigns.source import (
    LoopSource,
    as_name,
    find_loop,
    names_in,
    write_function,
)
from s2mock.handles.mock import S2Mock
from s2mock.powers import teardown_report
from s2mock.powers.powers import Powers
from s2mock.runtime.monotonic import monotonic
from s2mock.runtime.public_dir import PublicDir
from s2mock.server.lazy_server import LazyServer
from s2mock.upstream.basin_prefix import random_template

_PROGRESS_SECONDS: Final = 1.0


class CampaignFailed(AssertionError):
    """Attempts of a campaign failed, or were not run."""


class Surroundings:
    """What a campaign gets from its surroundings: pytest, or a script.

    `make` returns a fresh account with the given options. `show` is called with a mark (`,`, or `u`
    after a failure) while a campaign makes progress. `fail` is called with the report of a campaign
    that failed, and the errors of its failures by the numbers of their attempts; it raises. Without
    it a campaign raises nothing at the end of its loop, and is asked for its `report()`.
    """

    def __init__(
        self,
        make: Callable[..., S2Mock],
        show: Callable[[str], object] = lambda _: None,
        fail: Callable[[CampaignReport, dict[int, BaseException]], object] | None = None,
        close: Callable[[], object] = lambda: None,
        options: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.make: Final = make
        self.fail: Final = fail
        self.close: Final = close
        # What `make` adds to the options that it is given, for tests to paste.
        self.options: Final = options
        self.campaigns: list[PythonCampaign[Any]] = []
        # The notes of campaigns that passed, which are advice for the test.
        self._advice: list[str] = []
        self._show = show
        self._shown_at = monotonic()
        self._has_failed = False

    def make_account(self, options: Mapping[str, Any]) -> S2Mock:
        """Return a fresh account with these options; at an upstream, with basins of its own."""
        whole = {**self.options, **options}
        if whole.get("upstream") is None:
            return self.make(**options)
        prefix = random_template(whole.get("basin_prefix"))
        return self.make(**{**options, "basin_prefix": prefix})

    def show_progress(self, *, has_failed: bool) -> None:
        """Show a mark that pytest shows for subtests; at most one in a second."""
        self._has_failed |= has_failed
        if (now := monotonic()) - self._shown_at >= _PROGRESS_SECONDS:
            self._show("u" if self._has_failed else ",")
            self._shown_at, self._has_failed = now, False

    def take_advice(self) -> list[str]:
        """Return the notes of campaigns that passed, such as on orders left out; each once."""
        advice, self._advice = self._advice, []
        return advice

    def advise(self, notes: Iterable[str]) -> None:
        """Keep notes of a campaign that passed."""
        self._advice += notes

    def take_unfinished(self, *, has_failed: bool) -> list[str]:
        """Return a message for each campaign that was left early, or never begun; each once.

        If the test `has_failed` by itself, or was skipped, only for those with failed attempts.
        """
        found = [one for one in self.campaigns if one.has_failures or not has_failed]
        return [str(report) for one in found if (report := one.take_verdict()) is not None]


def outside_pytest() -> Surroundings:
    """Return the surroundings of a campaign in a script: one server for all of its attempts."""
    server = LazyServer(is_kept=True)

    def make(**options: Any) -> S2Mock:
        return S2Mock(**options, listening=server)

    return Surroundings(make, close=server.stop)


class DrivenAttempt(PublicDir):
    """One run of the scenario: a context manager that returns its account, an `S2Mock`."""

    _for_s2mock = frozenset({"is_over"})

    def __init__(
        self,
        attempt: CampaignAttempt[Any],
        make: Callable[[], S2Mock],
        *,
        on_end: Callable[["DrivenAttempt", BaseException | None], object] | None = None,
    ) -> None:
        self._attempt = attempt
        self._make = make
        # True if what its clients observed is to be linearizable.
        self.checks = False
        # Called at its end, where its failure is reported at the end of the campaign.
        self._on_end = on_end
        self._mock: S2Mock | None = None

    def __repr__(self) -> str:
        return repr(self._attempt)

    @property
    def is_over(self) -> bool:
        """True if its block has ended."""
        return self._attempt.is_over

    def __enter__(self) -> S2Mock:
        if self._mock is not None:
            raise RuntimeError("an attempt is entered once: take the next one from the loop")
        self._mock = self._make()
        self._attempt.begin(self._powers)
        return self._mock

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if self._on_end is None or self._attempt.is_probe:
            self._end_alone(error)
            return False
        return self._end(error, self._on_end)

    def _end_alone(self, error: BaseException | None) -> None:
        """End an attempt whose failure is the failure of the test."""
        # Before the advice is taken, which depends on what is applied late.
        self._powers.drop_late()
        self._attempt.collect(self._powers, has_failed=error is not None)
        if error is None:
            # The failure of another attempt is reported without the timeline of this one.
            teardown_report.forget(self._powers, has_failed=False)
        outcome = _outcome_of(error)
        try:
            if error is None and self.checks:
                linearizability.check(self._powers)
            self._close(error)
        except BaseException as raised:
            outcome = _outcome_of(raised)
            raise
        finally:
            self._attempt.end(outcome)
        if error is None and not self._attempt.is_probe and self._attempt.complaint is not None:
            fail(f"{self._attempt.instructions.title}: {self._attempt.complaint}")

    def _end(
        self,
        error: BaseException | None,
        on_end: Callable[["DrivenAttempt", BaseException | None], object],
    ) -> bool:
        """End one of many attempts; return True to suppress its failure, which is kept."""
        powers = self._powers
        if error is not None:
            teardown_report.prepare_end(powers)
        powers.drop_late()
        # The campaign's report has the timeline of an attempt that failed.
        teardown_report.forget(powers, has_failed=error is not None)
        self._attempt.collect(powers, has_failed=error is not None)
        if error is not None and not is_failure(error):
            self._attempt.end(Outcome("skipped"))
            self._close(error)
            return False
        try:
            if error is None and self.checks:
                linearizability.check(powers)
            self._close(error)
        except BaseException as raised:  # of the check, of unused faults, and of hooks
            if not is_failure(raised):
                self._attempt.end(Outcome("skipped"))
                raise
            error = raised
        on_end(self, error)
        return error is not None

    def _close(self, error: BaseException | None) -> None:
        assert self._mock is not None
        kind, trace = (None, None) if error is None else (type(error), error.__traceback__)
        self._mock.__exit__(kind, error, trace)

    @property
    def _powers(self) -> Powers:
        assert self._mock is not None
        return self._mock._powers  # noqa: SLF001  # made for this


SomeAttempt = TypeVar("SomeAttempt", bound=DrivenAttempt)
SomeReplay = TypeVar("SomeReplay", bound=DrivenAttempt)


class PythonCampaign(PublicDir, Generic[SomeAttempt]):
    """The base of `Sweep`, `Orders` and `Crashes`: a campaign that is run in a loop.

    As a fixture it has no plan: calling it returns a campaign with one.
    """

    _fixture: ClassVar[str]

    _for_s2mock = frozenset({"for_fixture", "has_failures", "take_verdict"})

    def __init__(
        self, plan: Plan[Any] | None, surroundings: Surroundings, options: dict[str, Any]
    ) -> None:
        self._surroundings = surroundings
        self._options = options
        self._campaign: Campaign[Any] | None = None if plan is None else Campaign(plan)
        # Of the shortest one of equal failures, by the number of its attempt.
        self._errors: dict[int, BaseException] = {}
        self._instructions: dict[int, Any] = {}
        self._shortest: dict[object, tuple[Any, int]] = {}
        self._loop_place: tuple[CodeType, int] | None = None
        self._is_reported = False
        self._has_begun = False
        if plan is not None:
            surroundings.campaigns.append(self)

    def overview(self) -> dict[str, Any] | None:
        """Return the attempts with their outcomes as JSON, None before the first one."""
        campaign = self._campaign
        if campaign is None:
            return None
        about = {"number": None, "kind": campaign.plan.name, "is_ended": True}
        return {**about, **campaign.overview()}

    @classmethod
    def for_fixture(cls, surroundings: Surroundings) -> Self:
        """Return the object of a fixture, which has no plan until it is called."""
        made = cls.__new__(cls)
        PythonCampaign.__init__(made, None, surroundings, {})
        return made

    def _with_plan(self, plan: Plan[Any], options: dict[str, Any]) -> Self:
        """Return a campaign with a plan, and with these options beside its own."""
        made = type(self).__new__(type(self))
        PythonCampaign.__init__(made, plan, self._surroundings, {**self._options, **options})
        return made

    def _run_alone(
        self,
        kind: type[SomeReplay],
        plan: Plan[SomeInstructions],
        instructions: SomeInstructions,
        options: dict[str, Any],
    ) -> SomeReplay:
        """Return one attempt of a plan alone, of that kind."""
        attempt = Campaign(SinglePlan(plan, instructions)).next_attempt()
        assert attempt is not None
        made = {**self._options, **options}
        replay = kind(attempt, lambda: self._surroundings.make_account(made))
        replay.checks = plan.checks
        return replay

    def __iter__(self) -> Iterator[SomeAttempt]:
        """Yield the attempts; each is to be run before the next one is taken.

        Raises `RuntimeError` for an attempt that was not run, and for a second loop.
        """
        campaign = self._require_campaign()
        if self._has_begun:
            raise RuntimeError(
                f"a campaign is run once: make another one with {self._fixture}(...)"
            )
        self._has_begun = True
        # The loop that begins now.
        frame = sys._getframe(1)  # noqa: SLF001  # documented
        self._loop_place = frame.f_code, frame.f_lineno
        return self._attempts(campaign)

    def _attempts(self, campaign: Campaign[Any]) -> Iterator[SomeAttempt]:
        try:
            while (attempt := campaign.next_attempt()) is not None:
                driven = self._drive(attempt)
                driven.checks = campaign.plan.checks
                yield driven
                if not driven.is_over:
                    raise RuntimeError("an attempt was not run: `with attempt as s2_mock:` runs it")
        finally:
            self._surroundings.close()
        fail_campaign = self._surroundings.fail
        if fail_campaign is not None and (report := self.take_verdict()) is not None:
            fail_campaign(report, self._errors)
        self._surroundings.advise(
            f"{self._fixture}: {note}" for note in campaign.plan.notes if not self.has_failures
        )

    def _drive(self, attempt: CampaignAttempt[Any]) -> SomeAttempt:
        """Return the attempt for the loop."""
        raise NotImplementedError

    def _make(self) -> S2Mock:
        return self._surroundings.make_account(self._options)

    def _note_end(self, driven: DrivenAttempt, error: BaseException | None) -> None:
        """End an attempt whose failure is reported at the end of the campaign."""
        attempt = driven._attempt  # noqa: SLF001  # of this module
        failed = attempt.end(outcome_of(error))
        if failed is not None:
            # An error keeps its account in memory, so only those that are shown are kept.
            rank, number = self._shortest.get(failed.key, (None, 0))
            if rank is None or failed.rank < rank:
                self._errors.pop(number, None)
                self._instructions.pop(number, None)
                self._shortest[failed.key] = failed.rank, failed.number
                self._instructions[failed.number] = attempt.instructions
                if error is not None:
                    self._errors[failed.number] = error
        self._surroundings.show_progress(has_failed=failed is not None)

    def report(self) -> CampaignReport:
        """Return what the campaign has found; `str(report)` is its text.

        A campaign that was left before its end, or never begun, has not `passed`.
        """
        campaign = self._require_campaign()
        report = campaign.report()
        if campaign.ended == 0:
            text = (
                f"{self._fixture}(...) was called, and none of its attempts was run: "
                f"`for attempt in {self._fixture}(...)` gives them, `with attempt as s2_mock:` "
                "runs each"
            )
            report = CampaignReport(kind=report.kind, attempts=0, planned=None, complaint=text)
        return self._with_test(report)

    def _with_test(self, report: CampaignReport) -> CampaignReport:
        """Add a standalone test of the shortest failure, if its source is known."""
        if not report.groups or self._loop_place is None:
            return report
        source = find_loop(*self._loop_place, self._fixture)
        if source is None:
            return report
        [group, *others] = report.groups
        instructions = self._instructions.get(group.first.number)
        test = None if instructions is None else self._write_test(instructions, source)
        first = replace(group.first, test=test)
        return replace(report, groups=(replace(group, first=first), *others))

    def _write_test(self, instructions: Any, source: LoopSource) -> str | None:
        """Return a standalone test of a failed attempt; None if there is none."""
        raise NotImplementedError

    def _write_replay(self, title: str, arguments: Iterable[str], source: LoopSource) -> str:
        """Return a standalone test that runs one attempt alone, with the fixture of the campaign.

        `title` is for its name; `arguments` are those of `replay`, as code.
        """
        # Code that is repaired may make fewer calls.
        call = [*arguments, *(["check=True"] if self._require_campaign().plan.checks else [])]
        call.append("required=False")
        replay = f"{self._fixture}.replay({', '.join(call)})"
        names = names_in([replay])
        loop = (
            f"for {source.loop} in {replay}:\n"
            f"    with {source.loop} as {source.mock}:\n"
            f"{indent(source.block, ' ' * 8)}"
        )
        return write_function(
            f"{source.function}_{as_name(title)}",
            [self._fixture, *source.arguments],
            [source.before, loop],
            options=self._all_options,
            imports=[
                "import pytest",
                *(["", f"from s2mock import {', '.join(names)}"] if names else []),
            ],
        )

    @property
    def _all_options(self) -> dict[str, Any]:
        return {**self._surroundings.options, **self._options}

    @property
    def has_failures(self) -> bool:
        """True if an attempt failed that is reported at the end of the campaign."""
        campaign = self._campaign
        return campaign is not None and bool(campaign.failed) and not campaign.has_probe_failed

    def take_verdict(self) -> CampaignReport | None:
        """Return the report that fails the test if no further attempt is run, once; else None."""
        if self._is_reported:
            return None
        self._is_reported = True
        report = self.report()
        return None if report.passed else report

    def _require_campaign(self) -> Campaign[Any]:
        if self._campaign is None:
            raise TypeError(
                f"{self._fixture} is to be called: `for attempt in {self._fixture}(...)`"
            )
        return self._campaign


def fail(text: str) -> None:
    """Fail the test with that text; outside of pytest raise `CampaignFailed`."""
    pytest = sys.modules.get("pytest")
    if pytest is not None:
        pytest.fail(text, pytrace=False)
    raise CampaignFailed(text)


def _outcome_of(error: BaseException | None) -> Outcome:
    is_skipped = error is not None and not is_failure(error)
    return Outcome("skipped") if is_skipped else outcome_of(error)


def is_failure(error: BaseException) -> bool:
    """True for a failure of the attempt; any other exception ends the test."""
    pytest = sys.modules.get("pytest")
    if pytest is not None and isinstance(
        error, pytest.skip.Exception | pytest.xfail.Exception | pytest.exit.Exception
    ):
        return False
    is_fail = pytest is not None and isinstance(error, pytest.fail.Exception)
    if not is_fail and not isinstance(error, Exception):
        return False
    # A timeout ends the test: the next attempt would take as long.
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__") == "pytest_timeout":
            return False
        trace = trace.tb_next
    return True
