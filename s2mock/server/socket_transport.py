"""An asyncio transport over a socket, for the server that has its own thread.

asyncio's own transports cost that server 1.3 to 1.5 times the processor time for each new
connection, since they are made by a task. They close a socket one turn late, so a client could
still use a connection that `drop_connections` has dropped.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from typing import Any

# Read from a socket at once.
_RECEIVE_BYTES = 256 * 1024
# As many buffers as one call may take everywhere.
_SEND_BUFFERS = 64

Buffer = bytes | bytearray | memoryview


class SocketTransport(asyncio.Transport):
    """A connected socket, watched by a loop with `add_reader` and `add_writer`.

    It offers the part of a transport that `Connection` uses. `abort` closes the socket at once and
    does not call `connection_lost`.
    """

    def __init__(
        self,
        connected: socket.socket,
        address: Any,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.Protocol,
    ) -> None:
        super().__init__({"socket": connected, "peername": address})
        connected.setblocking(False)
        with suppress(OSError):
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connected
        self._descriptor = connected.fileno()
        self._loop = loop
        self._protocol = protocol
        self._unsent: deque[Buffer] = deque()
        self._unsent_bytes = 0
        self._is_reading = False
        self._is_closed = False
        self.resume_reading()
        protocol.connection_made(self)

    def is_closing(self) -> bool:
        """Return True if the socket has been closed."""
        return self._is_closed

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing: `resume_writing` is always called when the buffer has become empty."""

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that the operating system has not taken yet."""
        return self._unsent_bytes

    def write(self, data: Buffer) -> None:
        """Send the bytes, at once as far as the operating system takes them."""
        if self._is_closed:
            return
        if not self._unsent:
            # The most frequent case: one answer, which the operating system takes as a whole.
            try:
                sent = self._socket.send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as error:
                self._lose(error)
                return
            if sent == len(data):
                return
            data = memoryview(data)[sent:]
            self._loop.add_writer(self._descriptor, self._send_rest)
        self._unsent.append(data)
        self._unsent_bytes += len(data)

    def writelines(self, list_of_data: Iterable[Buffer]) -> None:
        """Send several pieces, at once as far as the operating system takes them."""
        if self._is_closed:
            return
        is_waiting = bool(self._unsent)
        self._unsent.extend(list_of_data)
        self._unsent_bytes = sum(map(len, self._unsent))
        if not is_waiting:
            self._send()
            if self._unsent:
                self._loop.add_writer(self._descriptor, self._send_rest)

    def write_eof(self) -> None:
        """Send the end of the output. Raises `OSError` if the client has closed the connection."""
        self._socket.shutdown(socket.SHUT_WR)

    def pause_reading(self) -> None:
        """Leave input with the operating system until `resume_reading`."""
        if self._is_reading:
            self._is_reading = False
            self._loop.remove_reader(self._descriptor)

    def resume_reading(self) -> None:
        """Read input again after `pause_reading`."""
        if not (self._is_reading or self._is_closed):
            self._is_reading = True
            self._loop.add_reader(self._descriptor, self._receive)

    def abort(self) -> None:
        """Close the socket at once, without sending what is unsent."""
        if self._is_closed:
            return
        self._is_closed = True
        self.pause_reading()
        if self._unsent:
            self._loop.remove_writer(self._descriptor)
            self._unsent.clear()
            self._unsent_bytes = 0
        self._socket.close()

    def abandon(self) -> None:
        """Close the descriptor in a forked child, and do nothing else."""
        self._is_closed = True
        self._socket.close()

    def _lose(self, error: OSError) -> None:
        self.abort()
        self._protocol.connection_lost(error)

    def _receive(self) -> None:
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(error)
            return
        if data:
            self._protocol.data_received(data)
        else:
            self.pause_reading()
            self._protocol.eof_received()

    def _send_rest(self) -> None:
        self._send()
        if not (self._unsent or self._is_closed):
            self._loop.remove_writer(self._descriptor)
            self._protocol.resume_writing()

    def _send(self) -> None:
        unsent = self._unsent
        while unsent:
            try:
                sent = self._socket.sendmsg(list(islice(unsent, _SEND_BUFFERS)))
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._lose(error)
                return
            self._unsent_bytes -= sent
            while sent:
                first = unsent[0]
                if sent < len(first):
                    unsent[0] = memoryview(first)[sent:]
                    break
                sent -= len(first)
                unsent.popleft()
