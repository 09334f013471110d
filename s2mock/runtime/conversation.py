"""The interface between the code that answers requests and the code that does the I/O.

A request is answered by a generator without I/O, a `Conversation`. It yields steps: data to send,
or something that it needs before it can go on. A driver carries the step out and resumes the
generator. The server's loop, a WSGI call in a thread and a test's own client drive the same
generators. So a request that waits blocks no other request, and needs no thread.

A driver that gives up (the client has disconnected, the server stops, the test has ended) calls
`close()` on the generator, which releases its resources. A conversation may ask to go on without
its client, by an `Outlast`.
"""

from collections.abc import Callable, Generator
from enum import Enum
from typing import Any, Final, NamedTuple, Protocol


class Head(NamedTuple):
    """Send the status and the headers of the response, at once and before anything else.

    With a `body`, that is the whole response. Without one, pieces follow as steps of type `bytes`,
    each sent at once, and the response ends when the conversation does. Header names are in lower
    case. A `content-length` among them is sent unchanged; on HTTP/1.1 a response without one is
    chunked.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes | None = None


class Read(Enum):
    """Ask for bytes of the body of the request."""

    SOME = "some"
    """Resumed with the next bytes that were received, and with `b""` at the end of the body.

    If the client disconnects before the end, `ConnectionAbortedError` is raised at this step.
    """


READ: Final = Read.SOME


class Wait(Protocol):
    """Ask to be resumed when `wake` has been called, or `timeout` seconds have passed.

    `timeout` is real time; None is no limit. A driver calls `subscribe` once, right before it
    begins to wait. `wake` may be called from any thread, with any lock held, more than once, also
    during `subscribe`; it must return at once and must not resume the conversation itself.
    Resumed with None.

    A wait may have `advice`, the message for a call that waits in the only thread that could end
    it; and `needs_a_thread`, True if a driver with a thread of its own is to call its `block()`
    instead, which `wake()` ends.
    """

    @property
    def timeout(self) -> float | None:
        """The longest wait in seconds of real time, None for no limit."""

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Have `wake` called when the conversation can go on."""


# The steps below are no dataclasses: these take as long to create as the rest of this module takes
# to load, and the first URL of a test session waits for it.


class ReadWithin:
    """Ask for bytes as `READ` does, with a timeout: resumed with None if none are received.

    `seconds` is real time. Under WSGI, where only the read itself can wait, there is no timeout.
    """

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds: float = seconds


class ReadUnless:
    """Ask for bytes as `READ` does, unless `wait` ends first: resumed with None then.

    Bytes that have arrived, and the end of the body, take precedence. Under WSGI, where only the
    read itself can wait, it is a `READ`.
    """

    __slots__ = ("wait",)

    def __init__(self, wait: Wait) -> None:
        self.wait: Wait = wait


class RunInThread:
    """Ask for the result of a call that may take long, so that no other request waits for it.

    Resumed with the result of the call, or its exception is raised at this step.
    """

    __slots__ = ("function",)

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function: Callable[[], Any] = function


class Reset:
    """End the conversation without a response, or without the rest of it.

    On HTTP/2 the stream is reset: RST_STREAM with the error code `code`, by default INTERNAL_ERROR,
    or with REFUSED_STREAM if `refused`, which promises that the request had no effect. On HTTP/1.1
    the connection is closed.
    With `connection`, the TCP connection is closed on HTTP/2 too, with all other streams on it,
    after the data sent before. With `by_rst` a connection is closed by RST, not by FIN. With
    `unreachable`, a WSGI call raises `ConnectionRefusedError`, not `ConnectionResetError`.
    """

    __slots__ = ("by_rst", "code", "connection", "refused", "unreachable")

    def __init__(
        self,
        *,
        refused: bool = False,
        connection: bool = False,
        by_rst: bool = False,
        unreachable: bool = False,
        code: int | None = None,
    ) -> None:
        self.by_rst: bool = by_rst
        self.code: int | None = code
        self.refused: bool = refused
        self.connection: bool = connection
        self.unreachable: bool = unreachable


class CancelHandle(Enum):
    """Ask for a function that ends this conversation from outside.

    Resumed with a callable that takes a `Reset` and ends the conversation so, at any of its steps.
    It ends in the thread that drives it: at once if that thread calls the function
    while it drives another one, soon if another thread does. It does nothing after the end of the
    conversation.
    """

    CANCEL_HANDLE = "cancel handle"


CANCEL_HANDLE: Final = CancelHandle.CANCEL_HANDLE


