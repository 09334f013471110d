"""`/_s2mock/faults`: inject, list, await and remove faults."""

from collections.abc import Generator
from typing import Any, Final

from s2mock.control.request import ControlRequest, check_members, count_of, seconds_of
from s2mock.control.response import ControlResponse, Refused
from s2mock.control.route import ControlRoute
from s2mock.control.views.serializers import injection_to_json
from s2mock.options import COUNT, FLAG, TEXT
from s2mock.powers.injection import InjectArguments
from s2mock.runtime.conversation import Step

MATCHING_MEMBERS: Final = ("on", "basin", "stream", "skip", "times")
_KINDS: Final = {"basin": TEXT, "stream": TEXT, "skip": COUNT, "times": COUNT, "required": FLAG}


def list_faults(request: ControlRequest) -> ControlResponse:
    """Return all faults that were injected and not removed."""
    request.query()
    faults = request.hosted.faults.items()
    return ControlResponse(200, {"faults": [injection_to_json(n, fault) for n, fault in faults]})


def inject_fault(request: ControlRequest) -> ControlResponse:
    """Inject a fault; as `S2Mock.inject`, with the same arguments."""
    request.query()
    given = request.document("fault", *MATCHING_MEMBERS, "required", required=("fault", "on"))
    check_matching_members(given)
    try:
        arguments = InjectArguments.from_json(given)
    except (TypeError, ValueError) as error:
        raise Refused(400, str(error)) from None
    injection = request.powers.injector.inject(arguments)
    number = request.hosted.faults.add(injection)
    return ControlResponse(201, injection_to_json(number, injection))


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


def check_matching_members(given: dict[str, Any]) -> None:
    """Check the JSON types of the members that say which operations match. Raises `Refused`."""
    check_members(given, _KINDS, optional=("times",))


ROUTES: Final = (
    ControlRoute("GET", "/faults", list_faults),
    ControlRoute("POST", "/faults", inject_fault),
    ControlRoute("GET", "/faults/{number}", get_fault),
    ControlRoute("DELETE", "/faults/{number}", remove_fault),
)
