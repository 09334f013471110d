"""Delete-on-empty: a stream without records goes away by itself.

A check comes due when the stream could first be old enough, when the setting changes and when a
trim takes the last record. A pass of every minute carries it out; where it comes too early, it is
due again once the stream will be empty and old enough, but not within ten minutes. Source: the
running server, 0.43.4, whose schedule is another than that of reference: control_plane §5.10.
"""

from typing import TYPE_CHECKING, Final

from s2mock.registry.clock import NANOSECONDS
from s2mock.registry.config import UNSET, StreamConfig

if TYPE_CHECKING:
    from s2mock.registry.stream import Stream

_PASS_SECONDS: Final = 60
_RETRY_SECONDS: Final = 600


def watch(stream: "Stream", now: int, before: StreamConfig) -> None:
    """The stream is new, or has another configuration than `before`."""
    min_age = stream.config.delete_on_empty_min_age
    if not min_age:
        stream.check_due = None
    elif before is UNSET:
        _schedule(stream, now, _old_enough(stream))
    elif min_age != before.delete_on_empty_min_age:
        _schedule(stream, now, now)


def emptied(stream: "Stream", now: int) -> None:
    """The last record was trimmed."""
    if stream.config.delete_on_empty_min_age:
        _schedule(stream, now, now)


def _old_enough(stream: "Stream") -> int:
    return stream.last_write + (stream.config.delete_on_empty_min_age or 0) * NANOSECONDS


def _schedule(stream: "Stream", now: int, at: int) -> None:
    if stream.check_due is not None and stream.check_due <= at:
        return
    stream.check_due = at
    whole_seconds = -((now - at) // NANOSECONDS)
    turn = stream.basin.account.turn
    turn.later(now, whole_seconds + _PASS_SECONDS, lambda due: _check(stream, at, due))


def _check(stream: "Stream", at: int, now: int) -> None:
    if stream.check_due != at or stream.deleted_at is not None or stream.removed:
        return
    stream.check_due = None
    log, old_enough = stream.log, _old_enough(stream)
    log.expire(now)
    if not log.records and now >= old_enough:
        stream.delete_at(now)
    elif not log.lasts_for_ever:
        retry = now + _RETRY_SECONDS * NANOSECONDS
        _schedule(stream, now, max(retry, old_enough, log.last_expiry))
