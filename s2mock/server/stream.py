"""One stream of HTTP/2: the wire of its exchange, and what waits in either direction."""

from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from s2mock.runtime.conversation import Head, Reset
from s2mock.server import frames
from s2mock.server.answers import BODYLESS, date
from s2mock.server.connection import MAX_UNSENT_BYTES
from s2mock.server.fields import Request, encode_head

if TYPE_CHECKING:
    from s2mock.server.driver import Exchange

RECEIVE_WINDOW: Final = 1024 * 1024
"""What a client may send before anybody has read it; the reference server's figure."""


class Owner(Protocol):
    """The connection of a stream, as the stream needs it: that of `Http2`."""

    unsent: int
    receive_initial: int

    @property
    def is_crowded(self) -> bool:
        """Whether all answers together have too much unsent."""

    def write(self, data: bytes) -> None:
        """Send a frame."""

    def send_head(self, stream: "Stream", block: bytes) -> None:
        """Send the head of an answer, which may be all of it."""

    def drain(self, stream: "Stream") -> bool:
        """Hand over what a stream has sent, as `Wire.drain`."""

    def pump(self, stream: "Stream") -> None:
        """Send what a stream has, as far as there is room for it."""

    def settle(self, stream: "Stream") -> None:
        """Let the stream be over if answer and conversation are."""

    def reset(self, stream: "Stream", code: int) -> None:
        """End a stream from this side."""

    def acknowledge(self, size: int) -> None:
        """So many bytes have been read, on whatever stream."""

    def cut(self) -> None:
        """End the connection without a word, after what has been sent."""

    def flush(self) -> None:
        """Do what has become due, and hand over what has been sent."""


class Stream:
    """A request and its answer, until both are complete."""

    __slots__ = (
        "_owner",
        "_parts",
        "_unacknowledged",
        "body",
        "exchange",
        "has_head",
        "is_answered",
        "is_begun",
        "is_bodyless",
        "is_ending",
        "is_over",
        "is_received",
        "is_retiring",
        "number",
        "receive_window",
        "request",
        "reset_code",
        "send_window",
        "to_receive",
        "unsent",
    )

    def __init__(self, number: int, owner: Owner, request: Request, send_window: int) -> None:
        self._owner = owner
        self.number: int = number
        self.request: Request = request
        self.exchange: Exchange | None = None
        self.is_begun: bool = False
        self.is_over: bool = False
        """Whether nothing more is sent or received on it."""
        # The request.
        self.body: bytearray = bytearray()
        """What has come of the body and has not been read."""
        self.to_receive: int | None = request.length
        """Bytes of the body that are to come, if that is known."""
        self.is_received: bool = False
        """Whether the request is complete."""
        self.receive_window: int = owner.receive_initial
        self._unacknowledged = 0
        # The answer.
        self.has_head: bool = False
        self.is_answered: bool = False
        """Whether the end of the answer has been sent."""
        self.is_ending: bool = False
        """Whether the end is to be sent behind what is unsent."""
        self.reset_code: int | None = None
        """With what the stream is to be reset behind what is unsent, if it is."""
        self.is_retiring: bool = False
        """Whether the connection is to end with this answer."""
        self.unsent: int = 0
        """Bytes for which there is no room yet."""
        self.send_window: int = send_window
        self._parts: deque[memoryview] = deque()
        self.is_bodyless: bool = False

    # The wire of the exchange.

    def read(self) -> bytes | None:
        """As `Wire.read`."""
        if self.body:
            data = bytes(self.body)
            self.body.clear()
            self.acknowledge(len(data))
            return data
        return b"" if self.is_received else None

    def send_head(self, head: Head) -> None:
        """As `Wire.send_head`."""
        status, headers, body = head
        fields = [*headers, ("date", date())]
        self.is_bodyless = status in BODYLESS or self.request.method == "HEAD"
        if body and status not in BODYLESS and all(name != "content-length" for name, _ in headers):
            fields.append(("content-length", str(len(body))))
        block = encode_head(status, fields)
        self.has_head = True
        self.is_answered = self.is_bodyless or body == b""
        self._owner.send_head(self, block)
        if body and not self.is_answered:
            self._append(body)
            self.is_ending = True
            self._owner.pump(self)

    def send_piece(self, data: bytes) -> bool:
        """As `Wire.send_piece`."""
        if data and not self.is_answered:
            self._append(data)
            self._owner.pump(self)
        return self.has_room

    def drain(self) -> bool:
        """As `Wire.drain`."""
        return self._owner.drain(self)

    def end(self) -> None:
        """As `Wire.end`."""
        self.exchange = None
        self.is_ending = True
        self._owner.pump(self)
        self._owner.settle(self)

    def fail(self) -> None:
        """As `Wire.fail`."""
        self.reset(Reset())

    def reset(self, step: Reset) -> None:
        """As `Wire.reset`."""
        self.exchange = None
        if step.connection:
            self._owner.cut()
        else:
            code = frames.REFUSED_STREAM if step.refused else frames.INTERNAL_ERROR
            if self.unsent:
                # What was said before is sent first.
                self.reset_code = code
            else:
                self._owner.reset(self, code)

    def retire(self) -> None:
        """As `Wire.retire`."""
        self.is_retiring = True

    def flush(self) -> None:
        """As `Wire.flush`."""
        self._owner.flush()

    # What the connection needs of it.

    @property
    def has_room(self) -> bool:
        """Whether the conversation may send more."""
        return self.unsent <= MAX_UNSENT_BYTES and not (self.unsent and self._owner.is_crowded)

    def take(self, max_bytes: int) -> memoryview:
        """What is to be sent next, at most so much."""
        data = self._parts[0]
        if len(data) > max_bytes:
            self._parts[0] = data[max_bytes:]
            data = data[:max_bytes]
        else:
            self._parts.popleft()
        self.unsent -= len(data)
        self._owner.unsent -= len(data)
        self.send_window -= len(data)
        return data

    def acknowledge(self, size: int) -> None:
        """So many bytes of the request have been read; the client may send as many again."""
        self._owner.acknowledge(size)
        self._unacknowledged += size
        is_asked_for = not (self.is_received or self.is_over)
        if self._unacknowledged >= self._owner.receive_initial // 2 and is_asked_for:
            self._owner.write(frames.window_update(self.number, self._unacknowledged))
            self.receive_window += self._unacknowledged
            self._unacknowledged = 0

    def drop(self) -> None:
        """It is over: let go of what it holds."""
        self.is_over = True
        self._owner.unsent -= self.unsent
        self.unsent = 0
        self._parts.clear()
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.leave()
        self._owner.acknowledge(len(self.body))
        self.body.clear()

    def _append(self, data: bytes) -> None:
        if self.is_over:
            return
        self._parts.append(memoryview(data))
        self.unsent += len(data)
        self._owner.unsent += len(data)
