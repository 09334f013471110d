"""The deletion of a stream: from one moment on, nothing can be done with it.

Source: reference: control_plane §5.7, data_plane §8.5.
"""

from math import inf

from s2mock.registry.log.log import LogState
from s2mock.registry.state import Change, Effect, StreamState
from s2mock.registry.values.schedule import Due, FinishDeletion
from s2mock.runtime.clock import Moment, nanoseconds


def later(moment: Moment, delay: float, due: Due) -> tuple[tuple[int, Due], ...]:
    """What falls due `delay` seconds from now: never, if that is infinite."""
    return () if delay == inf else ((moment.time + nanoseconds(delay), due),)


def delete_stream(basin: str, stream: StreamState, moment: Moment, delay: float) -> Change:
    """Delete a stream, which is complete after `delay` seconds; without any, at once."""
    effect = Effect("deleted")
    # Of a stream that nobody has written to as well: it may have followers.
    written = (stream.log or LogState()).decide_end(moment, stream.config)
    if delay == 0:
        gone = (basin, stream.name, None)
        return Change(stream=gone, written=written, effect=effect)
    due = later(moment, delay, FinishDeletion(basin, stream.name, stream.incarnation))
    deleting = stream._replace(deleted_at=moment.now, check_due=None)
    return Change(stream=(basin, stream.name, deleting), written=written, due=due, effect=effect)
