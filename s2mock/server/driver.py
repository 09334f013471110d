"""The driver of a conversation: it carries out the steps, and is alone in resuming it."""

from typing import TYPE_CHECKING, Any

from s2mock.runtime.conversation import (
    DRAINED,
    MUTE,
    READ,
    RETIRE_HANDLE,
    STAY,
    CancelHandle,
    CloseAfterResponse,
    Conversation,
    Head,
    Mute,
    Outlast,
    Read,
    ReadUnless,
    ReadWithin,
    Reset,
    RetireHandle,
    RunInThread,
    Stay,
    Step,
    Wait,
)
from s2mock.server.context import Context
from s2mock.server.dead_wire import DeadWire
from s2mock.server.wire import Wire

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

# Seconds after which a conversation that keeps sending gives way to others.
_TURN_SECONDS = 0.001


class _Waiter:
    """The callback that ends one wait of a conversation."""

    __slots__ = ("_exchange",)

    def __init__(self, exchange: "RequestDriver") -> None:
        self._exchange: RequestDriver | None = exchange

    def __call__(self) -> None:
        exchange = self._exchange
        if exchange is not None:
            self._exchange = None
            exchange.wake(self)

    def forget(self) -> None:
        """Let go of the driver, which the subscription may outlive."""
        self._exchange = None


# The states of a driver; while a `Wait` lasts, the state is its `_Waiter`.
_RUNNING = "running"
_BODY = "body"
_ROOM = "room"
_TURN = "turn"
_WORKER = "worker"
_OVER = "over"


# The steps that are carried out at once.
_GRANTED = frozenset((CancelHandle, Mute, Outlast, RetireHandle, Stay))
# The end of a stream by itself.
_RESET = Reset()


