"""TLS for a server: its certificate, and the transport that encrypts a connection.

The transport is between a transport of sockets and a `Connection`. asyncio's own (`sslproto`) would
not do: it ends a connection with a handshake of its own, which takes turns of the loop, waits up to
30 seconds for the client, and cannot end like a network that fails.
"""

import asyncio
import re
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from s2mock.server import frames
from s2mock.server.connection import Connection
from s2mock.server.protocols import PREFACE

# In the order of preference, as the reference server has them.
ALPN: Final = ("h2", "http/1.1")
# As many as a record has at most.
_RECEIVE_BYTES = 16 * 1024
# How long, in seconds, a client has to read why its handshake has failed.
_LINGER_SECONDS = 1.0
# The first byte of every TLS connection: the type of a record with a handshake.
_HANDSHAKE = 0x16
_METHOD = re.compile(rb"[A-Z]{1,20}")
_WHY = b"this port speaks TLS: use https://, not http://"
_HTTP1_ANSWER = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n"
    b"connection: close\r\n\r\n%b\n" % (len(_WHY) + 1, _WHY)
)
_HTTP2_ANSWER = frames.settings({}) + frames.goaway(0, frames.INADEQUATE_SECURITY, _WHY)

_WANTS_INPUT = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Certificate(NamedTuple):
    """The certificate of a server, ready for use, and the file of the authority that issued it.

    `ca_file` is the path of a PEM file, or None if the authority is not s2mock's own.
    """

    context: ssl.SSLContext
    ca_file: str | None