class RetireHandle(Enum):
    """Ask for a function that ends the conversation's connection from outside, without an error.

    Resumed with a callable for the thread that drives the conversation. On HTTP/2 it sends GOAWAY
    with NO_ERROR, with `at_once=True` now, else when the present streams have ended; the connection
    is closed then.
    On HTTP/1.1 it closes a connection that is idle, and any other after its response. Under WSGI it
    does nothing.
    """

    RETIRE_HANDLE = "retire handle"


RETIRE_HANDLE: Final = RetireHandle.RETIRE_HANDLE


class Drained(Enum):
    """Ask to go on when all data that was sent has left the send buffer.

    Resumed with None when the buffer is empty. Under WSGI that is at once.
    """

    DRAINED = "drained"


DRAINED: Final = Drained.DRAINED


class Outlast:
    """Ask to go on after the client has disconnected, for as long as `is_needed()` is true.

    Data sent after that is discarded. `READ` returns the bytes that were received before, and then
    the end of the body, or raises `ConnectionAbortedError` if that was not received. The
    conversation is closed when `is_needed()` is false and all received bytes were read. A later
    `Outlast` replaces this one.

    Resumed with a callable without arguments, which returns True if nothing that is sent reaches
    the client: it has disconnected, or a `MUTE` is in force on its connection.
    """

    __slots__ = ("is_needed",)

    def __init__(self, is_needed: Callable[[], bool]) -> None:
        self.is_needed: Callable[[], bool] = is_needed


class Stay(Enum):
    """Ask to answer a client that has ended its side of the connection within its body.

    A conversation that waits would be closed then, or go on without its client. Resumed with None.
    """

    STAY = "stay"


STAY: Final = Stay.STAY

TURNS_TO_READ_AN_END: Final = 8
"""The turns of a server's loop in which it has certainly read the end of a connection behind the
data before it: each takes one or two."""


class MutedConnection(Protocol):
    """A connection on which nothing more is sent."""

    def end(self) -> None:
        """Close the connection, from any thread; do nothing if it is closed."""


class Mute(Enum):
    """Ask that nothing more is sent on this conversation's connection, as on a half-open link.

    That is for all conversations on it, and for the protocol itself: no response, acknowledgement
    or window update is sent, and no end of the connection either. Data sent before is sent. The
    client's data is still read, and conversations go on; what they send is discarded. The
    connection lasts until the client closes it, the server drops its connections, or the
    `MutedConnection` with which the conversation is resumed ends it.

    Under WSGI, where calls share no connection, the conversation is resumed with None.
    """

    MUTE = "mute"


MUTE: Final = Mute.MUTE


class CloseAfterResponse:
    """Close the connection after this response, without an error. Yielded before the head.

    On HTTP/2 the response is followed by GOAWAY with NO_ERROR, and the connection is closed when
    its other streams have ended. On HTTP/1.1 the response has the header `connection: close`.
    """

    __slots__ = ()


Step = (
    Head
    | bytes
    | Read
    | ReadWithin
    | ReadUnless
    | Wait
    | RunInThread
    | Reset
    | CancelHandle
    | RetireHandle
    | Drained
    | Outlast
    | Stay
    | Mute
    | CloseAfterResponse
)
Conversation = Generator[Step, Any, None]

Application = Callable[[dict[str, Any]], Conversation]
"""A function that answers requests: it takes a WSGI environ and returns a conversation.

The environ (PEP 3333) is without `wsgi.input` and `wsgi.errors`. `s2mock.connection` in it is the
number of the connection, `SERVER_PROTOCOL` is "HTTP/1.0", "HTTP/1.1" or "HTTP/2", `REQUEST_URI` is
the request target as it was sent.
"""


def relay(
    steps: Generator[Any, Any, None], change: Callable[[Any], Generator[Any, Any, Any] | None]
) -> Generator[Any, Any, None]:
    """Yield the steps of another generator, each as `change` has it.

    `change` is called with each step. It returns None to leave the step as it is, or a generator,
    whose steps are yielded instead; its result is what the other generator is resumed with. An
    exception of `change`, or of its generator, ends both.
    """
    value: Any = None
    failure: Exception | None = None
    try:
        while True:
            try:
                step = steps.send(value) if failure is None else steps.throw(failure)
            except StopIteration:
                return
            value = failure = None
            changed = change(step)
            if changed is not None:
                value = yield from changed
                continue
            try:
                value = yield step
            except Exception as error:  # noqa: BLE001  # it is for the other generator
                failure = error
    finally:
        steps.close()
