"""What every protocol's connection does: send a numbered request, count the answers."""

import socket
from dataclasses import dataclass
from typing import Protocol

# A number of fixed width keeps all requests of a run the same length.
NUMBER_WIDTH = 9
PLACE = "#" * NUMBER_WIDTH


@dataclass(frozen=True)
class Exchange:
    """The request that a run repeats, and the status that every answer must have.

    `PLACE` in the target or the body stands for the number of the request.
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
        """Read what has come; how many answers are complete with it."""


def connect(host: str, port: int) -> socket.socket:
    """A connected socket that sends at once."""
    connected = socket.create_connection((host, port), timeout=30)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


def numbered(template: bytes, number: int) -> bytes:
    """The template with the request's number in its place."""
    return template.replace(PLACE.encode(), b"%0*d" % (NUMBER_WIDTH, number))
