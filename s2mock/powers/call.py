"""A call of a request, with what the powers keep about it."""

from typing import TYPE_CHECKING

from s2mock.api.requests import RequestCall

if TYPE_CHECKING:
    from s2mock.powers.entry import Entry
    from s2mock.powers.faults import Fault


class TrackedCall(RequestCall):
    """A call of a request, with its fault and its entry in the journal.

    `fault` is the injected fault that it has met. `needs_entry` is True where a hold or an
    injection may be asked for its exchange, which is `entry` in the journal once there is one.
    `late` says what has become of a call that a `Late` has taken.
    """

    fault: "Fault | None" = None
    needs_entry: bool = False
    entry: "Entry | None" = None
    late: str | None = None

    @property
    def is_batch(self) -> bool:
        """True for a batch of an append session, which has no response of its own."""
        return self.payload is not None
