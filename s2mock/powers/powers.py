"""The powers of one mock: what its app and its methods need of them, in one place."""

import threading
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Final

from s2mock.powers.durability import Durability
from s2mock.powers.entry import Diagnostics
from s2mock.powers.fault_injector import Stage
from s2mock.powers.journal import Journal
from s2mock.powers.recorder import DEBUG, LOGGER, Recorder
from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Operation

if TYPE_CHECKING:
    from s2mock.powers.exchange import Exchange

MAX_LIMIT: Final = 2**63


orders: Final = count(1)
"""For the powers of all mocks that are ever made."""


class Powers:
    """Faults, holds, the journal and outages of a mock.

    `diagnostics` imports and returns the functions that interpret the journal's entries. The
    journal keeps `journal_limit` exchanges, 0 for none, and `journal_bytes` bytes of their bodies
    and long heads.
    `append_latency` is how long an append takes to be durable, in seconds. Raises `TypeError`,
    `ValueError`.
    """

    def __init__(
        self,
        engine: Engine,
        diagnostics: Callable[[], Diagnostics],
        *,
        journal_limit: int,
        journal_bytes: int,
        append_latency: float,
    ) -> None:
        _check_limit("journal_limit", journal_limit)
        _check_limit("journal_bytes", journal_bytes)
        self.engine = engine
        self.journal: Journal = Journal(diagnostics, journal_limit, journal_bytes)
        self._notes = Recorder(self.journal)
        is_asked = journal_limit or LOGGER.isEnabledFor(DEBUG)
        self.recorder: Recorder | None = self._notes if is_asked else None
        self.durability: Durability = Durability(engine, append_latency)
        self.stage: Stage = Stage(engine, self._exchange_of)
        # How many outages there are, one within the other.
        self.outages = 0
        self._thread = threading.get_ident()
        self.order: int = next(orders)
        """Their place among those of all mocks that were ever made."""

    @property
    def is_out(self) -> bool:
        """Whether the service is gone."""
        return self.outages > 0

    @property
    def is_own_thread(self) -> bool:
        """Whether this is the thread that made the mock: the test's own, as a rule."""
        return threading.get_ident() == self._thread

    def _exchange_of(self, operation: Operation) -> "Exchange":
        return self._notes.exchange_of(operation)


def _check_limit(what: str, limit: object) -> None:
    if isinstance(limit, bool) or not isinstance(limit, int):
        raise TypeError(f"{what} must be a whole number, not {limit!r}")
    if not 0 <= limit < MAX_LIMIT:
        raise ValueError(f"{what} must be 0 or more, not {limit!r}")
