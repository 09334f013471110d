"""`/_s2mock/journal`: what was asked and answered, as a list or as it comes."""

from collections.abc import Callable, Generator
from typing import Any

from s2mock.control.answers import Answer, Refused
from s2mock.control.forms import exchange_form
from s2mock.control.request import ControlRequest, count_of, seconds_of, whole_of
from s2mock.powers.exchange import Exchange
from s2mock.runtime.conversation import DRAINED, Conversation, Head, RunInThread, Step

_FILTERS = ("after", "basin", "stream", "status")
# A comment is sent to a client that follows after so many seconds of nothing, so that one that has
# left is noticed.
_HEARTBEAT_SECONDS = 15.0
# More than so many are put into words where nobody waits for it.
_MANY = 20


def read_journal(asked: ControlRequest) -> Generator[Step, Any, Answer | None]:
    """The exchanges that match; with `wait`, when there are so many of them."""
    query = asked.query((*_FILTERS, "count", "wait"), lists=("operation",))
    wait = seconds_of(query)
    count = count_of(query, wait)
    if "text/event-stream" in asked.environ.get("HTTP_ACCEPT", ""):
        if wait is not None:
            raise Refused(400, "wait says nothing of a journal that is followed: leave it out")
        yield from _follow(asked, query)
        return None
    journal = asked.powers.journal
    found: tuple[Exchange, ...] = yield from _steps(
        asked, query, 0 if wait is None else count, wait or 0.0
    )

    def put() -> dict[str, Any]:
        return {
            "exchanges": [exchange_form(exchange) for exchange in found],
            "last": journal.last_number,
            "dropped": journal.dropped,
            "limit": journal.limit,
            "max_bytes": journal.max_bytes,
            "kept": len(journal),
            "body_bytes": journal.body_bytes,
        }

    return Answer(200, (yield RunInThread(put)) if len(found) > _MANY else put())


def clear_journal(asked: ControlRequest) -> Answer:
    """As `Journal.clear`."""
    asked.query(())
    asked.seat.count()
    asked.powers.journal.clear()
    return Answer(204)


def take_advice(asked: ControlRequest) -> Generator[Step, Any, Answer]:
    """The exchanges that have advice which nobody has asked for here yet."""
    asked.query(())

    def put() -> dict[str, Any]:
        return {"exchanges": [exchange_form(one) for one in asked.powers.journal.take_advised()]}

    return Answer(200, (yield RunInThread(put)))


def read_coverage(asked: ControlRequest) -> Generator[Step, Any, Answer]:
    """What the account has met, operation by operation, and what never."""
    asked.query(())

    def count() -> dict[str, Any]:
        asked.seat.count()
        return asked.seat.coverage.to_json()

    return Answer(200, (yield RunInThread(count)))


def _follow(asked: ControlRequest, query: dict[str, Any]) -> Conversation:
    """Server-sent events: each exchange when it is there, from `after` on."""
    last = asked.environ.get("HTTP_LAST_EVENT_ID")
    if last:
        query["after"] = last
    # What is wrong with it is said before anything else.
    found: tuple[Exchange, ...] = yield from _steps(asked, query, 0, 0.0)
    yield Head(200, [("content-type", "text/event-stream"), ("cache-control", "no-store")])
    after = whole_of(query, "after", 0)
    while True:
        for start in range(0, len(found), _MANY):
            part = found[start : start + _MANY]
            yield b"".join(map(asked.seat.events.of, part))
            # One that does not read is not looked after until it does.
            yield DRAINED
            after = part[-1].number
        query["after"] = str(after)
        try:
            found = yield from _steps(asked, query, 1, _HEARTBEAT_SECONDS, is_described=False)
        except TimeoutError:
            found = ()
            yield b": \n\n"


def _steps(
    asked: ControlRequest,
    query: dict[str, Any],
    count: int,
    timeout: float,
    *,
    is_described: bool = True,
) -> Generator[Step, Any, tuple[Exchange, ...]]:
    after = whole_of(query, "after", 0)
    status = whole_of(query, "status")
    pending: Callable[..., Any] = asked.powers.journal.pending
    try:
        found: tuple[Exchange, ...] = yield from pending(
            query.get("operation"),
            count,
            timeout=timeout,
            basin=query.get("basin", "*"),
            stream=query.get("stream", "*"),
            status=status,
            after=after,
            is_described=is_described,
        ).steps()
    except (TypeError, ValueError) as error:
        raise Refused(400, str(error).replace("on=", "operation=", 1)) from None
    return found
