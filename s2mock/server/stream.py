"""One HTTP/2 stream: the wire of its exchange, and the data that waits in either direction."""

from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from s2mock.runtime.conversation import Head, MutedConnection, Reset
from s2mock.server import frames
from s2mock.server.answers import BODYLESS, date
from s2mock.server.connection import MAX_UNSENT_BYTES
from s2mock.server.fields import H2RequestHead, encode_head

if TYPE_CHECKING:
    from s2mock.server.driver import RequestDriver

RECEIVE_WINDOW: Final = 1024 * 1024
"""Bytes that a client may send ahead of their reading, as with the reference server."""


class Owner(Protocol):
    """The connection of a stream, as `Http2` provides it."""

    unsent: int
    receive_initial: int

    @property
    def is_muted(self) -> bool:
        """True if nothing more is sent on the connection."""

    @property
    def is_crowded(self) -> bool:
        """True if all responses together have too much unsent data."""

    def write(self, data: bytes) -> None:
        """Send a frame."""

    def send_head(self, stream: "H2Stream", block: bytes) -> None:
        """Send the head of a response, which may be the whole response."""

    def drain(self, stream: "H2Stream") -> bool:
        """Hand over what a stream has sent; return False if some of it waits for room."""

    def pump(self, stream: "H2Stream") -> None:
        """Send the unsent data of a stream as far as the windows allow."""

    def settle(self, stream: "H2Stream") -> None:
        """End the stream if its response and its conversation have ended."""

    def reset(self, stream: "H2Stream", code: int) -> None:
        """Reset a stream from this side."""

    def acknowledge(self, size: int) -> None:
        """Widen the connection's window by bytes that have been read on any stream."""

    def cut(self, *, by_rst: bool) -> None:
        """Close the connection without a GOAWAY, after the data sent before, by FIN or RST."""

    def mute(self) -> MutedConnection:
        """Send nothing more on the connection, and return it."""

    def retire(self, *, at_once: bool) -> None:
        """Take no more requests, and close the connection when its streams have ended."""

    def flush(self) -> None:
        """Continue the streams with news, and hand over what has been sent."""


class H2Stream:
    """A request and its response, until both are complete."""

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
        "pending_reset",
        "receive_window",
        "request",
        "send_window",
        "to_receive",
        "unsent",
    )

    def __init__(self, number: int, owner: Owner, request: H2RequestHead, send_window: int) -> None:
        self._owner = owner
        self.number: int = number
        self.request: H2RequestHead = request
        self.exchange: RequestDriver | None = None
        self.is_begun: bool = False
        self.is_over: bool = False
        """True if nothing more is sent or received on the stream."""
        # The request.
        self.body: bytearray = bytearray()
        """The part of the request body that was received and has not been read."""
        self.to_receive: int | None = request.length
        """Bytes of the body that have not arrived, None if that is unknown."""
        self.is_received: bool = False
        """True if the request has been received in full."""
        self.receive_window: int = owner.receive_initial
        self._unacknowledged = 0
        # The answer.
        self.has_head: bool = False
        self.is_answered: bool = False
        """True if the end of the response has been sent."""
        self.is_ending: bool = False
        """True if the response ends after the pending data."""
        self.pending_reset: Reset | None = None
        """Reset code to send after the pending data, or None."""
        self.is_retiring: bool = False
        """True if the connection is to close after this response."""
        self.unsent: int = 0
        """Bytes of pending data, which wait for room in a window."""
        self.send_window: int = send_window
        self._parts: deque[memoryview] = deque()
        self.is_bodyless: bool = False

    # The wire of an exchange: see `Wire`.

    def read(self) -> bytes | None:
        """Implement `Wire.read` for this version."""
        if self.body:
            data = bytes(self.body)
            self.body.clear()
            self.acknowledge(len(data))
            return data
        return b"" if self.is_received else None

    def send_head(self, head: Head) -> None:
        """Implement `Wire.send_head` for this version."""
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
        """Implement `Wire.send_piece` for this version."""
        if data and not self.is_answered:
            self._append(data)
            self._owner.pump(self)
        return self.has_room

    def drain(self) -> bool:
        """Implement `Wire.drain` for this version."""
        return self._owner.drain(self)

    def end(self) -> None:
        """Implement `Wire.end` for this version."""
        self.exchange = None
        self.is_ending = True
        self._owner.pump(self)
        self._owner.settle(self)

    def fail(self) -> None:
        """Implement `Wire.fail` for this version."""
        self.reset(Reset())

    def reset(self, step: Reset) -> None:
        """Implement `Wire.reset` for this version."""
        self.exchange = None
        if self.unsent:
            # The pending data is sent first.
            self.pending_reset = step
        else:
            self.carry_out_reset(step)

    def carry_out_reset(self, step: Reset) -> None:
        """Reset the stream, or end its connection, once its data has been sent.

        The client of a muted connection receives no end of it: its other streams continue.
        """
        if step.connection and not self._owner.is_muted:
            self._owner.cut(by_rst=step.by_rst)
        else:
            code = step.code
            if code is None:
                code = frames.REFUSED_STREAM if step.refused else frames.INTERNAL_ERROR
            self._owner.reset(self, code)

    @property
    def is_muted(self) -> bool:
        """Implement `Wire.is_muted` for this version."""
        return self._owner.is_muted

    def mute(self) -> MutedConnection:
        """Implement `Wire.mute` for this version."""
        return self._owner.mute()

    def retire(self) -> None:
        """Implement `Wire.retire` for this version."""
        self.is_retiring = True

    def retire_connection(self, *, at_once: bool) -> None:
        """Implement `Wire.retire_connection` for this version."""
        self._owner.retire(at_once=at_once)

    def flush(self) -> None:
        """Implement `Wire.flush` for this version."""
        self._owner.flush()

    # Called by the connection.

    @property
    def has_room(self) -> bool:
        """True if the conversation may send more."""
        return self.unsent <= MAX_UNSENT_BYTES and not (self.unsent and self._owner.is_crowded)

    def take(self, max_bytes: int) -> memoryview:
        """Take pending data for one frame, at most `max_bytes`."""
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
        """Widen the client's window by bytes of the request that have been read."""
        self._owner.acknowledge(size)
        self._unacknowledged += size
        is_asked_for = not (self.is_received or self.is_over)
        if self._unacknowledged >= self._owner.receive_initial // 2 and is_asked_for:
            self._owner.write(frames.window_update(self.number, self._unacknowledged))
            self.receive_window += self._unacknowledged
            self._unacknowledged = 0

    def drop(self) -> None:
        """End the exchange and discard all data after the stream has ended."""
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
