"""A server with a thread of its own, and the connections on its port."""

import os
import socket
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from s2mock.runtime.conversation import Application
from s2mock.server.addresses import listen
from s2mock.server.client_protocol import make_client_protocol
from s2mock.server.context import Context, failure_reporter
from s2mock.server.event_loop import ServerLoop
from s2mock.server.listener import Listener
from s2mock.server.socket_transport import SocketTransport
from s2mock.server.workers import Workers

if TYPE_CHECKING:
    from s2mock.server.output_gate import SyncedLog
    from s2mock.server.tls import Certificate


class Server:
    """An application on a port of `host`, from construction until `stop()`.

    HTTP/1.0, HTTP/1.1 and HTTP/2 with prior knowledge on the same port. `port` 0 picks a free
    one; with `listening`, a socket of the caller's listens there already. `certificate` returns
    that of new connections, which speak TLS then, or None for plain HTTP. With `synced_log`, output
    waits until what was written to that log before is safe. `on_error` is called, on
    the server's thread, with every exception that a conversation or the server itself raises. All
    are logged too; that of a conversation is answered with an empty 500 if nothing has been sent
    yet. Any thread may call any method. Raises `OSError` if the address cannot be bound.
    """

    def __init__(
        self,
        application: Application,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        on_error: Callable[[BaseException], None] | None = None,
        listening: socket.socket | None = None,
        certificate: "Callable[[], Certificate | None]" = lambda: None,
        synced_log: "SyncedLog | None" = None,
    ) -> None:
        self.host = host
        self._certificate = certificate
        self._lock = threading.Lock()
        self._is_stopped = False
        self._has_ended = False
        self._calls: set[threading.Event] = set()
        report = failure_reporter(on_error)
        self._loop = ServerLoop(report)
        try:
            opened = listen(host, port) if listening is None else listening
            try:
                self._listener = Listener(opened, self._loop, self._begin)
            except BaseException:
                if listening is None:
                    opened.close()
                raise
        except BaseException:
            self._loop.close()
            raise
        self.port: int = self._listener.port
        name = f"s2mock-{self.port}"
        self._workers = Workers(name)
        self._context = Context(
            application,
            self._loop,
            self._workers,
            (host, self.port),
            report,
            self._loop.time,
            defers_sending=True,
        )
        self._loop.call_after_each_turn(self._context.flush_all)
        self._gate = None
        if synced_log is not None:
            from s2mock.server.output_gate import OutputGate

            self._gate = OutputGate(synced_log, self._loop, f"{name}-sync")
        self._listener.watch()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        _servers.add(self)
        self._thread.start()

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return self._context.url

    def stop(self) -> None:
        """Stop listening, drop every connection, and close every conversation.

        Stopping twice is harmless. The thread has ended when this returns, unless this is that
        thread.
        """
        with self._lock:
            is_first, self._is_stopped = not self._is_stopped, True
        if is_first:
            self._context.call_from_any_thread(self._loop.stop)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def drop_connections(self) -> None:
        """Drop every open connection and close all conversations. Listening goes on."""
        self.call(self._context.drop_connections)

    def refuse(self) -> None:
        """Begin an outage: connections are dropped, and new ones refused until `accept()`.

        The port stays taken. Raises `OSError` if there are no descriptors for that.
        """
        self.call(self._refuse)

    def accept(self) -> None:
        """End an outage: listen again on the same port."""
        self.call(self._listener.accept)

    def call(self, function: Callable[[], object]) -> None:
        """Call the function on the server's thread and wait; do nothing after the server's end."""
        if threading.current_thread() is self._thread:
            function()
            return
        is_done = threading.Event()
        raised: list[BaseException] = []

        def call() -> None:
            try:
                function()
            except BaseException as error:  # noqa: BLE001  # raised again below
                raised.append(error)
            self._context.flush_all()
            is_done.set()

        with self._lock:
            if self._has_ended:
                return
            self._calls.add(is_done)
        self._context.call_from_any_thread(call)
        # The end of the loop sets it too.
        is_done.wait()
        self._calls.discard(is_done)
        if raised:
            raise raised[0]

    def _begin(self, client: socket.socket, address: Any) -> None:
        protocol = make_client_protocol(self._context, self._certificate(), gate=self._gate)
        try:
            SocketTransport(client, address, self._loop, protocol)
        except OSError:
            # The client has disconnected, or the selector takes no more descriptors.
            client.close()

    def _refuse(self) -> None:
        self._listener.refuse()
        self._context.drop_connections()

    def _run(self) -> None:
        try:
            self._loop.run()
        finally:
            self._listener.close()
            self._context.drop_connections()
            with self._lock:
                self._has_ended = True
            self._loop.close()
            for is_done in list(self._calls):
                is_done.set()
            self._workers.stop()
            if self._gate is not None:
                self._gate.stop()

    def _abandon(self) -> None:
        """Give back the descriptors in a forked child; the server is the parent's."""
        self._lock = threading.Lock()
        if self._is_stopped:
            return
        self._is_stopped = self._has_ended = True
        self._loop.abandon()
        if threading.current_thread() is self._thread:
            # A conversation has forked. `_run` closes the loop after this turn.
            self._loop.stop()
        else:
            self._loop.close()
        self._listener.close()
        for connection in list(self._context.connections):
            transport: Any = connection.transport
            transport.abandon()


_servers: "weakref.WeakSet[Server]" = weakref.WeakSet()


def _abandon_all() -> None:
    for server in list(_servers):
        server._abandon()  # noqa: SLF001  # of this module


os.register_at_fork(after_in_child=_abandon_all)
