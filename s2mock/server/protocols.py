"""The choice between HTTP/1 and HTTP/2, which one port serves.

Each is loaded with its first connection: many tests point their code at a URL, and make no call.
"""

from s2mock.server.connection import Connection, Speaker

# A client that begins with this speaks HTTP/2 (RFC 9113 §3.4).
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def recognise(connection: Connection, data: bytes, is_at_end: bool) -> Speaker | None:
    """Return the HTTP version that the first bytes are in, None while that is undecided."""
    if data.startswith(PREFACE):
        from s2mock.server.http2 import Http2

        return Http2(connection)
    if PREFACE.startswith(data) and not is_at_end:
        return None
    from s2mock.server.http1 import Http1

    return Http1(connection)
