"""The state of an account at one moment: its streams, their readers, and what waits until when.

The account's lock is held only while the values are taken. They are serialized later.
"""

from typing import Any, Final, NamedTuple

from s2mock.registry.engine.engine import Engine
from s2mock.registry.state import AccountState, StreamState
from s2mock.registry.values.schedule import CheckEmpty, Due
from s2mock.runtime.clock import NEVER

# The number of waits that are described: the next ones.
_NAMED: Final = 50


class CapturedView(NamedTuple):
    """The state of an account. `time` is the account's own, by which records expire.

    `shift` is what is added to it for a date, in nanoseconds.

    `readers` has the number of read sessions that follow at the tail, by the stream's incarnation.
    `waiting` has a time, in nanoseconds since the Unix epoch, and what waits for it.
    """

    state: AccountState
    time: int
    readers: dict[int, int]
    waiting: list[tuple[int, str]]
    shift: int = 0

    def stream(self, basin: str, name: str) -> StreamState | None:
        """Return the stream of that name, also while its deletion is pending, or None."""
        parent = self.state.basins.get(basin)
        return None if parent is None else parent.streams.get(name)


def capture(engine: Engine) -> CapturedView:
    """Return the state of the account now, without carrying out any action that is due."""
    with engine.lock.mutex:
        state, moment = engine.store.share(), engine.timekeeper.moment()
        followed = [*engine.sessions.following.items()]
        readers = {incarnation: following.count for incarnation, following in followed}
        at_tails = {
            pause: f"a read at the tail of {following.stream}: its next heartbeat, or its end"
            for _, following in followed
            for pause in following.waiters
        }
        waiting = [
            (
                moment.now + pause.until - moment.monotonic,
                at_tails.get(pause, "an operation that is delayed, or waits to be durable"),
            )
            for pause in engine.sessions.waiters
        ]
    shift = moment.now - moment.account_time
    waiting += [(time + shift, _due(due)) for time, due in state.schedule.entries()]
    return CapturedView(state, moment.account_time, readers, sorted(waiting), shift)


def waiting_to_json(view: CapturedView) -> dict[str, Any]:
    """Return the number of waits, and the next of them, as JSON."""
    named = view.waiting[:_NAMED]
    return {
        "count": len(view.waiting),
        # The file of a snapshot may have later times than the dates of a browser can express.
        "next": [{"until": min(until, NEVER), "what": what} for until, what in named],
    }


def _due(due: Due) -> str:
    if isinstance(due, CheckEmpty):
        return f"delete-on-empty looks at {due.stream} in {due.basin}"
    if due.stream is None:
        return f"the deletion of {due.basin} is complete"
    return f"the deletion of {due.stream} in {due.basin} is complete"
