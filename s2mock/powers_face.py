"""The powers over an account as a test has them: breaking it, holding it, looking into it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from s2mock.powers.faults import Fault
from s2mock.powers.hold import Hold
from s2mock.powers.injection import Injection
from s2mock.powers.journal import Journal
from s2mock.registry.operation import Point
from s2mock.runtime.clock import Clock, ManualClock
from s2mock.runtime.notifier import PATIENCE
from s2mock.served import Served

if TYPE_CHECKING:
    from s2mock.powers.plans import FaultPlan


class PowersFace(Served):
    """Faults, holds, outages, the clock and the journal."""

    clock: Clock

    def inject(
        self,
        fault: Fault | Sequence[Fault | None],
        *,
        on: str | Iterable[str],
        basin: str = "*",
        stream: str = "*",
        skip: int = 0,
        times: int | None = 1,
        required: bool = True,
    ) -> Injection:
        """Let the next operation that matches meet with this fault.

        `on` is the name of an operation, or several; `basin` and `stream` are names or globs.
        `skip` lets so many pass first, `times` is how many it meets, None for all until it is
        removed. A list of faults has one for each matching operation, None lets one pass.
        Operations that are held now at their arrival or commit count first, in the order in which
        they came, and meet it when they are released. One that is held at its answer is not
        matched, since its effect stands. A fault that never fired fails the test, unless it is not
        `required`. Raises `TypeError`, `ValueError`.
        """
        return self._powers.injector.inject(
            fault, on=on, basin=basin, stream=stream, skip=skip, times=times, required=required
        )

    def apply(self, plan: "FaultPlan") -> tuple[Injection, ...]:
        """Inject the faults of a plan, none of which is required to fire.

        `s2mock.strategies.fault_plans()` makes plans. Raises `TypeError`.
        """
        from s2mock.powers.plans import inject_plan

        return inject_plan(plan, self.inject)

    def hold(
        self,
        *,
        on: str | Iterable[str],
        basin: str = "*",
        stream: str = "*",
        at: Point = "commit",
        skip: int = 0,
        times: int | None = 1,
        required: bool = True,
    ) -> Hold:
        """Keep the next operation that matches waiting, while all others go on.

        `at` is "arrival" (nothing is decided), "commit" (it would succeed now, nothing has
        changed) or "answer" (it has taken effect). The rest is as with `inject`. Leaving the
        block releases it. A client that leaves takes no writing operation with it that is held at
        its arrival or commit. A hold that nothing reached fails the test, unless it is not
        `required`. Raises `TypeError`, `ValueError`.
        """
        return self._powers.injector.hold(
            on=on,
            basin=basin,
            stream=stream,
            at=at,
            skip=skip,
            times=times,
            required=required,
        )

    @contextmanager
    def outage(self) -> Iterator[None]:
        """The service is gone: connections are dropped and new ones refused, until the block ends.

        The port stays ours, and nothing in the account changes. Through WSGI a call is a
        `ConnectionRefusedError`, and one under way a `ConnectionResetError`.
        """
        powers = self._powers
        powers.outages += 1
        self._go_out()
        try:
            yield
        finally:
            # None is left where the mock was closed meanwhile.
            if powers.outages:
                powers.outages -= 1
                if not powers.outages:
                    self._come_back()

    def advance(self, seconds: float) -> None:
        """Turn the clock forward by `seconds`; whoever waited for that goes on before this returns.

        Raises `TypeError` where the clock is no `ManualClock`, and for what is no number, and
        `ValueError` for a negative one, and for one that leads beyond the year 9999.
        """
        self._manual_clock("advance").advance(seconds)

    def wait_for_waiters(self, count: int = 1, *, timeout: float = PATIENCE) -> None:
        """Wait until `count` operations or sessions wait on the manual clock of this mock.

        It is `ManualClock.wait_for_waiters`, and `timeout` is in seconds of real time. Raises
        `TimeoutError`, `TypeError` where the clock is no `ManualClock`, and `ValueError`.
        """
        self._manual_clock("wait_for_waiters").wait_for_waiters(count, timeout=timeout)

    async def async_wait_for_waiters(self, count: int = 1, *, timeout: float = PATIENCE) -> None:
        """As `wait_for_waiters`, for an event loop."""
        clock = self._manual_clock("async_wait_for_waiters")
        await clock.async_wait_for_waiters(count, timeout=timeout)

    def _manual_clock(self, method: str) -> ManualClock:
        """Return the clock for a method that needs a manual one. Raises `TypeError`."""
        if not isinstance(self.clock, ManualClock):
            raise TypeError(
                f"{method}() needs a ManualClock, and the clock of this mock is {self.clock!r}: "
                'make the mock with clock="manual", as in @pytest.mark.s2_mock(clock="manual")'
            )
        return self.clock

    @property
    def journal(self) -> Journal:
        """What was asked, and what was answered, oldest first."""
        return self._powers.journal
