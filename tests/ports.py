"""Ports for tests that must know theirs before a server listens on it."""

import random
import socket

# No system hands these out by itself, so nobody else comes to listen on one by chance meanwhile.
_PORTS = range(20_000, 30_000)


def unused_port() -> int:
    """A port of 127.0.0.1 on which nobody listens. Workers of one run do not share their luck."""
    chosen = random.SystemRandom()
    while True:
        port = chosen.choice(_PORTS)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
