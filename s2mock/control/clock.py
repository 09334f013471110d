"""`/_s2mock/clock` and `/_s2mock/readers`: the account's time, and who follows at a tail."""

from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

from s2mock.control.answers import Answer, Refused
from s2mock.control.request import ControlRequest, count_of, seconds_of, stream_of
from s2mock.registry.values.errors import S2Error, StreamNotFound
from s2mock.runtime.clock import NANOSECONDS, Clock, ManualClock
from s2mock.runtime.conversation import RunInThread, Step
from s2mock.runtime.notifier import Pending

_MICROSECOND = 1_000
_MILLISECOND = 1_000_000


def read_clock(asked: ControlRequest) -> Generator[Step, Any, Answer]:
    """The time; with `wait`, when so many wait for the clock to be turned."""
    query = asked.query(("waiters", "wait"))
    wait = seconds_of(query)
    count = count_of(query, wait, "waiters")
    if wait is not None:
        clock = _manual(asked, "nobody waits for it to be turned")
        yield from clock.waiters_pending(count, wait).steps()
    return Answer(200, clock_form(asked.mock.clock))


def advance(asked: ControlRequest) -> Generator[Step, Any, Answer]:
    """As `ManualClock.advance`: whoever waited for that has gone on when this is answered."""
    asked.query(())
    seconds = asked.document("seconds", required=("seconds",))["seconds"]
    clock = _manual(asked, "it cannot be turned")
    try:
        # It waits until all who were woken have had their turn, most of them on this very loop.
        yield RunInThread(lambda: clock.advance(seconds))
    except (TypeError, ValueError) as error:
        raise Refused(400, str(error)) from None
    return Answer(200, clock_form(asked.mock.clock))


def _manual(asked: ControlRequest, so: str) -> ManualClock:
    clock = asked.mock.clock
    if not isinstance(clock, ManualClock):
        raise Refused(
            409,
            f"this account goes by the machine's clock, so {so}: start the server with "
            '--clock manual, or make an account with {"clock": "manual"}',
        )
    return clock


def clock_form(clock: Clock) -> dict[str, Any]:
    """The time of a clock, and how many wait on it."""
    now = clock.now()
    date = datetime.fromtimestamp(now // NANOSECONDS, UTC)
    date = date.replace(microsecond=now % NANOSECONDS // _MICROSECOND)
    return {
        "clock": "manual" if isinstance(clock, ManualClock) else "system",
        "now": now,
        "timestamp": now // _MILLISECOND,
        "date": date.isoformat().replace("+00:00", "Z"),
        "waiters": clock.waiters if isinstance(clock, ManualClock) else 0,
    }


def read_readers(asked: ControlRequest) -> Generator[Step, Any, Answer]:
    """How many read sessions follow at the tail; with `wait`, when there are so many."""
    query = asked.query(("basin", "stream", "count", "wait"))
    wait = seconds_of(query)
    count = count_of(query, wait)
    basin, name = stream_of(query)
    account = asked.mock.account

    def readers() -> int:
        try:
            found: int = account.stream(basin, name).readers
        except StreamNotFound:
            if wait is None or not _is_made_by_a_read(account, basin):
                raise
            return 0
        return found

    try:
        if wait is not None:
            yield from Pending(
                account.engine.sessions.followed,
                lambda: True if readers() >= count else None,
                lambda: (
                    f"{readers()} of {count} read sessions followed at the tail of stream {name!r} "
                    f"in {basin!r} within {wait:g} s"
                ),
                wait,
            ).steps()
        return Answer(200, {"readers": readers()})
    except S2Error as error:
        status = error.status if error.status in (404, 409) else 400
        raise Refused(status, error.message) from None


def _is_made_by_a_read(account: Any, basin: str) -> bool:
    """True if the basin is there, and creates streams on read (control_plane §5.9)."""
    try:
        creates: bool = account.basin(basin).config.create_stream_on_read
    except S2Error:
        return False
    return creates
