"""Keeping an operation until a time of the account's clock."""

from collections.abc import Callable

from s2mock.powers.outcomes import Dropped
from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Waits
from s2mock.runtime.conversation import Wait


def wait_until(engine: Engine, until: int, generation: int, advice: str) -> Waits:
    """Keep the operation until `until`, of `Moment.monotonic`.

    `advice` is for a call that waits in the only thread that could turn the clock. Raises
    `Dropped` where the account's `generation` ends first.
    """
    while True:
        with engine.lock as moment:
            if engine.sessions.generation != generation:
                raise Dropped
            if moment.monotonic >= until:
                return
            pause = engine.sessions.wait_until(until)
        try:
            yield _Advised(pause, advice)
        finally:
            pause.close()


class _Advised:
    """A pause with the advice of whoever asked for it."""

    def __init__(self, pause: Wait, advice: str) -> None:
        self._pause = pause
        self.advice = advice

    @property
    def timeout(self) -> float | None:
        return self._pause.timeout

    def subscribe(self, wake: Callable[[], None]) -> None:
        self._pause.subscribe(wake)
