"""`/_s2mock/timeline`: the exchanges in a row each, without bodies, as a list or as events."""

import json
from collections.abc import Generator
from contextlib import suppress
from typing import Any, Final

from s2mock.control.request import ControlRequest, ControlRoute, whole_of
from s2mock.control.response import ControlResponse
from s2mock.control.views.timeline import timeline_to_json
from s2mock.powers.entry import NOT_YET
from s2mock.powers.exchange import Exchange
from s2mock.powers.journal import Journal
from s2mock.powers.timeline import make_timeline, make_title
from s2mock.runtime.conversation import DRAINED, Conversation, Head, RunInThread, Step
from s2mock.runtime.notifier import NotifierWait

_TEXT: Final = (("content-type", "text/plain; charset=utf-8"),)
_MANY: Final = 500
# The time between two events, so that many rows can share one.
_REST_SECONDS: Final = 0.1
_HEARTBEAT_SECONDS: Final = 15.0


def read_timeline(request: ControlRequest) -> Generator[Step, Any, ControlResponse | None]:
    """Return the rows after a number; a follower gets them as events, changed rows again.

    With `Accept: text/plain` they are lines of text, as in the report of a failed test.
    """
    query = request.query(("after",))
    after = whole_of(query, "after", 0)
    assert after is not None
    journal = request.hosted.powers.journal
    if request.wants_events:
        yield from _follow(journal, after)
        return None

    if "text/plain" in request.environ.get("HTTP_ACCEPT", ""):
        text = yield RunInThread(lambda: _to_text(journal.since(after)))
        return ControlResponse(200, text.encode("utf-8", "replace"), _TEXT)

    def serialize() -> dict[str, Any]:
        return timeline_to_json(journal, journal.since(after))

    return ControlResponse(200, (yield RunInThread(serialize)))


def _to_text(exchanges: tuple[Exchange, ...]) -> str:
    """Return a title, and a line for each of the last exchanges."""
    from s2mock.control.json_spelling import spell_message  # loaded late: few ask for this text

    title = make_title(exchanges)
    if not exchanges:
        return f"{title}\n"
    return f"{title}\n{make_timeline(exchanges, spell=spell_message)}\n"


def _follow(journal: Journal, after: int) -> Conversation:
    yield Head(200, [("content-type", "text/event-stream"), ("cache-control", "no-store")])
    # The unfinished exchanges that were sent, with the last sequence number of each.
    unfinished: dict[int, int | None] = {}
    # The first event is sent even without rows, so that a follower knows that there are none.
    is_first = True

    def next_event() -> tuple[tuple[Exchange, ...], bytes]:
        found = journal.find_changes(after, unfinished, _MANY)
        return found, _event(journal, found) if found or is_first else b": \n\n"

    while True:
        found, event = yield RunInThread(next_event)
        yield event
        yield DRAINED
        is_first = False
        for exchange in found:
            after = max(after, exchange.number)
            if exchange.ended is None or (exchange.reason or "").endswith(NOT_YET):
                unfinished[exchange.number] = exchange.effect.last_seq_num
            else:
                unfinished.pop(exchange.number, None)
        if len(found) < _MANY:
            rest = NotifierWait()
            rest.timeout = _REST_SECONDS
            yield rest
            with suppress(TimeoutError):
                yield from journal.pending_changes(after, unfinished, _HEARTBEAT_SECONDS).steps()


def _event(journal: Journal, exchanges: tuple[Exchange, ...]) -> bytes:
    text = json.dumps(timeline_to_json(journal, exchanges), ensure_ascii=False)
    return f"event: rows\ndata: {text}\n\n".encode("utf-8", "surrogatepass")


ROUTES: Final = (ControlRoute("GET", "/timeline", read_timeline),)
