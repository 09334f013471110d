"""The powers as middleware around the API, in their one order.

From the outermost: the outage, in which no request arrives; the journal, which records what the
client gets; the faults, which change that. The order within the API is in `App`. Where a call is
held or delayed is decided below both, at the points of the engine (`FaultInjector`, `Durability`).
"""

from typing import TYPE_CHECKING

from s2mock.api.app import App, Handler
from s2mock.api.requests import Answering, S2Request
from s2mock.powers.call import TrackedCall
from s2mock.powers.fault_middleware import FaultMiddleware
from s2mock.powers.journal_middleware import JournalMiddleware
from s2mock.registry.operation import Dropped
from s2mock.runtime.conversation import Reset

if TYPE_CHECKING:
    from s2mock.powers.powers import Powers


class OutageMiddleware:
    """Drops each request during an outage, with its connection."""

    def __init__(self, powers: "Powers") -> None:
        self._powers = powers

    def respond(self, request: S2Request, handler: Handler) -> Answering:
        """Answer as `handler` does. Raises `Dropped` during an outage."""
        if self._powers.is_out:
            raise Dropped(Reset(connection=True, unreachable=True))
        return handler(request)


def make_app(powers: "Powers", *, cors: bool, own_hosts_only: bool, refusal: str | None) -> App:
    """Return the app of S2's API with all powers around it."""
    outage, faults = OutageMiddleware(powers), FaultMiddleware(powers.injector)
    journal = () if powers.recorder is None else (JournalMiddleware(powers.recorder),)
    return App(
        powers.engine,
        cors=cors,
        own_hosts_only=own_hosts_only,
        refusal=refusal,
        middleware=(outage, *journal, faults),
        call_type=TrackedCall,
        is_own_thread=lambda: powers.is_own_thread,
    )
