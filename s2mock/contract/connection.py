"""Connections for calls, over each protocol."""

from s2mock.contract.exchange import Connection, Protocol
from s2mock.contract.http2_connection import Http2Connection

AnyConnection = Connection | Http2Connection


def connect(url: str, protocol: Protocol, *, token: str | None = None) -> AnyConnection:
    """Return a connection to the server at `url`. Each call has the access token `token`."""
    if protocol == "h2c":
        return Http2Connection(url, token=token)
    return Connection(url, token=token)
