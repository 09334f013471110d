"""The state that the connections and exchanges of one server share."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, Final, Protocol

from s2mock.runtime.conversation import Application
from s2mock.server.addresses import url_of
from s2mock.server.workers import Workers

_log = logging.getLogger("s2mock")

# At most this number of connections wait for the end of a turn until they send.
_MAX_UNFLUSHED: Final = 32


def failure_reporter(
    on_error: Callable[[BaseException], None] | None,
) -> Callable[[BaseException], None]:
    """Return a function that logs an exception and passes it on to `on_error`."""

    def report(error: BaseException) -> None:
        _log.error("s2mock failed while it answered a request", exc_info=error)
        if on_error is not None:
            try:
                on_error(error)
            except Exception:  # noqa: BLE001  # any failure of the callback
                _log.exception("s2mock failed to report an error")

    return report


class OpenConnection(Protocol):
    """A connection, as the server needs it that drops all of them."""

    transport: asyncio.Transport

    def flush(self) -> None:
        """Hand over to the transport what has been written."""

    def abort(self) -> None:
        """Close the connection at once."""

    def connection_lost(self, error: Exception | None, /) -> None:
        """Close the conversations on the connection, which has ended."""


class OpenConversation(Protocol):
    """A conversation, as the server needs it that closes all of them."""

    def close(self) -> None:
        """Close the conversation; no answer is sent."""


class Context:
    """The loop, the worker threads and the open connections of one server.

    `now` returns seconds of a clock that goes on during a callback, which the time of an event
    loop need not do. With `defers_sending`, the loop calls `flush_all` after each turn.
    """

    def __init__(
        self,
        application: Application,
        loop: asyncio.AbstractEventLoop,
        workers: Workers,
        server: tuple[str, int],
        report: Callable[[BaseException], None],
        now: Callable[[], float],
        scheme: str = "http",
        *,
        defers_sending: bool = False,
    ) -> None:
        self.application = application
        self.loop = loop
        self.workers = workers
        self.server = server
        """Host and port, for the environ."""
        self._scheme = scheme
        self.report = report
        """Called with every exception that a conversation raises."""
        self.now = now
        # Ordered, so that a loop that repeats a run drops them in the same order.
        self.connections: dict[OpenConnection, None] = {}
        self.lasting: dict[OpenConversation, None] = {}
        """Conversations that go on after their clients have disconnected."""
        self.is_refusing: bool = False
        """True if new connections are dropped: during an outage, and when the server is closed."""
        # What is to be resumed, and whether the loop will do that.
        self._resumed: deque[tuple[Callable[[Any], object], Any]] = deque()
        self._is_resuming = False
        self._defers_sending = defers_sending
        # Connections that have written in the present turn, in the order in which they did so.
        self._unflushed: dict[OpenConnection, None] = {}
        self.numbers: count[int] = count(1)
        """Numbers for the connections, in the order of their acceptance."""

    @property
    def url(self) -> str:
        """The base URL at which this machine reaches the server, without a slash at its end."""
        return url_of(*self.server, self._scheme)

    @property
    def is_in_loop(self) -> bool:
        """True in a callback or a task of the loop."""
        try:
            return asyncio.get_running_loop() is self.loop
        except RuntimeError:
            return False

    def call_from_any_thread(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call the function in a later turn of the loop; do nothing if the loop is closed."""
        # Waking the loop costs two system calls, which its own thread does without.
        call = self.loop.call_soon if self.is_in_loop else self.loop.call_soon_threadsafe
        with suppress(RuntimeError):
            call(function, *arguments)

    def resume_soon(self, function: Callable[[Any], object], argument: Any) -> None:
        """Call the function as `call_from_any_thread` does, at less cost if there are many.

        An append wakes all followers of its stream: one callback of the loop resumes them.
        """
        # In this order: the loop clears the mark before it looks at what there is.
        self._resumed.append((function, argument))
        if not self._is_resuming:
            self._is_resuming = True
            self.call_from_any_thread(self._resume_all)

    def _resume_all(self) -> None:
        self._is_resuming = False
        for _ in range(len(self._resumed)):
            function, argument = self._resumed.popleft()
            try:
                function(argument)
            except Exception as error:  # noqa: BLE001  # the others have to be resumed
                self.report(error)

    def flush_soon(self, connection: OpenConnection) -> None:
        """Send what a connection has written, by the end of the present turn of the loop.

        What all of its streams write in a turn is sent at once. A client that waits on many
        connections is woken by the first send, and is awake for the others.
        """
        if not self._defers_sending:
            connection.flush()
            return
        self._unflushed[connection] = None
        if len(self._unflushed) >= _MAX_UNFLUSHED:
            self.flush_all()

    def flush_all(self) -> None:
        """Send what connections have written in the present turn of the loop."""
        unflushed, self._unflushed = self._unflushed, {}
        for connection in unflushed:
            try:
                connection.flush()
            except Exception as error:  # noqa: BLE001  # the others have to be sent
                self.report(error)

    def drop_connections(self) -> None:
        """Abort every connection and close every conversation, after what was written is sent."""
        self.flush_all()
        for connection in list(self.connections):
            connection.abort()
        for conversation in list(self.lasting):
            conversation.close()
