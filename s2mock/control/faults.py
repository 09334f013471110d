"""`/_s2mock/faults` and `/_s2mock/holds`: breaking operations, and keeping them waiting."""

from collections.abc import Generator
from typing import Any

from s2mock.control.answers import Answer, Refused
from s2mock.control.forms import hold_form, injection_form
from s2mock.control.request import ControlRequest, count_of, seconds_of
from s2mock.powers.faults import faults_from_json, faults_to_json
from s2mock.runtime.conversation import Step

_PLACE = ("on", "basin", "stream", "skip", "times")


def list_faults(asked: ControlRequest) -> Answer:
    """All that were injected and not removed."""
    asked.query(())
    faults = asked.seat.faults.items()
    return Answer(200, {"faults": [injection_form(n, *fault) for n, fault in faults]})


def inject(asked: ControlRequest) -> Answer:
    """As `S2Mock.inject`, with the same arguments."""
    asked.query(())
    given = asked.document("fault", *_PLACE, "required", required=("fault", "on"))
    try:
        fault = faults_from_json(given.pop("fault"))
        injection = asked.powers.injector.inject(fault, **given)
    except (TypeError, ValueError) as error:
        raise Refused(400, str(error)) from None
    said = {"fault": faults_to_json(fault), **_place(given)}
    said["required"] = given.get("required", True)
    if isinstance(fault, list):
        said["times"] = len(fault)
    number = asked.seat.faults.add((injection, said))
    return Answer(201, injection_form(number, injection, said))


def get_fault(asked: ControlRequest) -> Generator[Step, Any, Answer]:
    """One fault; with `wait`, when it has met so many operations."""
    query = asked.query(("hits", "wait"))
    wait = seconds_of(query)
    hits = count_of(query, wait, "hits")
    injection, said = asked.seat.faults.of(asked.number)
    if wait is not None:
        yield from injection.pending(hits, wait).steps()
    return Answer(200, injection_form(asked.number, injection, said))


def remove_fault(asked: ControlRequest) -> Answer:
    """As `Injection.remove`."""
    asked.query(())
    asked.seat.faults.take(asked.number)[0].remove()
    return Answer(204)


def list_holds(asked: ControlRequest) -> Answer:
    """All holds, those that are released too."""
    asked.query(())
    return Answer(200, {"holds": [hold_form(n, *hold) for n, hold in asked.seat.holds.items()]})


def hold(asked: ControlRequest) -> Answer:
    """As `S2Mock.hold`, with the same arguments."""
    asked.query(())
    given = asked.document(*_PLACE, "at", "required", required=("on",))
    try:
        made = asked.powers.injector.hold(**given)
    except (TypeError, ValueError) as error:
        raise Refused(400, str(error)) from None
    said = {**_place(given), "at": given.get("at", "commit")}
    said["required"] = given.get("required", True)
    number = asked.seat.holds.add((made, said))
    return Answer(201, hold_form(number, made, said))


def get_hold(asked: ControlRequest) -> Generator[Step, Any, Answer]:
    """One hold; with `wait`, when so many operations have come to be held."""
    query = asked.query(("count", "wait"))
    wait = seconds_of(query)
    count = count_of(query, wait)
    made, said = asked.seat.holds.of(asked.number)
    if wait is not None:
        yield from made.pending(count, wait).steps()
    return Answer(200, hold_form(asked.number, made, said))


def release(asked: ControlRequest) -> Answer:
    """As `Hold.release`; releasing twice is harmless."""
    asked.query(())
    made, said = asked.seat.holds.of(asked.number)
    made.release()
    return Answer(200, hold_form(asked.number, made, said))


def _place(given: dict[str, Any]) -> dict[str, Any]:
    on = given["on"]
    return {
        "on": [on] if isinstance(on, str) else list(on),
        "basin": given.get("basin", "*"),
        "stream": given.get("stream", "*"),
        "skip": given.get("skip", 0),
        "times": given.get("times", 1),
    }
