"""Delete-on-empty: a stream without records goes away by itself.

Looked at when it could first be true, and again when it could next be; at the earliest ten
minutes after the stream's age as an empty one is reached. Sources: reference: control_plane
§5.10, data_plane §8.3.
"""

from typing import TYPE_CHECKING, Final

from s2mock.registry.clock import NANOSECONDS
from s2mock.registry.config import StreamConfig

if TYPE_CHECKING:
    from s2mock.registry.stream import Stream

_GRACE_SECONDS: Final = 600


def watch(stream: "Stream", now: int, before: StreamConfig) -> None:
    """The stream is new or has another configuration than `before`."""
    config = stream.config
    if config.delete_on_empty_min_age and not before.delete_on_empty_min_age:
        age = config.retention_policy
        _look_after(stream, now, (age if isinstance(age, int) else 0) + _delay(stream))


def emptied(stream: "Stream", now: int) -> None:
    """The last record was trimmed."""
    if stream.config.delete_on_empty_min_age:
        _look_after(stream, now, _delay(stream))


def _delay(stream: "Stream") -> int:
    return (stream.config.delete_on_empty_min_age or 0) + _GRACE_SECONDS


def _look_after(stream: "Stream", now: int, seconds: int) -> None:
    stream.basin.account.turn.later(now, seconds, lambda due: _look(stream, due))


def _look(stream: "Stream", now: int) -> None:
    min_age = stream.config.delete_on_empty_min_age
    if not min_age or stream.deleted_at is not None or stream.removed:
        return
    log = stream.log
    log.expire(now)
    if log.records:
        left = (log.last_expiry - now) // NANOSECONDS
        if isinstance(stream.config.retention_policy, int):
            _look_after(stream, now, left + _delay(stream))
    elif now < stream.last_write + min_age * NANOSECONDS:
        left = (stream.last_write - now) // NANOSECONDS
        _look_after(stream, now, left + _delay(stream))
    else:
        stream.delete()
