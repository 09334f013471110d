"""`/_s2mock/holds`: hold operations back, await them, and release them."""

from collections.abc import Generator
from typing import Any, Final

from s2mock.control.request import ControlRequest, count_of, seconds_of
from s2mock.control.response import ControlResponse, Refused
from s2mock.control.route import ControlRoute
from s2mock.control.routes.faults import MATCHING_MEMBERS, check_matching_members
from s2mock.control.views.serializers import hold_to_json
from s2mock.powers.hold import HoldArguments
from s2mock.runtime.conversation import Step


def list_holds(request: ControlRequest) -> ControlResponse:
    """Return all holds, the released ones too."""
    request.query()
    holds = request.hosted.holds.items()
    return ControlResponse(200, {"holds": [hold_to_json(n, hold) for n, hold in holds]})


def make_hold(request: ControlRequest) -> ControlResponse:
    """Hold the next operations that match; as `S2Mock.hold`, with the same arguments."""
    request.query()
    given = request.document(*MATCHING_MEMBERS, "at", "required", required=("on",))
    check_matching_members(given)
    try:
        arguments = HoldArguments.make(**given)
    except (TypeError, ValueError) as error:
        raise Refused(400, str(error)) from None
    hold = request.powers.injector.hold(arguments)
    number = request.hosted.holds.add(hold)
    return ControlResponse(201, hold_to_json(number, hold))


def get_hold(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return one hold; with `wait`, once it has held `count` operations."""
    query = request.query(("count", "wait"))
    wait = seconds_of(query)
    count = count_of(query, wait)
    hold = request.hosted.holds.get(request.number)
    if wait is not None:
        yield from hold.pending(count, wait).steps()
    return ControlResponse(200, hold_to_json(request.number, hold))


def release_hold(request: ControlRequest) -> ControlResponse:
    """Release a hold; as `Hold.release`. Releasing twice is harmless."""
    request.query()
    hold = request.hosted.holds.get(request.number)
    hold.release()
    return ControlResponse(200, hold_to_json(request.number, hold))


ROUTES: Final = (
    ControlRoute("GET", "/holds", list_holds),
    ControlRoute("POST", "/holds", make_hold),
    ControlRoute("GET", "/holds/{number}", get_hold),
    ControlRoute("POST", "/holds/{number}/release", release_hold),
)
