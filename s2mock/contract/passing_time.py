"""Time that passes for the server under test: by turning the fake's clock, or by waiting."""

import time
from contextlib import closing
from typing import Protocol

import pytest

from s2mock.contract.client import Client
from s2mock.contract.sessions import Session
from s2mock.runtime.clock import NANOSECONDS, ManualClock
from s2mock.runtime.http_client import connect, exchange

# What a case may cost on a server whose clock cannot be turned, in seconds.
_PATIENCE = 5.0
_SLOW_PATIENCE = 120.0
# How long the fake may take to notice that its clock was turned, in real seconds.
_NOTICE = 5.0
# How long a server may take to come to rest beyond its answers to others, in real seconds.
_SETTLED = 0.05


def at_rest(session: Session) -> bool:
    """Whether the session has nothing to read, once its server has seen to all that it was sent."""
    let_others_be_answered(session.client)
    return not session.answered(within=_SETTLED)


def let_others_be_answered(client: Client) -> None:
    """Return when the server has answered a few requests that were sent later than all others.

    It has seen to the others then, or is about to; a slow machine is given more time than a fast
    one. This is no call of the client's, so that who watches its calls does not see it.
    """
    with closing(connect(client.url)) as connection:
        for _ in range(3):
            exchange(connection, "GET", "/health", {}).read()


class PassingTime(Protocol):
    """A client, and the time of its server."""

    s2: Client

    def needs(self, seconds: float) -> None:
        """Skip the case if that much time cannot be let pass."""

    def now(self) -> float:
        """Seconds since some moment, by the server's time."""

    def advance(self, seconds: float) -> None:
        """Let that much time pass."""

    def until_answered(self, session: Session, seconds: float) -> None:
        """Let time pass, at least `seconds` if need be, until the session has bytes to read."""


class RealTime:
    """A server in the same time as ours."""

    def __init__(self, s2: Client, *, slow: bool) -> None:
        self.s2 = s2
        self._patience = _SLOW_PATIENCE if slow else _PATIENCE

    def needs(self, seconds: float) -> None:
        """Skip the case if it would take too long."""
        if seconds > self._patience:
            way_out = " (--s2mock-slow)" if seconds <= _SLOW_PATIENCE else ""
            pytest.skip(f"needs {seconds:g} s on a server whose clock is real{way_out}")

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def advance(self, seconds: float) -> None:
        """Wait, or skip the case."""
        self.needs(seconds)
        time.sleep(seconds)

    def until_answered(self, session: Session, seconds: float) -> None:
        """Wait until the session has bytes to read, or skip the case."""
        self.needs(seconds)
        assert session.answered(within=seconds + 10), f"no answer within {seconds} s, and 10 more"


class TurnedTime:
    """The fake, whose clock stands still until it is turned."""

    def __init__(self, s2: Client, clock: ManualClock) -> None:
        self.s2 = s2
        self._clock = clock

    def needs(self, seconds: float) -> None:
        """Nothing: turning a clock costs nothing."""

    def now(self) -> float:
        """Seconds since the Unix epoch, by the fake's clock."""
        return self._clock.now() / NANOSECONDS

    def advance(self, seconds: float) -> None:
        """Turn the clock."""
        self._clock.advance(seconds)

    def until_answered(self, session: Session, seconds: float) -> None:
        """Turn the clock until the session has bytes to read.

        More than once: a request that is still on its way counts from when it arrives.
        """
        if session.answered():
            return
        for _ in range(8):
            let_others_be_answered(self.s2)
            self._clock.advance(seconds)
            if session.answered(within=_NOTICE):
                return
        raise AssertionError(f"no answer, though {seconds} s passed 8 times")
