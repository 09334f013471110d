"""A connection: its socket, and what is unsent on it."""

import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Any, Final, Protocol

from s2mock.server.context import Context
from s2mock.server.loop import READ, WRITE, Timer

# What is read from a socket at once.
_RECEIVE_BYTES = 64 * 1024
# How long a client that is still sending is listened to after the last answer. Closed before it
# has read that answer, the connection would be reset, and the answer lost with it.
_LINGER_SECONDS = 1.0
# So much is sent as one buffer, which takes less than to send several.
_JOINED_BYTES = 16 * 1024
# As many buffers as one call may take everywhere.
_SEND_BUFFERS = 64
# The last answer leaves together with the end of the connection, where the system can do that. A
# client that had the answer alone could send its next request on this connection, and lose it.
# Only before a shutdown: a close with something unread would throw away what is held back.
_WITH_THE_END = getattr(socket, "MSG_MORE", 0)

# So much may wait in the operating system beyond what the client has room for. A client that does
# not read is noticed by that; without it, some systems take megabytes.
_WAITING_BYTES = 128 * 1024
_WAITING_OPTION = getattr(socket, "TCP_NOTSENT_LOWAT", None)

MAX_UNSENT_BYTES: Final = 256 * 1024
"""A conversation is not resumed while more than so much is unsent."""


class Speaker(Protocol):
    """A protocol on a connection."""

    def receive(self, data: bytes) -> None:
        """Bytes have come."""

    def end_of_input(self) -> None:
        """The client sends no more. It may still be reading."""

    def has_room(self) -> None:
        """All that was unsent is on its way."""

    def close(self) -> None:
        """The connection is gone: close all conversations."""


# Which protocol the first bytes are in, whether or not they are all; None while that is open.
Recognise = Callable[["Connection", bytes, bool], Speaker | None]


class Connection:
    """A socket with a client at its other end. It belongs to the loop's thread."""

    def __init__(
        self, client: socket.socket, address: Any, context: Context, recognise: Recognise
    ) -> None:
        client.setblocking(False)
        with suppress(OSError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if _WAITING_OPTION is not None:
                client.setsockopt(socket.IPPROTO_TCP, _WAITING_OPTION, _WAITING_BYTES)
        self._socket = client
        self._loop = context.loop
        self.context = context
        self.number: int = next(context.numbers)
        self.client_host: str = str(address[0]) if address else ""
        self.unsent: int = 0
        """Bytes that have been written and not been taken by the operating system."""
        self._out: deque[bytes | memoryview] = deque()
        self._events = READ
        # Whether the operating system has taken less than it was offered, since `has_room`.
        self._is_blocked = False
        self._is_closing = False
        self._is_input_left = False
        self._linger: Timer | None = None
        self.is_closed: bool = False
        self._early = b""
        self._recognise = recognise
        self._speaker: Speaker | None = None
        context.connections.add(self)
        self._loop.watch(client, READ, self._on_ready)

    @property
    def is_open(self) -> bool:
        """Whether anything more can be asked for and answered on it."""
        return not (self.is_closed or self._is_closing)

    def write(self, data: bytes | memoryview) -> None:
        """Send this after what was written before, with the next `flush`."""
        if not self.is_closed:
            self._out.append(data)
            self.unsent += len(data)

    def flush(self) -> None:
        """Hand over to the operating system as much as it takes."""
        if self.is_closed:
            return
        out = self._out
        flags = _WITH_THE_END if self._is_closing and self._is_input_left else 0
        while out:
            try:
                if self.unsent <= _JOINED_BYTES and len(out) > 1:
                    joined = b"".join(out)
                    out.clear()
                    out.append(joined)
                if len(out) == 1:
                    sent = self._socket.send(out[0], flags)
                else:
                    sent = self._socket.sendmsg(list(islice(out, _SEND_BUFFERS)), (), flags)
            except (BlockingIOError, InterruptedError):
                self._is_blocked = True
                break
            except OSError:
                self.abort()
                return
            self._take_away(sent)
        if self._is_closing and not out:
            self._end()
            return
        if self._is_blocked and not out:
            self._is_blocked = False
            self._loop.call_soon(self._tell_of_room)
        self._watch(self._events & READ | (WRITE if out else 0))

    def receive_now(self) -> bytes:
        """What has come and has not been read, without waiting; empty if there is nothing."""
        if not self.is_closed:
            with suppress(OSError):
                return self._socket.recv(_RECEIVE_BYTES)
        return b""

    def pause_reading(self) -> None:
        """Leave with the operating system what comes, until `resume_reading`."""
        if not self.is_closed:
            self._watch(self._events & WRITE)

    def resume_reading(self) -> None:
        """Read again."""
        if not self._is_closing and not self.is_closed:
            self._watch(self._events | READ)

    def close(self, *, is_input_left: bool = False) -> None:
        """Take nothing more, and close when all that was written has been sent.

        With `is_input_left` the client may still be sending.
        """
        self._is_input_left |= is_input_left
        if not self._is_closing:
            self._is_closing = True
            self.pause_reading()
        self.flush()

    def abort(self) -> None:
        """Close at once."""
        if self.is_closed:
            return
        self._watch(0)
        self.is_closed = True
        if self._linger is not None:
            self._loop.cancel(self._linger)
        self.context.connections.discard(self)
        self._out.clear()
        self.unsent = 0
        self._socket.close()
        if self._speaker is not None:
            self._speaker.close()

    def _end(self) -> None:
        """All has been sent."""
        if not self._is_input_left:
            self.abort()
        elif self._linger is None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
            self._linger = self._loop.call_later(_LINGER_SECONDS, self.abort)
            self._watch(READ)

    def abandon(self) -> None:
        """Close the descriptor in a forked child, and do nothing else."""
        self.is_closed = True
        self._socket.close()

    def _watch(self, events: int) -> None:
        before, self._events = self._events, events
        if events == before:
            return
        if not before:
            self._loop.watch(self._socket, events, self._on_ready)
        elif events:
            self._loop.rewatch(self._socket, events, self._on_ready)
        else:
            self._loop.unwatch(self._socket)

    def _take_away(self, sent: int) -> None:
        self.unsent -= sent
        out = self._out
        while sent:
            first = out[0]
            if sent < len(first):
                out[0] = memoryview(first)[sent:]
                return
            sent -= len(first)
            out.popleft()

    def _on_ready(self, events: int) -> None:
        if events & WRITE:
            self.flush()
        if events & READ and self._events & READ and not self.is_closed:
            self._receive()

    def _tell_of_room(self) -> None:
        if self._speaker is not None and not self.is_closed:
            self._speaker.has_room()
            self.flush()

    def _receive(self) -> None:
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.abort()
            return
        is_at_end = not data
        if self._is_closing:
            if is_at_end:
                self.abort()
            return
        if self._speaker is None:
            data = self._early + data
            self._speaker = self._recognise(self, data, is_at_end)
            self._early = b"" if self._speaker else data
        if self._speaker is not None:
            if data:
                self._speaker.receive(data)
            if is_at_end and not self.is_closed:
                self._speaker.end_of_input()
        self.flush()
