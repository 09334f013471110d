"""`/_s2mock/status`: the clock and its waiters, the faults, holds and hooks, the journal's size."""

from collections.abc import Iterable
from typing import Any, Final

from s2mock.control.hosted_account import HostedAccount, Numbered, Thing
from s2mock.control.request import ControlRequest, ControlRoute
from s2mock.control.response import ControlResponse
from s2mock.control.views.account_view import capture
from s2mock.control.views.status import status_to_json


def read_status(request: ControlRequest) -> ControlResponse:
    """Return the state of the account that is neither a stream nor an exchange."""
    request.query()
    return ControlResponse(200, status_of(request.hosted))


def status_of(hosted: HostedAccount) -> dict[str, Any]:
    """Return the status of an account, with the faults, holds and hooks of its test, as JSON."""
    # The powers have the faults that were injected in this process, too.
    powers = hosted.powers
    injections = _with_numbers(hosted.faults, powers.injector.injections)
    active = (*powers.injector.hooks, *powers.injector.holds)
    holds = _with_numbers(hosted.holds, active)
    return status_to_json(
        capture(hosted.engine),
        hosted.engine.clock,
        powers.journal,
        injections,
        holds,
        is_out=powers.is_out,
    )


def _with_numbers(numbered: Numbered[Thing], active: Iterable[Thing]) -> list[tuple[int, Thing]]:
    """Return all things with their numbers; those that a test made in this process get one now."""
    known = [thing for _, thing in numbered.items()]
    for thing in active:
        if not any(thing is one for one in known):
            numbered.add(thing)
    return numbered.items()


ROUTES: Final = (ControlRoute("GET", "/status", read_status),)
