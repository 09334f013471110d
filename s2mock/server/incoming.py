"""The frames that an HTTP/2 client sends, checked one by one.

The reference server decides which faults end a stream and which the connection, and how a flood is
answered. A flood of frames that request nothing ends the connection.
"""

from typing import TYPE_CHECKING, Protocol

from s2mock.server import frames
from s2mock.server.fields import (
    MAX_LIST_BYTES,
    Fields,
    H2RequestHead,
    check_trailers,
    parse_request,
)
from s2mock.server.frames import FrameError
from s2mock.server.hpack_decoder import CompressionError, HpackDecoder, ListTooLargeError
from s2mock.server.stream import H2Stream

if TYPE_CHECKING:
    from collections.abc import Callable

_PREFACE_BYTES = 24
# Frames of one header block after its first.
_MAX_CONTINUATIONS = 6
# A longer header list is answered with 431, up to this size; above it is an attack.
_MAX_DECODED_BYTES = 4 * MAX_LIST_BYTES
# Streams in a row that may be reset before their requests were begun.
_MAX_UNBEGUN_RESETS = 20
# Streams of a connection that may be reset for faults of the client.
_MAX_FAULTS = 1024
# DATA frames of a connection that may be empty and not end their streams.
_MAX_EMPTY_DATA = 100
# Frames that request nothing, and the seconds in which at most that many may arrive.
_MAX_IDLE_FRAMES = 50_000
_IDLE_SECONDS = 10.0


class Owner(Protocol):
    """The connection that acts on the frames, as `Http2` does."""

    streams: dict[int, H2Stream]
    last_stream: int
    send_window: int
    receive_window: int
    receive_initial: int

    def open(self, number: int, request: H2RequestHead, *, is_received: bool) -> None:
        """Begin a stream with the head of a request."""

    def happened(self, stream: H2Stream) -> None:
        """Note that more of a request has arrived on the stream."""

    def settings_are_known(self) -> None:
        """Apply our settings to the client's sending, which it has acknowledged."""

    def set_initial_window(self, size: int) -> None:
        """Set the window for sending on each stream, before any window update."""

    def was_ended_here(self, number: int) -> bool:
        """True if frames on the stream may have been sent before the client knew of its end."""

    def leave(self) -> None:
        """Close the connection when all requests are answered; the client will send no more."""

    def write(self, data: bytes) -> None:
        """Send a frame."""

    def pump(self, stream: H2Stream) -> None:
        """Send the unsent data of a stream as far as the windows allow."""

    def pump_all(self) -> None:
        """Send the unsent data of all streams, one frame of each at a time."""

    def acknowledge(self, size: int) -> None:
        """Widen the connection's window by bytes that have been read on any stream."""

    def reset(self, stream: H2Stream, code: int) -> None:
        """Reset a stream from this side."""

    def remember(self, number: int) -> None:
        """Tolerate frames that still arrive on the stream."""

    def forget(self, stream: H2Stream) -> None:
        """Remove a stream that has ended."""


