"""The server of one mock, or of all mocks of a session, which starts when its URL is used."""

import os
import threading
import warnings
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from s2mock.runtime import failures, mock_tokens
from s2mock.runtime.arguments import check_host, check_port
from s2mock.runtime.conversation import Conversation, Head
from s2mock.runtime.environ import bearer
from s2mock.server.waiting_port import WaitingPort

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from s2mock.server.output_gate import SyncedLog
    from s2mock.server.server import Server
    from s2mock.server.tls import Certificate

_MAX_PORT = 65_535


class Answering(Protocol):
    """The application behind a server."""

    def converse(self, environ: dict[str, Any]) -> Conversation:
        """Answer one request, step by step."""


class LazyServer:
    """A port that listens when its address is first asked for, in front of one app at a time.

    One that is forgotten while it listens is stopped with a `ResourceWarning`, unless another will
    see to it (`is_kept`). Raises `ValueError` for a host or a port that no address has.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, is_kept: bool = False) -> None:
        check_port(port)
        check_host(host)
        self._address = (host, port)
        self._is_kept = is_kept
        self._port: WaitingPort | None = None
        self._starting = threading.Lock()
        self.app: Answering | None = None
        self.certificate: Certificate | None = None
        """The certificate for new connections, which speak TLS then; None for plain HTTP."""
        self.synced_log: SyncedLog | None = None
        """A log for which the server's output is to wait; set before the server is loaded."""
        _of_this_process.add(self)

    def __repr__(self) -> str:
        return f"<Listening on {self._port.url if self._port else 'nothing yet'}>"

    @property
    def host(self) -> str:
        """The address that it listens on."""
        return self._address[0]

    @property
    def started(self) -> bool:
        """Whether it listens."""
        return self._port is not None

    @property
    def url(self) -> str:
        """The base URL; listening from now on. Raises `OSError` if the address cannot be had."""
        with self._starting:
            if self._port is None:
                host, port = self._address
                # What is in front of the app is not what keeps it alive.
                this = weakref.ref(self)
                self._port = WaitingPort(host, port, partial(_make_server, this, host))
                # At the end of the process no test is left to warn.
                self._forgotten = weakref.finalize(
                    self, _stop_forgotten, self._port, warns=not self._is_kept
                )
                self._forgotten.atexit = False
            url = self._port.url
        return url if self.certificate is None else f"https{url.removeprefix('http')}"

    @property
    def is_loaded(self) -> bool:
        """True from the first connection on, or from `load` on."""
        return self._port is not None and self._port.server is not None

    def load(self) -> None:
        """Load the server now if it listens, and not with the first connection.

        Raises `OSError`, `ImportError`.
        """
        if self._port is not None and self._port.server is None:
            self._port.load()

    def call(self, function: "Callable[[], object]") -> None:
        """Call it, on the server's thread if there is one, and return when that is done."""
        if self._port is not None:
            self._port.call(function)
        else:
            function()

    def drop_connections(self) -> None:
        """Drop every connection; it goes on listening."""
        if self._port is not None and (server := self._port.server) is not None:
            server.drop_connections()

    def refuse(self) -> None:
        """Drop every connection and refuse new ones; the port stays ours."""
        if self._port is not None and (server := self._port.load()) is not None:
            server.refuse()

    def accept(self) -> None:
        """Accept connections again."""
        if self._port is not None and (server := self._port.server) is not None:
            server.accept()

    def stop(self) -> None:
        """Stop listening and drop every connection. Stopping twice is harmless."""
        with self._starting:
            port, self._port = self._port, None
        if port is not None:
            self._forgotten.detach()
            port.stop()

    def _begin_anew(self) -> None:
        """Forget the parent's server in a forked child, and its lock, which a thread may hold."""
        self._starting = threading.Lock()
        if self._port is not None:
            self._forgotten.detach()
            self._port.abandon()
            self._port = None


_of_this_process: "weakref.WeakSet[LazyServer]" = weakref.WeakSet()


def _begin_all_anew() -> None:
    for listening in list(_of_this_process):
        listening._begin_anew()  # noqa: SLF001  # of this module


os.register_at_fork(after_in_child=_begin_all_anew)


def _make_server(
    this: "weakref.ref[LazyServer]", host: str, listening: "socket.socket"
) -> "Server":
    from s2mock.server.server import Server

    return Server(
        lambda environ: _converse(this, environ),
        host=host,
        on_error=failures.note,
        listening=listening,
        certificate=lambda: _certificate(this),
        synced_log=_synced_log(this),
    )


def _synced_log(this: "weakref.ref[LazyServer]") -> "SyncedLog | None":
    listening = this()
    return None if listening is None else listening.synced_log


def _certificate(this: "weakref.ref[LazyServer]") -> "Certificate | None":
    listening = this()
    return None if listening is None else listening.certificate


def _converse(this: "weakref.ref[LazyServer]", environ: dict[str, Any]) -> Conversation:
    listening = this()
    app = None if listening is None else listening.app
    if app is not None:
        return app.converse(environ)
    return _answer_without_app(environ)


def _answer_without_app(environ: dict[str, Any]) -> Conversation:
    """The answer where no mock is in use: a late request is told not to come again."""
    token = bearer(environ)
    if late := mock_tokens.is_ended(token):
        mock_tokens.note_late(token, environ["REQUEST_METHOD"], environ["PATH_INFO"])
    text = b"no s2_mock is in use: the test that this request belongs to has ended\n"
    yield Head(401 if late else 503, [("content-type", "text/plain")], text)


def _stop_forgotten(port: WaitingPort, *, warns: bool) -> None:
    # First, since a warning may be an error.
    port.stop()
    if warns:
        warnings.warn(
            f"an S2Mock that listened on {port.url} was never closed: use it in a `with` block, "
            "or call close()",
            ResourceWarning,
            stacklevel=2,
        )
