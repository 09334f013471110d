"""What must be over, and how a test makes sure of it without waiting longer than it takes."""

import selectors
import threading
import time
from collections.abc import Callable
from typing import Any

from s2mock import Stream
from s2mock.contract.passing_time import let_others_be_answered
from s2mock.contract.sessions import Session
from s2mock.server.connection import Connection
from s2mock.server.driver import _Waiter
from s2mock.server.http1 import Http1
from s2mock.server.http2 import Http2
from s2mock.server.server import Server
from s2mock.server.server import _servers as living_servers
from tests.records.reads import following_of
from tests.time.watched_clock import PATIENCE


def sessions() -> int:
    """How many conversations the servers of this process hold, or are about to begin or to end."""
    looks: list[list[int]] = [[], []]
    for server in list(living_servers):
        # On the server's own thread nothing is half done; once that has ended, nothing is counted.
        # What was due in the turn of the first call has been done in that of the second.
        for counts in looks:
            server.call(lambda server=server, counts=counts: counts.append(_under_way(server)))
    return max(map(sum, looks))


def released(*streams: Stream, left: int = 0) -> bool:
    """True if `left` sessions are served in the end, and no reader follows if `left` is 0."""
    patience = time.monotonic() + PATIENCE
    while sessions() != left or (not left and any(map(_is_followed, streams))):
        # A client that goes at once has gone before its request is served.
        assert time.monotonic() < patience, f"still there: {sessions()}"
        time.sleep(0.002)
    return True


def _under_way(server: Server) -> int:
    connections = list(server._context.connections)
    sockets = [connection.transport.get_extra_info("socket") for connection in connections]
    sockets.append(server._listener._socket)
    # What has come and has not been looked at, or a client that has gone.
    with selectors.DefaultSelector() as selector:
        for watched in sockets:
            selector.register(watched, selectors.EVENT_READ)
        unread = selector.select(0)
    return sum(map(_conversations, connections)) + len(unread) + _outlasting(server)


def _outlasting(server: Server) -> int:
    """Return the number of conversations whose clients have left and that are not held, either."""
    drivers: Any = server._context.lasting
    return sum(not isinstance(driver._state, _Waiter) for driver in list(drivers))


def _conversations(connection: Connection) -> int:
    speaker = connection._speaker
    if isinstance(speaker, Http2):
        return sum(stream.exchange is not None for stream in speaker.streams.values())
    return isinstance(speaker, Http1) and speaker._exchange is not None


def _is_followed(stream: Stream) -> bool:
    return following_of(stream) != (0, 0)


def ends(call: Callable[[], object]) -> bool:
    """Whether the call ends. If it does not, it is left behind in a thread."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return not thread.is_alive()


def silent(session: Session) -> bool:
    """Whether the session has nothing to read, nor has ended, once others have been answered.

    The head of a response is something to read.
    """
    let_others_be_answered(session.client)
    return not session.answered()
