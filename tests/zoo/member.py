"""A member of the zoo: a program with one known bug, its repaired twin, and their campaign."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import s2mock
from s2mock import Crashes, Orders, S2Mock, Sweep
from s2mock.campaigns.report import CampaignReport
from s2mock.handles.campaigns.driver import PythonCampaign, Surroundings
from s2mock.powers.faults import Fault, has_place
from s2mock.server.lazy_server import LazyServer

FIXTURES: Final[dict[str, type[PythonCampaign[Any]]]] = {
    "s2_orders": Orders,
    "s2_sweep": Sweep,
    "s2_crash": Crashes,
}


@dataclass(frozen=True)
class Member:
    """One bug.

    `test` is the test of the program as its author would write it, with the fixture of the campaign
    that is meant for the bug, and the program as its arguments. `report` is the beginning of the
    report on the bug: how much fails, the stated minimum, and the line that runs it alone.
    """

    bug: Callable[..., Any]
    twin: Callable[..., Any]
    test: Callable[..., None]
    report: str

    @property
    def fixture(self) -> str:
        """The name of its campaign's fixture."""
        return next(iter(inspect.signature(self.test).parameters))

    @property
    def options(self) -> dict[str, Any]:
        """The options of the marker of its test."""
        marks = getattr(self.test, "pytestmark", ())
        return {name: value for mark in marks for name, value in mark.kwargs.items()}


def explorer_of(campaign: PythonCampaign[Any]) -> Any:
    """Return the explorer of a campaign of orders."""
    plan: Any = campaign._require_campaign().plan
    return plan.explorer


class Keeper:
    """Runs the campaigns of members, on one server for all attempts."""

    def __init__(self) -> None:
        self._server = LazyServer(is_kept=True)

    def close(self) -> None:
        """Stop the server."""
        self._server.stop()

    def run(
        self,
        member: Member,
        program: Callable[..., Any],
        *,
        faults: Iterable[Fault] = (),
        seed: int | None = None,
        **arguments: Any,
    ) -> CampaignReport:
        """Run the campaign of a member on a program, and return the report.

        The `arguments` are added to those that its test gives the campaign, and `faults` to its
        faults, if it has some. With `seed`, all orders are taken at random, also where there are
        few.
        """
        options = member.options
        fixture = FIXTURES[member.fixture]

        def make(**given: Any) -> S2Mock:
            return S2Mock(**{**options, **given}, listening=self._server)

        class Adapted(fixture):  # type: ignore[valid-type,misc]
            """The fixture, with these arguments too."""

            def __call__(self, *own: Any, **given: Any) -> PythonCampaign[Any]:
                if own:
                    more = [fault for fault in faults if has_place(fault, given["on"])]
                    own = ([*own[0], *more],)
                elif "faults" in given:
                    given["faults"] = [*given["faults"], *faults]
                campaign: PythonCampaign[Any] = super().__call__(*own, **{**given, **arguments})
                if seed is not None:
                    explorer_of(campaign)._random = Random(seed)
                return campaign

        surroundings = Surroundings(make, options=options)
        member.test(Adapted.for_fixture(surroundings), program)
        [campaign] = surroundings.campaigns
        report = campaign.report()
        if seed is not None:
            assert explorer_of(campaign).random_runs == report.attempts
        return report

    def replay(self, member: Member, program: Callable[..., Any], line: str) -> None:
        """Run one attempt of a member alone, by the line that a report gives for it."""
        options = member.options
        fixture = FIXTURES[member.fixture].for_fixture(
            Surroundings(lambda **given: S2Mock(**{**options, **given}, listening=self._server))
        )
        names = {name: getattr(s2mock, name) for name in s2mock.__all__}
        member.test(lambda *_, **__: eval(line, {member.fixture: fixture, **names}), program)
