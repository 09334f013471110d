"""Deletion of streams, by request and by themselves (delete-on-empty), and its completion.

From the moment of its deletion on, nothing can be done with a stream. With delete-on-empty, a
stream without records is deleted by a check. A check is scheduled for when the stream could first
be old enough, and when the setting changes, and when a trim takes the last record. A pass of every
minute carries checks out; one that finds records, or a stream that is too young, schedules the next
check for when the stream will be empty and old enough, but not within ten minutes. Sources:
reference: control_plane §5.7, §5.10 (as seen on the running server, 0.43.4), data_plane §8.5.
"""

from math import inf
from typing import Final

from s2mock.registry.log.log import LogState
from s2mock.registry.state import AccountState, Change, Effect, StreamState
from s2mock.registry.values.config import UNSET, StreamConfig
from s2mock.registry.values.schedule import CheckEmpty, Due, FinishDeletion, Schedule
from s2mock.runtime.clock import NANOSECONDS, NEVER, Moment, nanoseconds

_PASS_SECONDS: Final = 60
_RETRY_SECONDS: Final = 600

Watched = tuple[StreamState, tuple[tuple[int, Due], ...]]
"""A stream, and the checks to schedule for it."""


def later(moment: Moment, delay: float, due: Due) -> tuple[tuple[int, Due], ...]:
    """Return the action as due in `delay` seconds; nothing if that is infinite."""
    return () if delay == inf else ((moment.account_time + nanoseconds(delay), due),)


def delete_stream(basin: str, stream: StreamState, moment: Moment, delay: float) -> Change:
    """Delete a stream; the deletion is complete after `delay` seconds, with 0 at once."""
    effect = Effect("deleted")
    # Also for a stream without records: it may have followers.
    written = (stream.log or LogState()).decide_end(moment, stream.config)
    if delay == 0:
        gone = (basin, stream.name, None)
        return Change(stream=gone, written=written, effect=effect)
    due = later(moment, delay, FinishDeletion(basin, stream.name, stream.incarnation))
    deleting = stream._replace(deleted_at=moment.now, check_due=None)
    return Change(
        stream=(basin, stream.name, deleting), written=written, due_actions=due, effect=effect
    )


def finished_deletion(state: AccountState, due: FinishDeletion) -> Change:
    """Complete a deletion; change nothing where another basin or stream has the name by now."""
    basin = state.basins.get(due.basin)
    if due.stream is None:
        same = basin is not None and basin.incarnation == due.incarnation
        return Change(basin=(due.basin, None) if same else None)
    stream = None if basin is None else basin.streams.get(due.stream)
    same = stream is not None and stream.incarnation == due.incarnation
    return Change(stream=(due.basin, due.stream, None) if same else None)


# Delete-on-empty.


def watch(basin: str, stream: StreamState, time: int, before: StreamConfig) -> Watched:
    """Schedule a check for a stream that is new, or whose configuration was `before`."""
    min_age = stream.config.delete_on_empty_min_age
    if not min_age:
        return (stream if stream.check_due is None else stream._replace(check_due=None)), ()
    if before is UNSET:
        return _schedule(basin, stream, time, _old_enough(stream))
    if min_age != before.delete_on_empty_min_age:
        return _schedule(basin, stream, time, time)
    return stream, ()


def emptied(basin: str, stream: StreamState, time: int) -> Watched:
    """Schedule a check for a stream whose last record was trimmed."""
    if not stream.config.delete_on_empty_min_age:
        return stream, ()
    return _schedule(basin, stream, time, time)


def look(
    state: AccountState, due: CheckEmpty, moment: Moment, delay: float, write_owner: object
) -> Change:
    """Carry out a check: delete the stream, or schedule the next check."""
    basin = state.basins.get(due.basin)
    stream = None if basin is None else basin.streams.get(due.stream)
    if (
        stream is None
        or stream.incarnation != due.incarnation
        or stream.check_due != due.at
        or stream.deleted_at is not None
    ):
        return Change()
    log, old_enough = (
        (stream.log or LogState()).expired(write_owner, moment.account_time),
        _old_enough(stream),
    )
    stream = stream._replace(check_due=None, log=stream.log and log)
    if log.is_empty and moment.account_time >= old_enough:
        return delete_stream(due.basin, stream, moment, delay)
    if log.lasts_for_ever:
        return Change(stream=(due.basin, due.stream, stream))
    retry = moment.account_time + _RETRY_SECONDS * NANOSECONDS
    at = max(retry, old_enough, log.last_expiry)
    stream, entries = _schedule(due.basin, stream, moment.account_time, at)
    return Change(stream=(due.basin, due.stream, stream), due_actions=entries)


def _old_enough(stream: StreamState) -> int:
    age = (stream.config.delete_on_empty_min_age or 0) * NANOSECONDS
    return min(NEVER, stream.last_write + age)


def _schedule(basin: str, stream: StreamState, time: int, at: int) -> Watched:
    if stream.check_due is not None and stream.check_due <= at:
        return stream, ()
    whole_seconds = -((time - at) // NANOSECONDS)
    entry = CheckEmpty(basin, stream.name, stream.incarnation, at)
    falls_due = time + (whole_seconds + _PASS_SECONDS) * NANOSECONDS
    return stream._replace(check_due=at), ((falls_due, entry),)


# Entries of the schedule that have lost their meaning.


def without_stale(count: int, state: AccountState) -> Schedule:
    """Return the schedule with `count` more stale entries; made anew when most are stale."""
    schedule = state.schedule
    schedule = schedule._replace(stale=schedule.stale + count)
    if schedule.stale <= 64 + schedule.size // 2:
        return schedule
    return valid_schedule(state)


def valid_schedule(state: AccountState) -> Schedule:
    """Return the schedule without the entries that have lost their meaning."""
    kept = Schedule()
    schedule = state.schedule
    for time, due in sorted(schedule.entries(), key=lambda entry: entry[0]):
        if not _is_stale(due, state):
            kept = kept.add(time, due)
    return kept


def _is_stale(due: Due, state: AccountState) -> bool:
    if isinstance(due, FinishDeletion):
        return False
    basin = state.basins.get(due.basin)
    stream = None if basin is None else basin.streams.get(due.stream)
    return stream is None or stream.incarnation != due.incarnation or stream.check_due != due.at
