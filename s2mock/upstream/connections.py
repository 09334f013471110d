"""The connections to the upstream: one for each connection of a client, by the same protocol."""

import asyncio
import os
import socket
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Final, cast

from s2mock.runtime.environ import ON_END
from s2mock.server.event_loop import ServerLoop
from s2mock.server.socket_transport import SocketTransport
from s2mock.upstream.address import UpstreamAddress
from s2mock.upstream.errors import unreachable_reason
from s2mock.upstream.exchange import Broken, Exchange
from s2mock.upstream.request import ForwardedRequest

if TYPE_CHECKING:
    from s2mock.upstream.http1 import Http1Connection
    from s2mock.upstream.http2 import Http2Connection

    _Spoken = Http1Connection | Http2Connection

_CONNECT_SECONDS: Final = 10.0
# S2 lets a read wait for 60 seconds before it answers.
_ANSWER_SECONDS: Final = 75.0
_RECEIVE_BYTES: Final = 64 * 1024
# Seconds that `close` waits for a loop, which may be blocked.
_CLOSE_SECONDS: Final = 1.0
_NUMBERS: Final = count(1)


class UpstreamConnections:
    """The connections of one mock to its upstream. Any thread may use it.

    A client's connection has its own to the upstream, which ends with it, so that what S2 does to
    a connection is done to the client's. `on_error` is called with the exceptions of a loop of its
    own. `answer_seconds` is how long the upstream may take to begin its answer.
    """

    def __init__(
        self,
        address: UpstreamAddress,
        on_error: Callable[[BaseException], object],
        *,
        answer_seconds: float = _ANSWER_SECONDS,
    ) -> None:
        self.address: Final = address
        self.has_http2: bool = True
        """False once it has chosen HTTP/1.1 in a TLS handshake that offered both versions."""
        self.answer_seconds: float = answer_seconds
        self._on_error = on_error
        self._key = f"s2mock.upstream {next(_NUMBERS)}"
        self._lock = threading.Lock()
        self._pairs: set[Pair] = set()
        # Those to the hosts of basins.
        self._others: dict[UpstreamAddress, UpstreamConnections] = {}
        # For requests without a connection of their own, in a thread of its own.
        self._loop: ServerLoop | None = None
        self._loop_pid = 0
        self._loop_pair: Pair | None = None
        self.is_closed: bool = False

    def exchange(self, environ: dict[str, Any], request: ForwardedRequest) -> Exchange:
        """Return the exchange of a request, which is sent once the exchange is started.

        `environ` is that of the client's request. Without a connection, as by WSGI, it is sent
        from a thread of its own.
        """
        pair = self.pair_of(environ)
        return Exchange(request, pair.run, pair.carry, self.answer_seconds)

    @property
    def buffered_bytes(self) -> int:
        """The bytes that wait on all connections, for the upstream or for its clients."""
        own = sum(pair.buffered_bytes for pair in [*self._pairs])
        return own + sum(other.buffered_bytes for other in [*self._others.values()])

    def to(self, address: UpstreamAddress) -> "UpstreamConnections":
        """Return the connections to another address, which are closed with these."""
        with self._lock:
            other = self._others.get(address)
            if other is None:
                other = self._others[address] = UpstreamConnections(
                    address, self._on_error, answer_seconds=self.answer_seconds
                )
                other.is_closed = self.is_closed
            return other

    def close(self) -> None:
        """Close all connections; the exchanges on them break off."""
        with self._lock:
            self.is_closed = True
            pairs, loop, self._loop = [*self._pairs], self._loop, None
            others = [*self._others.values()]
        for other in others:
            other.close()
        for pair in pairs:
            pair.close_and_wait()
        if loop is not None:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(loop.stop)

    def pair_of(self, environ: dict[str, Any]) -> "Pair":
        """Return the connections to the upstream for the connection of a client's request."""
        notes: dict[str, Any] | None = environ.get("s2mock.notes")
        if notes is None:
            return self._pair_without_client()
        pair: Pair | None = notes.get(self._key)
        if pair is None:
            pair = notes[self._key] = self._add_pair(asyncio.get_running_loop())
            notes.setdefault(ON_END, []).append(pair.retire)
        return pair

    def add(self, pair: "Pair") -> None:
        """Close this pair with the others, from now on."""
        with self._lock:
            self._pairs.add(pair)

    def discard(self, pair: "Pair") -> None:
        """Forget a pair that has no connection."""
        with self._lock:
            self._pairs.discard(pair)

    def _pair_without_client(self) -> "Pair":
        with self._lock:
            if self.is_closed and self._loop_pair is not None:
                return self._loop_pair
            if self._loop is None or self._loop.is_closed() or self._loop_pid != os.getpid():
                self._loop_pid = os.getpid()
                self._loop = ServerLoop(self._on_error)
                self._loop_pair = None
                threading.Thread(
                    target=_run_loop, args=(self._loop,), name="s2mock-upstream", daemon=True
                ).start()
            loop = self._loop
        if self._loop_pair is None:
            self._loop_pair = self._add_pair(loop)
        return self._loop_pair

    def _add_pair(self, loop: asyncio.AbstractEventLoop) -> "Pair":
        pair = Pair(self, loop)
        self.add(pair)
        return pair


