"""HTTP/1.0 and HTTP/1.1: one exchange at a time on each connection."""

from s2mock.runtime.conversation import Head, MutedConnection, Reset
from s2mock.runtime.environ import make_environ
from s2mock.server.answers import BODYLESS, head_bytes, refusal
from s2mock.server.body import Body, BodyFaultError, ChunkedBody, LengthBody
from s2mock.server.connection import MAX_UNSENT_BYTES, Connection
from s2mock.server.driver import RequestDriver
from s2mock.server.head import HeadReader, RefusedError, RequestHead

# Written data is handed over at the end of a turn, or above this size.
_FLUSH_BYTES = 64 * 1024
# Reading pauses while this much input waits behind the current exchange.
_MAX_UNREAD_BYTES = 64 * 1024
# Pipelined requests are begun for this number of seconds before other connections have their turn,
# and at most this number of them.
_TURN_SECONDS = 0.005
_REQUESTS_PER_TURN = 16


class Http1:
    """HTTP/1 on a connection, and the wire of the current exchange."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._buffer = bytearray()
        self._heads = HeadReader()
        self._exchange: RequestDriver | None = None
        self._is_paused = False
        self._is_at_end = False
        self._is_beginning = False
        # True if the next exchange begins in the next turn of the loop, and not before.
        self._is_behind = False
        # Of the exchange that is going on.
        self._head: RequestHead
        self._body: Body = LengthBody(0)
        self._expects_continue = False
        self._keeps_alive = True
        # Nothing that follows in the input can be read.
        self._is_broken = False
        self.has_head: bool = False
        self._is_chunked = False
        self.is_bodyless: bool = False
        # Bytes of the answer's body that were promised and not sent; None if it has no length.
        self._owed: int | None = None

    # Called by the connection.

    def receive(self, data: bytes) -> None:
        """Handle bytes that the client has sent."""
        self._buffer += data
        if self._exchange is not None and not self._body.is_complete:
            self._exchange.on_body()
        self._go_on()

    def end_of_input(self) -> None:
        """Handle the end of input, which the reference server takes for a disconnect."""
        self._is_at_end = True
        exchange = self._exchange
        if exchange is not None and not self._body.is_complete:
            # The conversation may answer that the body is cut off.
            exchange.on_body()
        if self._exchange is not None:
            if self._exchange.stays:
                # The connection ends with its answer.
                return
            self._exchange.leave()
        self._connection.close()

    def has_room(self) -> None:
        """Continue after all unsent bytes have been handed over."""
        if self._exchange is not None:
            self._exchange.on_room()
        self._go_on()

    def close(self) -> None:
        """Close all conversations after the connection has ended."""
        if self._exchange is not None:
            self._exchange.leave()

    # The wire of an exchange: see `Wire`.

    def read(self) -> bytes | None:
        """Implement `Wire.read` for this version."""
        try:
            data = self._body.take(self._buffer)
        except BodyFaultError:
            self._is_broken = True
            raise ConnectionAbortedError("the body breaks the rules of chunked coding") from None
        if self._expects_continue:
            self._expects_continue = False
            if not self.has_head:
                self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if data or self._body.is_complete:
            self._let_in()
            return data
        if self._is_at_end:
            self._is_broken = True
            raise ConnectionAbortedError("the client disconnected before the end of the body")
        return None

    def send_head(self, head: Head) -> None:
        """Implement `Wire.send_head` for this version."""
        status, headers, body = head
        request = self._head
        lengths = [int(value) for name, value in headers if name == "content-length"]
        self.is_bodyless = status in BODYLESS or request.method == "HEAD"
        # A response to HEAD has a length only if the application sets one.
        is_silent = not body and request.method == "HEAD"
        if body is not None and not lengths and status not in BODYLESS and not is_silent:
            lengths = [len(body)]
            headers = [*headers, ("content-length", str(lengths[0]))]
        self._owed = lengths[0] if lengths else None
        self._is_chunked = False
        connection = None
        if self._keeps_alive != request.is_http_1_1:
            connection = "keep-alive" if self._keeps_alive else "close"
        if not request.is_http_1_1 and not request.keeps_alive:
            connection = None
        if self._owed is None and not self.is_bodyless:
            if request.is_http_1_1:
                headers = [*headers, ("transfer-encoding", "chunked")]
                self._is_chunked = True
            else:
                # The end of the connection ends the body, whether or not it was to be kept alive.
                self._keeps_alive = False
        data = head_bytes(status, headers, is_http_1_1=request.is_http_1_1, connection=connection)
        if self.is_bodyless:
            self._owed = 0
        elif body is not None:
            data += self._within_length(body)
        self.has_head = True
        self._connection.write(data)

    def send_piece(self, data: bytes) -> bool:
        """Implement `Wire.send_piece` for this version."""
        if data and not self.is_bodyless:
            if self._is_chunked:
                self._connection.write(b"%X\r\n%b\r\n" % (len(data), data))
            else:
                self._connection.write(self._within_length(data))
        if self._connection.unsent > _FLUSH_BYTES:
            self._connection.flush()
        return self._connection.unsent <= MAX_UNSENT_BYTES

    def drain(self) -> bool:
        """Implement `Wire.drain` for this version."""
        self._connection.flush()
        return not self._connection.unsent

    def end(self) -> None:
        """Implement `Wire.end` for this version."""
        if self._is_chunked:
            self._connection.write(b"0\r\n\r\n")
        if self._owed:
            # The body is cut off, which only the end of the connection shows.
            self._keeps_alive = False
        self._exchange = None
        if self._is_broken or not self._keeps_alive:
            self._connection.close(is_input_left=not self._body.is_complete)
        elif not self._body.is_complete:
            self._drain()

    def fail(self) -> None:
        """Implement `Wire.fail` for this version."""
        self._exchange = None
        self._connection.flush()
        self._connection.abort()

    def reset(self, step: Reset) -> None:
        """Implement `Wire.reset`: close the connection after all data sent before."""
        self._exchange = None
        is_input_left = not self._body.is_complete
        self._connection.close(is_input_left=is_input_left, is_cut=True, by_rst=step.by_rst)

    @property
    def is_muted(self) -> bool:
        """Implement `Wire.is_muted` for this version."""
        return self._connection.is_muted

    def mute(self) -> MutedConnection:
        """Implement `Wire.mute` for this version."""
        self._connection.mute()
        return self._connection

    def retire(self) -> None:
        """Implement `Wire.retire` for this version."""
        self._keeps_alive = False

    def retire_connection(self, *, at_once: bool) -> None:  # noqa: ARG002  # one at a time
        """Implement `Wire.retire_connection` for this version."""
        self._keeps_alive = False
        if self._exchange is None:
            self._connection.close()

    def flush(self) -> None:
        """Implement `Wire.flush`; after the end of an exchange, begin the next one."""
        self._go_on()
        self._connection.flush_soon()

    def _within_length(self, data: bytes) -> bytes:
        if self._owed is not None:
            data = data[: self._owed]
            self._owed -= len(data)
        return data

    def _drain(self) -> None:
        """Skip an unread body if that can be done at once; close the connection if not."""
        self._body.drain(self._buffer)
        if not self._body.is_complete:
            self._buffer += self._connection.receive_now()
            self._body.drain(self._buffer)
        if not self._body.is_complete:
            self._connection.close(is_input_left=True)

    def _go_on(self) -> None:
        """Begin the next exchange if its request has arrived, and adjust reading."""
        if self._is_beginning:
            return
        if not self._is_behind:
            self._is_beginning = True
            try:
                self._begin_some()
            finally:
                self._is_beginning = False
        is_busy = self._exchange is not None or self._is_behind
        if is_busy and len(self._buffer) > _MAX_UNREAD_BYTES:
            if not self._is_paused:
                self._is_paused = True
                self._connection.pause_reading()
        else:
            self._let_in()

    def _let_in(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._connection.resume_reading()

    def _begin_some(self) -> None:
        # Each piece of a session that is under way comes here, too: without a look at the clock.
        if self._exchange is not None or not self._buffer:
            return
        connection, context = self._connection, self._connection.context
        until = context.now() + _TURN_SECONDS
        for _ in range(_REQUESTS_PER_TURN):
            if self._exchange is not None or not self._buffer or not connection.is_open:
                return
            if connection.unsent > MAX_UNSENT_BYTES:
                connection.flush()
                if connection.unsent > MAX_UNSENT_BYTES:
                    return
            try:
                head = self._heads.next_head(self._buffer)
            except RefusedError as refused:
                connection.write(refusal(refused.status))
                connection.close(is_input_left=True)
                return
            if head is None:
                return
            self._begin(head)
            if self._buffer and context.now() > until:
                break
        if self._buffer and self._exchange is None:
            self._is_behind = True
            context.loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._is_behind = False
        self.flush()

    def _begin(self, head: RequestHead) -> None:
        connection = self._connection
        context = connection.context
        self._head = head
        self._body = ChunkedBody() if head.is_chunked else LengthBody(head.length)
        self._expects_continue = head.expects_continue and not self._body.is_complete
        self._keeps_alive = head.keeps_alive
        self.has_head = False
        self._is_chunked = False
        self._owed = None
        environ = make_environ(
            head.method,
            head.target,
            head.path,
            head.query,
            head.fields,
            "HTTP/1.1" if head.is_http_1_1 else "HTTP/1.0",
            connection.number,
            connection.notes,
            connection.client_host,
            context.server,
            connection.scheme,
        )
        self._exchange = exchange = RequestDriver(self, context)
        exchange.start(environ)
