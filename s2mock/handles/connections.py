"""The connections of a mock's clients, to its server and to those on loops of a test's own."""

import weakref
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from s2mock.runtime.conversation import TURNS_TO_READ_AN_END
from s2mock.server.lazy_server import LazyServer

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from s2mock.control.router import ControlRouter
    from s2mock.registry.engine.engine import Engine
    from s2mock.runtime.conversation import Conversation
    from s2mock.server.loop_server import LoopServer
    from s2mock.server.tls import Certificate
    from s2mock.server.wsgi import WsgiApp


class Connections:
    """The connections of a mock's clients: those of its server, and calls by WSGI.

    `converse` answers a request to the mock. It is a method of the mock, which owns this.
    """

    def __init__(
        self,
        engine: "Engine",
        converse: "Callable[[dict[str, Any]], Conversation]",
        lazy_server: LazyServer,
    ) -> None:
        self.lazy_server = lazy_server
        self.app: WsgiApp | None = None
        # In front of its app, and of those of other accounts on the same port.
        self.router: ControlRouter | None = None
        self._engine = engine
        self._handler = _Handler(converse)
        # Those of `serve`, on loops of the test's own.
        self._loop_servers: list[LoopServer] = []

    @property
    def is_served(self) -> bool:
        """True if the server is in front of this mock, not of another."""
        return self.lazy_server.app is self._handler

    @property
    def ports(self) -> set[int]:
        """The ports at which the mock is served."""
        ports = {urlsplit(server.url).port or 0 for server in self._loop_servers}
        if self.lazy_server.started:
            ports.add(urlsplit(self.lazy_server.url).port or 0)
        return ports

    @property
    def loop(self) -> "asyncio.AbstractEventLoop | None":
        """The loop of the latest server on a loop of the test's own; None without one."""
        for server in reversed(self._loop_servers):
            if not server.is_closed and not server.loop.is_closed():
                return server.loop
        return None

    def listen(self, certificate: "Certificate | None") -> str:
        """Put the server in front of this mock, and return its URL. Raises `OSError`.

        With a certificate, new connections to it speak TLS.
        """
        self.lazy_server.certificate = certificate
        self.lazy_server.app = self._handler
        return self.lazy_server.url

    def drop(self) -> None:
        """Drop all connections; where other accounts share them, the requests to this one."""
        if self.router is not None:
            self.router.drop_calls(self._engine)
            return
        if self.is_served:
            self.lazy_server.drop_connections()
        for server in self._loop_servers:
            server.drop_connections()

    def refuse(self) -> None:
        """Drop all connections, and refuse new ones."""
        if self.is_served:
            self.lazy_server.refuse()
        for server in self._loop_servers:
            server.refuse()
        if self.app is not None:
            self.app.drop_calls()

    def accept(self) -> None:
        """Accept connections again."""
        if self.is_served:
            self.lazy_server.accept()
        for server in self._loop_servers:
            server.accept()

    def let_clients_leave(self, until: "Callable[[], bool]") -> bool:
        """Let the server handle the ends of connections that have arrived, if needed for `until`.

        Returns False if that is unknown: on a loop of the test's own, which may not run now.
        """
        if self._loop_servers:
            return False
        for _ in range(TURNS_TO_READ_AN_END):
            if until():
                break
            self.lazy_server.call(bool)
        return True

    def add_loop_server(self, server: "LoopServer") -> None:
        """Drop, refuse and end the connections of this server with the others."""
        self._loop_servers = [one for one in self._loop_servers if not one.is_closed]
        self._loop_servers.append(server)

    def end_loop_servers(self) -> None:
        """Stop the servers on loops of the test's own."""
        for server in self._loop_servers:
            server.stop()

    def end(self) -> None:
        """Drop all connections, and leave the server to other mocks."""
        if self.is_served:
            self.lazy_server.app = None
            self.lazy_server.drop_connections()


class _Handler:
    """A mock's app for the server. It is loaded with the first request.

    Many tests point their code here, and then make no call.
    """

    def __init__(self, converse: "Callable[[dict[str, Any]], Conversation]") -> None:
        # Weak, so that a mock that was not closed warns as soon as it is collected.
        self._converse = weakref.WeakMethod(converse)

    def converse(self, environ: dict[str, Any]) -> "Conversation":
        """Answer one request, step by step."""
        converse = self._converse()
        assert converse is not None, "a mock and its server end together"
        return converse(environ)
