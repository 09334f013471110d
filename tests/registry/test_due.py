"""What falls due, as a value: against a sorted list, and how little of it is kept."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from s2mock import BasinConfig, ManualClock, S2Mock, StreamConfig
from s2mock.registry.values.schedule import CheckEmpty, FinishDeletion, Schedule

pytestmark = pytest.mark.slow

Entry = tuple[int, int, FinishDeletion]


class Schedules(RuleBasedStateMachine):
    """Schedules that were copied, by holding on to them, at any time."""

    schedules = Bundle("schedules")

    @initialize(target=schedules)
    def empty(self) -> tuple[Schedule, list[Entry]]:
        self.known = [(Schedule(), [])]
        self.count = 0
        return self.known[0]

    def _known(self, schedule: Schedule, model: list[Entry]) -> tuple[Schedule, list[Entry]]:
        self.known.append((schedule, model))
        return self.known[-1]

    @rule(target=schedules, which=schedules, time=st.integers(0, 9))
    def add(self, which: tuple[Schedule, list[Entry]], time: int) -> tuple[Schedule, list[Entry]]:
        schedule, model = which
        self.count += 1
        due = FinishDeletion(f"basin-{self.count}", None, self.count)
        # Of the same time, the earlier added goes first.
        entry = (time, self.count, due)
        return self._known(schedule.add(time, due), sorted([*model, entry]))

    @rule(target=schedules, which=schedules)
    def pop(self, which: tuple[Schedule, list[Entry]]) -> tuple[Schedule, list[Entry]]:
        schedule, model = which
        if not model:
            return which
        time, due, rest = schedule.pop()
        assert (time, due) == (model[0][0], model[0][2])
        return self._known(rest, model[1:])

    @rule(which=schedules)
    def pop_all(self, which: tuple[Schedule, list[Entry]]) -> None:
        schedule, model = which
        popped = []
        while schedule.next_time is not None:
            time, due, schedule = schedule.pop()
            popped.append((time, due))
        assert popped == [(time, due) for time, _, due in model]
        assert schedule.size == 0

    @invariant()
    def each_is_as_its_model(self) -> None:
        for schedule, model in getattr(self, "known", []):
            assert schedule.size == len(model)
            assert schedule.next_time == (model[0][0] if model else None)
            assert sorted(schedule.entries()) == sorted((time, due) for time, _, due in model)


TestSchedules = Schedules.TestCase
TestSchedules.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


# Twenty times Python's limit of nested calls.
MANY = 20_000


def test_what_comes_in_order_is_no_chain() -> None:
    """Add and pop entries in order: this needs no deep recursion."""
    schedule = Schedule()
    for time in range(MANY):
        schedule = schedule.add(time, FinishDeletion("b", None, time))
    for time in range(MANY):
        due_at, due, schedule = schedule.pop()
        assert (due_at, due.incarnation) == (time, time)


def test_what_comes_in_the_other_order_is_no_chain() -> None:
    schedule = Schedule()
    for time in reversed(range(MANY)):
        schedule = schedule.add(time, FinishDeletion("b", None, time))
    assert [entry[0] for entry in sorted(schedule.entries())] == list(range(MANY))
    for time in range(MANY):
        due_at, _, schedule = schedule.pop()
        assert due_at == time


def test_stale_entries_are_dropped() -> None:
    """Streams that come and go leave no look at each of them behind."""
    mock = S2Mock(clock=ManualClock())
    config = BasinConfig(StreamConfig(delete_on_empty_min_age=3600))
    basin = mock.create_basin("my-basin", config)
    basin.create_stream("stays")
    most = 0
    for _ in range(MANY):
        basin.create_stream("s").delete()
        most = max(most, mock.account.engine.state.schedule.size)
    assert most <= 1000
    # What is left still does what it is for.
    mock.clock.advance(3600 + 59)
    assert basin.streams == ("stays",)
    mock.clock.advance(1)
    assert basin.streams == ()


def test_stale_entries_of_settings_that_change() -> None:
    mock = S2Mock(clock=ManualClock())
    stream = mock.create_basin("my-basin").create_stream("s")
    for _ in range(2000):
        stream.reconfigure(delete_on_empty_min_age=3600)
        stream.reconfigure(delete_on_empty_min_age=0)
    assert mock.account.engine.state.schedule.size <= 1000


def test_stale_entries_of_basins_that_go() -> None:
    """Their streams go with them, and so does what was due for those."""
    mock = S2Mock(clock=ManualClock())
    config = BasinConfig(StreamConfig(delete_on_empty_min_age=3600))
    most = 0
    for _ in range(300):
        basin = mock.create_basin("my-basin", config)
        for number in range(20):
            basin.create_stream(f"s{number}")
        basin.delete()
        most = max(most, mock.account.engine.state.schedule.size)
    assert most <= 1000


def test_a_deletion_that_is_pending_is_not_stale() -> None:
    """Where entries are dropped, those of deletions stay."""
    mock = S2Mock(clock=ManualClock(), deletion_delay=60)
    config = BasinConfig(StreamConfig(delete_on_empty_min_age=3600))
    basin = mock.create_basin("my-basin", config)
    for number in range(200):
        basin.create_stream(f"s{number}").delete()
    stream = basin.create_stream("stays")
    for _ in range(1000):
        stream.reconfigure(delete_on_empty_min_age=0)
        stream.reconfigure(delete_on_empty_min_age=3600)
    kinds = [type(due) for _, due in mock.account.engine.state.schedule.entries()]
    assert kinds.count(FinishDeletion) == 200
    assert kinds.count(CheckEmpty) <= 400
    mock.clock.advance(60)
    assert basin.streams == ("stays",)
