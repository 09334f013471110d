"""Connections for calls, over each protocol."""

from s2mock.contract.exchange import Connection, Protocol
from s2mock.contract.http2_connection import Http2Connection

AnyConnection = Connection | Http2Connection


def connect(url: str, protocol: Protocol, *, token: str | None = None) -> AnyConnection:
    """A connection to the server at `url`. `token` goes with each call."""
    if protocol == "h2c":
        return Http2Connection(url, token=token)
    return Connection(url, token=token)
