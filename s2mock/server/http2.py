"""HTTP/2 with prior knowledge (RFC 9113): many exchanges at once on a connection."""

from s2mock.runtime.conversation import MutedConnection
from s2mock.runtime.environ import make_environ
from s2mock.server import frames
from s2mock.server.connection import MAX_UNSENT_BYTES, Connection
from s2mock.server.driver import RequestDriver
from s2mock.server.fields import MAX_LIST_BYTES, H2RequestHead, encode_head
from s2mock.server.frames import FrameError
from s2mock.server.incoming import Incoming
from s2mock.server.stream import RECEIVE_WINDOW, H2Stream

# The settings that the reference server announces.
_SETTINGS = {
    frames.MAX_CONCURRENT_STREAMS: 200,
    frames.INITIAL_WINDOW_SIZE: RECEIVE_WINDOW,
    frames.MAX_FRAME_SIZE: frames.DEFAULT_FRAME_BYTES,
    frames.MAX_HEADER_LIST_SIZE: MAX_LIST_BYTES,
}
# Reading pauses while more than this is unsent: the client sends requests and reads no responses.
_MAX_UNHEARD_BYTES = 1024 * 1024
# An exchange with unsent data is not resumed while all of them together have this much.
_MAX_ALL_UNSENT_BYTES = 4 * 1024 * 1024
# No exchange is begun while all of them together have this much: responses that are one piece.
_MAX_BEGUN_UNSENT_BYTES = 32 * 1024 * 1024
# Written data is handed over at the end of a turn, or above this size.
_FLUSH_BYTES = 64 * 1024
# A smaller piece of a response that is not its last goes to a client that opens its window by a few
# bytes at a time. It does not justify the frames with which the client does so.
_PAYING_BYTES = 64
# Streams that this side has ended, and on which frames sent before the client knew may arrive.
_MAX_REMEMBERED = 1000
# Seconds for beginning requests and passing on bodies, before other connections have their turn.
_TURN_SECONDS = 0.005


