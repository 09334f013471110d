"""An account whose schedule a test can watch."""

from s2mock import ManualClock
from s2mock.registry.engine.engine import Engine
from s2mock.registry.rules.deletion import later
from s2mock.registry.state import Change
from s2mock.registry.values.schedule import FinishDeletion
from s2mock.runtime.clock import NANOSECONDS, Moment


class NotingEngine(Engine):
    """An account that notes what falls due, and at which second, in place of doing it."""

    def __init__(self, *, clock: ManualClock) -> None:
        super().__init__(clock=clock)
        self.done: list[tuple[str, int]] = []

    def later(self, delay: float, name: str) -> None:
        """Let something fall due `delay` seconds from now."""
        with self.lock as moment:
            due = later(moment, delay, FinishDeletion(name, None, 0))
            self.commit(Change(due=due), moment)

    def _finished_deletion(self, due: FinishDeletion) -> Change:
        return Change(after=lambda then: self._note(due, then))

    def _note(self, due: FinishDeletion, then: Moment) -> None:
        assert then.now == then.account_time
        self.done.append((due.basin, then.now // NANOSECONDS))
