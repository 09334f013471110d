"""HTTP/2 with prior knowledge (RFC 9113): many exchanges at once on a connection."""

from s2mock.runtime.environ import make_environ
from s2mock.server import frames
from s2mock.server.connection import MAX_UNSENT_BYTES, Connection
from s2mock.server.driver import Exchange
from s2mock.server.fields import MAX_LIST_BYTES, Request, encode_head
from s2mock.server.frames import FrameError
from s2mock.server.incoming import Incoming
from s2mock.server.stream import RECEIVE_WINDOW, Stream

# What the reference server announces.
_SETTINGS = {
    frames.MAX_CONCURRENT_STREAMS: 200,
    frames.INITIAL_WINDOW_SIZE: RECEIVE_WINDOW,
    frames.MAX_FRAME_SIZE: frames.DEFAULT_FRAME_BYTES,
    frames.MAX_HEADER_LIST_SIZE: MAX_LIST_BYTES,
}
# Nothing is read while more than so much is unsent: a client that asks and never listens.
_MAX_UNHEARD_BYTES = 1024 * 1024
# An exchange with something unsent is not resumed while all of them together have so much.
_MAX_ALL_UNSENT_BYTES = 4 * 1024 * 1024
# No other exchange is begun while all of them together have so much: answers that are one piece.
_MAX_BEGUN_UNSENT_BYTES = 32 * 1024 * 1024
# What is written waits for the end of the turn, unless it is so much.
_FLUSH_BYTES = 64 * 1024
# A piece of an answer that is smaller and not its last is what a client gets that makes room for
# a few bytes at a time, and does not pay for the frames with which it does so.
_PAYING_BYTES = 64
# Streams that were ended from here, on which more may come that was sent before that was known.
_MAX_REMEMBERED = 1000
# Requests are begun and bodies passed on for so long, before others have a turn.
_TURN_SECONDS = 0.005