class Pair:
    """The connections to the upstream for one connection of a client. It belongs to a loop."""

    def __init__(self, owner: UpstreamConnections, loop: asyncio.AbstractEventLoop) -> None:
        self._owner = owner
        self._address = owner.address
        self._loop = loop
        self._http1: set[Http1Connection] = set()
        self._http2: Http2Connection | None = None
        # Those that finish their exchanges after a GOAWAY.
        self._leaving: set[Http2Connection] = set()
        # Exchanges that wait for a connection over HTTP/2.
        self._waiting: list[Exchange] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_retired = False
        self._is_of_http2 = False
        self.retire_client: Callable[..., object] | None = None
        """Ends the client's connection without an error, as the upstream has ended its own."""

    @property
    def buffered_bytes(self) -> int:
        """The bytes that wait on these connections, and for one."""
        waiting = sum(exchange.unsent_bytes for exchange in [*self._waiting])
        waiting += sum(connection.buffered_bytes for connection in [*self._http1])
        for connection in (self._http2, *self._leaving):
            waiting += 0 if connection is None else connection.buffered_bytes
        return waiting

    def run(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call the function in the thread of the loop: at once if this is that thread."""
        try:
            is_here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            is_here = False
        if is_here:
            function(*arguments)
        else:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(function, *arguments)

    def carry(self, exchange: Exchange) -> None:
        """Send the request of an exchange on a connection, a new one if there is none for it."""
        # Its client may have left, and be forgotten, while the request was held.
        self._owner.add(self)
        if self._owner.is_closed:
            exchange.receive(Broken("had its connection closed", has_sent=False))
            return
        self._is_of_http2 = exchange.request.is_http2
        if self._is_of_http2 and self._owner.has_http2:
            self._carry_by_http2(exchange)
        else:
            self._carry_by_http1(exchange)

    def retire(self) -> None:
        """Close each connection once it carries no exchange: the client has left."""
        self._is_retired = True
        for connection in [*self._http1]:
            if connection.can_carry:
                connection.close()
        self._end_if_unused()

    def close_and_wait(self) -> None:
        """Close all connections, from any thread, and return when that is done."""
        is_done = threading.Event()

        def close() -> None:
            self._close()
            # Some transports close their sockets in the next turn.
            self._loop.call_soon(is_done.set)

        try:
            is_here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            is_here = False
        if is_here or not self._loop.is_running():
            self._close()
            return
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(close)
            is_done.wait(_CLOSE_SECONDS)

    def _close(self) -> None:
        self._is_retired = True
        for task in [*self._tasks]:
            if not self._loop.is_closed():
                task.cancel()
        if self._loop.is_closed():
            # Its transports cannot be closed any more.
            self._owner.discard(self)
            return
        for http1 in [*self._http1]:
            http1.close()
        for http2 in (self._http2, *self._leaving):
            if http2 is not None:
                http2.close()
        self._owner.discard(self)

    def _start(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _carry_by_http2(self, exchange: Exchange) -> None:
        if self._http2 is not None and self._http2.can_carry:
            self._http2.carry(exchange)
            return
        self._waiting.append(exchange)
        if len(self._waiting) == 1:
            self._start(self._connect_http2())

    def _carry_by_http1(self, exchange: Exchange) -> None:
        for connection in self._http1:
            if connection.can_carry:
                connection.carry(exchange)
                return
        self._start(self._connect_http1(exchange))

    async def _connect_http1(self, exchange: Exchange) -> None:
        from s2mock.upstream.http1 import Http1Connection

        made = Http1Connection(self._http1_is_idle, self._http1_is_lost)
        spoken = await self._connect(made)
        if isinstance(spoken, str):
            exchange.receive(Broken(spoken, has_sent=True))
        elif exchange.is_cancelled:
            made.close()
        else:
            self._http1.add(made)
            made.carry(exchange)
        self._end_if_unused()

    async def _connect_http2(self) -> None:
        from s2mock.upstream.http1 import Http1Connection
        from s2mock.upstream.http2 import Http2Connection

        http2 = Http2Connection(self._address.scheme, self._http2_is_lost)
        http1 = Http1Connection(self._http1_is_idle, self._http1_is_lost)
        spoken = await self._connect(http2, http1)
        waiting, self._waiting = self._waiting, []
        if spoken is http2:
            self._http2 = http2
        elif spoken is http1:
            self._owner.has_http2 = False
            self._http1.add(http1)
        for exchange in waiting:
            if isinstance(spoken, str):
                exchange.receive(Broken(spoken, has_sent=True))
            elif not exchange.is_cancelled:
                self.carry(exchange)
        if spoken is http1 and http1.can_carry:
            # All that waited for it were cancelled.
            http1.close()
        self._end_if_unused()

    async def _connect(self, *protocols: "_Spoken") -> "_Spoken | str":
        """Connect to the upstream; return the protocol that it speaks, or why that failed.

        Over TLS all of them are offered, in this order; otherwise it is the first.
        """
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                if self._address.is_secure:
                    return await self._connect_by_tls(protocols)
                await self._connect_plainly(protocols[0])
                return protocols[0]
        except TimeoutError:
            return f"took no connection within {_CONNECT_SECONDS:g} s"
        except OSError as error:
            return unreachable_reason(error)

    async def _connect_plainly(self, protocol: asyncio.Protocol) -> None:
        loop = self._loop
        if isinstance(loop, ServerLoop):
            # As the server connects that has its own thread.
            connected, address = await self._connect_socket()
            _transports.add(_Transport(connected, address, loop, protocol))
        else:
            host, port = self._address.host, self._address.port
            await loop.create_connection(lambda: protocol, host, port)

    async def _connect_by_tls(self, protocols: "tuple[_Spoken, ...]") -> "_Spoken":
        from s2mock.runtime.tls_trust import client_context

        connected, _ = await self._connect_socket()
        _tls_sockets.add(connected)
        _, choice = await self._loop.create_connection(
            lambda: _Choice(protocols),
            sock=connected,
            ssl=client_context(*(protocol.alpn for protocol in protocols)),
            server_hostname=self._address.host,
        )
        return choice.chosen

    async def _connect_socket(self) -> tuple[socket.socket, Any]:
        """Return a socket that is connected to the upstream, and its address. Raises `OSError`."""
        loop = self._loop
        found = await loop.getaddrinfo(
            self._address.host, self._address.port, type=socket.SOCK_STREAM
        )
        failure: OSError | None = None
        for family, kind, number, _, address in found:
            connected = socket.socket(family, kind, number)
            connected.setblocking(False)
            try:
                await loop.sock_connect(connected, address)
            except OSError as error:
                connected.close()
                failure = error
            except BaseException:
                connected.close()
                raise
            else:
                return connected, address
        assert failure is not None
        raise failure

    def _http1_is_idle(self, connection: "Http1Connection") -> None:
        if self._is_retired:
            connection.close()

    def _http1_is_lost(self, connection: "Http1Connection", by_upstream: bool) -> None:
        self._http1.discard(connection)
        # A client of HTTP/2 does not see which connections its requests take from here.
        if by_upstream and not self._http1 and not self._is_of_http2:
            self._retire_client(at_once=True)
        self._end_if_unused()

    def _http2_is_lost(self, connection: "Http2Connection", by_upstream: bool) -> None:
        if connection is self._http2:
            self._http2 = None
            if by_upstream:
                # Behind what the upstream had sent before.
                self._retire_client(at_once=connection.is_busy)
        if connection.is_lost:
            self._leaving.discard(connection)
        else:
            self._leaving.add(connection)
        self._end_if_unused()

    def _retire_client(self, *, at_once: bool) -> None:
        """End the client's connection as the upstream has ended the one for it."""
        if self.retire_client is not None and not self._is_retired:
            self.retire_client(at_once=at_once)

    def _end_if_unused(self) -> None:
        """Forget the pair once its client has left, and all that it had begun is over."""
        if not self._is_retired or self._waiting or self._http1 or self._leaving:
            return
        if self._http2 is not None:
            if self._http2.is_busy:
                self._http2.close_when_idle()
            else:
                self._http2.close()
        if self._http2 is None:
            self._owner.discard(self)


class _Choice(asyncio.Protocol):
    """Hands a new connection to the one of some protocols that its TLS handshake has chosen."""

    def __init__(self, protocols: "tuple[_Spoken, ...]") -> None:
        self._by_alpn = {protocol.alpn: protocol for protocol in protocols}
        # A server without ALPN speaks HTTP/1.1.
        self.chosen: _Spoken = protocols[-1]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand over the connection, before anything is received."""
        alpn = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        self.chosen = self._by_alpn.get(alpn, self.chosen)
        cast("asyncio.Transport", transport).set_protocol(self.chosen)
        self.chosen.connection_made(transport)


class _Transport(SocketTransport):
    """A transport that hands over what was received before its connection broke.

    A server may refuse a request, and close, before it has received all of it.
    """

    def can_write_eof(self) -> bool:
        """Return True: the output may end before the input."""
        return True

    def _lose(self, error: OSError) -> None:
        with suppress(OSError):
            while not self._is_closed and (data := self._socket.recv(_RECEIVE_BYTES)):
                self._protocol.data_received(data)
        if not self._is_closed:
            super()._lose(error)


_transports: "weakref.WeakSet[SocketTransport]" = weakref.WeakSet()
# Of connections by TLS, whose transports are asyncio's.
_tls_sockets: "weakref.WeakSet[socket.socket]" = weakref.WeakSet()


def _abandon_all() -> None:
    """Give back the descriptors in a forked child; the connections are the parent's."""
    for transport in list(_transports):
        transport.abandon()
    for connected in list(_tls_sockets):
        connected.close()


os.register_at_fork(after_in_child=_abandon_all)


def _run_loop(loop: ServerLoop) -> None:
    try:
        loop.run()
    finally:
        loop.close()
