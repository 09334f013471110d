"""The server of one mock, or of all mocks of a test session: it starts when somebody asks."""

import threading
import warnings
import weakref
from typing import TYPE_CHECKING, Any, Protocol

from s2mock import failures, own_tokens
from s2mock.conversation import Conversation, Head

if TYPE_CHECKING:
    from s2mock.server import Server

_MAX_PORT = 65_535


class Answering(Protocol):
    """What stands behind a server: an app."""

    def converse(self, environ: dict[str, Any]) -> Conversation:
        """Answer one request, step by step."""


class Listening:
    """A server that starts when its address is first asked for, in front of one app at a time.

    Raises `ValueError` for a port that no address has.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= _MAX_PORT:
            raise ValueError(f"port must be a number from 0 to {_MAX_PORT}, not {port!r}")
        self._address = (host, port)
        self._server: Server | None = None
        self._starting = threading.Lock()
        self.app: Answering | None = None

    def __repr__(self) -> str:
        return f"<Listening on {self._server.url if self._server else 'nothing yet'}>"

    @property
    def started(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    @property
    def url(self) -> str:
        """The base URL; listening from now on. Raises `OSError` if the address cannot be had."""
        with self._starting:
            if self._server is None:
                from s2mock.server import Server

                host, port = self._address
                # What is in front of the app is not what keeps it alive.
                this = weakref.ref(self)
                self._server = Server(
                    lambda environ: _converse(this, environ),
                    host=host,
                    port=port,
                    on_error=failures.note,
                )
                # At the end of the process there is nobody left to warn.
                self._warning = weakref.finalize(self, _forgotten, self._server)
                self._warning.atexit = False
            return _reachable(self._server.url)

    def drop_connections(self) -> None:
        """Drop every connection; it goes on listening."""
        if self._server is not None:
            self._server.drop_connections()

    def refuse(self) -> None:
        """Drop every connection and refuse new ones; the port stays ours."""
        if self._server is not None:
            self._server.refuse()

    def accept(self) -> None:
        """Accept connections again."""
        if self._server is not None:
            self._server.accept()

    def stop(self) -> None:
        """Stop listening and drop every connection. Stopping twice is harmless."""
        with self._starting:
            server, self._server = self._server, None
        if server is not None:
            self._warning.detach()
            server.stop()


def _reachable(url: str) -> str:
    """The URL, with the machine's own address in place of the one that stands for all of them."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def _converse(this: "weakref.ref[Listening]", environ: dict[str, Any]) -> Conversation:
    listening = this()
    app = None if listening is None else listening.app
    if app is not None:
        return app.converse(environ)
    return _nobody(environ)


def _nobody(environ: dict[str, Any]) -> Conversation:
    """The answer where no mock is in use: a late request is told not to come again."""
    late = own_tokens.is_ended(own_tokens.bearer(environ))
    text = b"no s2_mock is in use: the test that this request belongs to has ended\n"
    yield Head(401 if late else 503, [("content-type", "text/plain")], text)


def _forgotten(server: "Server") -> None:
    warnings.warn(
        f"an S2Mock that listened on {server.url} was never closed: use it in a `with` block, or "
        "call close()",
        ResourceWarning,
        stacklevel=2,
    )
    server.stop()
