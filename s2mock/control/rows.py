"""`/_s2mock/timeline`: the exchanges in a row each, as they come, without their bodies."""

import json
from contextlib import suppress
from typing import Any, Final

from s2mock.control.answers import Answer, Refused
from s2mock.control.forms import exchange_form
from s2mock.control.request import ControlRequest, whole_of
from s2mock.control.snippet import snippet
from s2mock.powers.exchange import Exchange
from s2mock.powers.journal import Journal
from s2mock.powers.redaction import redact_headers, redact_issued_tokens, redact_query
from s2mock.powers.timeline import name_error
from s2mock.runtime.conversation import DRAINED, Conversation, Head, RunInThread
from s2mock.runtime.notifier import NotifierWait

_MANY: Final = 500
# Between two events there is this much time, in which rows come together.
_REST_SECONDS: Final = 0.1
_HEARTBEAT_SECONDS: Final = 15.0
_WRITES: Final = frozenset({"append", "append-session", "create-stream", "ensure-stream"})


def read_timeline(asked: ControlRequest) -> Any:
    """The rows behind a number; followed, they come as events, those of sessions again."""
    query = asked.query(("after",))
    after = whole_of(query, "after", 0)
    assert after is not None
    journal: Journal = asked.powers.journal
    if "text/event-stream" in asked.environ.get("HTTP_ACCEPT", ""):
        yield from _follow(journal, after)
        return None

    def put() -> dict[str, Any]:
        return rows_form(journal, journal.since(after))

    return Answer(200, (yield RunInThread(put)))


def get_exchange(asked: ControlRequest) -> Any:
    """One exchange, with all of it."""
    asked.query(())
    exchange = asked.powers.journal.find(asked.number)
    if exchange is None:
        raise Refused(404, f"the journal has no exchange {asked.number}")
    return Answer(200, (yield RunInThread(lambda: shown_form(exchange))))


def shown_form(exchange: Exchange) -> dict[str, Any]:
    """All of an exchange as a person sees it: secrets are blacked out."""
    form = exchange_form(exchange)
    for said in (form["request"], form["response"]):
        if said is not None:
            said["headers"] = redact_headers(said["headers"])
    form["request"]["query"] = redact_query(form["request"]["query"])
    shown = {"exchange": form, "row": row_form(exchange), "pytest": snippet(exchange)}
    whole: dict[str, Any] = json.loads(redact_issued_tokens(json.dumps(shown)))
    return whole


def rows_form(journal: Any, exchanges: tuple[Exchange, ...]) -> dict[str, Any]:
    """Rows, and what the journal has: exchanges before `first` are gone."""
    return {
        "rows": [row_form(exchange) for exchange in exchanges],
        **journal_form(journal),
    }


def journal_form(journal: Any) -> dict[str, Any]:
    """The numbers of the first and the last exchange that are kept, and how many are gone."""
    last, kept = journal.last_number, len(journal)
    return {"first": last - kept + 1, "last": last, "dropped": journal.dropped}


def row_form(exchange: Exchange) -> dict[str, Any]:
    """An exchange without what was said, and with what came of it in few words."""
    response, request, effect = exchange.response, exchange.request, exchange.effect
    return {
        "number": exchange.number,
        "operation": exchange.operation or request.method,
        "basin": exchange.basin,
        "stream": exchange.stream,
        "path": request.path,
        "by": _by(exchange),
        "status": None if response is None else response.status,
        "code": (name_error(exchange) or None) if response and response.status >= 400 else None,
        "did": _did(exchange),
        "is_write": exchange.operation in _WRITES,
        "last_seq_num": effect.last_seq_num,
        "began": exchange.began,
        "ended": exchange.ended,
        "fault": None if exchange.fault is None else repr(exchange.fault),
        "advice": len(exchange.advice),
    }


def _by(exchange: Exchange) -> str:
    """Who asked: a session, a connection, or a call in this process."""
    if exchange.session is not None:
        return f"session {exchange.session}"
    return "wsgi" if exchange.connection is None else f"c{exchange.connection}"


def _did(exchange: Exchange) -> str:
    effect = exchange.effect
    first, last = effect.first_seq_num, effect.last_seq_num
    if first is not None and last is not None:
        if exchange.operation == "read":
            return f"read {first}..{last}"
        return f"+{last - first + 1} → {first}..{last}"
    return effect.kind or ""


def _follow(journal: Journal, after: int) -> Conversation:
    yield Head(200, [("content-type", "text/event-stream"), ("cache-control", "no-store")])
    going_on: dict[int, int | None] = {}
    # There is one event at the beginning, too: whoever follows knows then what there is.
    is_due = True

    def look() -> tuple[tuple[Exchange, ...], bytes]:
        found = journal.find_changes(after, going_on, _MANY)
        return found, _event(journal, found) if found or is_due else b": \n\n"

    while True:
        found, event = yield RunInThread(look)
        yield event
        yield DRAINED
        is_due = False
        for exchange in found:
            after = max(after, exchange.number)
            if exchange.ended is None:
                going_on[exchange.number] = exchange.effect.last_seq_num
            else:
                going_on.pop(exchange.number, None)
        if len(found) < _MANY:
            rest = NotifierWait()
            rest.timeout = _REST_SECONDS
            yield rest
            with suppress(TimeoutError):
                yield from journal.pending_changes(after, going_on, _HEARTBEAT_SECONDS).steps()


def _event(journal: Journal, exchanges: tuple[Exchange, ...]) -> bytes:
    text = json.dumps(rows_form(journal, exchanges), ensure_ascii=False)
    return f"event: rows\ndata: {text}\n\n".encode("utf-8", "surrogatepass")
