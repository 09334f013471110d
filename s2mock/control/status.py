"""`/_s2mock/status`: the clock and what waits on it, the faults, the holds, how much there was."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from s2mock.control.account_view import CapturedView, see, waiting_form
from s2mock.control.answers import Answer
from s2mock.control.clock import clock_form
from s2mock.control.request import ControlRequest
from s2mock.control.rows import journal_form
from s2mock.powers.faults import faults_to_json
from s2mock.powers.hold import Hold
from s2mock.powers.injection import Injection
from s2mock.runtime.clock import Clock

if TYPE_CHECKING:
    from s2mock.control.hosted_account import Numbered

# Of what is held, so much is named.
_NAMED = 20


def read_status(asked: ControlRequest) -> Answer:
    """All of an account that is neither a stream nor an exchange."""
    asked.query(())
    return Answer(200, status_of(asked))


def status_of(asked: ControlRequest) -> dict[str, Any]:
    """The same, as a document."""
    mock, seat = asked.mock, asked.seat
    injector = asked.powers.injector  # where the test's own faults are, too
    injections = _with_numbers(seat.faults, injector.injections, _asked_of_a_fault)
    holds = _with_numbers(seat.holds, injector.holds, _asked_of_a_hold)
    is_out = seat.is_out or asked.powers.is_out
    return status_form(
        see(mock.account.engine), mock.clock, asked.powers.journal, injections, holds, is_out=is_out
    )


def status_form(
    seen: CapturedView,
    clock: Clock,
    journal: Any,
    injections: Iterable[tuple[int, Injection]],
    holds: Iterable[tuple[int, Hold]],
    *,
    is_out: bool,
) -> dict[str, Any]:
    """The same, wherever it comes from."""
    return {
        "is_out": is_out,
        "clock": clock_form(clock),
        "waiting": waiting_form(seen),
        "journal": journal_form(journal),
        "faults": [
            {
                "number": number,
                "text": injection.text,
                "hits": injection.hits,
                "remaining": injection.remaining,
                "complaint": injection.complaint,
            }
            for number, injection in injections
        ],
        "holds": [
            {
                "number": number,
                "text": hold.text,
                "released": hold.is_over,
                "count": len(exchanges),
                "held": [
                    {
                        "number": exchange.number,
                        "operation": exchange.operation,
                        "basin": exchange.basin,
                        "stream": exchange.stream,
                    }
                    for exchange in exchanges[-_NAMED:]
                ],
            }
            for number, hold in holds
            for exchanges in (hold.exchanges,)
        ],
    }


def _with_numbers(numbered: "Numbered[Any]", there: Iterable[Any], asked: Any) -> list[Any]:
    """All of them with their numbers; those that the test has made get one now."""
    known = [thing for _, (thing, _) in numbered.items()]
    for thing in there:
        if not any(thing is one for one in known):
            numbered.add((thing, asked(thing)))
    return [(number, thing) for number, (thing, _) in numbered.items()]


def _asked_of_a_fault(injection: Injection) -> dict[str, Any]:
    asked = injection.arguments
    return {**asked, "fault": faults_to_json(asked["fault"])}


def _asked_of_a_hold(hold: Hold) -> dict[str, Any]:
    return hold.arguments
