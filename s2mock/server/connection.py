"""A connection: a transport, the protocol that its client speaks, and what is unsent."""

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol, cast

from s2mock.runtime.environ import ON_END
from s2mock.server.context import Context

# Read at once outside of the transport.
_RECEIVE_BYTES = 64 * 1024
# How long, in seconds, a client that is still sending is read from after the last answer. Closed
# before the client has read that answer, the connection would be reset, and the answer lost.
_LINGER_SECONDS = 1.0
# Up to this size, one joined buffer costs less than several.
_JOINED_BYTES = 16 * 1024
# Holds back the last answer until the end of the connection leaves with it, where the system can
# do that. A client that had the answer alone could send its next request on this connection, and
# lose it.
_HOLD_BACK_OPTION = getattr(socket, "TCP_CORK", None)
# At most this much waits in the operating system beyond the client's receive window. A client that
# does not read is noticed by that; without it, some systems take megabytes.
_WAITING_BYTES = 128 * 1024
_WAITING_OPTION = getattr(socket, "TCP_NOTSENT_LOWAT", None)

MAX_UNSENT_BYTES: Final = 256 * 1024
"""A conversation is not resumed while more than this is unsent."""


class Speaker(Protocol):
    """The HTTP version that the client of a connection speaks."""

    def receive(self, data: bytes) -> None:
        """Handle bytes that the client has sent."""

    def end_of_input(self) -> None:
        """Handle the end of the client's sending; the client may still read."""

    def has_room(self) -> None:
        """Continue after all unsent bytes have been handed over."""

    def close(self) -> None:
        """Close all conversations after the connection has ended."""


# Returns the HTTP version of a connection from its first bytes (the third argument is true if no
# more will come), or None while that is undecided.
Recognise = Callable[["Connection", bytes, bool], Speaker | None]


