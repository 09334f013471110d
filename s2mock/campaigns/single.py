"""The plan of a replay: one attempt of another plan, alone."""

from typing import Generic

from s2mock.campaigns.campaign import Failure, Outcome, Plan, SomeInstructions
from s2mock.campaigns.report import FailedAttempt


class SinglePlan(Generic[SomeInstructions]):
    """One attempt with given instructions, as the plan `of` describes it."""

    def __init__(self, of: Plan[SomeInstructions], instructions: SomeInstructions) -> None:
        self.name = of.name
        self.checks = of.checks
        self._of = of
        self._instructions: SomeInstructions | None = instructions

    def next(self) -> SomeInstructions | None:
        """Return the instructions, once."""
        instructions, self._instructions = self._instructions, None
        return instructions

    def learn(self, instructions: SomeInstructions, outcome: Outcome) -> None:
        """Learn nothing: there is no next attempt."""

    def is_probe(self, instructions: SomeInstructions) -> bool:  # noqa: ARG002  # of the protocol
        """No replay is a probe."""
        return False

    def describe(self, failure: Failure[SomeInstructions]) -> FailedAttempt:
        """Return a failure for the report."""
        return self._of.describe(failure)

    def headline(self, tried: int, failed: list[FailedAttempt]) -> str | None:  # noqa: ARG002
        """Return the first line of the report; None if there is nothing to complain about."""
        return f"{self.name}: the attempt failed" if failed else None

    @property
    def planned(self) -> int | None:
        """The number of attempts."""
        return 1

    @property
    def notes(self) -> list[str]:
        """No lines for the report."""
        return []
