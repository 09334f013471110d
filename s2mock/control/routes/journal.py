"""`/_s2mock/journal`: list exchanges, await them, follow them, export and clear the journal.

`/_s2mock/advice` and `/_s2mock/coverage` are computed from its exchanges.
"""

from collections.abc import Generator
from typing import Any, Final

from s2mock.control.request import ControlRequest, ControlRoute, count_of, seconds_of, whole_of
from s2mock.control.response import ControlResponse, Refused
from s2mock.control.routes.streams import capture_all
from s2mock.control.views.stream_history import find_state_before
from s2mock.control.views.timeline import shown_to_json
from s2mock.control.views.token_before import secret_of
from s2mock.powers.exchange import Exchange
from s2mock.powers.exchange_filter import ExchangeFilter
from s2mock.powers.exchange_json import exchange_to_json
from s2mock.runtime.conversation import (
    DRAINED,
    TURNS_TO_READ_AN_END,
    Conversation,
    Head,
    RunInThread,
    Step,
)

_FILTERS: Final = ("after", "basin", "stream", "status")
_LINES: Final = (("content-type", "application/jsonl"),)
# After this time without an exchange a follower gets a comment, so that the server notices a
# client that has closed its connection.
_HEARTBEAT_SECONDS: Final = 15.0
# More exchanges than this are serialized in a thread, where no other request waits for it.
_MANY: Final = 20


def read_journal(request: ControlRequest) -> Generator[Step, Any, ControlResponse | None]:
    """Return the exchanges that match; with `wait`, once there are `count` of them."""
    query = request.query((*_FILTERS, "count", "wait"), lists=("operation",))
    wait = seconds_of(query)
    count = count_of(query, wait)
    if request.wants_events:
        if wait is not None:
            raise Refused(400, "wait has no meaning for a journal that is followed: leave it out")
        yield from _follow(request, query)
        return None
    journal = request.hosted.powers.journal
    found: tuple[Exchange, ...] = yield from _find(
        request, query, 0 if wait is None else count, wait or 0.0
    )

    def serialize() -> dict[str, Any]:
        return {
            "exchanges": [exchange_to_json(exchange) for exchange in found],
            **journal.summary._asdict(),
        }

    is_long = len(found) > _MANY
    return ControlResponse(200, (yield RunInThread(serialize)) if is_long else serialize())


def clear_journal(request: ControlRequest) -> ControlResponse:
    """Remove all exchanges; as `Journal.clear`."""
    request.query()
    request.hosted.count()
    request.hosted.powers.journal.clear()
    return ControlResponse(204)


