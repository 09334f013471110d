"""The powers of one mock: what its app and its methods need of them, in one place."""

import threading
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Final

from s2mock.powers.call import RequestCall
from s2mock.powers.durability import Durability
from s2mock.powers.entry import Insight
from s2mock.powers.fault_injector import Stage
from s2mock.powers.journal import Journal
from s2mock.powers.recorder import Recorder
from s2mock.powers.request_log import DEBUG, LOGGER
from s2mock.registry.engine.engine import Engine
from s2mock.runtime.arguments import check_count

if TYPE_CHECKING:
    from s2mock.powers.exchange import Exchange

MAX_LIMIT: Final = 2**63


orders: Final = count(1)
"""For the powers of all mocks that are ever made."""


class Powers:
    """Faults, holds, the journal and outages of a mock.

    `insight` loads what knows the meaning of its notes. `journal_limit` is how many exchanges the
    journal keeps, 0 for none, and `journal_bytes` how many bytes of their bodies
    and long heads.
    `append_latency` is how long an append takes to be durable, in seconds. Raises `TypeError`,
    `ValueError`.
    """

    def __init__(
        self,
        engine: Engine,
        insight: Callable[[], Insight],
        *,
        journal_limit: int,
        journal_bytes: int,
        append_latency: float,
    ) -> None:
        check_count("journal_limit", journal_limit, least=0, below=MAX_LIMIT)
        check_count("journal_bytes", journal_bytes, least=0, below=MAX_LIMIT)
        self.engine = engine
        self.journal: Journal = Journal(insight, journal_limit, journal_bytes)
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

    def _exchange_of(self, call: RequestCall) -> "Exchange":
        return self._notes.exchange_of(call)
