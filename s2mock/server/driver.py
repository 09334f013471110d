"""What turns the steps of a conversation into action; the only place that resumes one."""

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from s2mock.conversation import READ, Application, Conversation, Head, Offload, Reset, Retire, Wait
from s2mock.server.loop import Loop, Timer
from s2mock.server.workers import Workers

if TYPE_CHECKING:
    from s2mock.server.connection import Connection

# A conversation that always has something to send is interrupted after so many seconds.
_TURN_SECONDS = 0.001


class Wire(Protocol):
    """The sending side of one exchange, as a protocol has it."""

    has_head: bool
    """Whether the head of the answer has been sent."""

    def send_head(self, head: Head) -> None:
        """Send the head, and with it the body if it has one."""

    def send_piece(self, data: bytes) -> bool:
        """Send a piece of the body. False: no more until `Exchange.on_room` has been called."""

    def read(self) -> bytes | None:
        """The next bytes of the request's body, `b""` at its end, None if there are none yet.

        Then `Exchange.on_body` is called when there is something. Raises
        `ConnectionAbortedError` where nothing will come any more.
        """

    def end(self) -> None:
        """The conversation has ended, and the answer is complete if it was begun."""

    def fail(self) -> None:
        """The conversation has failed: end without an end."""

    def reset(self, step: Reset) -> None:
        """End as that step says."""

    def retire(self) -> None:
        """Let the connection end with this answer."""

    def flush(self) -> None:
        """Hand over to the operating system what has been sent."""


class Context:
    """What all connections and exchanges of a server have in common."""

    def __init__(
        self,
        application: Application,
        loop: Loop,
        workers: Workers,
        server: tuple[str, int],
        report: Callable[[BaseException], None],
    ) -> None:
        self.application = application
        self.loop = loop
        self.workers = workers
        self.server = server
        """Host and port, for the environ."""
        self.report = report
        """Told of every exception that comes out of a conversation."""
        self.connections: set[Connection] = set()
        self.numbers = count(1)
        """For the connections, in the order in which they come."""


class _Waiter:
    """The `wake` of one wait."""

    __slots__ = ("_exchange",)

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange: Exchange | None = exchange

    def __call__(self) -> None:
        exchange = self._exchange
        if exchange is not None:
            self._exchange = None
            exchange.wake(self)

    def forget(self) -> None:
        """Its subscription may outlive the wait by far; the exchange need not."""
        self._exchange = None


# What an exchange may be waiting for; the waiter of a wait is one too.
_RUNNING = "running"
_BODY = "body"
_ROOM = "room"
_TURN = "turn"
_WORKER = "worker"
_OVER = "over"