class Http2:
    """HTTP/2 on a connection: its streams, and the sending side."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._incoming = Incoming(self, connection.context.now)
        self.streams: dict[int, H2Stream] = {}
        """The streams that have not ended, by their numbers."""
        self.last_stream = 0
        self.is_leaving: bool = False
        """True if the connection ends when the last stream does."""
        self.unsent = 0
        """Bytes of all responses that wait for room in a window."""
        self.send_window: int = frames.DEFAULT_WINDOW
        self.receive_window: int = RECEIVE_WINDOW
        self.receive_initial: int = frames.DEFAULT_WINDOW
        """The per-stream window that the client has acknowledged."""
        self._initial_window = frames.DEFAULT_WINDOW
        self._unacknowledged = 0
        self._has_sent_head = False
        self._is_left = False
        self._is_over = False
        self._is_paused = False
        self._is_working = False
        # True if the connection ends when no stream is left.
        self._is_retiring = False
        # True if the streams in `_due` are to wait for the next turn of the loop.
        self._is_behind = False
        # In order of arrival: streams with news, streams not begun for the amount of unsent data,
        # streams with unsent data, streams that continue when the connection has no unsent data,
        # and streams that this side has ended.
        self._due: dict[H2Stream, None] = {}
        self._held: dict[H2Stream, None] = {}
        self._waiting: dict[H2Stream, None] = {}
        self._draining: dict[H2Stream, None] = {}
        self._ended_here: dict[int, None] = {}
        connection.write(
            frames.settings(_SETTINGS)
            + frames.window_update(0, RECEIVE_WINDOW - frames.DEFAULT_WINDOW)
        )

    # Called by the connection.

    def receive(self, data: bytes) -> None:
        """Handle bytes that the client has sent."""
        if self._is_over:
            return
        try:
            self._incoming.take(data)
        except FrameError as error:
            self.goaway(error.code, error.reason)
            return
        self._go_on()

    def end_of_input(self) -> None:
        """Handle the end of input, which the reference server takes for a disconnect."""
        self.close()
        self._connection.close()

    def has_room(self) -> None:
        """Continue after all unsent bytes have been handed over."""
        self.pump_all()
        self._due |= self._draining
        self._draining.clear()
        self._go_on()

    def close(self) -> None:
        """Close all conversations after the connection has ended."""
        self._is_over = True
        for stream in list(self.streams.values()):
            self.forget(stream)

    # Called by `Incoming`.

    def open(self, number: int, request: H2RequestHead, *, is_received: bool) -> None:
        """Begin a stream with the head of a request."""
        if self.is_leaving:
            self.remember(number)
            return
        if len(self.streams) >= _SETTINGS[frames.MAX_CONCURRENT_STREAMS]:
            self.write(frames.rst_stream(number, frames.REFUSED_STREAM))
            self.remember(number)
            return
        stream = H2Stream(number, self, request, self._initial_window)
        self.streams[number] = stream
        if is_received:
            if request.length:
                raise FrameError(frames.PROTOCOL_ERROR, number)
            stream.is_received = True
        self._due[stream] = None

    def happened(self, stream: H2Stream) -> None:
        """Note that more of a request has arrived on the stream."""
        self._due[stream] = None

    def set_initial_window(self, size: int) -> None:
        """Set the window for sending on each stream, before any window update."""
        change = size - self._initial_window
        self._initial_window = size
        for stream in self.streams.values():
            stream.send_window += change
            if stream.send_window > frames.MAX_WINDOW:
                raise FrameError(frames.FLOW_CONTROL_ERROR)
        if change > 0:
            self.pump_all()

    def settings_are_known(self) -> None:
        """Apply our settings to the client's sending, which it has acknowledged."""
        for stream in self.streams.values():
            stream.receive_window += RECEIVE_WINDOW - self.receive_initial
        self.receive_initial = RECEIVE_WINDOW

    def was_ended_here(self, number: int) -> bool:
        """True if frames on the stream may have been sent before the client knew of its end."""
        return number in self._ended_here

    # Called by the streams.

    @property
    def is_muted(self) -> bool:
        """True if nothing more is sent on the connection."""
        return self._connection.is_muted

    @property
    def is_crowded(self) -> bool:
        """True if all responses together have too much unsent data."""
        return self.unsent > _MAX_ALL_UNSENT_BYTES

    def write(self, data: bytes | memoryview) -> None:
        """Send a frame."""
        self._connection.write(data)

    def send_head(self, stream: H2Stream, block: bytes) -> None:
        """Send the head of a response, which may be the whole response."""
        if stream.is_over:
            return
        if not self._has_sent_head:
            # Announce once that no dynamic table is used, of any size that the client allows.
            self._has_sent_head = True
            block = b"\x20" + block
        flags = frames.END_STREAM if stream.is_answered else 0
        self.write(frames.header_frames(block, stream.number, flags))

    def pump(self, stream: H2Stream) -> None:
        """Send the unsent data of a stream as far as the windows allow."""
        while self._send_some(stream):
            pass

    def pump_all(self) -> None:
        """Send the unsent data of all streams, one frame of each at a time."""
        has_sent = True
        while has_sent:
            has_sent = False
            for stream in list(self._waiting):
                has_sent |= self._send_some(stream)

    def drain(self, stream: H2Stream) -> bool:
        """Hand over what a stream has sent; return False if some of it waits for room."""
        self._connection.flush()
        if self._connection.unsent and not stream.unsent:
            self._draining[stream] = None
        return not (stream.unsent or self._connection.unsent)

    def settle(self, stream: H2Stream) -> None:
        """End the stream if its response and its conversation have ended."""
        if stream.is_over or stream.exchange is not None or not stream.is_answered:
            return
        if not stream.is_received:
            # The response is complete, so the rest of the request is not needed.
            self.write(frames.rst_stream(stream.number, frames.NO_ERROR))
            self.remember(stream.number)
        if stream.is_retiring or (self._is_retiring and len(self.streams) == 1):
            self._announce_leaving()
        self.forget(stream)

    def acknowledge(self, size: int) -> None:
        """Widen the connection's window by bytes that have been read on any stream."""
        self._unacknowledged += size
        if self._unacknowledged >= RECEIVE_WINDOW // 2 and not self._is_over:
            self.write(frames.window_update(0, self._unacknowledged))
            self.receive_window += self._unacknowledged
            self._unacknowledged = 0

    def reset(self, stream: H2Stream, code: int) -> None:
        """Reset a stream from this side."""
        if not stream.is_over:
            self.write(frames.rst_stream(stream.number, code))
            self.remember(stream.number)
            self.forget(stream)

    def remember(self, number: int) -> None:
        """Tolerate frames that still arrive on the stream."""
        self._ended_here[number] = None
        if len(self._ended_here) > _MAX_REMEMBERED:
            del self._ended_here[next(iter(self._ended_here))]

    def forget(self, stream: H2Stream) -> None:
        """Remove a stream that has ended."""
        self.streams.pop(stream.number, None)
        self._waiting.pop(stream, None)
        self._due.pop(stream, None)
        self._held.pop(stream, None)
        self._draining.pop(stream, None)
        if not stream.is_over:
            stream.drop()

    def leave(self) -> None:
        """Close the connection when all requests are answered; the client will send no more."""
        self._is_left = True

    def cut(self, *, by_rst: bool) -> None:
        """Close the connection without a GOAWAY, after the data sent before, by FIN or RST."""
        self.close()
        self._connection.close(is_input_left=True, is_cut=True, by_rst=by_rst)

    def mute(self) -> MutedConnection:
        """Send nothing more on the connection, and return it."""
        self._connection.mute()
        return self._connection

    def retire(self, *, at_once: bool) -> None:
        """Take no more requests, and close the connection when its streams have ended.

        The client is told `at_once`, or when its present streams have ended.
        """
        if self._is_over:
            return
        if at_once or not self.streams:
            self._announce_leaving()
            self.flush()
        else:
            self._is_retiring = True

    def _announce_leaving(self) -> None:
        if not self.is_leaving:
            self.write(frames.goaway(self.last_stream, frames.NO_ERROR))
            self.is_leaving = True

    def goaway(self, code: int, reason: bytes = b"") -> None:
        """Close the connection with a GOAWAY."""
        self.write(frames.goaway(self.last_stream, code, reason))
        self.close()
        self._connection.close(is_input_left=True)

    def flush(self) -> None:
        """Continue the streams with news, and hand over what has been sent."""
        self._go_on()
        self._connection.flush_soon()

    def _send_some(self, stream: H2Stream) -> bool:
        """Send the next frame of a response body; return False without a frame or room for it."""
        connection = self._connection
        if stream.is_over or stream.is_answered:
            return False
        if stream.unsent:
            room = min(stream.send_window, self.send_window, frames.DEFAULT_FRAME_BYTES)
            if room <= 0 or connection.unsent > MAX_UNSENT_BYTES:
                self._waiting[stream] = None
                return False
            data: memoryview | bytes = stream.take(room)
            self.send_window -= len(data)
        elif stream.is_ending:
            data = b""
        else:
            return False
        stream.is_answered = stream.is_ending and not stream.unsent
        flags = frames.END_STREAM if stream.is_answered else 0
        connection.write(frames.frame_head(frames.DATA, flags, stream.number, len(data)))
        if data:
            self.write(data)
            if not stream.unsent or len(data) >= _PAYING_BYTES:
                self._incoming.has_paid()
        if connection.unsent > _FLUSH_BYTES:
            connection.flush()
        if stream.pending_reset is not None and not stream.unsent:
            stream.carry_out_reset(stream.pending_reset)
        elif not stream.unsent and self._waiting.pop(stream, self) is None:
            # Its conversation may wait for room.
            self._due[stream] = None
            self.settle(stream)
        return not stream.is_over

    def _go_on(self) -> None:
        """Continue the streams with news, and adjust reading."""
        if self._is_working:
            return
        if not self._is_behind:
            self._is_working = True
            try:
                self._work()
            finally:
                self._is_working = False
        connection = self._connection
        if not self.streams and self._is_left and not self._is_over:
            self.goaway(frames.NO_ERROR)
        elif not self.streams and self.is_leaving:
            # The client may be sending acknowledgements; a TCP reset would discard the response.
            connection.close(is_input_left=True)
        elif self._has_too_much_unsent():
            self._is_paused = True
            connection.pause_reading()
        elif self._is_paused:
            self._is_paused = False
            connection.resume_reading()

    def _has_too_much_unsent(self) -> bool:
        """True if the client has to read before more of its requests are read."""
        connection = self._connection
        if connection.unsent > _MAX_UNHEARD_BYTES:
            # What the system takes at once does not count: only the end of a backlog in the
            # transport resumes reading.
            connection.flush()
        return connection.unsent > _MAX_UNHEARD_BYTES

    def _work(self) -> None:
        context = self._connection.context
        if self._held and self.unsent <= _MAX_BEGUN_UNSENT_BYTES:
            self._due, self._held = self._held | self._due, {}
        until = context.now() + _TURN_SECONDS if len(self._due) > 1 else None
        while self._due:
            stream = next(iter(self._due))
            del self._due[stream]
            if not stream.is_begun:
                if self.unsent > _MAX_BEGUN_UNSENT_BYTES:
                    self._held[stream] = None
                    continue
                self._begin(stream)
            elif (exchange := stream.exchange) is not None:
                exchange.on_body()
                if stream.has_room:
                    exchange.on_room()
            if until is not None and self._due and context.now() > until:
                self._is_behind = True
                context.loop.call_soon(self._take_turn)
                return

    def _take_turn(self) -> None:
        self._is_behind = False
        self.flush()

    def _begin(self, stream: H2Stream) -> None:
        stream.is_begun = True
        request, connection = stream.request, self._connection
        if request.is_too_long:
            # The reference server's framing sends the status alone.
            stream.has_head = stream.is_answered = True
            self.send_head(stream, encode_head(431, ()))
            self.settle(stream)
            return
        environ = make_environ(
            request.method,
            request.target,
            request.path,
            request.query,
            request.fields,
            "HTTP/2",
            connection.number,
            connection.notes,
            connection.client_host,
            connection.context.server,
            connection.scheme,
        )
        stream.exchange = exchange = RequestDriver(stream, connection.context)
        exchange.start(environ)