class Incoming:
    """The receiving side of a connection."""

    def __init__(self, owner: Owner, now: "Callable[[], float]") -> None:
        self._owner = owner
        self._now = now
        self._buffer = bytearray()
        self._to_skip = _PREFACE_BYTES
        self._decoder = HpackDecoder(_MAX_DECODED_BYTES)
        # The incomplete header block, if there is one: its stream, its flags, its frames so far.
        self._block: list[bytes] = []
        self._block_stream = 0
        self._block_flags = 0
        self._takers: dict[int, Callable[[int, int, bytes], None]] = {
            frames.DATA: self._take_data,
            frames.HEADERS: self._take_headers,
            frames.PRIORITY: self._take_priority,
            frames.RST_STREAM: self._take_rst_stream,
            frames.SETTINGS: self._take_settings,
            frames.PING: self._take_ping,
            frames.GOAWAY: self._take_goaway,
            frames.WINDOW_UPDATE: self._take_window_update,
            frames.CONTINUATION: self._take_continuation,
        }
        # True if the client has acknowledged our settings, which are sent once.
        self._is_acknowledged = False
        self._unbegun_resets = 0
        self._faults = 0
        self._empty_data = 0
        # Streams on which the client has sent more than the window.
        self._overrun: set[int] = set()
        self._idle_frames = 0
        self._idle_since = now()

    def take(self, data: bytes) -> None:
        """Handle bytes that the client has sent. Raises `FrameError` to end the connection."""
        buffer = self._buffer
        buffer += data
        position, size = self._to_skip, len(buffer)
        self._to_skip = 0
        while size - position >= frames.HEAD_BYTES:
            length = int.from_bytes(buffer[position : position + 3], "big")
            if length > frames.DEFAULT_FRAME_BYTES:
                raise FrameError(frames.FRAME_SIZE_ERROR)
            start = position + frames.HEAD_BYTES
            if size - start < length:
                break
            kind, flags = buffer[position + 3], buffer[position + 4]
            number = int.from_bytes(buffer[position + 5 : start], "big") & 0x7FFFFFFF
            position = start + length
            payload = bytes(buffer[start:position])
            try:
                self._take_frame(kind, flags, number, payload)
            except FrameError as error:
                if error.stream is None:
                    raise
                self._end_stream(error.stream, error.code)
        del buffer[:position]

    def has_paid(self) -> None:
        """Count idle frames anew: a piece of a response has been sent."""
        self._idle_frames = 0

    def _take_frame(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        if self._block and (kind != frames.CONTINUATION or number != self._block_stream):
            raise FrameError(frames.PROTOCOL_ERROR)
        if kind == frames.PUSH_PROMISE:
            raise FrameError(frames.PROTOCOL_ERROR)
        # Frames of other types are to be ignored (RFC 9113 §4.1).
        if (take := self._takers.get(kind)) is not None:
            take(flags, number, payload)
        # Frames that request something set it to 0.
        self._idle_frames += 1
        if self._idle_frames > _MAX_IDLE_FRAMES:
            self._check_idleness()

    def _check_idleness(self) -> None:
        now = self._now()
        if now - self._idle_since < _IDLE_SECONDS:
            raise FrameError(frames.ENHANCE_YOUR_CALM, reason=b"too_many_idle_frames")
        self._idle_since, self._idle_frames = now, 0

    def _end_stream(self, number: int, code: int) -> None:
        """Reset a stream for a fault on it. Raises `FrameError` after too many."""
        self._faults += 1
        if self._faults > _MAX_FAULTS:
            raise FrameError(frames.ENHANCE_YOUR_CALM, reason=b"too_many_internal_resets")
        stream = self._owner.streams.get(number)
        if stream is None:
            self._owner.write(frames.rst_stream(number, code))
            self._owner.remember(number)
        else:
            self._owner.reset(stream, code)

    def _is_idle(self, number: int) -> bool:
        """True if the client has not opened that stream yet."""
        return number > self._owner.last_stream or number % 2 == 0

    def _take_data(self, flags: int, number: int, payload: bytes) -> None:
        owner, size = self._owner, len(payload)
        if size > owner.receive_window:
            raise FrameError(frames.FLOW_CONTROL_ERROR)
        data = frames.without_padding(payload, flags)
        if not data and not flags & frames.END_STREAM:
            self._empty_data += 1
            if self._empty_data > _MAX_EMPTY_DATA:
                raise FrameError(frames.ENHANCE_YOUR_CALM, reason=b"too_many_data_frames")
        owner.receive_window -= size
        stream = owner.streams.get(number)
        if stream is None:
            self._take_late_data(number, size)
            return
        if stream.is_received:
            raise FrameError(frames.PROTOCOL_ERROR)
        if data:
            self._idle_frames = 0
        if size > stream.receive_window:
            self._overrun.add(number)
            raise FrameError(frames.FLOW_CONTROL_ERROR, number)
        stream.receive_window -= size
        stream.body += data
        if size > len(data):
            stream.acknowledge(size - len(data))
        if stream.to_receive is not None:
            stream.to_receive -= len(data)
            if stream.to_receive < 0:
                raise FrameError(frames.PROTOCOL_ERROR, number)
        if flags & frames.END_STREAM:
            self._end_request(stream)
        if data:
            owner.happened(stream)

    def _take_late_data(self, number: int, size: int) -> None:
        """Handle DATA on a stream that does not exist."""
        if self._is_idle(number):
            raise FrameError(frames.PROTOCOL_ERROR)
        if number in self._overrun:
            # A client that ignores the stream's window exhausts that of the connection.
            return
        self._owner.acknowledge(size)
        if not self._owner.was_ended_here(number):
            raise FrameError(frames.STREAM_CLOSED, number)

    def _end_request(self, stream: H2Stream) -> None:
        if stream.to_receive:
            raise FrameError(frames.PROTOCOL_ERROR, stream.number)
        stream.is_received = True
        self._owner.happened(stream)

    def _take_headers(self, flags: int, number: int, payload: bytes) -> None:
        block = frames.without_padding(payload, flags)
        depends_on_itself = False
        if flags & frames.WITH_PRIORITY:
            if len(block) < 5:
                raise FrameError(frames.PROTOCOL_ERROR)
            depends_on_itself = int.from_bytes(block[:4], "big") & 0x7FFFFFFF == number
            block = block[5:]
        if number % 2 == 0:
            raise FrameError(frames.PROTOCOL_ERROR)
        self._block, self._block_stream, self._block_flags = [block], number, flags
        if flags & frames.END_HEADERS:
            self._take_block()
        if depends_on_itself:
            raise FrameError(frames.PROTOCOL_ERROR, number)

    def _take_continuation(self, flags: int, _: int, payload: bytes) -> None:
        if not self._block:
            raise FrameError(frames.PROTOCOL_ERROR)
        self._block.append(payload)
        if len(self._block) > 1 + _MAX_CONTINUATIONS:
            raise FrameError(frames.ENHANCE_YOUR_CALM, reason=b"too_many_continuations")
        if flags & frames.END_HEADERS:
            self._take_block()

    def _take_block(self) -> None:
        block, self._block = b"".join(self._block), []
        number, owner = self._block_stream, self._owner
        try:
            fields = self._decoder.decode(block)
        except ListTooLargeError:
            raise FrameError(
                frames.ENHANCE_YOUR_CALM, reason=b"header_list_way_too_large"
            ) from None
        except CompressionError:
            raise FrameError(frames.PROTOCOL_ERROR) from None
        is_received = bool(self._block_flags & frames.END_STREAM)
        if number > owner.last_stream:
            self._idle_frames = 0
            self._open(number, fields)
            return
        stream = owner.streams.get(number)
        if stream is None or stream.is_received:
            if stream is None and owner.was_ended_here(number):
                return
            raise FrameError(frames.PROTOCOL_ERROR)
        if not is_received:
            raise FrameError(frames.PROTOCOL_ERROR, number)
        check_trailers(fields)
        self._end_request(stream)

    def _open(self, number: int, fields: Fields) -> None:
        try:
            request = parse_request(fields, number)
        except FrameError as error:
            if error.stream is not None:
                self._owner.last_stream = number
            raise
        self._owner.last_stream = number
        is_received = bool(self._block_flags & frames.END_STREAM)
        self._owner.open(number, request, is_received=is_received)

    def _take_window_update(self, _: int, number: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise FrameError(frames.PROTOCOL_ERROR)
        increment = int.from_bytes(payload, "big") & 0x7FFFFFFF
        if not increment:
            raise FrameError(frames.PROTOCOL_ERROR)
        owner = self._owner
        if not number:
            owner.send_window += increment
            if owner.send_window > frames.MAX_WINDOW:
                raise FrameError(frames.FLOW_CONTROL_ERROR)
            owner.pump_all()
        elif self._is_idle(number):
            raise FrameError(frames.PROTOCOL_ERROR)
        elif (stream := owner.streams.get(number)) is not None:
            stream.send_window += increment
            if stream.send_window > frames.MAX_WINDOW:
                raise FrameError(frames.FLOW_CONTROL_ERROR, number)
            owner.pump(stream)

    def _take_rst_stream(self, _: int, number: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise FrameError(frames.PROTOCOL_ERROR)
        if self._is_idle(number):
            raise FrameError(frames.PROTOCOL_ERROR)
        stream = self._owner.streams.get(number)
        if stream is None:
            return
        if stream.is_begun:
            self._unbegun_resets = 0
        else:
            self._unbegun_resets += 1
            if self._unbegun_resets > _MAX_UNBEGUN_RESETS:
                raise FrameError(frames.ENHANCE_YOUR_CALM, reason=b"too_many_resets")
        self._owner.forget(stream)

    def _take_settings(self, flags: int, number: int, payload: bytes) -> None:
        if number:
            raise FrameError(frames.PROTOCOL_ERROR)
        if flags & frames.ACK:
            if payload or self._is_acknowledged:
                raise FrameError(frames.PROTOCOL_ERROR)
            self._is_acknowledged = True
            self._owner.settings_are_known()
            return
        if len(payload) % 6:
            raise FrameError(frames.PROTOCOL_ERROR)
        initial_window = None
        for start in range(0, len(payload), 6):
            key = int.from_bytes(payload[start : start + 2], "big")
            value = int.from_bytes(payload[start + 2 : start + 6], "big")
            if key == frames.INITIAL_WINDOW_SIZE:
                is_right, initial_window = value <= frames.MAX_WINDOW, value
            elif key == frames.MAX_FRAME_SIZE:
                is_right = frames.DEFAULT_FRAME_BYTES <= value < 2**24
            else:
                is_right = key != frames.ENABLE_PUSH or value <= 1
            if not is_right:
                raise FrameError(frames.PROTOCOL_ERROR)
        self._owner.write(frames.frame(frames.SETTINGS, frames.ACK, 0))
        if initial_window is not None:
            self._owner.set_initial_window(initial_window)

    def _take_ping(self, flags: int, number: int, payload: bytes) -> None:
        if number:
            raise FrameError(frames.PROTOCOL_ERROR)
        if len(payload) != 8:
            raise FrameError(frames.PROTOCOL_ERROR)
        if not flags & frames.ACK:
            self._owner.write(frames.frame(frames.PING, frames.ACK, 0, payload))

    def _take_priority(self, _: int, number: int, payload: bytes) -> None:
        if not number:
            raise FrameError(frames.PROTOCOL_ERROR)
        if len(payload) != 5:
            raise FrameError(frames.PROTOCOL_ERROR)
        if int.from_bytes(payload[:4], "big") & 0x7FFFFFFF == number:
            raise FrameError(frames.PROTOCOL_ERROR, number)

    def _take_goaway(self, _: int, number: int, payload: bytes) -> None:
        if number or len(payload) < 8:
            raise FrameError(frames.PROTOCOL_ERROR)
        self._owner.leave()
