"""Addresses of a server: sockets that listen on them, and the URLs that lead to them."""

import socket

BACKLOG = 1024
"""The number of connections that wait to be accepted, at most."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there, and does not block. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    listening.setblocking(False)
    return listening


def reachable_host(host: str) -> str:
    """Return the address of this machine that reaches a server listening on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def url_of(host: str, port: int, scheme: str = "http") -> str:
    """Return the base URL at which this machine reaches a server, without a slash at its end."""
    reachable = reachable_host(host)
    return f"{scheme}://{f'[{reachable}]' if ':' in reachable else reachable}:{port}"
