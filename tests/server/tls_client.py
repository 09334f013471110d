"""Clients of TLS, by the byte: a test can stop anywhere in a handshake, and see how it ends."""

import socket
import ssl
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

PATIENCE = 60


def address_of(url: str) -> tuple[str, int]:
    target = urlsplit(url)
    assert target.hostname is not None
    assert target.port is not None
    return target.hostname, target.port


def connect(url: str, context: ssl.SSLContext, name: str | None = None) -> ssl.SSLSocket:
    """Return a connection after its handshake. An end without a close_notify is an error on it.

    `name` is the host name that the certificate must have, by default that in the URL.
    """
    host, port = address_of(url)
    plain = socket.create_connection((host, port), PATIENCE)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        return context.wrap_socket(plain, server_hostname=name or host, suppress_ragged_eofs=False)
    except BaseException:
        plain.close()
        raise


def received(client: "ByteClient | socket.socket") -> tuple[bytes, str]:
    """Return all bytes that arrive, and how the connection ends.

    That is "close_notify", "FIN" without one, or "RST".
    """
    return client.rest() if isinstance(client, ByteClient) else _received(client)


def _received(plain: socket.socket) -> tuple[bytes, str]:
    data = b""
    while True:
        try:
            piece = plain.recv(65536)
        except ConnectionResetError:
            return data, "RST"
        if not piece:
            return data, "FIN"
        data += piece


class ByteClient:
    """A client whose bytes are sent when a test says so."""

    def __init__(self, url: str, context: ssl.SSLContext) -> None:
        host, port = address_of(url)
        self.socket = socket.create_connection((host, port), PATIENCE)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self.is_complete = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def step(self) -> bytes:
        """Go on with the handshake as far as it goes; return the bytes that are to be sent."""
        with suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
            self.is_complete = True
        return self._outgoing.read()

    def receive(self) -> None:
        """Take the next bytes that the server sends."""
        data = self.socket.recv(65536)
        assert data, "the server has closed the connection"
        self._incoming.write(data)

    def shake_hands(self, size: int = 1 << 20) -> None:
        """Complete the handshake, in pieces of `size` bytes."""
        while True:
            sent = self.step()
            for first in range(0, len(sent), size):
                self.socket.sendall(sent[first : first + size])
            if self.is_complete:
                return
            self.receive()

    def encrypt(self, data: bytes) -> bytes:
        """Return the bytes to send for `data`."""
        self.tls.write(data)
        return self._outgoing.read()

    def close_notify(self) -> bytes:
        """Return the bytes that end what is sent."""
        with suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self._outgoing.read()

    def rest(self) -> tuple[bytes, str]:
        """Return all data that arrives, and how the connection ends."""
        data, end = _received(self.socket)
        if data:
            self._incoming.write(data)
        pieces = b""
        with suppress(ssl.SSLWantReadError):
            while piece := self.read_some():
                pieces += piece
            end = "close_notify"
        return pieces, end

    def ask(self, request: bytes) -> bytes:
        """Send a request, and return the first part of its answer."""
        self.socket.sendall(self.encrypt(request))
        return self.read()

    def read(self) -> bytes:
        """Return the next data, b"" after the server's close_notify."""
        while True:
            with suppress(ssl.SSLWantReadError):
                return self.read_some()
            self.receive()

    def read_some(self) -> bytes:
        """Return data that has arrived, b"" after the server's close_notify.

        Raises `ssl.SSLWantReadError` if there is none.
        """
        try:
            return self.tls.read(65536)
        except ssl.SSLZeroReturnError:
            return b""
