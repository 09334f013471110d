"""What is around the API of a mock, in its one order.

From the outermost: the outage, in which no request arrives; the journal, which records what the
client gets; the faults, which change that. The order within the API is in `App`. Where a call is
held or delayed is decided below all, at the points of the engine (`FaultInjector`, `Durability`).
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from s2mock.api.app import App
from s2mock.api.requests import Answering, RequestCall, S2Request
from s2mock.powers.call import TrackedCall
from s2mock.powers.fault_middleware import FaultMiddleware
from s2mock.powers.handler import Handler, Middleware
from s2mock.powers.journal_middleware import JournalMiddleware
from s2mock.powers.powers import OUTAGE
from s2mock.registry.operation import Dropped
from s2mock.runtime.conversation import Conversation

if TYPE_CHECKING:
    from s2mock.powers.powers import Powers


class Stack:
    """The API of an account with middleware around it, the outermost first.

    `call_type` is the class of the calls that its requests make.
    """

    def __init__(
        self,
        app: App,
        middleware: Sequence[Middleware] = (),
        call_type: type[RequestCall] = RequestCall,
    ) -> None:
        self.account = app.account
        self._call_type = call_type
        self._handler: Handler = app.respond
        for part in reversed(middleware):
            self._handler = partial(part.respond, handler=self._handler)

    def converse(self, environ: dict[str, Any]) -> Conversation:
        """Answer one request, step by step."""
        request = S2Request(environ, self.account, self._call_type)
        try:
            response = yield from self._handler(request)
            if response.session is None:
                # The two would refer to each other until a garbage collection.
                request.call = None
            if response.is_plain:
                yield response.head
            else:
                yield from response.steps()
        except Dropped as dropped:
            yield dropped.reset


def make_stack(app: App, powers: "Powers") -> Stack:
    """Return the API of a mock with all its powers around it."""
    outage, faults = OutageMiddleware(powers), FaultMiddleware(powers.injector)
    journal = () if powers.recorder is None else (JournalMiddleware(powers.recorder),)
    return Stack(app, (outage, *journal, faults), TrackedCall)


class OutageMiddleware:
    """Drops each request during an outage, with its connection."""

    def __init__(self, powers: "Powers") -> None:
        self._powers = powers

    def respond(self, request: S2Request, handler: Handler) -> Answering:
        """Answer as `handler` does. Raises `Dropped` during an outage."""
        if self._powers.is_out:
            raise Dropped(OUTAGE)
        return handler(request)