class RequestDriver:
    """The driver of one conversation over one wire."""

    __slots__ = (
        "_alarm",
        "_alarm_due",
        "_context",
        "_conversation",
        "_dead_wire",
        "_due",
        "_is_closing",
        "_is_needed",
        "_state",
        "_timer",
        "_turn_ends",
        "_watch",
        "_wire",
        "stays",
    )

    def __init__(self, wire: Wire, context: Context) -> None:
        self._conversation: Conversation
        self._wire = wire
        self._context = context
        self._state: object = _TURN
        # The timer of a `ReadWithin`.
        self._timer: asyncio.TimerHandle | None = None
        # The timer of waits, and the end of the present one, by the loop's time. Waits follow each
        # other quickly and seldom last until their end, so the timer of one is left to the next.
        self._alarm: asyncio.TimerHandle | None = None
        # The time of the timer: uvloop's handle of one that is due at once does not tell it.
        self._alarm_due = 0.0
        self._due: float | None = None
        # The end of the wait of a `ReadUnless`, while it reads.
        self._watch: _Waiter | None = None
        self._is_closing = False
        # The condition of the last `Outlast`, and the wire after the client has disconnected.
        self._is_needed: Callable[[], bool] | None = None
        self._dead_wire: DeadWire | None = None
        self._turn_ends = 0.0
        self.stays: bool = False
        """True if it answers a client that has ended its side of the connection."""

    def start(self, environ: dict[str, Any]) -> None:
        """Begin the conversation and run it until it has to wait or has ended."""
        try:
            self._conversation = self._context.application(environ)
        except BaseException as fault:  # noqa: BLE001  # any fault of the application
            self._fail(fault)
        else:
            self._advance(None, None)

    def on_body(self) -> None:
        """Continue after more of the request's body, its end, or its breaking off has arrived."""
        if self._state is _BODY:
            self._read_and_advance()

    def on_room(self) -> None:
        """Continue after the data sent before has been handed over."""
        if self._state is _ROOM:
            self._advance(None, None)

    def leave(self) -> None:
        """Handle the end of the client's connection or stream.

        A conversation that has yielded `Outlast` goes on. So does one with a call in a worker,
        which may yield it next. In any other, a read raises `ConnectionAbortedError`, and the
        conversation is closed.
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

    def drop(self, reset: Reset = _RESET) -> None:
        """End the conversation from outside of it; from another thread, in the loop's next turn."""
        if not self._context.is_in_loop:
            self._context.call_from_any_thread(lambda: self.drop(reset))
        elif self._state is not _OVER and self._state is not _RUNNING:
            self.close()
            self._wire.reset(reset)
            self._wire.flush()

    def close(self) -> None:
        """Close the conversation without a response."""
        if self._state is _OVER:
            return
        if self._state is _RUNNING:
            # The conversation itself caused the call; it can be closed when it yields.
            self._is_closing = True
            return
        self._end_conversation()

    def wake(self, waiter: _Waiter) -> None:
        """End a wait, from any thread."""
        self._context.resume_soon(self._wait_is_over, waiter)

    def _wait_is_over(self, waiter: _Waiter) -> None:
        if self._state is waiter or (self._state is _BODY and self._watch is waiter):
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
        """Continue without the client if anything is left to do."""
        self._wire = self._dead_wire = DeadWire(self._wire)
        self._context.lasting[self] = None
        if self._state is _BODY:
            self._read_and_advance()
        elif self._state is _ROOM:
            self._state = _TURN
            self._context.loop.call_soon(self._take_turn)
        elif isinstance(self._state, _Waiter) and not self._has_to_go_on():
            self.close()

    def _has_to_go_on(self, step: Step | None = None) -> bool:
        """True if the conversation has something left to do without its client."""
        assert self._dead_wire is not None, "the client has left"
        if self._dead_wire.unread or (self._is_needed is not None and self._is_needed()):
            return True
        return step is READ or isinstance(step, RunInThread | Outlast | ReadWithin | ReadUnless)

    def _has_left(self) -> bool:
        return self._dead_wire is not None or self._wire.is_muted

    def _end_conversation(self) -> None:
        """Close the conversation, which has no effect on one that has ended."""
        self._settle()
        self._finish()
        try:
            self._conversation.close()
        except BaseException as error:  # noqa: BLE001  # any fault of the conversation
            self._context.report(error)

    def _finish(self) -> None:
        """Note the end of the conversation."""
        self._state = _OVER
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._dead_wire is not None:
            self._context.lasting.pop(self, None)

    def _settle(self) -> None:
        """Cancel the timer and the waiter."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if isinstance(self._state, _Waiter):
            self._state.forget()
        if self._watch is not None:
            self._watch.forget()
            self._watch = None

    def _read_and_advance(self) -> None:
        data, error = self._read()
        if data is not None or error is not None:
            self._settle()
            self._advance(data, error)

    def _read(
        self, step: Read | ReadUnless = READ
    ) -> tuple[bytes | None, ConnectionAbortedError | None]:
        """Return the data or the error to resume with, two Nones if the body has to be awaited."""
        try:
            data = self._wire.read()
        except ConnectionAbortedError as aborted:
            return None, aborted
        if data is None:
            self._state = _BODY
            if step is not READ:
                self._subscribe_while_reading(step.wait)
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
                elif step is READ or kind is ReadUnless:
                    value, error = self._read(step)  # type: ignore[arg-type]  # of these types
                    goes_on = value is not None or error is not None
                elif kind in _GRANTED:
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
            # The client has disconnected.
            self._finish()
            self._wire.fail()
        except BaseException as fault:  # noqa: BLE001  # any fault of the conversation
            # It has not ended if the fault is of its last step, such as a header that is none; and
            # the traceback, which a log may keep, refers to it.
            self._end_conversation()
            self._fail(fault)

    def _granted(self, step: Step) -> object:
        """Return what a step asks for that needs no wait."""
        if step is MUTE:
            return self._wire.mute()
        if step is RETIRE_HANDLE:
            return self._wire.retire_connection
        if step is STAY:
            self.stays = True
            return None
        if isinstance(step, Outlast):
            self._is_needed = step.is_needed
            return self._has_left
        return self.drop

    # Each of these returns True if the conversation can be resumed at once.

    def _send_head(self, head: Head) -> bool:
        self._wire.send_head(head)
        if not self._wire.is_bodyless or head.body is not None:
            return True
        # Further pieces would not be sent, and there may be no end of them.
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
        # The timer comes first: a wake-up during `subscribe` takes effect in the next turn.
        if (timeout := step.timeout) is None:
            self._due = None
        else:
            self._set_alarm(self._context.loop.time() + timeout)
        step.subscribe(waiter)

    def _subscribe_while_reading(self, wait: Wait) -> None:
        """End the present read when the wait ends."""
        self._watch = waiter = _Waiter(self)
        if (timeout := wait.timeout) is not None:
            self._timer = self._context.loop.call_later(timeout, self._read_is_late)
        wait.subscribe(waiter)

    def _set_alarm(self, due: float) -> None:
        """Have the present wait end at that time of the loop."""
        self._due = due
        if self._alarm is not None:
            if self._alarm_due <= due:
                return
            self._alarm.cancel()
        self._alarm_due = due
        self._alarm = self._context.loop.call_at(due, self._check_wait)

    def _check_wait(self) -> None:
        """End the present wait if it is due, else set the timer for it."""
        alarm, self._alarm = self._alarm, None
        waiter, due = self._state, self._due
        if alarm is None or due is None or not isinstance(waiter, _Waiter):
            return
        if due > self._alarm_due:
            self._set_alarm(due)
        else:
            self._wait_is_over(waiter)

    def _read_within(self, seconds: float) -> None:
        # Data that has arrived is read in the next turn too: the step is rare.
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
            self._settle()
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
