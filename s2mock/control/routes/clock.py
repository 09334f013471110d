"""`/_s2mock/clock`: the time of the account, and how to advance it."""

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final, cast

from s2mock.control.request import (
    ControlRequest,
    ControlRoute,
    check_members,
    count_of,
    seconds_of,
)
from s2mock.control.response import ControlResponse, Refused
from s2mock.control.views.status import clock_to_json
from s2mock.options import SECONDS
from s2mock.runtime.clock import ManualClock
from s2mock.runtime.conversation import RunInThread, Step

if TYPE_CHECKING:
    from s2mock.runtime.auto_clock import AutoClock


def read_clock(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return the time; with `wait`, once `waiters` operations wait for the clock to advance."""
    query = request.query(("waiters", "wait"))
    wait = seconds_of(query)
    count = count_of(query, wait, "waiters")
    if wait is not None:
        clock = _manual_clock(request, "no operation waits for it to advance")
        yield from clock.waiters_pending(count, wait).steps()
    return ControlResponse(200, clock_to_json(request.hosted.mock.clock))


def advance_clock(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Advance the clock; as `ManualClock.advance`.

    The operations that waited for the new time have gone on before the response is sent.
    """
    request.query()
    document = request.document("seconds", required=("seconds",))
    check_members(document, {"seconds": SECONDS})
    seconds = document["seconds"]
    clock = _manual_clock(request, "it cannot be advanced")
    try:
        # In a thread: it waits for what it wakes, most of which runs on this very loop.
        yield RunInThread(lambda: clock.advance(seconds))
    except (TypeError, ValueError) as error:
        raise Refused(400, str(error)) from None
    return ControlResponse(200, clock_to_json(request.hosted.mock.clock))


def stop_clock(request: ControlRequest) -> ControlResponse:
    """Keep a clock that advances by itself still, until as many requests to end that; as `stopped`.

    The clock can still be advanced.
    """
    request.query()
    _auto_clock(request).stop()
    return ControlResponse(204)


def end_clock_stop(request: ControlRequest) -> ControlResponse:
    """Let the clock advance by itself again."""
    request.query()
    try:
        _auto_clock(request).go_on()
    except ValueError as error:
        raise Refused(409, str(error)) from None
    return ControlResponse(204)


def _auto_clock(request: ControlRequest) -> "AutoClock":
    """Return the account's clock that advances by itself. Raises `Refused` (409) for another."""
    clock: Any = request.hosted.mock.clock
    if not (isinstance(clock, ManualClock) and clock.is_automatic):
        raise Refused(
            409,
            "this account's clock does not advance by itself, so it need not be stopped: make an "
            'account with {"clock": "auto"}',
        )
    return cast("AutoClock", clock)


def _manual_clock(request: ControlRequest, so: str) -> ManualClock:
    """Return the account's manual clock. Raises `Refused` (409) if it has another."""
    clock = request.hosted.mock.clock
    if not isinstance(clock, ManualClock):
        raise Refused(
            409,
            f"this account uses the machine's clock, so {so}: start the server with "
            '--clock manual, or make an account with {"clock": "manual"}',
        )
    return clock


ROUTES: Final = (
    ControlRoute("GET", "/clock", read_clock),
    ControlRoute("POST", "/clock/advance", advance_clock),
    ControlRoute("POST", "/clock/stop", stop_clock),
    ControlRoute("DELETE", "/clock/stop", end_clock_stop),
)
