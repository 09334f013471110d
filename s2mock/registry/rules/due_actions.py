"""What happens when something falls due: deletions end, and stale entries are dropped."""

from s2mock.registry.state import AccountState, Change
from s2mock.registry.values.schedule import Due, FinishDeletion, Schedule


def finished_deletion(state: AccountState, due: FinishDeletion) -> Change:
    """The end of a deletion; nothing, where what has that name is another one by now."""
    basin = state.basins.get(due.basin)
    if due.stream is None:
        same = basin is not None and basin.incarnation == due.incarnation
        return Change(basin=(due.basin, None) if same else None)
    stream = None if basin is None else basin.streams.get(due.stream)
    same = stream is not None and stream.incarnation == due.incarnation
    return Change(stream=(due.basin, due.stream, None) if same else None)


def without(count: int, state: AccountState) -> Schedule:
    """The schedule, so many more entries of which mean nothing; made anew when most do not."""
    schedule = state.schedule
    schedule = schedule._replace(stale=schedule.stale + count)
    if schedule.stale <= 64 + schedule.size // 2:
        return schedule
    kept = Schedule()
    for time, due in sorted(schedule.entries(), key=lambda entry: entry[0]):
        if _means_something(due, state):
            kept = kept.add(time, due)
    return kept


def _means_something(due: Due, state: AccountState) -> bool:
    if isinstance(due, FinishDeletion):
        return True
    basin = state.basins.get(due.basin)
    stream = None if basin is None else basin.streams.get(due.stream)
    return (
        stream is not None and stream.incarnation == due.incarnation and stream.check_due == due.at
    )
