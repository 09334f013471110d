"""A connection to the upstream over HTTP/2, for many exchanges at once, by `h2`."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, cast

import h2.config
import h2.connection
import h2.events
import h2.exceptions
from h2.errors import ErrorCodes
from h2.settings import SettingCodes, Settings

from s2mock.upstream.errors import SPEAKS_TLS, TLS_ALERT
from s2mock.upstream.exchange import (
    MAX_WAITING_BYTES,
    Broken,
    Exchange,
    ResponseEnd,
    ResponseHead,
    StreamReset,
)

_WINDOW_BYTES: Final = MAX_WAITING_BYTES
_CONNECTION_WINDOW_BYTES: Final = 16 * 1024 * 1024
_MAX_HEAD_BYTES: Final = 512 * 1024
_FRAME_HEAD_BYTES: Final = 9
_GOAWAY: Final = 7
_GOAWAY_BYTES: Final = 8


class _Stream:
    """One exchange on a connection, and what of its request waits for room."""

    def __init__(self, exchange: Exchange, number: int) -> None:
        self.exchange = exchange
        self.number = number
        self.unsent: deque[bytes] = deque()
        self.unsent_bytes = 0
        self.is_ending = False
        # True once the end of the request has been sent.
        self.is_sent = False
        # Bytes of the response that were taken, and not announced to the upstream.
        self.taken_bytes = 0


class Http2Connection(asyncio.Protocol):
    """A connection that carries many exchanges. It belongs to its loop's thread.

    `on_lost` is called when it carries no further exchanges, with True if the upstream says so.
    """

    alpn: Final = "h2"

    def __init__(self, scheme: str, on_lost: Callable[["Http2Connection", bool], object]) -> None:
        self._scheme = scheme.encode()
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        config = h2.config.H2Configuration(
            client_side=True,
            header_encoding=None,
            # What S2 is to refuse has to reach it.
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
            validate_inbound_headers=False,
            normalize_inbound_headers=False,
        )
        self._h2 = h2.connection.H2Connection(config)
        self._streams: dict[int, _Stream] = {}
        self._by_exchange: dict[Exchange, _Stream] = {}
        # Exchanges beyond the number of streams that the upstream allows at once.
        self._queue: deque[Exchange] = deque()
        self._goaways = _GoawayFilter()
        # Bytes that were received, and not announced to the upstream.
        self._received_bytes = 0
        self._is_full = False
        self._has_received = False
        self._closes_when_idle = False
        self.is_lost: bool = False
        """True once it carries no further exchanges."""
        self.is_leaving: bool = False
        """True once it takes no more requests, as the upstream has said, or its owner."""

    @property
    def buffered_bytes(self) -> int:
        """The bytes of its exchanges that wait here, in both directions."""
        transport = self._transport
        waiting = 0 if transport is None else transport.get_write_buffer_size()
        waiting += sum(exchange.unsent_bytes for exchange in self._queue)
        for stream in list(self._streams.values()):
            exchange = stream.exchange
            waiting += stream.unsent_bytes + exchange.waiting_bytes + exchange.unsent_bytes
        return waiting

    @property
    def can_carry(self) -> bool:
        """True if it can carry another exchange."""
        return not (self.is_lost or self.is_leaving)

    @property
    def is_busy(self) -> bool:
        """True while it carries an exchange."""
        return bool(self._streams or self._queue)

    def close_when_idle(self) -> None:
        """Close the connection once all exchanges that it carries are over."""
        self._closes_when_idle = True

    def carry(self, exchange: Exchange) -> None:
        """Send the request of an exchange, when the upstream allows another stream."""
        if self._has_free_stream and not self._queue:
            self._open(exchange)
            self._flush()
        else:
            self._queue.append(exchange)

    # As a `Carrier`.

    def send_body(self, exchange: Exchange, data: bytes) -> None:
        """Implement `Carrier.send_body` for this version."""
        stream = self._by_exchange.get(exchange)
        if stream is not None:
            self._add(stream, data)
            self._pump(stream)
            self._flush()

    def taken(self, exchange: Exchange, size: int) -> None:
        """Implement `Carrier.taken` for this version."""
        stream = self._by_exchange.get(exchange)
        if self.is_lost or stream is None:
            return
        stream.taken_bytes += size
        if stream.taken_bytes >= _WINDOW_BYTES // 2:
            # The upstream may have reset the stream, which the events tell.
            with suppress(h2.exceptions.H2Error):
                self._h2.increment_flow_control_window(stream.taken_bytes, stream.number)
            stream.taken_bytes = 0
            self._flush()

    def break_off(self, exchange: Exchange) -> None:
        """Implement `Carrier.break_off`: HTTP/2 has no end of a body but by a reset."""
        self.cancel(exchange)
        exchange.receive(Broken("got a request whose client has left", has_sent=True))

    def cancel(self, exchange: Exchange) -> None:
        """Implement `Carrier.cancel` for this version."""
        stream = self._by_exchange.get(exchange)
        if stream is not None:
            self._reset(stream, ErrorCodes.CANCEL)
            self._go_on()

    def close(self) -> None:
        """Close the connection; the exchanges that it carries break off."""
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
        # Later changes would not be part of the first frame.
        self._h2.local_settings = Settings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW_BYTES,
                SettingCodes.MAX_HEADER_LIST_SIZE: _MAX_HEAD_BYTES,
            },
        )
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(_CONNECTION_WINDOW_BYTES)
        self._flush()

    def resume_writing(self) -> None:
        """Have the exchanges send more."""
        self._is_full = False
        self._go_on()

    def data_received(self, data: bytes) -> None:
        """Hand over the parts of responses in the frames that the bytes complete."""
        if data.startswith(TLS_ALERT) and not self._has_received:
            self._lose(SPEAKS_TLS)
            self.close()
            return
        self._has_received = True
        for part in self._goaways.split(data):
            if isinstance(part, tuple):
                self._leave(*part)
                continue
            try:
                events = self._h2.receive_data(part)
            except h2.exceptions.ProtocolError as error:
                self._flush()
                self._lose(f"answered with what is not HTTP/2: {error}")
                self.close()
                return
            for event in events:
                self._take(event)
        self._go_on()

    def eof_received(self) -> bool:
        """Handle the end of the upstream's sending."""
        self._lose("broke the connection off", by_upstream=True)
        self.close()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Handle the loss of the connection."""
        self._transport = None
        reason = "broke the connection off" if error is None else f"was lost: {error}"
        self._lose(reason, by_upstream=True)

    @property
    def _has_free_stream(self) -> bool:
        limit = self._h2.remote_settings.max_concurrent_streams
        return len(self._streams) < limit

    def _open(self, exchange: Exchange) -> None:
        request = exchange.request
        number = self._h2.get_next_available_stream_id()
        stream = _Stream(exchange, number)
        self._streams[number] = self._by_exchange[exchange] = stream
        exchange.stream_number = number
        self._h2.send_headers(number, self._fields(exchange), end_stream=not request.has_body)
        if not request.has_body:
            stream.is_ending = stream.is_sent = True
        for data in exchange.begin(self):
            self._add(stream, data)
        self._pump(stream)
        exchange.begun()

    def _fields(self, exchange: Exchange) -> list[tuple[bytes, bytes]]:
        request = exchange.request
        fields = [(b":method", request.method.encode("latin-1"))]
        plain = [*request.fields]
        if plain[:1] and plain[0][0] == "host":
            fields.append((b":authority", plain.pop(0)[1].encode("latin-1")))
        if request.method != "CONNECT":
            fields += [(b":scheme", self._scheme), (b":path", request.target.encode("latin-1"))]
        return fields + [(name.encode("latin-1"), value.encode("latin-1")) for name, value in plain]

    def _add(self, stream: _Stream, data: bytes) -> None:
        if data:
            stream.unsent.append(data)
            stream.unsent_bytes += len(data)
        else:
            stream.is_ending = True

    def _pump(self, stream: _Stream) -> None:
        """Send of a request's body what the windows allow."""
        if stream.is_sent or self.is_lost:
            return
        number, connection = stream.number, self._h2
        try:
            while stream.unsent and not self._is_full:
                room = min(
                    connection.local_flow_control_window(number),
                    connection.max_outbound_frame_size,
                )
                if room <= 0:
                    break
                data = stream.unsent.popleft()
                if len(data) > room:
                    stream.unsent.appendleft(data[room:])
                    data = data[:room]
                stream.unsent_bytes -= len(data)
                is_last = stream.is_ending and not stream.unsent
                connection.send_data(number, data, end_stream=is_last)
                stream.is_sent = is_last
                self._flush()
            if stream.is_ending and not stream.unsent and not stream.is_sent:
                connection.end_stream(number)
                stream.is_sent = True
        except h2.exceptions.H2Error:
            # The upstream has reset the stream, which the events tell.
            stream.is_sent = True
            stream.unsent.clear()
            stream.unsent_bytes = 0
        stream.exchange.set_room(not self._is_full and stream.unsent_bytes <= MAX_WAITING_BYTES)

    def _go_on(self) -> None:
        """Send what has become possible."""
        if not self.is_lost:
            for stream in list(self._streams.values()):
                self._pump(stream)
            while self._queue and self._has_free_stream and not self.is_leaving:
                exchange = self._queue.popleft()
                if not exchange.is_cancelled:
                    self._open(exchange)
            self._flush()
        if (self.is_leaving or self._closes_when_idle) and not self.is_busy:
            self.close()

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and self._transport is not None:
            self._transport.write(data)
            # Not every transport calls `pause_writing`.
            self._is_full = self._transport.get_write_buffer_size() > MAX_WAITING_BYTES

    def _take(self, event: h2.events.Event) -> None:
        stream = self._streams.get(getattr(event, "stream_id", None) or 0)
        if isinstance(event, h2.events.DataReceived):
            self._acknowledge(event.flow_controlled_length)
            if stream is not None:
                stream.taken_bytes += event.flow_controlled_length - len(event.data)
                if event.data:
                    stream.exchange.receive(bytes(event.data))
        elif stream is None:
            return
        elif isinstance(event, h2.events.ResponseReceived):
            stream.exchange.receive(self._head(event.headers))
        elif isinstance(event, h2.events.StreamEnded):
            stream.exchange.receive(ResponseEnd(closes=self.is_leaving))
            if not stream.is_sent:
                # The response is whole, so nothing takes the rest of the request.
                self._reset(stream, ErrorCodes.NO_ERROR)
            self._forget(stream)
        elif isinstance(event, h2.events.StreamReset):
            stream.exchange.receive(StreamReset(int(event.error_code)))
            self._forget(stream)

    def _acknowledge(self, size: int) -> None:
        """Let the upstream send as many bytes on other streams, whether these are taken or not.

        What one client does not read must not stop the streams of others; each stream has a window.
        """
        self._received_bytes += size
        if self._received_bytes >= _CONNECTION_WINDOW_BYTES // 2:
            self._h2.increment_flow_control_window(self._received_bytes)
            self._received_bytes = 0

    def _head(self, headers: Any) -> ResponseHead:
        status, fields = 0, []
        for name, value in headers:
            if name == b":status":
                status = int(value)
            elif name[:1] != b":":
                fields.append((name.decode("latin-1").lower(), value.decode("latin-1")))
        return ResponseHead(status, fields, self.is_leaving)

    def _reset(self, stream: _Stream, code: ErrorCodes) -> None:
        try:
            self._h2.reset_stream(stream.number, code)
        except h2.exceptions.H2Error:
            return
        finally:
            self._forget(stream)
        self._flush()

    def _forget(self, stream: _Stream) -> None:
        self._streams.pop(stream.number, None)
        self._by_exchange.pop(stream.exchange, None)

    def _leave(self, last_stream: int, code: int, text: bytes) -> None:
        """Handle a GOAWAY: no further exchanges, and none that the upstream has not begun."""
        self.is_leaving = True
        said = text.decode("utf-8", "replace")
        reason = f"took no more requests on the connection (GOAWAY {code}{said and f', {said}'})"
        for stream in list(self._streams.values()):
            if stream.number > last_stream:
                self._forget(stream)
                stream.exchange.receive(Broken(reason, has_sent=False))
        queue, self._queue = self._queue, deque()
        for exchange in queue:
            exchange.receive(Broken(reason, has_sent=False))
        self._on_lost(self, True)

    def _lose(self, reason: str, *, by_upstream: bool = False) -> None:
        if self.is_lost:
            return
        self.is_lost = True
        streams, self._streams, self._by_exchange = self._streams, {}, {}
        for stream in streams.values():
            stream.exchange.receive(Broken(reason, has_sent=True))
        for exchange in self._queue:
            exchange.receive(Broken(reason, has_sent=False))
        self._queue.clear()
        self._on_lost(self, by_upstream)


