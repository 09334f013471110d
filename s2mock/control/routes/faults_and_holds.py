"""`/_s2mock/faults` and `/_s2mock/holds`: inject, list, await and remove faults and holds."""

from collections.abc import Generator
from typing import Any, Final

from s2mock.control.request import ControlRequest, ControlRoute, check_members, count_of, seconds_of
from s2mock.control.response import ControlResponse, Refused
from s2mock.control.views.serializers import hold_to_json, injection_to_json
from s2mock.options import COUNT, FLAG, TEXT
from s2mock.powers.faults import fault_from_json
from s2mock.powers.hold import HoldArguments, NotHeld
from s2mock.powers.injection import InjectArguments
from s2mock.runtime.conversation import Step

_MATCHING: Final = ("on", "basin", "stream", "skip", "times", "required")
_KINDS: Final = {
    "basin": TEXT,
    "stream": TEXT,
    "skip": COUNT,
    "times": COUNT,
    "required": FLAG,
    "hook": FLAG,
}


def list_faults(request: ControlRequest) -> ControlResponse:
    """Return all faults that were injected and not removed."""
    request.query()
    faults = request.hosted.faults.items()
    return ControlResponse(200, {"faults": [injection_to_json(*fault) for fault in faults]})


def inject_fault(request: ControlRequest) -> ControlResponse:
    """Inject a fault; as `S2Mock.inject`, with the same arguments."""
    given = _matching(request, "fault", required=("fault", "on"))
    try:
        arguments = InjectArguments.from_json(given)
    except (TypeError, ValueError) as error:
        raise Refused(400, str(error)) from None
    injection = request.hosted.powers.injector.inject(arguments)
    return ControlResponse(201, injection_to_json(request.hosted.faults.add(injection), injection))


def get_fault(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return one fault; with `wait`, once it has affected `hits` operations."""
    query = request.query(("hits", "wait"))
    wait = seconds_of(query)
    hits = count_of(query, wait, "hits")
    injection = request.hosted.faults.get(request.number)
    if wait is not None:
        yield from injection.pending(hits, wait).steps()
    return ControlResponse(200, injection_to_json(request.number, injection))


def remove_fault(request: ControlRequest) -> ControlResponse:
    """Remove a fault; as `Injection.remove`."""
    request.query()
    request.hosted.faults.remove(request.number).remove()
    return ControlResponse(204)


def drop_late(request: ControlRequest) -> ControlResponse:
    """Apply none of the operations that a `Late` has taken, as at the end of a test."""
    request.query()
    return ControlResponse(200, {"remarks": request.hosted.powers.injector.take_remarks()})


def list_holds(request: ControlRequest) -> ControlResponse:
    """Return all holds, the released ones too."""
    request.query()
    holds = request.hosted.holds.items()
    return ControlResponse(200, {"holds": [hold_to_json(*hold) for hold in holds]})


def make_hold(request: ControlRequest) -> ControlResponse:
    """Hold the next operations that match; as `S2Mock.hold`, with the same arguments."""
    given = _matching(request, "at", "hook", required=("on",))
    try:
        arguments = HoldArguments.make(**given)
    except (TypeError, ValueError) as error:
        raise Refused(400, str(error)) from None
    hold = request.hosted.powers.injector.hold(arguments)
    return ControlResponse(201, hold_to_json(request.hosted.holds.add(hold), hold))


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
    """Release a hold, or one exchange of it; as `Hold.release`. Releasing twice is harmless."""
    request.query()
    given = request.document("exchange", "fault")
    check_members(given, {"exchange": COUNT})
    hold = request.hosted.holds.get(request.number)
    try:
        fault = fault_from_json(given["fault"]) if "fault" in given else None
        hold.release(given.get("exchange"), fault)
    except NotHeld as error:
        raise Refused(409, str(error)) from None
    except (TypeError, ValueError) as error:
        raise Refused(400, str(error)) from None
    return ControlResponse(200, hold_to_json(request.number, hold))


def _matching(request: ControlRequest, *others: str, required: tuple[str, ...]) -> dict[str, Any]:
    """Return the body: which operations match, and other members. Raises `Refused`."""
    request.query()
    given = request.document(*others, *_MATCHING, required=required)
    check_members(given, _KINDS, optional=("times",))
    return given


ROUTES: Final = (
    ControlRoute("GET", "/faults", list_faults),
    ControlRoute("POST", "/faults", inject_fault),
    ControlRoute("GET", "/faults/{number}", get_fault),
    ControlRoute("DELETE", "/faults/{number}", remove_fault),
    ControlRoute("DELETE", "/late", drop_late),
    ControlRoute("GET", "/holds", list_holds),
    ControlRoute("POST", "/holds", make_hold),
    ControlRoute("GET", "/holds/{number}", get_hold),
    ControlRoute("POST", "/holds/{number}/release", release_hold),
)
