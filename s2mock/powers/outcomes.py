"""The outcomes of faults: exceptions, from which the app makes responses."""

from typing import TYPE_CHECKING, Any

from s2mock.powers.faults import (
    Answer,
    Cut,
    Delay,
    Drain,
    Drop,
    Fail,
    Fault,
    Late,
    Silence,
    Slow,
    check_fault,
    check_place,
)
from s2mock.powers.injected import InjectedError, Replaced
from s2mock.powers.injection import needs_response
from s2mock.registry.operation import Dropped, Point
from s2mock.registry.rules.append import OpenAppendSession
from s2mock.registry.rules.read import Read
from s2mock.registry.values.codes import CODES
from s2mock.runtime.conversation import Reset

if TYPE_CHECKING:
    from s2mock.powers.call import TrackedCall


def point_of(fault: Fault, call: "TrackedCall") -> Point | None:
    """Return the point at which the fault raises its outcome; None if it changes the response."""
    operation = call.operation
    is_session = call.is_batch or isinstance(operation, OpenAppendSession)
    is_read_session = isinstance(operation, Read) and operation.is_session
    if isinstance(fault, Cut | Silence | Slow) or (
        isinstance(fault, Drain) and (is_session or is_read_session)
    ):
        return None
    if isinstance(fault, Fail) and fault.records is not None:
        return None if is_read_session else "answer"
    return "answer" if getattr(fault, "committed", False) else "arrival"


def check_decided(fault: object, call: "TrackedCall", point: Point) -> Fault:
    """Return a fault that a hook or a release decides on for a call at a point.

    Raises `TypeError`, and `ValueError` for one that has no meaning for that operation, or that
    denies the effect of an operation that is at its answer.
    """
    checked = check_fault(fault)
    name = call.operation.name
    check_place(checked, (name,))
    if call.is_batch and needs_response(checked):
        raise ValueError(
            f"{checked!r} on a batch in a session: it replaces a response, and a batch has none of "
            "its own; on='append-session' is the opening, which has one, and Drop() ends the "
            "session"
        )
    if point == "answer" and is_denial(checked, call):
        raise ValueError(
            f"{checked!r} at the answer of {name!r}: the operation is applied, and this fault "
            "denies that; Drop(committed=True), Fail('unavailable', committed=True), Cut(bytes=0) "
            "and Delay(1) do not, and at='commit' is before its effect"
        )
    return checked


def is_denial(fault: Fault, call: "TrackedCall") -> bool:
    """True if the fault keeps a call from its effect."""
    return not isinstance(fault, Delay) and point_of(fault, call) == "arrival"


def outcome_of(fault: Fault) -> Exception:
    """Return the exception for an operation that a fault affects."""
    assert not isinstance(fault, Delay), "an operation goes on after a delay"
    if isinstance(fault, Late) and fault.code is None:
        fault = Drop()
    if isinstance(fault, Drop):
        return Dropped(reset_of(fault))
    if isinstance(fault, Answer):
        headers: Any = fault.headers
        return Replaced(fault.status, list(headers), fault.body)
    return error_of(fault)


def reset_of(fault: Drop | Cut) -> Reset:
    """Return the step by which a response breaks off, or never begins."""
    is_refused = isinstance(fault, Drop) and fault.refused
    connection = not is_refused if fault.connection is None else fault.connection
    return Reset(refused=is_refused, connection=bool(connection), by_rst=connection == "reset")


def error_of(fault: Fault) -> InjectedError:
    """Return the error with which a `Fail`, a `Late` or a `Drain` answers."""
    if isinstance(fault, Late):
        assert fault.code is not None, "without a code there is no answer"
        fault = Fail(fault.code)
    if isinstance(fault, Fail):
        code = CODES[fault.code]
        message = code.message if fault.message is None else fault.message
        return InjectedError(fault.code, code.status, message, retry_after=fault.retry_after)
    assert isinstance(fault, Drain), f"{fault!r} answers with no error"
    code = CODES["server_draining"]
    return InjectedError("server_draining", code.status, code.message, ends_connection=True)