class _GoawayFilter:
    """Takes GOAWAY frames out of the bytes of a connection.

    `h2` takes one for the end of the connection, and refuses the frames after it, in which an
    upstream that shuts down finishes its answers (RFC 9113, section 6.8).
    """

    def __init__(self) -> None:
        # Bytes left of the present frame, and an incomplete head or GOAWAY.
        self._left = 0
        self._part = b""

    def split(self, data: bytes) -> list[bytes | tuple[int, int, bytes]]:
        """Return the bytes for `h2`, and of each GOAWAY its last stream, code and text."""
        parts: list[bytes | tuple[int, int, bytes]] = []
        data, self._part = self._part + data, b""
        start = position = 0
        size = len(data)
        while True:
            step = min(self._left, size - position)
            position += step
            self._left -= step
            if self._left or size - position < _FRAME_HEAD_BYTES:
                break
            length = int.from_bytes(data[position : position + 3], "big")
            if data[position + 3] != _GOAWAY or length < _GOAWAY_BYTES:
                position += _FRAME_HEAD_BYTES
                self._left = length
                continue
            end = position + _FRAME_HEAD_BYTES + length
            if end > size:
                break
            if position > start:
                parts.append(data[start:position])
            payload = data[position + _FRAME_HEAD_BYTES : end]
            last_stream = int.from_bytes(payload[:4], "big") & 0x7FFFFFFF
            parts.append((last_stream, int.from_bytes(payload[4:8], "big"), payload[8:]))
            start = position = end
        self._part = data[position:]
        if position > start:
            parts.append(data[start:position])
        return parts
