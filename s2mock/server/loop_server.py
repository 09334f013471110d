"""A server on an asyncio loop of the caller's, without a thread of its own."""

import asyncio
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from s2mock.runtime.conversation import Application
from s2mock.runtime.monotonic import monotonic
from s2mock.server.addresses import BACKLOG
from s2mock.server.client_protocol import make_client_protocol
from s2mock.server.context import Context, failure_reporter
from s2mock.server.workers import Workers

if TYPE_CHECKING:
    from s2mock.server.tls import Certificate

# How long, in seconds, a call from another thread waits for the loop, which may be blocked.
_CALL_SECONDS = 1.0


class LoopServer:
    """An S2 account on a port of the running asyncio loop, until `close()`.

    `S2Mock.serve` makes it. As an asynchronous context manager it closes itself at the end of the
    block. It uses asyncio's public interface only, so any loop can run it.
    """

    _context: Context
    _server: asyncio.Server

    def __init__(self, certificate: "Certificate | None" = None) -> None:
        self._certificate = certificate
        self.is_closed: bool = False
        # Number of connections whose transports are not closed yet.
        self._open = 0
        self._all_lost = asyncio.Event()

    @classmethod
    async def start(
        cls,
        application: Application,
        *,
        host: str,
        port: int,
        on_error: Callable[[BaseException], None],
        certificate: "Certificate | None" = None,
    ) -> Self:
        """Listen on that address, on the running loop; with a certificate by TLS.

        Raises `OSError`.
        """
        made = cls(certificate)
        loop = asyncio.get_running_loop()
        made._context = context = made._make_context(
            application,
            loop,
            Workers("s2mock-serve"),
            (host, port),
            failure_reporter(on_error),
            monotonic,
            "http" if certificate is None else "https",
        )
        server = made._server = await loop.create_server(
            made._make_connection,
            host,
            port,
            family=socket.AF_INET6 if ":" in host else socket.AF_INET,
            backlog=BACKLOG,
            # Connections need the number of the port. With a given one, loops that have no servers
            # which begin later can serve too.
            start_serving=bool(port),
        )
        if not port:
            context.server = (host, server.sockets[0].getsockname()[1])
            await server.start_serving()
        return made

    def __repr__(self) -> str:
        return f"<LoopServer at {self.url}{', closed' if self.is_closed else ''}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    _make_context: type[Context] = Context

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return self._context.url

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that it is served on."""
        return self._context.loop

    async def close(self) -> None:
        """Stop listening, drop every connection, and return when all descriptors are given back.

        Closing twice is harmless.
        """
        self._stop()
        if self._open:
            await self._all_lost.wait()

    def stop(self) -> None:
        """Stop listening and drop every connection, from any thread.

        The descriptors are given back in the next turn of the loop.
        """
        self._call(self._stop)

    def drop_connections(self) -> None:
        """Drop every connection and close all conversations, from any thread."""
        self._call(self._context.drop_connections)

    def refuse(self) -> None:
        """Begin an outage, from any thread: drop every connection, and new ones as they come."""
        self._context.is_refusing = True
        self.drop_connections()

    def accept(self) -> None:
        """End an outage."""
        self._context.is_refusing = self.is_closed

    def _stop(self) -> None:
        if self.is_closed:
            return
        self.is_closed = self._context.is_refusing = True
        self._server.close()
        if self._context.loop.is_closed():
            # Transports cannot be closed any more.
            for connection in list(self._context.connections):
                connection.connection_lost(None)
        self._context.drop_connections()
        self._context.workers.end()

    def _call(self, function: Callable[[], Any]) -> None:
        """Call the function where it cannot collide with a callback of the loop."""
        loop = self._context.loop
        if self._context.is_in_loop or not loop.is_running():
            function()
            return
        is_done = threading.Event()

        def call() -> None:
            function()
            # Sockets are closed in the turn after they were aborted.
            loop.call_soon(is_done.set)

        self._context.call_from_any_thread(call)
        is_done.wait(_CALL_SECONDS)

    def _make_connection(self) -> asyncio.Protocol:
        self._open += 1
        self._all_lost.clear()
        return make_client_protocol(self._context, self._certificate, on_lost=self._connection_lost)

    def _connection_lost(self) -> None:
        self._open -= 1
        if not self._open:
            self._all_lost.set()
