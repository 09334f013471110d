"""The state that the connections and exchanges of one server share."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, Protocol

from s2mock.conversation import Application
from s2mock.server.workers import Workers


class OpenConnection(Protocol):
    """A connection, as the server needs it that drops all of them."""

    transport: asyncio.Transport

    def abort(self) -> None:
        """Close the connection at once."""


class OpenConversation(Protocol):
    """A conversation, as the server needs it that closes all of them."""

    def close(self) -> None:
        """Close the conversation; no answer is sent."""


class Context:
    """The loop, the worker threads and the open connections of one server.

    `now` returns seconds of a clock that goes on during a callback, which the time of an event
    loop need not do.
    """

    def __init__(
        self,
        application: Application,
        loop: asyncio.AbstractEventLoop,
        workers: Workers,
        server: tuple[str, int],
        report: Callable[[BaseException], None],
        now: Callable[[], float],
    ) -> None:
        self.application = application
        self.loop = loop
        self.workers = workers
        self.server = server
        """Host and port, for the environ."""
        self.report = report
        """Called with every exception that a conversation raises."""
        self.now = now
        self.connections: set[OpenConnection] = set()
        self.lasting: set[OpenConversation] = set()
        """Conversations that go on after their clients have disconnected."""
        self.numbers: count[int] = count(1)
        """Numbers for the connections, in the order of their acceptance."""

    def call_from_any_thread(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call the function in a later turn of the loop; do nothing if the loop is closed."""
        try:
            is_in_loop = asyncio.get_running_loop() is self.loop
        except RuntimeError:
            is_in_loop = False
        # Waking the loop costs two system calls, which its own thread does without.
        call = self.loop.call_soon if is_in_loop else self.loop.call_soon_threadsafe
        with suppress(RuntimeError):
            call(function, *arguments)

    def drop_connections(self) -> None:
        """Abort every connection and close every conversation."""
        for connection in list(self.connections):
            connection.abort()
        for conversation in list(self.lasting):
            conversation.close()
