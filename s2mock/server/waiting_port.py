"""A port that listens, and loads its server with the first connection."""

import logging
import os
import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from s2mock.runtime.fork_locks import Rank, take_at_fork
from s2mock.runtime.loading import loading
from s2mock.server.addresses import listen, url_of

if TYPE_CHECKING:
    from s2mock.server.server import Server

_log = logging.getLogger("s2mock")

# The descriptors of a server beside its socket: two ends of a pipe, a selector and a reserve. Two
# are those of this port.
_RESERVED: Final = 2
# Seconds until the server is loaded again, after that has failed.
_PAUSE: Final = 0.1


class WaitingPort:
    """A port of `host` that listens from construction on, until `stop`.

    Many tests point their code at a URL, and make no call: the modules of the server are loaded
    with the first connection, or with `load`. `make_server` is called then, with the listening
    socket, in a thread of the port's own. Any thread may call any method. Raises `OSError` if the
    address cannot be bound, or if there are no descriptors for a server.
    """

    def __init__(
        self, host: str, port: int, make_server: Callable[[socket.socket], "Server"]
    ) -> None:
        self._make_server = make_server
        # Held while the server is loaded: a module would stay locked in a forked child.
        self._lock = threading.RLock()
        take_at_fork(self._lock, Rank.LOOP)
        self._server: Server | None = None
        self._error: Exception | None = None
        self._has_tried = threading.Event()
        self._is_stopped = threading.Event()
        self._listening = listen(host, port)
        self.port: int = self._listening.getsockname()[1]
        # Kept for the server, which cannot fail for lack of them then.
        self._reserved: list[int] = []
        try:
            self._wake, self._woken = socket.socketpair()
        except OSError:
            self._listening.close()
            raise
        try:
            for _ in range(_RESERVED):
                self._reserved.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            self.abandon()
            raise
        self.url: str = url_of(host, self.port)
        """The base URL, without a slash at its end."""
        name = f"s2mock-{self.port}"
        self._thread = threading.Thread(target=self._wait, name=name, daemon=True)
        self._thread.start()

    @property
    def server(self) -> "Server | None":
        """The server; None if it is not loaded. Waits while it is being loaded."""
        with self._lock:
            return self._server

    def load(self) -> "Server | None":
        """Return the server, loaded now; None after `stop`. Raises `OSError`, `ImportError`."""
        self._end_wait()
        self._has_tried.wait()
        with self._lock:
            if self._error is not None:
                raise self._error
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
        self._is_stopped.set()
        self._end_wait()
        if threading.current_thread() is not self._thread:
            self._thread.join()
        if self._server is None:
            self.abandon()
        else:
            self._server.stop()

    def abandon(self) -> None:
        """Give back the descriptors that are not the server's; so in a forked child, too."""
        if self._server is None:
            self._listening.close()
        self._give_back()

    def _give_back(self) -> None:
        self._wake.close()
        self._woken.close()
        for descriptor in self._reserved:
            os.close(descriptor)
        self._reserved = []

    def _end_wait(self) -> None:
        with suppress(OSError):  # its other end is closed after the wait
            self._wake.send(b"x")

    def _wait(self) -> None:
        """Load the server when there is a connection, or when another thread needs it."""
        # A selector would take a descriptor.
        poll = select.poll()
        poll.register(self._listening, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        poll.poll()
        while not self._is_stopped.is_set() and not self._try():
            self._is_stopped.wait(_PAUSE)
        self._has_tried.set()

    def _try(self) -> bool:
        """Load the server; return False if that has failed."""
        with self._lock:
            self._give_back()
            try:
                with loading():
                    self._server = self._make_server(self._listening)
            except (OSError, ImportError) as error:
                # No file can be opened, for example.
                _log.exception("s2mock cannot load its server, and tries again")
                self._error = error
            else:
                self._error = None
                if self._is_stopped.is_set():
                    # Stopped within `make_server`, where this thread has dropped its last user.
                    self._server.stop()
        self._has_tried.set()
        return self._error is None
