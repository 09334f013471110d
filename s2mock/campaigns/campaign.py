"""The engine of campaigns: attempts one after the other, each with instructions and an outcome."""

import re
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, Generic, Literal, NamedTuple, Protocol, TypeVar

from s2mock.campaigns.report import CampaignReport, FailedAttempt, group_equal
from s2mock.powers.exchange import Exchange
from s2mock.powers.powers import Powers
from s2mock.powers.timeline import make_timeline

MAX_LISTED: Final = 1_000
"""The number of attempts that a list of them has at most, the last ones."""

# The address of an object in its representation.
_ADDRESS: Final = re.compile(r"\bat 0x[0-9a-fA-F]+")

Result = Literal["passed", "failed", "skipped"]


class Outcome(NamedTuple):
    """The end of an attempt, as its driver saw it: the result, and the message of a failure.

    `detail` is more of a failure, such as all of its text and the line of code: two failures are
    equal if they have the same message and detail.
    """

    result: Result
    message: str = ""
    detail: Hashable = None


PASSED: Final = Outcome("passed")


class Instructions(Protocol):
    """What is done to the account of one attempt."""

    @property
    def title(self) -> str:
        """The instructions in a few words, such as "Drop() at append 3"."""

    def begin(self, powers: Powers) -> None:
        """Apply the instructions to the account of the attempt, before the scenario."""

    def end(self, powers: Powers) -> str | None:
        """Return a complaint about instructions that were not carried out, else None.

        It is called once, before the account ends.
        """

    def to_json(self) -> dict[str, Any]:
        """Return the instructions as JSON, for a driver over HTTP."""


SomeInstructions = TypeVar("SomeInstructions", bound=Instructions)


class Failure(NamedTuple, Generic[SomeInstructions]):
    """The facts about one failed attempt, from which its plan makes a `FailedAttempt`."""

    number: int
    instructions: SomeInstructions
    outcome: Outcome
    exchanges: tuple[Exchange, ...]


class Plan(Protocol[SomeInstructions]):
    """The instructions of all attempts of a campaign, in their order."""

    name: str
    """The name of the fixture, for messages."""
    checks: bool
    """True if what the clients of an attempt observe is to be linearizable."""

    def next(self) -> SomeInstructions | None:
        """Return the instructions of the next attempt, None after the last one."""

    def learn(self, instructions: SomeInstructions, outcome: Outcome) -> None:
        """Take note of the end of an attempt, on which the next instructions depend."""

    def is_probe(self, instructions: SomeInstructions) -> bool:
        """True for an attempt without a disturbance: if it fails, that is the failure."""

    def describe(self, failure: Failure[SomeInstructions]) -> FailedAttempt:
        """Return a failure for the report."""

    def headline(self, tried: int, failed: list[FailedAttempt]) -> str | None:
        """Return the first line of the report; None if there is nothing to complain about.

        `tried` is the number of attempts that were run, and `failed` has those that failed, the
        shortest first.
        """

    @property
    def planned(self) -> int | None:
        """The number of all attempts; None as long as it is not known."""

    @property
    def notes(self) -> list[str]:
        """Lines for the report also of a campaign that passed."""


class AttemptOpen(RuntimeError):
    """The next attempt was asked for while one is open."""


class Attempt(Generic[SomeInstructions]):
    """One attempt of a campaign. Its driver calls the methods in their order, each once."""

    def __init__(
        self, campaign: "Campaign[SomeInstructions]", number: int, instructions: SomeInstructions
    ) -> None:
        self.number: Final = number
        self.instructions: Final = instructions
        self.is_probe: Final = campaign.plan.is_probe(instructions)
        self.is_over = False
        self._campaign = campaign
        self._complaint: str | None = None
        self._take_exchanges: Callable[[], tuple[Exchange, ...]] = tuple

    def __repr__(self) -> str:
        return f"<attempt {self.instructions.title}>"

    def begin(self, powers: Powers) -> None:
        """Apply the instructions to the account that the driver has made for the attempt."""
        self.instructions.begin(powers)

    def collect(self, powers: Powers, *, has_failed: bool = False) -> None:
        """Take what the report needs from the account, before that ends.

        With `has_failed`, the attempt is known to have failed.
        """
        self._complaint = self.instructions.end(powers)
        journal, last = powers.journal, powers.journal.last_number

        def take() -> tuple[Exchange, ...]:
            return tuple(one for one in journal.since(0) if one.number <= last)

        # Most attempts pass, and have no part in the report. What is open ends with the account.
        if has_failed or self._complaint is not None or journal.has_open_exchanges:
            exchanges = take()
            self._take_exchanges = lambda: exchanges
        else:
            self._take_exchanges = take

    @property
    def complaint(self) -> str | None:
        """The complaint about instructions that were not carried out, else None."""
        return self._complaint

    def end(self, outcome: Outcome) -> FailedAttempt | None:
        """End the attempt; return it for the report if it failed."""
        self.is_over = True
        if self._complaint is not None and outcome.result != "skipped" and not self.is_probe:
            message = self._complaint
            if outcome.result == "failed":
                message = f"{outcome.message}; {message}"
            outcome = Outcome("failed", message, outcome.detail)
        exchanges = self._take_exchanges() if outcome.result == "failed" else ()
        facts = Failure(self.number, self.instructions, outcome, exchanges)
        self._take_exchanges = tuple
        return self._campaign.note_end(self, facts)


