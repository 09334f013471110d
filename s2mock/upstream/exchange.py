"""One exchange with the upstream: the seam between a conversation and the loop that does the I/O.

A conversation sends the parts of a request and takes the parts of its response, and waits in
between; it may run in another thread than the loop. What it has not taken keeps the upstream from
sending more, and what the upstream has not taken keeps the conversation from reading more of its
client.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from s2mock.runtime.monotonic import monotonic

if TYPE_CHECKING:
    from s2mock.upstream.request import ForwardedRequest

Fields = list[tuple[str, str]]

MAX_WAITING_BYTES: Final = 256 * 1024
"""More than this of a response is not received ahead of its taking."""


class ResponseHead(NamedTuple):
    """The head of the upstream's response. Header names are in lower case."""

    status: int
    headers: Fields
    closes: bool
    """True if the upstream closes the connection after this response, or takes no more requests."""


class ResponseEnd(NamedTuple):
    """The end of the upstream's response."""

    closes: bool
    """True if the upstream has said that it closes the connection."""


class StreamReset(NamedTuple):
    """The reset of the HTTP/2 stream by the upstream."""

    code: int


class Broken(NamedTuple):
    """The end of an exchange that the upstream has not answered in full."""

    reason: str
    """The reason, which completes "the upstream ..."."""
    has_sent: bool
    """False if the upstream has not begun with the request, so that it may be sent again."""
    ends_connection: bool = False
    """True if the upstream has ended the connection."""
    by_rst: bool = False
    """True if it has ended the connection by RST."""


Event = ResponseHead | bytes | ResponseEnd | StreamReset | Broken


class Carrier(Protocol):
    """A connection to the upstream, as one of its exchanges uses it, in the loop's thread."""

    def send_body(self, exchange: "Exchange", data: bytes) -> None:
        """Send bytes of the request's body, or its end for `b""`."""

    def taken(self, exchange: "Exchange", size: int) -> None:
        """Receive more after that number of bytes of the response was taken."""

    def break_off(self, exchange: "Exchange") -> None:
        """Break the request's body off, as the client has done; an answer may still come."""

    def cancel(self, exchange: "Exchange") -> None:
        """End the exchange before its end: reset the stream, or close the connection."""


