"""The seam between what answers a request and what carries the bytes.

A request is answered by a generator without I/O, a `Conversation`. It yields steps: what to send,
or what it needs before it can go on. Whoever drives it does that and resumes it. The server's
loop, a WSGI call in a thread and a test's own client all drive the same generators, so a request
that waits keeps nobody else waiting, and needs no thread.

A driver that gives up (the client has left, the server stops, the test has ended) calls
`close()` on the generator, which releases what it held. A conversation may ask to go on without
its client, by an `Outlast`.
"""

from collections.abc import Callable, Generator
from enum import Enum
from typing import Any, Final, NamedTuple, Protocol


class Head(NamedTuple):
    """Send the head of the answer. Nothing is sent before it, and it is sent at once.

    With a `body` that is the whole answer. Without one, pieces follow as steps of type `bytes`,
    each sent at once, and the answer ends where the conversation does. Header names are in lower
    case. A `content-length` among them is sent as it is; on HTTP/1.1 an answer without one is
    chunked.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes | None = None


class Read(Enum):
    """Ask for bytes of the request's body."""

    SOME = "some"
    """Resumed with the next bytes as they came; with `b""` at the end of the body.

    Where the client leaves before the end, `ConnectionAbortedError` is raised at this step.
    """


READ: Final = Read.SOME


class Wait(Protocol):
    """Ask to be resumed later: when `wake` has been called, or `timeout` seconds have passed.

    `timeout` is real time; None is no limit. A driver calls `subscribe` once, right before it
    begins to wait. `wake` may be called from any thread and under any lock, more than once, also
    during `subscribe`; it must return at once and must not resume the conversation itself.
    Resumed with None.
    """

    @property
    def timeout(self) -> float | None:
        """Seconds of real time after which to go on, None for no limit."""

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` when it is time to go on."""


# The steps below are no dataclasses, which take as long to make as all else here to load, and are
# on the way to the first URL of a test session.


class ReadWithin:
    """As `READ`, but resumed with None where nothing has come within so many seconds.

    `seconds` is real time. Under WSGI, where nothing but the read itself waits, it is as `READ`.
    """

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds: float = seconds


class RunInThread:
    """Ask for the result of a call that may take long: nobody else is to wait for it.

    Resumed with what the call returns, or its exception is raised at this step.
    """

    __slots__ = ("function",)

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function: Callable[[], Any] = function


class Reset:
    """End here, without an answer or without the rest of it. The conversation is over.

    On HTTP/2 the stream is reset (RST_STREAM with INTERNAL_ERROR), with `refused` as
    REFUSED_STREAM, the promise that nothing has happened. On HTTP/1.1 the connection is closed.
    With `connection` the TCP connection is cut on HTTP/2 too, with all that runs on it.
    """

    __slots__ = ("connection", "refused")

    def __init__(self, refused: bool = False, connection: bool = False) -> None:
        self.refused: bool = refused
        self.connection: bool = connection


class CancelHandle(Enum):
    """Ask for a way to end this conversation from outside.

    Resumed with a callable without arguments, which ends it as `Reset()` does, at any of its steps.
    It is to be called by the thread that drives the conversation, while another one is driven, and
    does nothing once that is over.
    """

    CANCEL_HANDLE = "grip"


CANCEL_HANDLE: Final = CancelHandle.CANCEL_HANDLE


class Drained(Enum):
    """Ask to go on when the client's side has taken what was sent.

    Resumed with None once nothing waits for room any more. Under WSGI that is at once.
    """

    DRAINED = "drained"


DRAINED: Final = Drained.DRAINED


class Outlast:
    """Ask to go on without the client if that leaves, for as long as `is_needed()` is true.

    What is sent then goes nowhere. `READ` gives what was received before the client left, and then
    the end of the body, or `ConnectionAbortedError` if that was not received. The conversation is
    closed where `is_needed()` is false and nothing that was received is unread. A later one takes
    the place of this one.

    Resumed with a callable without arguments, which returns True if the client has left.
    """

    __slots__ = ("is_needed",)

    def __init__(self, is_needed: Callable[[], bool]) -> None:
        self.is_needed: Callable[[], bool] = is_needed


class CloseAfterResponse:
    """Let the connection end with this answer, without an error. Yielded before the head.

    On HTTP/2 the answer is followed by GOAWAY with NO_ERROR, and the connection is closed when
    its other streams have ended. On HTTP/1.1 the answer carries `connection: close`.
    """

    __slots__ = ()


Step = (
    Head
    | bytes
    | Read
    | ReadWithin
    | Wait
    | RunInThread
    | Reset
    | CancelHandle
    | Drained
    | Outlast
    | CloseAfterResponse
)
Conversation = Generator[Step, Any, None]

# What answers requests: from a WSGI environ (PEP 3333) without `wsgi.input` and
# `wsgi.errors` to a conversation.
# `s2mock.connection` in it is the number of the connection, `SERVER_PROTOCOL` is "HTTP/1.0",
# "HTTP/1.1" or "HTTP/2", `REQUEST_URI` is the request target as it was sent.
Application = Callable[[dict[str, Any]], Conversation]