class Exchange:
    """A conversation and the wire that it is held over."""

    __slots__ = ("_context", "_conversation", "_is_left", "_state", "_timer", "_wire")

    def __init__(self, wire: Wire, context: Context) -> None:
        self._conversation: Conversation
        self._wire = wire
        self._context = context
        self._state: object = _TURN
        self._timer: Timer | None = None
        self._is_left = False

    def start(self, environ: dict[str, Any]) -> None:
        """Answer that request, until the conversation has to wait for something or has ended."""
        try:
            self._conversation = self._context.application(environ)
        except BaseException as fault:  # noqa: BLE001  # a fault of the application's, whatever
            self._fail(fault)
        else:
            self._advance(None, None)

    def on_body(self) -> None:
        """There is more of the request's body, or its end, or nothing will come any more."""
        if self._state is _BODY:
            self._read_and_advance()

    def on_room(self) -> None:
        """What has been sent is on its way."""
        if self._state is _ROOM:
            self._advance(None, None)

    def close(self) -> None:
        """The client has left, or the server lets it go."""
        if self._state is _OVER:
            return
        if self._state is _RUNNING:
            # From inside of the conversation: it cannot be closed before it yields.
            self._is_left = True
            return
        self._settle()
        self._state = _OVER
        try:
            self._conversation.close()
        except BaseException as error:  # noqa: BLE001  # a fault of the conversation's, whatever
            self._context.report(error)

    def wake(self, waiter: _Waiter) -> None:
        """A wait is over; from any thread."""
        self._context.loop.call_soon_threadsafe(self._wait_is_over, waiter)

    def _wait_is_over(self, waiter: _Waiter) -> None:
        if self._state is waiter:
            self._settle()
            self._advance(None, None)
            self._wire.flush()

    def _take_turn(self) -> None:
        if self._state is _TURN:
            self._advance(None, None)
            self._wire.flush()

    def _call_is_done(self, result: Any, error: BaseException | None) -> None:
        if self._state is _WORKER:
            self._advance(result, error)
            self._wire.flush()

    def _settle(self) -> None:
        """Leave no timer and no waiter behind."""
        if self._timer is not None:
            self._context.loop.cancel(self._timer)
            self._timer = None
        if isinstance(self._state, _Waiter):
            self._state.forget()

    def _read_and_advance(self) -> None:
        try:
            data = self._wire.read()
        except ConnectionAbortedError as error:
            self._advance(None, error)
            return
        if data is not None:
            self._advance(data, None)

    def _advance(self, value: Any, error: BaseException | None) -> None:
        """Resume the conversation with a value or an exception, again and again until it waits."""
        self._state = _RUNNING
        conversation, wire = self._conversation, self._wire
        until: float | None = None
        try:
            while True:
                if error is None:
                    step = conversation.send(value)
                else:
                    raised, error = error, None
                    step = conversation.throw(raised)
                value = None
                if self._is_left:
                    self._state = _TURN
                    self.close()
                    return
                kind = type(step)
                if kind is Head:
                    wire.send_head(step)  # type: ignore[arg-type]  # of that very type
                elif kind is bytes:
                    if not wire.send_piece(step):  # type: ignore[arg-type]
                        self._state = _ROOM
                        return
                    now = self._context.loop.time()
                    if until is None:
                        until = now + _TURN_SECONDS
                    elif now > until:
                        self._state = _TURN
                        self._context.loop.call_soon(self._take_turn)
                        return
                elif step is READ:
                    try:
                        value = wire.read()
                    except ConnectionAbortedError as aborted:
                        error = aborted
                    else:
                        if value is None:
                            self._state = _BODY
                            return
                elif kind is Reset:
                    self._state = _TURN
                    self.close()
                    wire.reset(step)  # type: ignore[arg-type]
                    return
                elif kind is Retire:
                    wire.retire()
                elif kind is Offload:
                    self._offload(step)  # type: ignore[arg-type]
                    return
                else:
                    self._wait(step)  # type: ignore[arg-type]
                    return
        except StopIteration:
            self._state = _OVER
            if wire.has_head:
                wire.end()
            else:
                self._fail(RuntimeError("a conversation has ended without an answer"))
        except ConnectionAbortedError:
            # Nobody is left who wants an answer.
            self._state = _OVER
            wire.fail()
        except BaseException as fault:  # noqa: BLE001  # a fault of the conversation's, whatever
            self._fail(fault)

    def _wait(self, step: Wait) -> None:
        waiter = _Waiter(self)
        self._state = waiter
        # Asked for first: a wake-up within `subscribe` comes with the next turn.
        if (timeout := step.timeout) is not None:
            self._timer = self._context.loop.call_later(timeout, self._wait_is_over, waiter)
        step.subscribe(waiter)

    def _offload(self, step: Offload) -> None:
        self._state = _WORKER
        call_soon = self._context.loop.call_soon_threadsafe
        self._context.workers.submit(
            step.function,
            lambda result, error: call_soon(self._call_is_done, result, error),
        )

    def _fail(self, fault: BaseException) -> None:
        self._settle()
        self._state = _OVER
        self._context.report(fault)
        if self._wire.has_head:
            self._wire.fail()
        else:
            self._wire.send_head(Head(500, [], b""))
            self._wire.end()