def get_exchange(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return one exchange, complete, for a person to read."""
    request.query()
    journal = request.hosted.powers.journal
    exchange = journal.find(request.number)
    if exchange is None:
        raise Refused(404, f"the journal has no exchange {request.number}")

    def serialize() -> dict[str, Any]:
        view = capture_all(request.hosted)
        is_alone = exchange.stream is None and not secret_of(exchange)
        exchanges = () if is_alone else journal.since(0)
        return shown_to_json(exchange, find_state_before(view, exchanges, exchange))

    return ControlResponse(200, (yield RunInThread(serialize)))


def read_cassette(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return the exchanges as the lines of a cassette, without secrets; as `Journal.save`."""
    request.query()
    journal, account = request.hosted.powers.journal, request.hosted.reads

    def serialize() -> bytes:
        from s2mock.exports import cassette  # loaded late: most servers write none

        return cassette.render(journal.since(0), account, journal.summary.dropped).encode()

    return ControlResponse(200, (yield RunInThread(serialize)), _LINES)


def read_history(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return the history of a stream as lines for `s2-verification`; as `Journal.history`."""
    query = request.query(("basin", "stream"))
    journal, account = request.hosted.powers.journal, request.hosted.reads

    def serialize() -> bytes:
        from s2mock.exports import history  # loaded late: most servers write none

        chosen = ExchangeFilter.make(
            history.OPERATIONS, basin=query.get("basin", "*"), stream=query.get("stream", "*")
        )
        place = history.choose_stream(history.streams_of(journal.of(chosen)))
        return history.render(journal.since(0), place, account).encode()

    try:
        return ControlResponse(200, (yield RunInThread(serialize)), _LINES)
    except (ImportError, ValueError) as error:
        raise Refused(400, str(error)) from None


def take_advice(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return the exchanges with advice that no earlier request has returned.

    The test is over: unless `open` is "false", there is advice on each read session without an end
    that is open.
    """
    has_open = request.query(("open",)).get("open", "true")
    if has_open not in ("true", "false"):
        raise Refused(400, f"open must be true or false, not {has_open!r}")
    journal = request.hosted.powers.journal
    if has_open == "true":
        for _ in range(TURNS_TO_READ_AN_END):
            if not journal.has_endless_reads():
                break
            # The server handles the ends of connections that have arrived.
            yield RunInThread(bool)
        journal.add_advice_on_endless_reads()

    def serialize() -> dict[str, Any]:
        advised = journal.take_advised()
        return {"exchanges": [exchange_to_json(exchange) for exchange in advised]}

    return ControlResponse(200, (yield RunInThread(serialize)))


def read_coverage(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return what the account's requests covered, operation by operation, and what they did not."""
    request.query()

    def count() -> dict[str, Any]:
        request.hosted.count()
        return request.hosted.coverage.to_json()

    return ControlResponse(200, (yield RunInThread(count)))


def _follow(request: ControlRequest, query: dict[str, Any]) -> Conversation:
    """Send each exchange as a server-sent event once it is there, from `after` on."""
    last = request.environ.get("HTTP_LAST_EVENT_ID")
    if last:
        query["after"] = last
    # A wrong parameter is refused before the head is sent.
    found: tuple[Exchange, ...] = yield from _find(request, query, 0, 0.0)
    yield Head(200, [("content-type", "text/event-stream"), ("cache-control", "no-store")])
    after = whole_of(query, "after", 0)
    while True:
        for start in range(0, len(found), _MANY):
            part = found[start : start + _MANY]
            yield b"".join(map(request.hosted.events.serialize, part))
            # A client that reads slowly gets no further events until it has read these.
            yield DRAINED
            after = part[-1].number
        query["after"] = str(after)
        try:
            found = yield from _find(request, query, 1, _HEARTBEAT_SECONDS, is_described=False)
        except TimeoutError:
            found = ()
            yield b": \n\n"


def _find(
    request: ControlRequest,
    query: dict[str, Any],
    count: int,
    timeout: float,
    *,
    is_described: bool = True,
) -> Generator[Step, Any, tuple[Exchange, ...]]:
    """Return the exchanges that match, once there are `count` of them.

    Raises `Refused`, `TimeoutError`.
    """
    after = whole_of(query, "after", 0)
    status = whole_of(query, "status")
    try:
        chosen = ExchangeFilter.make(
            query.get("operation"),
            basin=query.get("basin", "*"),
            stream=query.get("stream", "*"),
            status=status,
            after=after or 0,
        )
        journal = request.hosted.powers.journal
        pending = journal.pending(chosen, count, timeout, is_described=is_described)
    except (TypeError, ValueError) as error:
        raise Refused(400, str(error)) from None
    found: tuple[Exchange, ...] = yield from pending.steps()
    return found


ROUTES: Final = (
    ControlRoute("GET", "/journal", read_journal),
    ControlRoute("DELETE", "/journal", clear_journal),
    ControlRoute("GET", "/journal/cassette", read_cassette),
    ControlRoute("GET", "/journal/history", read_history),
    ControlRoute("GET", "/journal/{number}", get_exchange),
    ControlRoute("POST", "/advice", take_advice),
    ControlRoute("GET", "/coverage", read_coverage),
)
