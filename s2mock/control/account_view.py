"""An account as it is seen at one moment: what is in it, who reads it, and what waits until when.

Whoever looks keeps nobody else waiting: what is taken here is a value, and put into words later.
"""

from typing import Any, NamedTuple

from s2mock.registry.engine.engine import Engine
from s2mock.registry.state import AccountState, StreamState
from s2mock.registry.values.schedule import CheckEmpty, Due
from s2mock.runtime.clock import NEVER

# Of what waits, so many are named: the next ones.
_NAMED = 50


class CapturedView(NamedTuple):
    """What there is. `time` is the account's own, by which records expire.

    `readers` are the read sessions that follow at the tail, by the stream's incarnation. `waiting`
    has what waits, with the time when it goes on, in nanoseconds since the Unix epoch.
    """

    state: AccountState
    time: int
    readers: dict[int, int]
    waiting: list[tuple[int, str]]

    def stream(self, basin: str, name: str) -> StreamState | None:
        """The stream of that name, also while its deletion is pending."""
        parent = self.state.basins.get(basin)
        return None if parent is None else parent.streams.get(name)


def see(engine: Engine) -> CapturedView:
    """The account as it is now. Nothing that has fallen due is carried out for that."""
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
    return CapturedView(state, moment.account_time, readers, sorted(waiting))


def waiting_form(seen: CapturedView) -> dict[str, Any]:
    """What waits until when: how much, and the next of it."""
    named = seen.waiting[:_NAMED]
    return {
        "count": len(seen.waiting),
        # A browser has dates for a part of the numbers that a snapshot's file may have.
        "next": [{"until": min(until, NEVER), "what": what} for until, what in named],
    }


def _due(due: Due) -> str:
    if isinstance(due, CheckEmpty):
        return f"delete-on-empty looks at {due.stream} in {due.basin}"
    if due.stream is None:
        return f"the deletion of {due.basin} is complete"
    return f"the deletion of {due.stream} in {due.basin} is complete"
