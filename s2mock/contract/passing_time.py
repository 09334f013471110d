"""Time that passes for the server under test: the fake's clock is advanced, or the case waits."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Protocol

import pytest

from s2mock.contract.client import Client
from s2mock.contract.sessions import Session
from s2mock.runtime.clock import NANOSECONDS, ManualClock
from s2mock.runtime.http_client import connect, exchange

# How long a case may take on a server with a real clock, in seconds.
_PATIENCE = 5.0
_SLOW_PATIENCE = 120.0
# How long the fake may take to react to its advanced clock, in real seconds.
NOTICE: float = 5.0
# How long a server may go on after its answers to later requests, in real seconds.
_SETTLED = 0.05


def at_rest(session: Session) -> bool:
    """True if the session has nothing to read after its server has handled all that was sent."""
    let_others_be_answered(session.client)
    return not session.answered(within=_SETTLED)


def let_others_be_answered(client: Client) -> None:
    """Return when the server has answered a few requests that were sent later than all others.

    It has handled the others then, or is about to; a slow machine gets more time than a fast one.
    The requests do not use the methods of the client, whose calls a case may watch.
    """
    with others_answered(client):
        pass


@contextmanager
def others_answered(client: Client) -> Iterator[None]:
    """Keep the connection of `let_others_be_answered` open, idle, until the end of the block.

    So the server has no end of a connection to handle that is later than the others.
    """
    with closing(connect(client.url)) as connection:
        for _ in range(3):
            exchange(connection, "GET", "/health", {}).read()
        yield


class PassingTime(Protocol):
    """A client, with methods that let time pass for its server."""

    s2: Client

    def needs(self, seconds: float) -> None:
        """Skip the case if that time cannot pass."""

    def now(self) -> float:
        """Return the seconds since an arbitrary point, on the clock of the server."""

    def advance(self, seconds: float) -> None:
        """Let that time pass for the server."""

    def until_answered(self, session: Session, seconds: float) -> None:
        """Let time pass, at least `seconds` if necessary, until the session has bytes to read."""


class RealTime:
    """A client of a server whose clock is real."""

    def __init__(self, s2: Client, *, slow: bool) -> None:
        self.s2 = s2
        self._patience = _SLOW_PATIENCE if slow else _PATIENCE

    def needs(self, seconds: float) -> None:
        """Skip the case if it would take too long."""
        if seconds > self._patience:
            way_out = " (--s2mock-slow)" if seconds <= _SLOW_PATIENCE else ""
            pytest.skip(f"needs {seconds:g} s on a server whose clock is real{way_out}")

    def now(self) -> float:
        """Return the seconds of real time since an arbitrary point."""
        return time.monotonic()

    def advance(self, seconds: float) -> None:
        """Wait for that time, or skip the case."""
        self.needs(seconds)
        time.sleep(seconds)

    def until_answered(self, session: Session, seconds: float) -> None:
        """Wait until the session has bytes to read, or skip the case."""
        self.needs(seconds)
        assert session.answered(within=seconds + 10), f"no answer within {seconds} s, and 10 more"


class TurnedTime:
    """A client of the fake, whose clock moves only when it is advanced."""

    def __init__(self, s2: Client, clock: ManualClock) -> None:
        self.s2 = s2
        self._clock = clock

    def needs(self, seconds: float) -> None:
        """Do nothing: to advance the clock takes no time."""

    def now(self) -> float:
        """Return the seconds since the Unix epoch, on the clock of the fake."""
        return self._clock.now() / NANOSECONDS

    def advance(self, seconds: float) -> None:
        """Advance the clock of the fake."""
        self._clock.advance(seconds)

    def until_answered(self, session: Session, seconds: float) -> None:
        """Advance the clock until the session has bytes to read.

        It may be advanced more than once: a request that is still on its way counts from its
        arrival.
        """
        if session.answered():
            return
        for _ in range(8):
            let_others_be_answered(self.s2)
            self._clock.advance(seconds)
            if session.answered(within=NOTICE):
                return
        raise AssertionError(f"no answer, though {seconds} s passed 8 times")