class Http2:
    """The protocol on a connection: its streams, and what is sent."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._incoming = Incoming(self, connection.context.now)
        self.streams: dict[int, Stream] = {}
        """Those that are not over."""
        self.last_stream = 0
        self.is_leaving: bool = False
        """Whether the connection ends when the last stream does."""
        self.unsent = 0
        """Bytes of all answers for which there is no room yet."""
        self.send_window: int = frames.DEFAULT_WINDOW
        self.receive_window: int = RECEIVE_WINDOW
        self.receive_initial: int = frames.DEFAULT_WINDOW
        """What a client may send on each stream, as far as it is known to know."""
        self._initial_window = frames.DEFAULT_WINDOW
        self._unacknowledged = 0
        self._has_sent_head = False
        self._is_left = False
        self._is_over = False
        self._is_paused = False
        self._is_working = False
        # True if what is due goes on in the next turn of the loop, and not before.
        self._is_behind = False
        # In the order in which they come: streams on which something has happened, streams that
        # are not begun while so much is unsent, streams with something unsent, streams that go on
        # when the connection has nothing unsent, and streams ended from here.
        self._due: dict[Stream, None] = {}
        self._held: dict[Stream, None] = {}
        self._waiting: dict[Stream, None] = {}
        self._draining: dict[Stream, None] = {}
        self._ended_here: dict[int, None] = {}
        connection.write(
            frames.settings(_SETTINGS)
            + frames.window_update(0, RECEIVE_WINDOW - frames.DEFAULT_WINDOW)
        )

    # What the connection says.

    def receive(self, data: bytes) -> None:
        """Bytes have come."""
        if self._is_over:
            return
        try:
            self._incoming.take(data)
        except FrameError as error:
            self.goaway(error.code, error.reason)
            return
        self._go_on()

    def end_of_input(self) -> None:
        """The client has left."""
        self.close()
        self._connection.close()

    def has_room(self) -> None:
        """All that was unsent is on its way."""
        self.pump_all()
        self._due |= self._draining
        self._draining.clear()
        self._go_on()

    def close(self) -> None:
        """The connection is gone."""
        self._is_over = True
        for stream in list(self.streams.values()):
            self.forget(stream)

    # What has come, as `Incoming` says it.

    def open(self, number: int, request: Request, *, is_received: bool) -> None:
        """A request has begun."""
        if self.is_leaving:
            self.remember(number)
            return
        if len(self.streams) >= _SETTINGS[frames.MAX_CONCURRENT_STREAMS]:
            self.write(frames.rst_stream(number, frames.REFUSED_STREAM))
            self.remember(number)
            return
        stream = Stream(number, self, request, self._initial_window)
        self.streams[number] = stream
        if is_received:
            if request.length:
                raise FrameError(frames.PROTOCOL_ERROR, number)
            stream.is_received = True
        self._due[stream] = None

    def happened(self, stream: Stream) -> None:
        """More of a request has come."""
        self._due[stream] = None

    def set_initial_window(self, size: int) -> None:
        """How much may be sent on each stream, before the client asks for more."""
        change = size - self._initial_window
        self._initial_window = size
        for stream in self.streams.values():
            stream.send_window += change
            if stream.send_window > frames.MAX_WINDOW:
                raise FrameError(frames.FLOW_CONTROL_ERROR)
        if change > 0:
            self.pump_all()

    def settings_are_known(self) -> None:
        """The client has acknowledged our settings, and keeps to them from now on."""
        for stream in self.streams.values():
            stream.receive_window += RECEIVE_WINDOW - self.receive_initial
        self.receive_initial = RECEIVE_WINDOW

    def was_ended_here(self, number: int) -> bool:
        """Whether what comes on that stream may have been sent before its end was known."""
        return number in self._ended_here

    # What the streams need.

    @property
    def is_crowded(self) -> bool:
        """Whether all answers together have too much unsent."""
        return self.unsent > _MAX_ALL_UNSENT_BYTES

    def write(self, data: bytes | memoryview) -> None:
        """Send a frame."""
        self._connection.write(data)

    def send_head(self, stream: Stream, block: bytes) -> None:
        """Send the head of an answer, which may be all of it."""
        if stream.is_over:
            return
        if not self._has_sent_head:
            # No table is used: said once, whatever size the client allows for it.
            self._has_sent_head = True
            block = b"\x20" + block
        flags = frames.END_STREAM if stream.is_answered else 0
        self.write(frames.header_frames(block, stream.number, flags))

    def pump(self, stream: Stream) -> None:
        """Send what a stream has, as far as there is room for it."""
        while self._send_some(stream):
            pass

    def pump_all(self) -> None:
        """Send what all streams have, each in its turn."""
        has_sent = True
        while has_sent:
            has_sent = False
            for stream in list(self._waiting):
                has_sent |= self._send_some(stream)

    def drain(self, stream: Stream) -> bool:
        """Hand over what a stream has sent; false where some of it waits for room."""
        self._connection.flush()
        if self._connection.unsent and not stream.unsent:
            self._draining[stream] = None
        return not (stream.unsent or self._connection.unsent)

    def settle(self, stream: Stream) -> None:
        """Let the stream be over if answer and conversation are."""
        if stream.is_over or stream.exchange is not None or not stream.is_answered:
            return
        if not stream.is_received:
            # The answer is complete: the rest of the request is not wanted.
            self.write(frames.rst_stream(stream.number, frames.NO_ERROR))
            self.remember(stream.number)
        if stream.is_retiring and not self.is_leaving:
            self.write(frames.goaway(self.last_stream, frames.NO_ERROR))
            self.is_leaving = True
        self.forget(stream)

    def acknowledge(self, size: int) -> None:
        """So many bytes have been read, on whatever stream."""
        self._unacknowledged += size
        if self._unacknowledged >= RECEIVE_WINDOW // 2 and not self._is_over:
            self.write(frames.window_update(0, self._unacknowledged))
            self.receive_window += self._unacknowledged
            self._unacknowledged = 0

    def reset(self, stream: Stream, code: int) -> None:
        """End a stream from this side."""
        if not stream.is_over:
            self.write(frames.rst_stream(stream.number, code))
            self.remember(stream.number)
            self.forget(stream)

    def remember(self, number: int) -> None:
        """What comes on that stream from now on is nobody's fault."""
        self._ended_here[number] = None
        if len(self._ended_here) > _MAX_REMEMBERED:
            del self._ended_here[next(iter(self._ended_here))]

    def forget(self, stream: Stream) -> None:
        """A stream is over."""
        self.streams.pop(stream.number, None)
        self._waiting.pop(stream, None)
        self._due.pop(stream, None)
        self._held.pop(stream, None)
        self._draining.pop(stream, None)
        if not stream.is_over:
            stream.drop()

    def leave(self) -> None:
        """The client will ask for nothing more: end when all has been answered."""
        self._is_left = True

    def cut(self) -> None:
        """End the connection without a word, after what has been sent."""
        self._connection.flush()
        self._connection.abort()

    def goaway(self, code: int, reason: bytes = b"") -> None:
        """End the connection, with a word."""
        self.write(frames.goaway(self.last_stream, code, reason))
        self.close()
        self._connection.close(is_input_left=True)

    def flush(self) -> None:
        """Do what has become due, and hand over what has been sent."""
        self._go_on()
        self._connection.flush()

    def _send_some(self, stream: Stream) -> bool:
        """Send the next frame of an answer's body; false where there is none or no room for it."""
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
        if stream.reset_code is not None and not stream.unsent:
            self.reset(stream, stream.reset_code)
        elif not stream.unsent and self._waiting.pop(stream, self) is None:
            # Its conversation may be waiting for that.
            self._due[stream] = None
            self.settle(stream)
        return not stream.is_over

    def _go_on(self) -> None:
        """Pass on what has come, and adjust whether more is read."""
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
            # The client may just be acknowledging something; a reset would take the answer away.
            connection.close(is_input_left=True)
        elif connection.unsent > _MAX_UNHEARD_BYTES:
            self._is_paused = True
            connection.pause_reading()
        elif self._is_paused:
            self._is_paused = False
            connection.resume_reading()

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

    def _begin(self, stream: Stream) -> None:
        stream.is_begun = True
        request, connection = stream.request, self._connection
        if request.is_too_long:
            # By the framing of the reference server: nothing but the status.
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
            connection.client_host,
            connection.context.server,
        )
        stream.exchange = exchange = Exchange(stream, connection.context)
        exchange.start(environ)
