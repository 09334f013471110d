"""The surroundings of a clock that advances by itself: its mock and its servers.

Loaded only for a mock with `clock="auto"`.
"""

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from s2mock.handles.thread_of_test import ThreadOfTest
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
        self._test = ThreadOfTest()

    @property
    def guard(self) -> "AbstractContextManager[object]":
        """The lock of the account."""
        return self._powers.engine.lock.mutex

    def is_test_thread(self) -> bool:
        """True in the thread that made the mock."""
        return self._test.is_current

    def is_awaited(self) -> bool:
        """True if the test waits in a wait of the mock, or for the answer to a request."""
        powers = self._powers
        engine, injector = powers.engine, powers.used_injector
        return (
            powers.journal.store.notifier.has_waits
            or engine.store.changed.has_waits
            or engine.sessions.followed.has_waits
            or (injector is not None and injector.is_awaited)
            or bool(self._test.timeouts(self._connections.ports))
        )

    def is_stuck(self) -> bool:
        """True if the test waits, without a timeout, for the answer to a request."""
        return None in self._test.timeouts(self._connections.ports)

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
