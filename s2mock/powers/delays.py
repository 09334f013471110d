"""Delays by the account's clock: of one operation, and of appends (`append_latency`)."""

from collections.abc import Callable
from typing import Final

from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Call, Dropped, Point, Waits
from s2mock.registry.rules.append import Append
from s2mock.runtime.arguments import check_delay
from s2mock.runtime.clock import nanoseconds
from s2mock.runtime.conversation import Wait

_ADVICE: Final = (
    "the append takes append_latency to be durable, by a manual clock, and is made in the thread "
    "that would advance it: make it in another thread, and advance the clock here"
)


def wait_until(engine: Engine, until: int, generation: int, advice: str) -> Waits:
    """Delay an operation until a time, that of `Moment.monotonic`.

    `advice` is for a call that waits in the only thread that could advance the clock. Raises
    `Dropped` if that `generation` of sessions ends first.
    """
    while True:
        with engine.lock as moment:
            if engine.sessions.generation != generation:
                raise Dropped
            if moment.monotonic >= until:
                return
            pause = engine.sessions.wait_until(until)
        try:
            yield _AdvisedWait(pause, advice)
        finally:
            pause.close()


class _AdvisedWait:
    """A wait with the advice for a thread that only it could end."""

    def __init__(self, wait: Wait, advice: str) -> None:
        self._wait = wait
        self.advice = advice

    @property
    def timeout(self) -> float | None:
        return self._wait.timeout

    def subscribe(self, wake: Callable[[], None]) -> None:
        self._wait.subscribe(wake)


class Durability:
    """An observer that delays appends at their commit by `latency` seconds, in groups.

    As in a server that writes many appends to its store at once, appends that arrive during the
    delay share it: a hundred concurrent appends take one delay, not a hundred. Raises `TypeError`,
    `ValueError`.
    """

    def __init__(self, engine: Engine, latency: float) -> None:
        check_delay("append_latency", latency, may_be_infinite=False)
        self.latency = latency
        self._engine = engine
        # The present group: the generation of sessions, and its end (`Moment.monotonic`).
        self._group = (-1, 0)
        if latency:
            engine.observers = (*engine.observers, self)

    def at(self, point: Point, call: Call) -> Waits | None:
        """Return a wait for an append at its commit, unless it shares that of the one before."""
        operation = call.operation
        if point != "commit" or not isinstance(operation, Append) or operation.is_with_last:
            return None
        return self._wait()

    def _wait(self) -> Waits:
        engine = self._engine
        with engine.lock as moment:
            generation, until = self._group
            if generation != engine.sessions.generation or moment.monotonic >= until:
                until = moment.monotonic + nanoseconds(self.latency)
                self._group = (engine.sessions.generation, until)
            generation = engine.sessions.generation
        yield from wait_until(engine, until, generation, _ADVICE)
