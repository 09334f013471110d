"""Ports for tests that must know the port before a server listens."""

import random
import socket

# No system assigns these by itself, so no other program listens on one by chance.
_PORTS = range(20_000, 30_000)


def unused_port() -> int:
    """Return an unused port of 127.0.0.1, different in each worker of a run."""
    chosen = random.SystemRandom()
    while True:
        port = chosen.choice(_PORTS)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
