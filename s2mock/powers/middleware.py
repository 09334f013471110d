"""What is around the API of a mock, in its one order.

From the outermost: the outage, in which no request arrives; the journal, which records what the
client gets; the faults, which change that. The order within the API is in `App`. Where a call is
held or delayed is decided below all, at the points of the engine (`FaultInjector`, `Durability`).
"""

from collections.abc import Generator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast

from s2mock.api.requests import Answering, RequestCall, S2Request
from s2mock.api.responses import S2Response
from s2mock.api.session import Acknowledged, Form, Piece
from s2mock.powers.call import TrackedCall
from s2mock.powers.handler import Handler, Middleware
from s2mock.powers.injected import Replaced
from s2mock.powers.journal_middleware import JournalMiddleware
from s2mock.powers.powers import OUTAGE
from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Dropped
from s2mock.registry.rules.append import OpenAppendSession
from s2mock.runtime.conversation import Conversation, Step, relay

if TYPE_CHECKING:
    from s2mock.powers.powers import Powers
    from s2mock.powers.response_faults import AckChange


class Api(Protocol):
    """What answers requests at the bottom: `App` over an engine, or an upstream."""

    @property
    def account(self) -> Engine:
        """The engine whose points the calls pass."""

    def respond(self, request: S2Request) -> Answering:
        """Return the response to a request, which is not sent yet. Raises `Interrupted`."""


class Stack:
    """The API of an account with middleware around it, the outermost first.

    `call_type` is the class of the calls that its requests make.
    """

    def __init__(
        self,
        app: Api,
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


def make_stack(app: Api, powers: "Powers") -> Stack:
    """Return the API of a mock with all its powers around it."""
    outage, faults = OutageMiddleware(powers), FaultMiddleware(powers)
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


class FaultMiddleware:
    """Has a response end, slow down or drain as the fault of its call says."""

    def __init__(self, powers: "Powers") -> None:
        self._powers = powers

    def respond(self, request: S2Request, handler: Handler) -> Answering:
        """Answer as `handler` does, with the fault of the call."""
        try:
            response = yield from handler(request)
        except Replaced as replaced:
            request.failure = replaced
            return S2Response(replaced.status, replaced.headers, replaced.body, has_length=False)
        injector, call = self._powers.used_injector, cast("TrackedCall | None", request.call)
        if call is None:
            if injector is not None and request.failure is not None:
                injector.count_refused(request.route_name)
            return response
        session = response.session
        if injector is None:
            if session is not None and isinstance(call.operation, OpenAppendSession):
                session.pieces = relay(session.pieces, _BatchFaults(session.form, self._powers))
        elif session is not None or call.fault is not None:
            from s2mock.powers.response_faults import change_response

            change_response(response, call, injector)
        return response


class _BatchFaults:
    """The change to an append session that was opened before its mock had any fault."""

    def __init__(self, form: Form, powers: "Powers") -> None:
        self._form = form
        self._powers = powers
        self._change: AckChange | None = None

    def __call__(self, piece: Piece | Step) -> Generator[Piece | Step, Any, Any] | None:
        if self._change is None:
            if type(piece) is not Acknowledged or cast("TrackedCall", piece.call).fault is None:
                return None
            from s2mock.powers.response_faults import AckChange

            self._change = AckChange(self._form, None, self._powers.injector)
        return self._change(piece)
