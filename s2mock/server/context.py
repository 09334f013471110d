"""What the parts of a server share."""

from collections.abc import Callable
from itertools import count
from typing import Protocol

from s2mock.runtime.conversation import Application
from s2mock.server.loop import Loop
from s2mock.server.workers import Workers


class Open(Protocol):
    """A connection, for whoever ends them all."""

    def abort(self) -> None:
        """Close at once."""

    def abandon(self) -> None:
        """Close the descriptor in a forked child, and do nothing else."""


class Closing(Protocol):
    """A conversation, for the server that ends it."""

    def close(self) -> None:
        """Close the conversation."""


class Context:
    """What all connections and exchanges of a server have in common."""

    def __init__(
        self,
        application: Application,
        loop: Loop,
        workers: Workers,
        server: tuple[str, int],
        report: Callable[[BaseException], None],
    ) -> None:
        self.application = application
        self.loop = loop
        self.workers = workers
        self.server = server
        """Host and port, for the environ."""
        self.report = report
        """Told of every exception that comes out of a conversation."""
        self.connections: set[Open] = set()
        self.lasting: set[Closing] = set()
        """Conversations that go on, though their clients have left."""
        self.numbers: count[int] = count(1)
        """For the connections, in the order in which they come."""
