"""A server under more load than its limits allow, whose clock goes on as fast as the test needs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from s2mock import S2Mock

# A step of the clock, in seconds.
STEP = 1.0


@contextmanager
def throttled_sessions(mock: S2Mock) -> Iterator[None]:
    """Advance the clock by a second whenever a batch of a session waits for it."""
    with _in_background(lambda: _advance_for_waiters(mock)):
        yield


@contextmanager
def refused_appends(mock: S2Mock, answers: int, seconds: float) -> Iterator[None]:
    """Advance the clock by `seconds` with each `answers` appends that are answered."""
    numbers = count(1)

    def advance(_: object) -> None:
        if next(numbers) % answers == 0:
            mock.advance(seconds)

    with mock.on("append", advance, at="answer"):
        yield


def _advance_for_waiters(mock: S2Mock) -> None:
    clock: Any = mock.clock
    clock.wait_for_waiters(timeout=0.2)
    mock.advance(STEP)


@contextmanager
def _in_background(step: Any) -> Iterator[None]:
    """Make that step again and again, until the block ends; a step may time out."""
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set():
            try:
                step()
            except TimeoutError:
                continue

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def seconds_of(mock: S2Mock) -> float:
    """The seconds that have passed on the clock of a mock with `clock="manual"`."""
    return (mock.clock.now() - type(mock.clock)().now()) / 10**9
