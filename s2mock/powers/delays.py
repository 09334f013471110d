"""Delays by the account's clock: of one operation, and of appends (`append_latency`)."""

from collections.abc import Callable
from typing import Final, Literal

from s2mock.registry.engine.engine import Engine
from s2mock.registry.engine.waiter import Waiter
from s2mock.registry.operation import Call, Dropped, Point, Waits
from s2mock.registry.rules.append import Append
from s2mock.registry.state import AccountState
from s2mock.registry.values.config import SYSTEM_DEFAULTS, UNSET
from s2mock.runtime.arguments import check_delay
from s2mock.runtime.clock import nanoseconds

AppendLatency = float | Literal["cloud"]

CLOUD_LATENCIES: Final = {"express": 0.04, "standard": 0.4}
"""The seconds within which the hosted service acknowledges an append, by storage class.

Source: reference: account_services §5.
"""
_SLOWEST: Final = CLOUD_LATENCIES["standard"]

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

    def __init__(self, wait: Waiter, advice: str) -> None:
        self._wait = wait
        self._advice = advice

    @property
    def advice(self) -> str:
        """The message for a call in the only thread that could advance the clock."""
        own = None if self.has_progress is None else self._wait.advice
        return self._advice if own is None else own

    @property
    def is_on_clock(self) -> bool:
        """True if only a manual clock ends it."""
        return self._wait.is_on_clock

    @property
    def is_woken(self) -> bool:
        """True once the wait has ended."""
        return self._wait.is_woken

    @property
    def has_progress(self) -> Callable[[], bool] | None:
        """As of the wait itself."""
        return self._wait.has_progress

    @property
    def timeout(self) -> float | None:
        return self._wait.timeout

    def subscribe(self, wake: Callable[[], None]) -> None:
        self._wait.subscribe(wake)


class Durability:
    """An observer that delays appends at their commit by `latency` seconds, in groups.

    As in a server that writes many appends to its store at once, appends that arrive during the
    delay share it: a hundred concurrent appends take one delay, not a hundred. With `"cloud"` the
    delay is that of the stream's storage class, and each class has groups of its own. Raises
    `TypeError`, `ValueError`.
    """

    def __init__(self, engine: Engine, latency: AppendLatency) -> None:
        if latency != "cloud":
            if isinstance(latency, str):
                raise ValueError(
                    f'append_latency must be a number of seconds, or "cloud", not {latency!r}'
                )
            check_delay("append_latency", latency, may_be_infinite=False)
        self.latency: AppendLatency = latency
        self._engine = engine
        # The present group of each delay: the generation of sessions, and the group's end
        # (`Moment.monotonic`).
        self._groups: dict[float, tuple[int, int]] = {}
        if latency:
            engine.observers = (*engine.observers, self)

    def at(self, point: Point, call: Call) -> Waits | None:
        """Return a wait for an append at its commit, unless it shares that of the one before."""
        operation = call.operation
        if point != "commit" or not isinstance(operation, Append) or operation.is_with_last:
            return None
        return self._wait(operation)

    def _wait(self, operation: Append) -> Waits:
        engine = self._engine
        with engine.lock as moment:
            latency = self.latency
            if isinstance(latency, str):
                latency = _cloud_latency(engine.state, operation)
            generation, until = self._groups.get(latency, (-1, 0))
            if generation != engine.sessions.generation or moment.monotonic >= until:
                until = moment.monotonic + nanoseconds(latency)
                self._groups[latency] = (engine.sessions.generation, until)
            generation = engine.sessions.generation
        yield from wait_until(engine, until, generation, _ADVICE)


def _cloud_latency(state: AccountState, operation: Append) -> float:
    """Return the delay for the storage class of an append's stream, also if it creates that."""
    basin = state.basins.get(operation.basin)
    stream = None if basin is None else basin.streams.get(operation.stream)
    if stream is not None:
        config = stream.config
    elif basin is not None:
        config = (operation.config or UNSET).merge(basin.resolved_defaults)
    else:
        config = SYSTEM_DEFAULTS
    # A class may be any text, and nothing says how fast another one is.
    return CLOUD_LATENCIES.get(str(config.storage_class), _SLOWEST)
