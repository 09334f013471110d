"""HTTP/1.0 and HTTP/1.1: one exchange at a time on each connection."""

from s2mock.runtime.conversation import Head as AnswerHead
from s2mock.runtime.conversation import Reset
from s2mock.runtime.environ import make_environ
from s2mock.server.answers import BODYLESS, head_bytes, refusal
from s2mock.server.body import Body, BodyFaultError, ChunkedBody, LengthBody
from s2mock.server.connection import MAX_UNSENT_BYTES, Connection
from s2mock.server.driver import Exchange
from s2mock.server.head import Head, HeadReader, RefusedError

# What is written waits for the end of the turn, unless it is so much.
_FLUSH_BYTES = 64 * 1024
# Nothing more is read while so much waits for the exchange that is going on.
_MAX_UNREAD_BYTES = 64 * 1024
# Requests sent ahead of their answers are begun for this number of seconds before other connections
# have their turn, and at most this number of them.
_TURN_SECONDS = 0.005
_REQUESTS_PER_TURN = 16


class Http1:
    """The protocol on a connection, and the wire of the exchange that is going on."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._buffer = bytearray()
        self._heads = HeadReader()
        self._exchange: Exchange | None = None
        self._is_paused = False
        self._is_at_end = False
        self._is_beginning = False
        # True if the next exchange begins in the next turn of the loop, and not before.
        self._is_behind = False
        # Of the exchange that is going on.
        self._head: Head
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

    # What the connection says.

    def receive(self, data: bytes) -> None:
        """Bytes have come."""
        self._buffer += data
        if self._exchange is not None and not self._body.is_complete:
            self._exchange.on_body()
        self._go_on()

    def end_of_input(self) -> None:
        """The client sends no more: it has left, as the reference server sees it."""
        self._is_at_end = True
        exchange = self._exchange
        if exchange is not None and not self._body.is_complete:
            # May be answered: that the body is cut off.
            exchange.on_body()
        if self._exchange is not None:
            self._exchange.leave()
        self._connection.close()

    def has_room(self) -> None:
        """All that was unsent is on its way."""
        if self._exchange is not None:
            self._exchange.on_room()
        self._go_on()

    def close(self) -> None:
        """The connection is gone."""
        if self._exchange is not None:
            self._exchange.leave()

    # The wire of the exchange.

    def read(self) -> bytes | None:
        """As `Wire.read`."""
        try:
            data = self._body.take(self._buffer)
        except BodyFaultError:
            self._is_broken = True
            raise ConnectionAbortedError("the body is not in chunks as it should be") from None
        if self._expects_continue:
            self._expects_continue = False
            if not self.has_head:
                self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if data or self._body.is_complete:
            self._let_in()
            return data
        if self._is_at_end:
            self._is_broken = True
            raise ConnectionAbortedError("the client has left before the end of the body")
        return None

    def send_head(self, head: AnswerHead) -> None:
        """As `Wire.send_head`."""
        status, headers, body = head
        request = self._head
        lengths = [int(value) for name, value in headers if name == "content-length"]
        self.is_bodyless = status in BODYLESS or request.method == "HEAD"
        # No body in answer to HEAD: the app says a length, or there is none.
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
                # It ends with the connection, whatever was said of that.
                self._keeps_alive = False
        data = head_bytes(status, headers, is_http_1_1=request.is_http_1_1, connection=connection)
        if self.is_bodyless:
            self._owed = 0
        elif body is not None:
            data += self._within_length(body)
        self.has_head = True
        self._connection.write(data)

    def send_piece(self, data: bytes) -> bool:
        """As `Wire.send_piece`."""
        if data and not self.is_bodyless:
            if self._is_chunked:
                self._connection.write(b"%X\r\n%b\r\n" % (len(data), data))
            else:
                self._connection.write(self._within_length(data))
        if self._connection.unsent > _FLUSH_BYTES:
            self._connection.flush()
        return self._connection.unsent <= MAX_UNSENT_BYTES

    def drain(self) -> bool:
        """As `Wire.drain`."""
        self._connection.flush()
        return not self._connection.unsent

    def end(self) -> None:
        """As `Wire.end`."""
        if self._is_chunked:
            self._connection.write(b"0\r\n\r\n")
        if self._owed:
            # Cut off, and to be seen as such.
            self._keeps_alive = False
        self._exchange = None
        if self._is_broken or not self._keeps_alive:
            self._connection.close(is_input_left=not self._body.is_complete)
        elif not self._body.is_complete:
            self._drain()

    def fail(self) -> None:
        """As `Wire.fail`."""
        self._exchange = None
        self._connection.flush()
        self._connection.abort()

    def reset(self, _: Reset) -> None:
        """As `Wire.reset`. What was said before is sent first, however much it is."""
        self._exchange = None
        self._connection.close(is_input_left=not self._body.is_complete)

    def retire(self) -> None:
        """As `Wire.retire`."""
        self._keeps_alive = False

    def flush(self) -> None:
        """As `Wire.flush`; if the exchange has ended, the next one begins."""
        self._go_on()
        self._connection.flush()

    def _within_length(self, data: bytes) -> bytes:
        if self._owed is not None:
            data = data[: self._owed]
            self._owed -= len(data)
        return data

    def _drain(self) -> None:
        """Skip a body that nobody has read if that is done at once; end the connection if not."""
        self._body.drain(self._buffer)
        if not self._body.is_complete:
            self._buffer += self._connection.receive_now()
            self._body.drain(self._buffer)
        if not self._body.is_complete:
            self._connection.close(is_input_left=True)

    def _go_on(self) -> None:
        """Begin the next exchange, if there is one to begin."""
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

    def _begin(self, head: Head) -> None:
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
            connection.client_host,
            context.server,
        )
        self._exchange = exchange = Exchange(self, context)
        exchange.start(environ)
