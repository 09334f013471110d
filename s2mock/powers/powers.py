"""The powers of one mock: its faults, holds, delays, journal and outages in one object."""

import threading
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Final

from s2mock.powers.delays import AppendLatency, Durability
from s2mock.powers.entry import Diagnostics
from s2mock.powers.journal import Journal
from s2mock.powers.recorder import DEBUG, LOGGER, Recorder
from s2mock.registry.engine.engine import Engine
from s2mock.runtime.arguments import check_count
from s2mock.runtime.caller_place import CallerPlace, caller_place
from s2mock.runtime.conversation import Reset
from s2mock.runtime.fork_locks import Rank, take_at_fork

if TYPE_CHECKING:
    from s2mock.powers.fault_injector import FaultInjector

MAX_LIMIT: Final = 2**63

OUTAGE: Final = Reset(connection=True, unreachable=True)
"""The end of a request in an outage, of one that is under way and of one that arrives."""

orders: Final = count(1)
"""The values of `order`, for all mocks of this process and for remote ones."""


# Held while an injector is put in its place.
_making: Final = threading.Lock()
take_at_fork(_making, Rank.INNER)


class Powers:
    """Faults, holds, the journal and outages of a mock.

    `diagnostics` imports and returns the functions that interpret the journal's entries. The
    journal keeps `journal_limit` exchanges, 0 for none, and `journal_bytes` bytes of their bodies
    and long heads.
    `append_latency` is the delay of an append until it is durable, in seconds, or "cloud". Raises
    `TypeError`, `ValueError`.
    """

    def __init__(
        self,
        engine: Engine,
        diagnostics: Callable[[], Diagnostics],
        *,
        journal_limit: int,
        journal_bytes: int,
        append_latency: AppendLatency,
    ) -> None:
        check_count("journal_limit", journal_limit, least=0, below=MAX_LIMIT)
        check_count("journal_bytes", journal_bytes, least=0, below=MAX_LIMIT)
        self.engine = engine
        self.journal: Journal = Journal(diagnostics, journal_limit, journal_bytes)
        recorder = Recorder(self.journal)
        is_needed = journal_limit or LOGGER.isEnabledFor(DEBUG)
        self.recorder: Recorder | None = recorder if is_needed else None
        self.durability: Durability = Durability(engine, append_latency)
        if engine.settings.limits.has_rates:
            from s2mock.powers.rate_limits import RateLimiter

            RateLimiter(engine)
        self._recorder = recorder
        self.used_injector: FaultInjector | None = None
        """The faults, holds and hooks; None before the first one."""
        self.call_hook_soon: Callable[[Callable[[], None]], object] | None = None
        """Calls the functions of hooks in place of threads; set it before the first hook."""
        self.outages: int = 0
        """The number of nested `outage()` blocks, in which the mock's ports refuse connections."""
        self.is_out_over_http: bool = False
        """True during an outage of `/_s2mock/outage`, which has to be reached at the same port."""
        self._thread = threading.get_ident()
        self.place: CallerPlace | None = caller_place()
        """Where the test has made the mock."""
        self.fixture: str | None = None
        """The fixture that made the mock, if one did."""
        self.name: str | None = None
        """The name of the account on the page, such as that of the test."""
        self.order: int = next(orders)
        """The position among all mocks that were made in this process."""

    @property
    def label(self) -> str | None:
        """The name of the mock among those of a test: its fixture, or where it was made."""
        if self.fixture is not None:
            return f"fixture {self.fixture}"
        return None if self.place is None else f"made at {self.place}"

    @property
    def injector(self) -> "FaultInjector":
        """The faults, holds and hooks; made, and its modules loaded, when it is first used."""
        if self.used_injector is None:
            from s2mock.powers.fault_injector import FaultInjector

            recorder = self._recorder
            made = FaultInjector(self.engine, recorder.exchange_of, recorder.record_late)
            made.hook_calls.call_soon = self.call_hook_soon
            with _making:
                if self.used_injector is None:
                    self.used_injector = made
        return self.used_injector

    def end_injecting(self) -> None:
        """Remove all faults, holds and hooks, and drop the operations that wait for them."""
        if self.used_injector is not None:
            self.used_injector.end()

    def drop_late(self) -> None:
        """Apply none of the operations that a `Late` has taken."""
        if self.used_injector is not None:
            self.used_injector.drop_late()

    @property
    def is_out(self) -> bool:
        """True while there is an outage of either kind, in which no request is answered."""
        return self.outages > 0 or self.is_out_over_http

    @property
    def is_own_thread(self) -> bool:
        """True in the thread that made the mock, which usually runs the test."""
        return threading.get_ident() == self._thread
