"""The surroundings of a clock that advances by itself: its mock, its servers, the test's thread.

Loaded only for a mock with `clock="auto"`.
"""

import selectors
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from s2mock.powers.powers import Powers
from s2mock.runtime.auto_clock import AutoClock

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from s2mock.handles.connections import Connections

# How long a server may take to handle what it has received, in seconds.
_SETTLE_SECONDS: Final = 1.0
# The turns of a server's loop in which it has read what had arrived before.
_TURNS: Final = 2


class MockSurroundings:
    """What the clock of a mock has to know, as `runtime.auto_clock.Surroundings` says."""

    def __init__(self, powers: Powers, connections: "Connections") -> None:
        self._powers = powers
        self._connections = connections
        # The mock is made by the thread that runs the test.
        self._test_thread = threading.get_ident()

    @property
    def guard(self) -> "AbstractContextManager[object]":
        """The lock of the account."""
        return self._powers.engine.lock.mutex

    def is_test_thread(self) -> bool:
        """True in the thread that made the mock."""
        return threading.get_ident() == self._test_thread

    def is_awaited(self) -> bool:
        """True if the test waits in a wait of the mock, or for the answer to a request."""
        powers = self._powers
        engine, injector = powers.engine, powers.used_injector
        return (
            powers.journal.store.notifier.has_waits
            or engine.store.changed.has_waits
            or engine.sessions.followed.has_waits
            or (injector is not None and injector.is_awaited)
            or any(self._timeouts())
        )

    def is_stuck(self) -> bool:
        """True if the test waits, without a timeout, for the answer to a request."""
        return "none" in self._timeouts()

    def settle(self) -> bool:
        """Let the servers handle what they have received; return False if one does not answer."""
        for _ in range(_TURNS):
            self._connections.lazy_server.call(bool)
        loop = self._connections.loop
        if loop is None:
            return True
        is_done = threading.Event()
        with suppress(RuntimeError):
            # The loop may have been closed by now.
            loop.call_soon_threadsafe(loop.call_soon, is_done.set)
            return is_done.wait(_SETTLE_SECONDS)
        return True

    def _timeouts(self) -> Iterator[str]:
        """Yield "some" or "none" where the test's thread waits for data of the mock's server.

        That is its timeout. It waits if it is in a call that blocks on a client's socket, or in an
        event loop that has one.
        """
        frame = sys._current_frames().get(self._test_thread)  # noqa: SLF001  # the public way
        if frame is None or self._test_thread == threading.get_ident():
            return
        ports = self._connections.ports
        owner = frame.f_locals.get("self")
        for value in [*frame.f_locals.values(), *getattr(owner, "__dict__", {}).values()]:
            if isinstance(value, socket.socket) and _peer_port(value) in ports:
                yield "none" if value.gettimeout() is None else "some"
            elif isinstance(value, selectors.BaseSelector) and _has_client(value, ports):
                timeout = frame.f_locals.get("timeout")
                yield "none" if timeout is None or timeout < 0 else "some"


def _has_client(selector: selectors.BaseSelector, ports: set[int]) -> bool:
    """True if a socket in the selector is connected to one of the ports."""
    for key in list((selector.get_map() or {}).values()):
        # A copy of the descriptor, since a socket closes its own.
        with (
            suppress(OSError, ValueError),
            socket.fromfd(key.fd, socket.AF_INET, socket.SOCK_STREAM) as client,
        ):
            if _peer_port(client) in ports:
                return True
    return False


def _peer_port(client: socket.socket) -> int | None:
    try:
        peer: Any = client.getpeername()
    except OSError:
        return None
    return peer[1] if isinstance(peer, tuple) else None


def attach(clock: AutoClock, powers: Powers, connections: "Connections") -> None:
    """Let the clock advance by itself for a mock with these powers and connections."""
    engine = powers.engine
    clock.attach(MockSurroundings(powers, connections))
    for notifier in (
        powers.journal.store.notifier,
        engine.store.changed,
        engine.sessions.followed,
        clock.notifier,
    ):
        notifier.remark = _remark_of(clock)


def _remark_of(clock: AutoClock) -> Any:
    return lambda: clock.remark