class Connection(asyncio.Protocol):
    """A client's connection over an asyncio transport. It belongs to the loop's thread.

    It uses the public interface of transports only, so a loop of any kind can serve it. `on_lost`
    is called when the transport has closed its socket.
    """

    transport: asyncio.Transport
    scheme = "http"
    """The scheme of the URLs that lead here."""

    def __init__(
        self,
        context: Context,
        recognise: Recognise,
        on_lost: Callable[[], object] | None = None,
    ) -> None:
        self.context = context
        self.number: int = next(context.numbers)
        self.notes: dict[str, Any] = {}
        """What the application notes about it, for all of its requests."""
        self.client_host: str = ""
        self.unsent: int = 0
        """Bytes that have been written and not been taken by the operating system.

        Fewer may be left in the transport; `flush` brings the number up to date.
        """
        self.is_closed: bool = False
        self.is_muted: bool = False
        """True if nothing more is sent, and the client is not told of an end: see `mute`."""
        self.is_cut: bool = False
        """True if the connection ends as if the network had failed: TLS does not tell its end."""
        # True if what is written is discarded: the connection is closed or muted.
        self._discards = False
        self._out: list[bytes | memoryview] = []
        self._is_closing = False
        self._is_input_left = False
        self._is_by_rst = False
        self._is_at_end = False
        self._is_paused = False
        self._linger: asyncio.TimerHandle | None = None
        self._early = b""
        self._recognise = recognise
        self._on_lost = on_lost
        self._speaker: Speaker | None = None

    @property
    def is_open(self) -> bool:
        """True if requests can be read and answered on the connection."""
        return not (self.is_closed or self._is_closing)

    # Called by the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport of a new connection."""
        # Loops of other hands have transports that do not inherit from asyncio's.
        self.transport = transport = cast("asyncio.Transport", transport)
        # `resume_writing` is called when the transport has handed over all that it had.
        transport.set_write_buffer_limits(high=0)
        address = transport.get_extra_info("peername")
        self.client_host = str(address[0]) if address else ""
        self._set_option(_WAITING_OPTION, _WAITING_BYTES)
        self.context.connections[self] = None
        if self.context.is_refusing:
            self.abort()

    def data_received(self, data: bytes) -> None:
        """Pass bytes on to the HTTP version that the client speaks."""
        if self._is_closing:
            return
        speaker = self._speaker
        if speaker is None:
            data = self._early + data
            speaker = self._speaker = self._recognise(self, data, False)
            self._early = b"" if speaker else data
        if speaker is not None:
            speaker.receive(data)
        self.flush_soon()

    def eof_received(self) -> bool:
        """Handle the end of the client's sending. The transport stays open for the answers."""
        self._is_at_end = True
        if self._is_closing:
            self.abort()
        elif not self.is_closed:
            speaker, early = self._speaker, self._early
            if speaker is None:
                speaker = self._speaker = self._recognise(self, early, True)
                assert speaker is not None, "nothing more will come to tell it by"
                if early:
                    speaker.receive(early)
            if not self.is_closed:
                speaker.end_of_input()
            self.flush()
        return True

    def resume_writing(self) -> None:
        """Continue after the transport has handed over all that it had."""
        self.flush()
        if self._speaker is not None and self.is_open:
            self._speaker.has_room()
            self.flush()

    def connection_lost(self, _: Exception | None, /) -> None:
        """Release the connection, which the client or the network has ended."""
        self._release()
        if self._on_lost is not None:
            self._on_lost()

    # Called by the HTTP version.

    def write(self, data: bytes | memoryview) -> None:
        """Send this after all previous data, with the next `flush`."""
        if not self._discards:
            self._out.append(data)
            self.unsent += len(data)

    def flush_soon(self) -> None:
        """Hand over to the transport what has been written, by the end of the loop's turn."""
        self.context.flush_soon(self)

    def flush(self) -> None:
        """Hand over to the transport what has been written."""
        out, transport = self._out, self.transport
        if self.is_closed or not (self.unsent or self._is_closing):
            return
        if out:
            if transport.is_closing():
                self.abort()
                return
            if self._is_closing and self._is_input_left:
                self._set_option(_HOLD_BACK_OPTION, 1)
            self._out = []
            if len(out) == 1:
                transport.write(out[0])
            elif self.unsent <= _JOINED_BYTES:
                transport.write(b"".join(out))
            else:
                transport.writelines(out)
        self.unsent = transport.get_write_buffer_size()
        if self._is_closing and not self.unsent:
            self._end()

    def receive_now(self) -> bytes:
        """Return bytes that have arrived and have not been read, without waiting."""
        connected = self.transport.get_extra_info("socket")
        # A transport without a socket of the system may have an object in its place.
        if not self.is_closed and connected is not None and connected.fileno() >= 0:
            with suppress(OSError):
                return os.read(connected.fileno(), _RECEIVE_BYTES)
        return b""

    def pause_reading(self) -> None:
        """Leave further input with the operating system until `resume_reading`."""
        if not (self.is_closed or self._is_paused):
            self._is_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read input again after `pause_reading`."""
        if self.is_open:
            self._read_again()

    def close(
        self, *, is_input_left: bool = False, is_cut: bool = False, by_rst: bool = False
    ) -> None:
        """Read nothing more, and close when all that was written has been sent.

        With `is_input_left` the client may still be sending. With `is_cut` the end looks like that
        of a network that fails; with `by_rst` the connection ends by RST, not by FIN. A muted
        connection stays open until its client ends it.
        """
        self.is_cut |= is_cut
        self._is_input_left |= is_input_left
        self._is_by_rst |= by_rst
        if not self._is_closing:
            self._is_closing = True
            if self.is_muted:
                # Only to receive the client's end of the connection.
                self._read_again()
            else:
                self.pause_reading()
        self.flush()

    def mute(self) -> None:
        """Send nothing more after what was written, and go on reading, as on a half-open link.

        The connection ends with its client's end of it, and by `abort`.
        """
        self.flush()
        self.is_muted = self._discards = True

    def end(self) -> None:
        """Close the connection without sending what is unsent, from any thread."""
        if self.context.is_in_loop:
            self.abort()
        else:
            self.context.call_from_any_thread(self.abort)

    def abort(self) -> None:
        """Close the connection at once, without sending what is unsent."""
        if not self.is_closed:
            self.transport.abort()
            self._release()

    def _release(self) -> None:
        if self.is_closed:
            return
        self.is_closed = self._discards = True
        if self._linger is not None:
            self._linger.cancel()
        self.context.connections.pop(self, None)
        self._out.clear()
        self.unsent = 0
        if self._speaker is not None:
            self._speaker.close()
        for callback in self.notes.pop(ON_END, ()):
            callback()

    def _end(self) -> None:
        """Close, after all has been sent."""
        if self.is_muted and not self._is_at_end:
            return
        if self._is_by_rst:
            self._set_option(socket.SO_LINGER, struct.pack("ii", 1, 0), socket.SOL_SOCKET)
            self.abort()
        elif self._is_at_end or not self._is_input_left:
            self.abort()
        elif self._linger is None:
            with suppress(OSError):
                self.transport.write_eof()
            self._linger = self.context.loop.call_later(_LINGER_SECONDS, self.abort)
            self._read_again()

    def _read_again(self) -> None:
        if self._is_paused and not self.transport.is_closing():
            self._is_paused = False
            self.transport.resume_reading()

    def _set_option(self, option: Any, value: Any, level: int = socket.IPPROTO_TCP) -> None:
        connected = self.transport.get_extra_info("socket")
        if option is not None and connected is not None:
            with suppress(OSError):
                connected.setsockopt(level, option, value)