class Exchange:
    """One request to the upstream, and the response to it as it is received.

    `run_in_loop` calls a function in the loop's thread, `carry` finds a connection for an exchange
    there. What is sent before `start` is sent in one piece with the head. The upstream may take
    `answer_seconds` after the last part of the request until it begins its response.
    """

    def __init__(
        self,
        request: "ForwardedRequest",
        run_in_loop: Callable[..., None],
        carry: Callable[["Exchange"], None],
        answer_seconds: float,
    ) -> None:
        self.request: Final = request
        self._carry = carry
        self.is_over: bool = False
        """True once the response has ended, or never will."""
        self.stream_number: int = 0
        """The number of its stream, on HTTP/2."""
        self._run_in_loop = run_in_loop
        self._answer_seconds = answer_seconds
        self._events: deque[Event] = deque()
        self._wake: Callable[[], None] | None = None
        self._carrier: Carrier | None = None
        # Parts of the body that were sent before there was a connection.
        self._early: list[bytes] = []
        self._early_bytes = 0
        # Each number is changed by one thread only: of the body the bytes that were sent, and those
        # of them that the loop has; of the response those that were received, and taken.
        self._sent_bytes = self._arrived_bytes = 0
        self._received_bytes = self._taken_bytes = 0
        self._is_carrier_full = False
        # True if the conversation has seen that there was no room.
        self._was_full = False
        self._is_cancelled = False
        self._is_broken_off = False
        self._has_head = False
        self._is_sent = False
        self._due: float | None = None

    # Called by the conversation.

    is_network: Final = True
    """Marks it as a wait for the upstream, not for a change of the account."""

    @property
    def has_room(self) -> bool:
        """True if more of the request may be sent: the upstream takes what was sent before."""
        is_behind = self._sent_bytes - self._arrived_bytes > MAX_WAITING_BYTES
        if has_room := not (is_behind or self._is_carrier_full):
            return has_room
        self._was_full = True
        return has_room

    @property
    def waiting_bytes(self) -> int:
        """The bytes of the response that were received and not taken."""
        return self._received_bytes - self._taken_bytes

    @property
    def unsent_bytes(self) -> int:
        """The bytes of the request that have not reached the connection."""
        return self._sent_bytes - self._arrived_bytes + self._early_bytes

    def start(self) -> None:
        """Send the head of the request, and what was sent of its body."""
        self._due = monotonic() + self._answer_seconds
        self._run_in_loop(self._carry, self)

    def take(self) -> Event | None:
        """Return the next part of the response; None if there is none yet."""
        if not self._events:
            if self._due is not None and monotonic() >= self._due:
                self._due = None
                self.cancel()
                return Broken(f"sent no answer within {self._answer_seconds:g} s", has_sent=True)
            return None
        event = self._events.popleft()
        if type(event) is bytes:
            self._taken_bytes += len(event)
            self._run_in_loop(self._taken, len(event))
        return event

    @property
    def timeout(self) -> float | None:
        """The seconds until the upstream has to have answered; the exchange is a `Wait`."""
        return None if self._due is None else max(0.0, self._due - monotonic())

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` when there is a part of the response, or room for more of the request."""
        self._wake = wake
        if self._was_full and self.has_room:
            # There may have been no wake-up for it before this.
            self._was_full = False
            wake()
        elif self._events:
            wake()

    def send(self, data: bytes) -> None:
        """Send more of the request's body."""
        if self._due is not None:
            self._due = monotonic() + self._answer_seconds
        self._sent_bytes += len(data)
        self._run_in_loop(self._send, data)

    def finish(self) -> None:
        """Send the end of the request's body."""
        if not self._is_sent:
            self._is_sent = True
            self._run_in_loop(self._send, b"")

    def break_off(self) -> None:
        """Break the request's body off, which its client has not sent in full."""
        self._run_in_loop(self._break_off)

    def cancel(self) -> None:
        """End the exchange: if it is not over, the upstream sees that its client has left."""
        if not self.is_over or self._events:
            self._run_in_loop(self._cancel)

    # Called in the loop's thread, by the connection.

    @property
    def is_cancelled(self) -> bool:
        """True if the conversation has ended it."""
        return self._is_cancelled

    def begin(self, carrier: Carrier) -> list[bytes]:
        """Use the connection from now on; return the parts of the body that were sent before."""
        self._carrier = carrier
        early, self._early, self._early_bytes = self._early, [], 0
        return early

    def begun(self) -> None:
        """Break the body off, if it was before there was a connection; its head is sent."""
        if self._is_broken_off:
            self._break_off()

    def receive(self, event: Event) -> None:
        """Hand a part of the response to the conversation."""
        if self.is_over or self._is_cancelled:
            return
        if isinstance(event, ResponseHead):
            self._has_head, self._due = True, None
        elif isinstance(event, bytes):
            self._received_bytes += len(event)
        else:
            self.is_over, self._due = True, None
        self._events.append(event)
        self.notify()

    def set_room(self, has_room: bool) -> None:
        """Note if the upstream takes more of the request."""
        if has_room == self._is_carrier_full:
            self._is_carrier_full = not has_room
            if has_room:
                self.notify()

    def notify(self) -> None:
        """Wake the conversation, if it waits."""
        wake, self._wake = self._wake, None
        if wake is not None:
            wake()

    def _send(self, data: bytes) -> None:
        self._arrived_bytes += len(data)
        if self.is_over or self._is_cancelled:
            return
        if self._carrier is None:
            # Until there is a connection.
            self._early.append(data)
            self._early_bytes += len(data)
            self.set_room(self._early_bytes <= MAX_WAITING_BYTES)
        else:
            self._carrier.send_body(self, data)
        if self._was_full:
            self.notify()

    def _break_off(self) -> None:
        if self._carrier is None:
            self._is_broken_off = True
        elif not self.is_over and not self._is_cancelled:
            self._carrier.break_off(self)

    def _taken(self, size: int) -> None:
        if self._carrier is not None:
            self._carrier.taken(self, size)

    def _cancel(self) -> None:
        if self._is_cancelled:
            return
        self._is_cancelled = True
        left = sum(len(event) for event in self._events if type(event) is bytes)
        self._events.clear()
        self._early, self._early_bytes = [], 0
        if self._carrier is not None:
            self._carrier.taken(self, left)
            if not self.is_over:
                self._carrier.cancel(self)
