"""What turns the steps of a conversation into action; the only place that resumes one."""

from typing import TYPE_CHECKING, Any, Protocol

from s2mock.runtime.conversation import (
    CANCEL_HANDLE,
    DRAINED,
    READ,
    CloseAfterResponse,
    Conversation,
    Head,
    Outlast,
    ReadWithin,
    Reset,
    RunInThread,
    Step,
    Wait,
)
from s2mock.server.context import Context
from s2mock.server.dead_wire import DeadWire

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

# A conversation that always has something to send is interrupted after so many seconds.
_TURN_SECONDS = 0.001


class Wire(Protocol):
    """The sending side of one exchange, as a protocol has it."""

    has_head: bool
    """Whether the head of the answer has been sent."""
    is_bodyless: bool
    """Whether the head is all of the answer, whatever the conversation has to say."""

    def send_head(self, head: Head) -> None:
        """Send the head, and with it the body if it has one."""

    def send_piece(self, data: bytes) -> bool:
        """Send a piece of the body. False: no more until `Exchange.on_room` has been called."""

    def drain(self) -> bool:
        """Hand over what has been sent; return False if some of it waits for room.

        Then `Exchange.on_room` is called when there is room.
        """

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

    __slots__ = (
        "_context",
        "_conversation",
        "_dead_wire",
        "_is_closing",
        "_is_needed",
        "_state",
        "_timer",
        "_turn_ends",
        "_wire",
    )

    def __init__(self, wire: Wire, context: Context) -> None:
        self._conversation: Conversation
        self._wire = wire
        self._context = context
        self._state: object = _TURN
        self._timer: asyncio.TimerHandle | None = None
        self._is_closing = False
        # Until when it goes on without its client, if it does; its wire once that has left.
        self._is_needed: Callable[[], bool] | None = None
        self._dead_wire: DeadWire | None = None
        self._turn_ends = 0.0

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

    def leave(self) -> None:
        """The client has left.

        A conversation that is to outlast it goes on, as does a call in a worker, behind which that
        may be asked for. Of others, one that reads is told so, and any other is closed.
        """
        if self._state is _OVER or self._dead_wire is not None:
            return
        if self._is_needed is not None or self._state is _WORKER:
            self._go_on_alone()
            return
        if self._state is _BODY:
            self._settle()
            self._advance(None, ConnectionAbortedError("the client has left"))
        self.close()

    def drop(self) -> None:
        """End the conversation from outside of it; from another thread, in the loop's next turn."""
        if not self._context.is_in_loop:
            self._context.call_from_any_thread(self.drop)
        elif self._state is not _OVER and self._state is not _RUNNING:
            self.close()
            self._wire.reset(Reset())
            self._wire.flush()

    def close(self) -> None:
        """Close the conversation: nobody wants an answer any more."""
        if self._state is _OVER:
            return
        if self._state is _RUNNING:
            # From inside of the conversation: it cannot be closed before it yields.
            self._is_closing = True
            return
        self._settle()
        self._finish()
        try:
            self._conversation.close()
        except BaseException as error:  # noqa: BLE001  # a fault of the conversation's, whatever
            self._context.report(error)

    def wake(self, waiter: _Waiter) -> None:
        """A wait is over; from any thread."""
        self._context.call_from_any_thread(self._wait_is_over, waiter)

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

    def _go_on_alone(self) -> None:
        """Go on without the client, if anything is left to be done."""
        self._wire = self._dead_wire = DeadWire(self._wire)
        self._context.lasting.add(self)
        if self._state is _BODY:
            self._read_and_advance()
        elif self._state is _ROOM:
            self._state = _TURN
            self._context.loop.call_soon(self._take_turn)
        elif isinstance(self._state, _Waiter) and not self._has_to_go_on():
            self.close()

    def _has_to_go_on(self, step: Step | None = None) -> bool:
        """True if the conversation has something to do, or to ask for, without its client."""
        assert self._dead_wire is not None, "the client has left"
        if self._dead_wire.unread or (self._is_needed is not None and self._is_needed()):
            return True
        return step is READ or isinstance(step, RunInThread | Outlast | ReadWithin)

    def _has_left(self) -> bool:
        return self._dead_wire is not None

    def _finish(self) -> None:
        """The conversation is over."""
        self._state = _OVER
        if self._dead_wire is not None:
            self._context.lasting.discard(self)

    def _settle(self) -> None:
        """Leave no timer and no waiter behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if isinstance(self._state, _Waiter):
            self._state.forget()

    def _read_and_advance(self) -> None:
        data, error = self._read()
        if data is not None or error is not None:
            self._settle()
            self._advance(data, error)

    def _read(self) -> tuple[bytes | None, ConnectionAbortedError | None]:
        """What to resume the conversation with; nothing if it has to wait for that."""
        try:
            data = self._wire.read()
        except ConnectionAbortedError as aborted:
            return None, aborted
        if data is None:
            self._state = _BODY
        return data, None

    def _advance(self, value: Any, error: BaseException | None) -> None:
        """Resume the conversation with a value or an exception, again and again until it waits."""
        self._state = _RUNNING
        self._turn_ends = self._context.now() + _TURN_SECONDS
        conversation = self._conversation
        goes_on = True
        try:
            while goes_on:
                step = conversation.send(value) if error is None else conversation.throw(error)
                value = error = None
                if self._is_closing or (
                    self._dead_wire is not None and not self._has_to_go_on(step)
                ):
                    self._state = _TURN
                    self.close()
                    return
                kind = type(step)
                if kind is Head:
                    goes_on = self._send_head(step)  # type: ignore[arg-type]  # of that very type
                elif kind is bytes:
                    goes_on = self._send_piece(step)  # type: ignore[arg-type]
                elif step is READ:
                    value, error = self._read()
                    goes_on = value is not None or error is not None
                elif step is CANCEL_HANDLE or kind is Outlast:
                    value = self._granted(step)
                else:
                    goes_on = self._take(step)
        except StopIteration:
            self._finish()
            if self._wire.has_head:
                self._wire.end()
            else:
                self._fail(RuntimeError("a conversation has ended without an answer"))
        except ConnectionAbortedError:
            # Nobody is left who wants an answer.
            self._finish()
            self._wire.fail()
        except BaseException as fault:  # noqa: BLE001  # a fault of the conversation's, whatever
            self._fail(fault)

    def _granted(self, step: Step) -> "Callable[[], object]":
        """What the conversation is resumed with, which asks for a way to see or end itself."""
        if isinstance(step, Outlast):
            self._is_needed = step.is_needed
            return self._has_left
        return self.drop

    # Each of these says whether the conversation goes on at once.

    def _send_head(self, head: Head) -> bool:
        self._wire.send_head(head)
        if not self._wire.is_bodyless or head.body is not None:
            return True
        # The pieces that would follow are not wanted, and there may be no end of them.
        self._state = _TURN
        self.close()
        self._wire.end()
        return False

    def _send_piece(self, data: bytes) -> bool:
        if not self._wire.send_piece(data):
            self._state = _ROOM
            return False
        if self._context.now() > self._turn_ends:
            self._state = _TURN
            self._context.loop.call_soon(self._take_turn)
            return False
        return True

    def _take(self, step: Step) -> bool:
        if isinstance(step, CloseAfterResponse):
            self._wire.retire()
            return True
        if step is DRAINED:
            if self._wire.drain():
                return True
            self._state = _ROOM
        elif isinstance(step, Reset):
            self._state = _TURN
            self.close()
            self._wire.reset(step)
        elif isinstance(step, RunInThread):
            self._offload(step)
        elif isinstance(step, ReadWithin):
            self._read_within(step.seconds)
        else:
            self._wait(step)  # type: ignore[arg-type]  # nothing else is left
        return False

    def _wait(self, step: Wait) -> None:
        waiter = _Waiter(self)
        self._state = waiter
        # Asked for first: a wake-up within `subscribe` comes with the next turn.
        if (timeout := step.timeout) is not None:
            self._timer = self._context.loop.call_later(timeout, self._wait_is_over, waiter)
        step.subscribe(waiter)

    def _read_within(self, seconds: float) -> None:
        # Read in the next turn, what is there too: it costs no more than that, and is rare.
        self._state = _BODY
        loop = self._context.loop
        self._timer = loop.call_later(seconds, self._read_is_late)
        loop.call_soon(self._look_for_body)

    def _look_for_body(self) -> None:
        self.on_body()
        self._wire.flush()

    def _read_is_late(self) -> None:
        if self._state is _BODY:
            self._timer = None
            self._advance(None, None)
            self._wire.flush()

    def _offload(self, step: RunInThread) -> None:
        self._state = _WORKER
        call_soon = self._context.call_from_any_thread
        self._context.workers.submit(
            step.function,
            lambda result, error: call_soon(self._call_is_done, result, error),
        )

    def _fail(self, fault: BaseException) -> None:
        self._settle()
        self._finish()
        self._context.report(fault)
        if self._wire.has_head:
            self._wire.fail()
        else:
            self._wire.send_head(Head(500, [], b""))
            self._wire.end()