def make_context() -> ssl.SSLContext:
    """Return a context for a server, TLS 1.2 or 1.3, as yet without a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(list(ALPN))
    # A client could make the server work without end, at no cost of its own.
    context.options |= ssl.OP_NO_RENEGOTIATION
    # A client that closes its socket before it has read the tickets would reset the connection, and
    # the server could lose the client's last request.
    context.num_tickets = 0
    return context


def certificate_of_files(certificate_file: Path, key_file: Path) -> Certificate:
    """Return the certificate of two PEM files. Raises `OSError`, and `ValueError` for others.

    `ValueError` if the key is encrypted, too: a server has nowhere to ask for its password.
    """
    context = make_context()
    for file in (certificate_file, key_file):
        # The error of the other one does not say which is missing.
        file.read_bytes()

    def refuse() -> str:
        raise ValueError(f"the key in {key_file} is encrypted: decrypt it first")

    try:
        context.load_cert_chain(certificate_file, key_file, password=refuse)
    except ssl.SSLError as error:
        raise ValueError(
            f"{certificate_file} and {key_file} must be PEM files, of a certificate and of its "
            f"key: {error.reason or error}"
        ) from None
    return Certificate(context, None)


class TlsTransport(asyncio.Transport, asyncio.Protocol):
    """The TLS of one connection: a protocol for the transport below, a transport for the one above.

    It has no handshake that waits: `abort` ends the connection at once, and `write_eof` ends what
    is sent, with a close_notify only after `send_close_notify`.
    """

    def __init__(self, certificate: Certificate, connection: "TlsConnection") -> None:
        super().__init__()
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = certificate.context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._connection = connection
        self._below: asyncio.Transport
        self._is_shaken = False
        self._is_recognised = False
        # True when the end of the client's sending was passed on.
        self._is_over = False
        self._has_said_end = False
        # True if the handshake, or a record, was wrong: the rest of the input is discarded.
        self._has_failed = False
        self._is_paused = False
        self._is_at_end = False
        self._is_advancing = False

    # Called by the transport below.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport of a new connection."""
        self._below = cast("asyncio.Transport", transport)
        self._connection.connection_made(self)

    def data_received(self, data: bytes) -> None:
        """Decrypt bytes from the client, and pass them on."""
        if self._has_failed:
            return
        self._incoming.write(data)
        self._advance()

    def eof_received(self) -> bool:
        """Handle the end of the client's sending, with or without a close_notify."""
        self._is_at_end = True
        if self._has_failed or not self._is_shaken:
            self._connection.abort()
        else:
            self._incoming.write_eof()
            self._advance()
        return True

    def resume_writing(self) -> None:
        """Continue after the transport below has handed over all that it had."""
        self._connection.resume_writing()

    def connection_lost(self, error: Exception | None, /) -> None:
        """Release the connection, which the client or the network has ended."""
        self._connection.connection_lost(error)

    # Called by the connection above.

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport below knows, such as its socket."""
        return self._below.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """Return True if nothing more can be sent."""
        return self._below.is_closing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the limits of the transport below."""
        self._below.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        """Return the number of encrypted bytes that the operating system has not taken yet."""
        return self._below.get_write_buffer_size()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt the bytes and send them."""
        if not data or self._has_failed:
            return
        try:
            self._tls.write(data)
        except ssl.SSLError:
            # Nothing can be sent after a close_notify.
            self._connection.abort()
            return
        self._send()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Encrypt several pieces and send them."""
        # Each piece of its own would be a record of its own.
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        """Send the end of the output. Raises `OSError` if the client has closed the connection."""
        self._below.write_eof()

    def send_close_notify(self) -> None:
        """Tell the client that the output ends here, and was not cut off."""
        if self._is_shaken and not (self._has_failed or self._has_said_end):
            self._has_said_end = True
            # It would wait for the client's, which is not needed.
            with suppress(ssl.SSLError):
                self._tls.unwrap()
            self._send()

    def pause_reading(self) -> None:
        """Leave input with the operating system until `resume_reading`."""
        if not self._is_paused:
            self._is_paused = True
            self._below.pause_reading()

    def resume_reading(self) -> None:
        """Read input again after `pause_reading`."""
        if not self._is_paused:
            return
        self._is_paused = False
        if self._is_shaken:
            # What is decrypted or received already; the transport below does not tell of it again.
            self._connection.context.loop.call_soon(self._advance)
        self._below.resume_reading()

    def receive_now(self, data: bytes) -> bytes:
        """Decrypt `data` after all input before it, and return what is in it."""
        if data:
            self._incoming.write(data)
        pieces = []
        with suppress(ssl.SSLError):
            while piece := self._tls.read(_RECEIVE_BYTES):
                pieces.append(piece)
        self._send()
        return b"".join(pieces)

    def abort(self) -> None:
        """Close the connection at once, without sending what is unsent, or a close_notify."""
        self._below.abort()

    def abandon(self) -> None:
        """Close the descriptor in a forked child, and do nothing else."""
        abandon: Callable[[], None] = self._below.abandon  # type: ignore[attr-defined]
        abandon()

    def _send(self) -> None:
        data = self._outgoing.read()
        # What the protocol itself sends is held back too on a muted connection.
        if data and not (self._connection.is_muted or self._below.is_closing()):
            self._below.write(data)

    def _advance(self) -> None:
        """Go on with the handshake, or pass on what can be decrypted, until there is no more."""
        if self._is_advancing or self._is_over or self._has_failed or self._connection.is_closed:
            return
        self._is_advancing = True
        try:
            if self._is_shaken or self._shake_hands():
                self._pass_on()
        except ssl.SSLError:
            self._fail()
        finally:
            self._is_advancing = False

    def _shake_hands(self) -> bool:
        """Go on with the handshake; return True if it is complete. Raises `ssl.SSLError`."""
        if not self._is_recognised and not self._recognise():
            return False
        try:
            self._tls.do_handshake()
        except _WANTS_INPUT:
            self._send()
            return False
        self._is_shaken = True
        self._send()
        return True

    def _recognise(self) -> bool:
        """Return False if the client does not speak TLS, or if that is undecided.

        One that speaks HTTP is told so in its own version of it, and the connection ends.
        """
        beginning = self._incoming.read()
        self._incoming.write(beginning)
        if beginning[0] != _HANDSHAKE:
            if beginning.startswith(PREFACE):
                answer = _HTTP2_ANSWER
            elif PREFACE.startswith(beginning) or _METHOD.fullmatch(beginning):
                return False
            elif _METHOD.fullmatch(beginning.partition(b" ")[0]):
                answer = _HTTP1_ANSWER
            else:
                answer = b""
            if answer:
                self._below.write(answer)
                self._fail()
                return False
        self._is_recognised = True
        return True

    def _pass_on(self) -> None:
        """Pass on what can be decrypted, to its end. Raises `ssl.SSLError`."""
        connection = self._connection
        while not self._is_paused and not connection.is_closed:
            try:
                data = self._tls.read(_RECEIVE_BYTES)
            except _WANTS_INPUT:
                break
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                data = b""
            if not data:
                self._is_over = True
                self.pause_reading()
                connection.eof_received()
                break
            connection.data_received(data)
        self._send()

    def _fail(self) -> None:
        """Send the alert that is there, and close the connection when the client has read it."""
        self._has_failed = True
        self._send()
        connection = self._connection
        if self._is_at_end or connection.is_closed:
            connection.abort()
            return
        if connection.is_muted:
            # The client is told nothing, and not of an end either.
            return
        with suppress(OSError):
            self._below.write_eof()
        if self._is_paused:
            self._below.resume_reading()
        connection.context.loop.call_later(_LINGER_SECONDS, connection.abort)


class TlsConnection(Connection):
    """A connection over TLS, which ends with a close_notify where it was not cut off."""

    _tls: TlsTransport
    scheme = "https"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport of a new connection."""
        self._tls = cast("TlsTransport", transport)
        super().connection_made(transport)

    def receive_now(self) -> bytes:
        """Return bytes that have arrived and have not been read, decrypted, without waiting."""
        return self._tls.receive_now(super().receive_now())

    def _end(self) -> None:
        if not (self.is_cut or self.is_muted):
            self._tls.send_close_notify()
        super()._end()
