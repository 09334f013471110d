"""An account whose schedule a test can watch."""

from s2mock import ManualClock
from s2mock.registry.engine.engine import Engine
from s2mock.registry.rules.deletion import later
from s2mock.registry.state import Change
from s2mock.registry.values.schedule import Due, FinishDeletion
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
            self.store.commit(Change(due_actions=due), moment)

    def _decide_due(self, action: Due, moment: Moment) -> Change:
        assert moment.now == moment.account_time
        assert isinstance(action, FinishDeletion)
        self.done.append((action.basin, moment.now // NANOSECONDS))
        return Change()
