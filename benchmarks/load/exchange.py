"""The common part of the connections of all protocols: requests with numbers, counted answers."""

import socket
from dataclasses import dataclass
from typing import Protocol

# The fixed width of a number, so that all requests of a run have the same length.
NUMBER_WIDTH = 9
PLACE = "#" * NUMBER_WIDTH


@dataclass(frozen=True)
class Exchange:
    """The request that a run repeats, and the status that every answer must have.

    `PLACE` in the target or the body is replaced by the number of the request.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: str
    status: int


class Connection(Protocol):
    """One connection to the server under load."""

    socket: socket.socket

    def send(self, number: int, count: int) -> None:
        """Send `count` requests, numbered from `number` on."""

    def receive(self) -> int:
        """Receive bytes, and return the number of answers that they complete."""


def connect(host: str, port: int) -> socket.socket:
    """Return a connected socket without delay (TCP_NODELAY)."""
    connected = socket.create_connection((host, port), timeout=30)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


def numbered(template: bytes, number: int) -> bytes:
    """Return the template with the number of the request."""
    return template.replace(PLACE.encode(), b"%0*d" % (NUMBER_WIDTH, number))
