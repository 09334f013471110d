"""Delete-on-empty: a stream without records goes away by itself.

A check comes due when the stream could first be old enough, when the setting changes and when a
trim takes the last record. A pass of every minute carries it out; where it comes too early, it is
due again once the stream will be empty and old enough, but not within ten minutes. Source:
reference: control_plane §5.10, as seen on the running server, 0.43.4.
"""

from typing import Final

from s2mock.registry.log.log import LogState
from s2mock.registry.rules.deletion import delete_stream
from s2mock.registry.state import AccountState, Change, StreamState
from s2mock.registry.values.config import UNSET, StreamConfig
from s2mock.registry.values.schedule import CheckEmpty, Due
from s2mock.runtime.clock import NANOSECONDS, NEVER, Moment

_PASS_SECONDS: Final = 60
_RETRY_SECONDS: Final = 600

Watched = tuple[StreamState, tuple[tuple[int, Due], ...]]


def watch(basin: str, stream: StreamState, time: int, before: StreamConfig) -> Watched:
    """The stream is new, or has another configuration than `before`."""
    min_age = stream.config.delete_on_empty_min_age
    if not min_age:
        return (stream if stream.check_due is None else stream._replace(check_due=None)), ()
    if before is UNSET:
        return _schedule(basin, stream, time, _old_enough(stream))
    if min_age != before.delete_on_empty_min_age:
        return _schedule(basin, stream, time, time)
    return stream, ()


def emptied(basin: str, stream: StreamState, time: int) -> Watched:
    """The last record was trimmed."""
    if not stream.config.delete_on_empty_min_age:
        return stream, ()
    return _schedule(basin, stream, time, time)


def look(
    state: AccountState, due: CheckEmpty, moment: Moment, delay: float, owner: object
) -> Change:
    """The check that falls due: what becomes of the stream."""
    basin = state.basins.get(due.basin)
    stream = None if basin is None else basin.streams.get(due.stream)
    if (
        stream is None
        or stream.incarnation != due.incarnation
        or stream.check_due != due.at
        or stream.deleted_at is not None
    ):
        return Change()
    log, old_enough = (stream.log or LogState()).expired(owner, moment.time), _old_enough(stream)
    stream = stream._replace(check_due=None, log=stream.log and log)
    if log.is_empty and moment.time >= old_enough:
        return delete_stream(due.basin, stream, moment, delay)
    if log.lasts_for_ever:
        return Change(stream=(due.basin, due.stream, stream))
    retry = moment.time + _RETRY_SECONDS * NANOSECONDS
    at = max(retry, old_enough, log.last_expiry)
    stream, entries = _schedule(due.basin, stream, moment.time, at)
    return Change(stream=(due.basin, due.stream, stream), due=entries)


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
