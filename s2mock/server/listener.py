"""The listening socket: it accepts connections, and refuses them without descriptors to spare."""

import errno
import logging
import os
import resource
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from s2mock.server.addresses import listen, reachable_host
from s2mock.server.event_loop import ServerLoop

_log = logging.getLogger("s2mock")

# Connections accepted before other callbacks of the loop have a turn.
_ACCEPTED_PER_TURN = 64
# Descriptors that no connection takes: requests need them for modules and files that are loaded on
# first use.
_LEFT_FOR_REQUESTS = 8
# Seconds after one logged refusal for lack of descriptors until the next is logged.
_LOG_SECONDS = 10.0

# Seconds without accepting, after a connection could neither be accepted nor turned away.
_PAUSE_SECONDS = 0.1

_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

Accepted = Callable[[socket.socket, Any], object]


class Listener:
    """Accepts the connections of a listening socket, from `watch` on.

    Raises `OSError` without descriptors to spare, and leaves the socket open then.
    """

    def __init__(self, listening: socket.socket, loop: ServerLoop, accepted: Accepted) -> None:
        self._loop = loop
        self._accepted = accepted
        self._is_watched = False
        self._socket = listening
        self._address: tuple[Any, ...] = self._socket.getsockname()
        self.port: int = self._address[1]
        # Closed for a moment when there are no others, so that a waiting connection can be closed.
        self._reserve: int | None = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._last_logged = float("-inf")
        # Both ends of the connection that keeps the port during an outage.
        self._kept: tuple[socket.socket, ...] = ()

    def watch(self) -> None:
        """Begin to accept connections. This and all further calls belong to the loop's thread."""
        self._loop.add_reader(self._socket, self._accept)
        self._is_watched = True

    def refuse(self) -> None:
        """Stop listening, and keep the port. Doing so twice is harmless.

        A connection of our own to the port keeps it: on every system a port with a connection and
        without a listener refuses connections, and no other process can bind it. Raises `OSError`
        if there are no descriptors for that.
        """
        if self._kept:
            return
        client = socket.create_connection(self._reachable())
        try:
            kept = self._accept_only(client)
        except OSError:
            client.close()
            raise
        # Inherited from the listener: with it, another process could share the port.
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        self._kept = (kept, client)
        self._unwatch()
        self._socket.close()

    def accept(self) -> None:
        """Listen again on the same port."""
        if not self._kept:
            return
        self._kept[0].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket = listen(*self._address[:2])
        self.watch()
        self._let_go()

    def close(self) -> None:
        """Stop listening, and give back all descriptors."""
        self._socket.close()
        self._let_go()
        if self._reserve is not None:
            os.close(self._reserve)
            self._reserve = None

    def _let_go(self) -> None:
        """Close the connection that keeps the port, without a TIME_WAIT state."""
        for end in self._kept:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()
        self._kept = ()

    def _reachable(self) -> tuple[Any, ...]:
        """Return the address at which this process reaches the listener."""
        return reachable_host(self._address[0]), self.port

    def _accept_only(self, client: socket.socket) -> socket.socket:
        """Return the other end of that connection; drop the connections accepted before it."""
        self._socket.setblocking(True)
        try:
            while True:
                accepted, address = self._socket.accept()
                if address[:2] == client.getsockname()[:2]:
                    return accepted
                accepted.close()
        finally:
            self._socket.setblocking(False)

    def _accept(self) -> None:
        for _turn in range(_ACCEPTED_PER_TURN):
            try:
                accepted, address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    return
                if not self._turn_away(str(error.strerror)):
                    # The selector would report the waiting connection in every turn.
                    self._unwatch()
                    self._loop.call_later(_PAUSE_SECONDS, self._watch_again, self._socket)
                    return
                continue
            if _left_above(accepted) < _LEFT_FOR_REQUESTS:
                accepted.close()
                self._warn(f"it would leave fewer than {_LEFT_FOR_REQUESTS} files to open")
                continue
            self._accepted(accepted, address)

    def _unwatch(self) -> None:
        if self._is_watched:
            self._is_watched = False
            self._loop.remove_reader(self._socket)

    def _watch_again(self, listening: socket.socket) -> None:
        # It is another socket if an outage has begun since.
        if listening is self._socket and not self._kept and listening.fileno() >= 0:
            self.watch()

    def _turn_away(self, reason: str) -> bool:
        """Close one connection that there is no descriptor for; return True if there was one."""
        self._warn(reason)
        if self._reserve is not None:
            os.close(self._reserve)
            self._reserve = None
        turned_away = False
        with suppress(OSError):
            self._socket.accept()[0].close()
            turned_away = True
        # Another thread may have taken the descriptor; the next refusal tries again.
        with suppress(OSError):
            self._reserve = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        return turned_away

    def _warn(self, reason: str) -> None:
        """Log that a connection is refused, unless that was logged a moment ago."""
        now = self._loop.time()
        if now - self._last_logged > _LOG_SECONDS:
            self._last_logged = now
            _log.warning(
                "s2mock's server on port %d turns a new connection away: %s. "
                "Raise the limit of open files (ulimit -n), or close connections.",
                self.port,
                reason,
            )


def _left_above(accepted: socket.socket) -> float:
    """Return the number of descriptors above this one, which was the lowest free one."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return float("inf") if limit == resource.RLIM_INFINITY else limit - 1 - accepted.fileno()
