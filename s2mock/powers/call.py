"""A call of a request, with what the powers keep about it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from s2mock.api.requests import RequestCall

if TYPE_CHECKING:
    from s2mock.powers.entry import Entry
    from s2mock.powers.faults import Fault


class TrackedCall(RequestCall):
    """A call of a request, with its fault and its entry in the journal.

    `fault` is the fault that it has met, from an injection, a hook or a release; one of an
    injection can be given back with `give_back`. `is_fault_applied` is True once the fault has
    raised its outcome or has begun to delay the call. `held` is the number of the call among those
    that a hold or a hook has held; `held_at` is the point of the hold. `needs_entry` is True where
    its exchange may be asked for, which is `entry` in the journal once there is one.
    `late` says what has become of a call that a `Late` has taken.
    """

    fault: "Fault | None" = None
    give_back: Callable[[], None] | None = None
    is_fault_applied: bool = False
    held: int | None = None
    held_at: str | None = None
    needs_entry: bool = False
    entry: "Entry | None" = None
    late: str | None = None

    @property
    def is_batch(self) -> bool:
        """True for a batch of an append session, which has no response of its own."""
        return self.payload is not None
