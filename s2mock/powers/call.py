"""A call that a request made, with what the powers keep about it."""

from typing import TYPE_CHECKING, Any, Protocol

from s2mock.registry.operation import Call

if TYPE_CHECKING:
    from s2mock.powers.entry import Entry
    from s2mock.powers.faults import Fault


class RecordedRequest(Protocol):
    """The part of a request that the journal takes notes of."""

    environ: dict[str, Any]
    call: "RequestCall | None"
    notes: Any
    route_name: str | None
    raw_path: str
    path_parameters: dict[str, str]
    began: float
    raw_body: bytes
    sent_body: bytes | None
    payload: bytes
    delivered: tuple[int, int] | None
    is_late: str | None
    failure: Exception | None


class RequestCall(Call):
    """A call that a request made.

    `fault` is the injected fault that it has met. `needs_entry` is True where a hold or an
    injection may be asked for its exchange, which is `entry` in the journal once there is one.
    With `is_batch` it is a batch of a session, which has no response of its own.
    """

    request: RecordedRequest
    is_batch: bool = False
    fault: "Fault | None" = None
    needs_entry: bool = False
    entry: "Entry | None" = None
