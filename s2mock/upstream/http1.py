"""A connection to the upstream over HTTP/1.1, for one exchange at a time.

The head of a request is written as it came: a client library would add a `Host`, or refuse a field
that S2 takes. `h11` reads the responses.
"""

import asyncio
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, cast

import h11

from s2mock.upstream.errors import SPEAKS_TLS, TLS_ALERT
from s2mock.upstream.exchange import (
    MAX_WAITING_BYTES,
    Broken,
    Exchange,
    Fields,
    ResponseEnd,
    ResponseHead,
)

_MAX_HEAD_BYTES: Final = 512 * 1024
# `h11` is told of a request that it accepts; what is sent is the head as it came.
_STAND_IN_FIELDS: Final = [(b"host", b"s2mock"), (b"transfer-encoding", b"chunked")]
# The line of a chunk that has no size, as a client may send it.
_NO_CHUNK: Final = b"?\r\n"
# What kept a connection open until the next request, or closed it, is said on each hop anew.
_HOP: Final = frozenset(("connection", "keep-alive", "proxy-connection", "transfer-encoding"))

# A request by these may be sent again, also if the first one was received.
_SAFE: Final = frozenset(("GET", "HEAD"))


class Http1Connection(asyncio.Protocol):
    """A connection that carries one exchange after another. It belongs to its loop's thread.

    `on_idle` is called when it can carry the next, `on_lost` when it has ended, with True if the
    upstream has ended it while it carried none.
    """

    alpn: Final = "http/1.1"

    def __init__(
        self,
        on_idle: Callable[["Http1Connection"], object],
        on_lost: Callable[["Http1Connection", bool], object],
    ) -> None:
        self._on_idle = on_idle
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._reader: h11.Connection | None = None
        self._is_chunked = False
        # A client of HTTP/2 does not see when the connection of one of its requests ends.
        self._is_of_http2 = False
        self._is_request_over = True
        self._has_received = False
        self._closes = False
        self._waiting_bytes = 0
        self._is_paused = False
        self.is_lost: bool = False
        """True once it carries nothing more."""
        self.exchanges: int = 0
        """The number of exchanges that it has begun to carry."""

    @property
    def buffered_bytes(self) -> int:
        """The bytes of its exchange that wait here, in both directions."""
        exchange, transport = self._exchange, self._transport
        waiting = 0 if exchange is None else exchange.waiting_bytes + exchange.unsent_bytes
        return waiting + (0 if transport is None else transport.get_write_buffer_size())

    @property
    def can_carry(self) -> bool:
        """True if it can carry another exchange now."""
        return not self.is_lost and self._exchange is None

    def carry(self, exchange: Exchange) -> None:
        """Send the request of an exchange, and receive its response."""
        assert self._transport is not None
        assert self.can_carry
        request = exchange.request
        self.exchanges += 1
        self._exchange = exchange
        self._is_chunked = request.has_body and request.length is None
        self._is_of_http2 = request.is_http2
        self._is_request_over = self._has_received = self._closes = False
        self._waiting_bytes = 0
        self._reader = _reader(request.method)
        lines = [f"{request.method} {request.target} HTTP/1.1\r\n"]
        fields = request.fields
        if request.is_http2:
            # Its trailers are of one connection, too.
            fields = tuple(field for field in fields if field[0] != "te")
        lines += [f"{name}: {value}\r\n" for name, value in fields]
        if self._is_chunked:
            lines.append("transfer-encoding: chunked\r\n")
        lines.append("\r\n")
        pieces = ["".join(lines).encode("latin-1")]
        early = exchange.begin(self)
        # In one piece with the head: how a server answers may depend on what it has received.
        pieces += [self._framed(data) for data in early]
        self._transport.write(b"".join(pieces))
        exchange.set_room(self._transport.get_write_buffer_size() <= MAX_WAITING_BYTES)
        exchange.begun()

    # As a `Carrier`.

    def send_body(self, exchange: Exchange, data: bytes) -> None:
        """Implement `Carrier.send_body` for this version."""
        if exchange is self._exchange and (transport := self._transport) is not None:
            transport.write(self._framed(data))
            # Not every transport calls `pause_writing`.
            if transport.get_write_buffer_size() > MAX_WAITING_BYTES:
                exchange.set_room(False)

    def taken(self, exchange: Exchange, size: int) -> None:
        """Implement `Carrier.taken` for this version."""
        if exchange is not self._exchange:
            return
        self._waiting_bytes -= size
        if self._is_paused and self._waiting_bytes <= MAX_WAITING_BYTES:
            self._is_paused = False
            if self._transport is not None and not self._transport.is_closing():
                self._transport.resume_reading()

    def break_off(self, exchange: Exchange) -> None:
        """Implement `Carrier.break_off` for this version."""
        if exchange is self._exchange and self._transport is not None:
            self._closes = True
            if self._is_chunked:
                self._transport.write(_NO_CHUNK)
            elif self._transport.can_write_eof():
                self._transport.write_eof()
            else:
                # Over TLS, only the end of the whole connection tells the upstream.
                self._lose("got a request whose client has left")
                self.close()

    def cancel(self, exchange: Exchange) -> None:
        """Implement `Carrier.cancel`: only the end of the connection tells the upstream."""
        if exchange is self._exchange:
            self.close()

    def close(self) -> None:
        """Close the connection; an exchange that it carries breaks off."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        self._lose("had its connection closed")

    # As a protocol of asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport of a new connection."""
        self._transport = transport = cast("asyncio.Transport", transport)
        # `resume_writing` is called when the transport has handed over all that it had.
        transport.set_write_buffer_limits(high=0)

    def resume_writing(self) -> None:
        """Have the exchange send more."""
        if self._exchange is not None:
            self._exchange.set_room(True)

    def data_received(self, data: bytes) -> None:
        """Hand over the parts of the response that the bytes complete."""
        if self._reader is None:
            # Nothing was asked for.
            self.close()
            return
        if not self._has_received and data.startswith(TLS_ALERT):
            self._lose(SPEAKS_TLS)
            self.close()
            return
        self._has_received = True
        self._reader.receive_data(data)
        self._read()

    def eof_received(self) -> bool:
        """Handle the end of the upstream's sending."""
        if self._reader is not None:
            self._reader.receive_data(b"")
            self._read(is_at_end=True)
        self._lose("broke the connection off", by_upstream=True)
        self.close()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Handle the loss of the connection."""
        self._transport = None
        reason = "broke the connection off" if error is None else f"was lost: {error}"
        self._lose(reason, by_upstream=True, by_rst=isinstance(error, ConnectionResetError))

    def _framed(self, data: bytes) -> bytes:
        if not data:
            self._is_request_over = True
            return b"0\r\n\r\n" if self._is_chunked else b""
        return b"%X\r\n%b\r\n" % (len(data), data) if self._is_chunked else data

    def _read(self, *, is_at_end: bool = False) -> None:
        while (reader := self._reader) is not None and (exchange := self._exchange) is not None:
            try:
                event: Any = reader.next_event()
            except h11.RemoteProtocolError as error:
                if is_at_end:
                    self._lose(_broken_off(has_received=self._has_received), by_upstream=True)
                else:
                    self._lose(f"answered with what is not HTTP: {error}")
                    self.close()
                return
            if event is h11.NEED_DATA or event is h11.PAUSED:
                break
            if type(event) is h11.Response:
                exchange.receive(self._head(event))
            elif type(event) is h11.Data:
                # At most what was received at once.
                data = bytes(event.data)
                self._waiting_bytes += len(data)
                exchange.receive(data)
            elif type(event) is h11.EndOfMessage:
                self._end(exchange)
            elif type(event) is h11.ConnectionClosed:
                return
        if self._waiting_bytes > MAX_WAITING_BYTES:
            self._pause()

    def _pause(self) -> None:
        if not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def _head(self, response: h11.Response) -> ResponseHead:
        fields: Fields = []
        self._closes |= response.http_version == b"1.0"
        for raw_name, raw_value in response.headers.raw_items():
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            if name == "connection":
                options = {option.strip().lower() for option in value.split(",")}
                self._closes |= "close" in options
            if name not in _HOP:
                fields.append((name, value))
        return ResponseHead(response.status_code, fields, self._closes and not self._is_of_http2)

    def _end(self, exchange: Exchange) -> None:
        assert self._reader is not None
        rest, is_eof = self._reader.trailing_data
        self._exchange = self._reader = None
        is_reusable = self._is_request_over and not (self._closes or rest or is_eof)
        closes = self._closes or is_eof
        exchange.receive(ResponseEnd(closes=closes and not self._is_of_http2))
        if not is_reusable:
            self.close()
        else:
            if self._is_paused and self._transport is not None:
                self._is_paused = False
                self._transport.resume_reading()
            self._on_idle(self)

    def _lose(self, reason: str, *, by_upstream: bool = False, by_rst: bool = False) -> None:
        exchange, self._exchange, self._reader = self._exchange, None, None
        if exchange is not None:
            # An idle connection may have ended before the request was received, or after.
            is_idle = self.exchanges > 1 and not self._has_received
            is_safe = exchange.request.method in _SAFE
            exchange.receive(
                Broken(
                    reason,
                    has_sent=not (is_idle and is_safe),
                    ends_connection=by_upstream,
                    by_rst=by_rst,
                )
            )
        if not self.is_lost:
            self.is_lost = True
            self._on_lost(self, by_upstream and exchange is None)


def _reader(method: str) -> h11.Connection:
    """Return a reader of the response to a request with that method."""
    reader = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD_BYTES)
    reader.send(_stand_in(method))
    return reader


@lru_cache(maxsize=64)
def _stand_in(method: str) -> h11.Request:
    """Return a request that `h11` accepts, of which it has to know the method only."""
    return h11.Request(method=method, target="/", headers=_STAND_IN_FIELDS)


def _broken_off(*, has_received: bool) -> str:
    if has_received:
        return "broke its answer off"
    return "closed the connection without an answer"
