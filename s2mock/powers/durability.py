"""How long an append takes to be durable: the option `append_latency`.

A server that writes appends to a store writes many of them together: who comes while others wait
for that waits with them, and no longer than they do.
"""

from typing import Final

from s2mock.powers.delays import wait_until
from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Call, Point, Waits
from s2mock.registry.rules.append import Append
from s2mock.runtime.arguments import check_delay
from s2mock.runtime.clock import nanoseconds

_ADVICE: Final = (
    "the append takes append_latency to be durable, by a manual clock, and is made in the thread "
    "that would turn it: make it in another thread, and turn the clock here"
)


class Durability:
    """An observer that keeps appends at their commit, in groups, for so many seconds.

    Raises `TypeError`, `ValueError`.
    """

    def __init__(self, engine: Engine, latency: float) -> None:
        check_delay("append_latency", latency, may_be_infinite=False)
        self.latency = latency
        self._engine = engine
        # The group that waits now: the generation of sessions, and until when (`Moment.monotonic`).
        self._group = (-1, 0)
        if latency:
            engine.observers = (*engine.observers, self)

    def at(self, point: Point, call: Call) -> Waits | None:
        """Return the wait of an append at its commit, unless it shares that of the batch before."""
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