class ListedAttempt(NamedTuple):
    """An attempt that has ended, as a list shows it."""

    number: int
    title: str
    outcome: Result
    message: str

    def to_json(self) -> dict[str, Any]:
        """Return the attempt as JSON."""
        return self._asdict()


class Campaign(Generic[SomeInstructions]):
    """The attempts of a plan, one open at a time, and what was found."""

    def __init__(self, plan: Plan[SomeInstructions]) -> None:
        self.plan: Final = plan
        self.open: Attempt[SomeInstructions] | None = None
        self.is_over = False
        self.has_probe_failed = False
        self.failed: list[FailedAttempt] = []
        # The number of attempts that ended, and of those among them that are no probe.
        self.ended = 0
        self.tried = 0
        self._begun = 0
        # The last ones that have ended.
        self.listed: deque[ListedAttempt] = deque(maxlen=MAX_LISTED)

    def next_attempt(self) -> Attempt[SomeInstructions] | None:
        """Return the next attempt, None after the last one. Raises `AttemptOpen`."""
        if self.open is not None:
            raise AttemptOpen(f"attempt {self.open.number} is open: end it before the next one")
        instructions = None if self.is_over else self.plan.next()
        if instructions is None:
            self.is_over = True
            return None
        self._begun += 1
        self.open = Attempt(self, self._begun, instructions)
        return self.open

    def note_end(
        self, attempt: Attempt[SomeInstructions], facts: Failure[SomeInstructions]
    ) -> FailedAttempt | None:
        """Take note of the end of the open attempt: see `Attempt.end`."""
        self.open = None
        self.ended += 1
        outcome = facts.outcome
        if not attempt.is_probe:
            self.tried += 1
        elif outcome.result != "passed":
            # Each further attempt would fail for the same reason.
            self.is_over = True
            self.has_probe_failed = True
        title = facts.instructions.title
        self.listed.append(ListedAttempt(facts.number, title, outcome.result, outcome.message))
        self.plan.learn(facts.instructions, outcome)
        if outcome.result != "failed":
            return None
        failed = self.plan.describe(facts)
        self.failed.append(failed)
        return failed

    @property
    def is_complete(self) -> bool:
        """True if all attempts were run."""
        return self.is_over or (self.plan.planned is not None and self.ended >= self.plan.planned)

    def overview(self) -> dict[str, Any]:
        """Return the attempts with their outcomes, and the shortest failure, as JSON."""
        attempts = [one.to_json() for one in [*self.listed]]
        if (attempt := self.open) is not None:
            title = attempt.instructions.title
            attempts.append({"number": attempt.number, "title": title, "outcome": None})
        first = min(self.failed, key=lambda one: one.rank, default=None)
        shortest = None
        if first is not None:
            shortest = {
                "attempt": first.number,
                "title": first.title,
                "message": first.text,
                "timeline": first.timeline,
            }
        return {"count": self._begun, "attempts": attempts, "shortest": shortest}

    def report(self) -> CampaignReport:
        """Return what was found until now."""
        plan, failed = self.plan, sorted(self.failed, key=lambda one: one.rank)
        planned = plan.planned
        lines = []
        if not self.is_complete:
            total = str(planned) if planned is not None else f"at least {self.ended + 1}"
            text = f"{plan.name} was left before its end: {self.ended} of {total} attempts were run"
            if failed:
                text += f", and {len(failed)} failed"
            lines.append(text)
        else:
            headline = plan.headline(self.tried, failed)
            lines += [] if headline is None else [headline]
        return CampaignReport(
            kind=plan.name,
            attempts=self.ended,
            planned=planned,
            complaint="\n".join(lines) or None,
            groups=group_equal(failed),
            notes=tuple(plan.notes),
        )


def timeline_of(
    exchanges: tuple[Exchange, ...], marks: Mapping[int, str] = MappingProxyType({})
) -> str:
    """Return the timeline of an attempt; `marks` as in `make_timeline`."""
    return make_timeline(exchanges, marks) if exchanges else "(no exchange)"


def short_text(error: BaseException) -> str:
    """Return the type and the first line of an error."""
    text = str(error).strip()
    name = type(error).__name__
    lines = text.splitlines()
    return f"{name}: {lines[0]}" if lines else name


def outcome_of(error: BaseException | None) -> Outcome:
    """Return the outcome of an attempt that raised an error, or none."""
    if error is None:
        return PASSED
    place, trace = None, error.__traceback__
    while trace is not None:
        place = (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        trace = trace.tb_next
    detail = (type(error).__name__, _without_addresses(str(error)), place)
    return Outcome("failed", _without_addresses(short_text(error)), detail)


def _without_addresses(text: str) -> str:
    """Return a text in which objects have no addresses, which differ from run to run."""
    return _ADDRESS.sub("at 0x...", text)


def named_options(
    given: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    """Yield the arguments that differ from the defaults."""
    for name, value in given.items():
        if name not in defaults or value != defaults[name]:
            yield name, value
