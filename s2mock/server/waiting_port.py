"""A port that listens, and loads its server with the first connection."""

import logging
import os
import select
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from s2mock.runtime.fork_locks import Rank, take_at_fork
from s2mock.runtime.loading import loading
from s2mock.server.addresses import listen, url_of

if TYPE_CHECKING:
    from s2mock.server.server import Server

_log = logging.getLogger("s2mock")

# The descriptors of a server beside its socket: two ends of a pipe, a selector and a reserve.
_DESCRIPTORS: Final = 4
# Milliseconds until the server is loaded again, after that has failed.
_PAUSE: Final = 100


class WaitingPort:
    """A port of `host` that listens from construction on, until `stop`.

    Many tests point their code at a URL, and make no call: the modules of the server are loaded
    with the first connection, in a thread of the port's own. `make_server` is called there, with
    the listening socket. Any thread may call any method. Raises `OSError` if the address cannot be
    bound, or if there are no descriptors for a server.
    """

    def __init__(
        self, host: str, port: int, make_server: Callable[[socket.socket], "Server"]
    ) -> None:
        self._make_server = make_server
        # Held while the server is loaded: a module would stay locked in a forked child.
        self._lock = threading.RLock()
        take_at_fork(self._lock, Rank.LOOP)
        self._server: Server | None = None
        self._is_stopped = False
        self._listening = listen(host, port)
        self.url: str = url_of(host, self._listening.getsockname()[1])
        """The base URL, without a slash at its end."""
        # Kept for the server, which cannot fail for lack of them then.
        self._reserved: list[int] = []
        try:
            self._wake, self._woken = socket.socketpair()
            for _ in range(_DESCRIPTORS):
                self._reserved.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            self.abandon()
            raise
        self._thread = threading.Thread(target=self._wait, name="s2mock-waiting", daemon=True)
        self._thread.start()

    @property
    def server(self) -> "Server | None":
        """The server; None if it is not loaded. Waits while it is being loaded."""
        with self._lock:
            return self._server

    def load(self) -> "Server | None":
        """Return the server, loaded now; None after `stop`. Raises `OSError`, `ImportError`."""
        with self._lock:
            if self._server is None and not self._is_stopped:
                self._give_back()
                with loading():
                    self._server = self._make_server(self._listening)
                self._wake.close()
            return self._server

    def call(self, function: Callable[[], object]) -> None:
        """Call the function on the server's thread, or here as long as there is no server."""
        with self._lock:
            server = self._server
            if server is None:
                function()
        if server is not None:
            server.call(function)

    def stop(self) -> None:
        """Stop listening, drop every connection, and stop the server. Only once."""
        with self._lock:
            self._is_stopped = True
            if self._server is None:
                self.abandon()
        if self._server is not None:
            self._server.stop()
        self._thread.join()

    def abandon(self) -> None:
        """Give back the descriptors that are not the server's; so in a forked child, too."""
        if self._server is None:
            self._listening.close()
        self._wake.close()
        self._give_back()

    def _give_back(self) -> None:
        for descriptor in self._reserved:
            os.close(descriptor)
        self._reserved = []

    def _wait(self) -> None:
        """Load the server when there is a connection, or end when another thread has done that."""
        # It needs no descriptor of its own, as a selector would.
        poll = select.poll()
        poll.register(self._listening, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        with self._woken:
            poll.poll()
            while True:
                try:
                    self.load()
                    return
                except (OSError, ImportError):
                    _log.exception("s2mock cannot load its server, and tries again")
                # No file can be opened. The end of the other socket ends the pause.
                pause = select.poll()
                pause.register(self._woken, select.POLLIN)
                pause.poll(_PAUSE)
