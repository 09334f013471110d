"""HTTP/1.1: one request at a time on each connection."""

import re

from benchmarks.load.exchange import Exchange, connect, numbered

_LENGTH = re.compile(rb"\r\ncontent-length:[ ]*(\d+)", re.IGNORECASE)


class Http1Connection:
    """A connection that is reused until the server closes it, and then replaced."""

    def __init__(self, host: str, port: int, exchange: Exchange) -> None:
        self._address = (host, port)
        lines = [f"{exchange.method} {exchange.target} HTTP/1.1", f"host: {host}:{port}"]
        lines += [f"{name}: {value}" for name, value in exchange.headers]
        lines.append(f"content-length: {len(exchange.body)}")
        self._template = "\r\n".join([*lines, "", exchange.body]).encode()
        self._status = b" %d " % exchange.status
        self._received = b""
        self.socket = connect(host, port)

    def send(self, number: int, count: int) -> None:
        """Send one request."""
        if count != 1:
            raise ValueError("HTTP/1.1 has one request in flight on a connection")
        self.socket.sendall(numbered(self._template, number))

    def receive(self) -> int:
        """Receive bytes, and return 1 if they complete the answer.

        Connects again if the server closes the connection after the answer.
        """
        received = self.socket.recv(65536)
        self._received += received
        head, found, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        ended = length is not None and len(body) >= int(length[1])
        if not received and not ended:
            raise ConnectionError(f"connection closed within an answer: {self._received!r}")
        if not (found and ended):
            return 0
        if head[8:13] != self._status:
            raise ValueError(f"expected status {self._status!r}: {self._received!r}")
        self._received = b""
        if head.startswith(b"HTTP/1.0") or b"\r\nconnection: close" in head.lower():
            self.socket.close()
            self.socket = connect(*self._address)
        return 1
