"""The choice between HTTP/1 and HTTP/2, which one port serves."""

from s2mock.server.connection import Connection, Speaker
from s2mock.server.http1 import Http1

# A client that begins with this speaks HTTP/2 (RFC 9113 §3.4).
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def recognise(connection: Connection, data: bytes, is_at_end: bool) -> Speaker | None:
    """Return the HTTP version that the first bytes are in, None while that is undecided."""
    if data.startswith(PREFACE):
        from s2mock.server.http2 import Http2

        return Http2(connection)
    if PREFACE.startswith(data) and not is_at_end:
        return None
    return Http1(connection)
