"""What S2 accepts without a word, and the author of a test would want to know.

Worked out when somebody looks, and at the end of a test, so that no request waits for it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from s2mock.api.query import unsigned
from s2mock.api.records.limits import END, START
from s2mock.documents.acceptors import Form, form
from s2mock.powers.entry import Entry, Lookable
from s2mock.powers.exchange import Exchange
from s2mock.registry.log import LogState

_seq_num: Final = unsigned(64)
# Longer bodies are made by programs, as a rule, and take long to look at.
_MAX_BYTES: Final = 64 * 1024
_MAX_LOST: Final = 100

_LISTING: Final = ("prefix", "start_after", "limit")
_METRICS: Final = ("set", "start", "end", "interval")
_PARAMETERS: Final[Mapping[str, Sequence[str]]] = {
    "list-basins": _LISTING,
    "list-streams": _LISTING,
    "list-access-tokens": _LISTING,
    "read": (*START, *END),
    "account-metrics": _METRICS,
    "basin-metrics": _METRICS,
    "stream-metrics": _METRICS,
}
_HEADERS: Final = (
    "s2-basin",
    "s2-encryption-key",
    "s2-format",
    "s2-request-token",
    "s2-stream-config",
)
_SCHEMAS: Final = {
    "create-basin": "create_basin",
    "ensure-basin": "ensure_basin",
    "reconfigure-basin": "basin_reconfiguration",
    "create-stream": "create_stream",
    "ensure-stream": "stream_config",
    "reconfigure-stream": "stream_reconfiguration",
    "append": "append_input",
    "issue-access-token": "issue_access_token",
    "set-default-location": "set_default_location",
}
_OPTIONAL_BODY: Final = ("ensure-basin", "ensure-stream")


class Lost(NamedTuple):
    """An append whose answer was lost."""

    number: int
    place: tuple[str | None, str | None]
    document: Any


def advice(entry: Entry, exchange: Exchange, lost: list[Lost], engine: Lookable) -> Iterator[str]:
    """What may have been meant otherwise in an exchange that is over.

    `lost` are the appends before it whose answers were lost; it is added to them if it is one.
    """
    if exchange.operation is None or entry.advice:
        # It has come late, and is told of already.
        return
    if not _is_sdk(exchange) and not _is_batch(exchange):
        yield from _ignored_parameters(exchange)
        yield from _ignored_headers(exchange)
        yield from _ignored_body(entry, exchange)
        yield from _ignored_fields(entry, exchange)
    if exchange.operation == "read":
        yield from _missed_records(exchange, engine)
    elif exchange.operation == "append":
        yield from _appended_twice(exchange, entry, lost)


def _is_sdk(exchange: Exchange) -> bool:
    """Whether an official SDK has made it, which may be newer than what is known here."""
    return exchange.request.headers.get("user-agent", "").startswith("s2-sdk")


def _is_batch(exchange: Exchange) -> bool:
    """Whether it is a part of a session, which has brought the headers."""
    return exchange.session is not None and exchange.session != exchange.number


def _ignored_parameters(exchange: Exchange) -> Iterator[str]:
    query = exchange.request.query
    if not query:
        return
    known = _PARAMETERS.get(exchange.operation or "", ())
    for name in dict.fromkeys(name for name, _ in parse_qsl(query, keep_blank_values=True)):
        if name not in known:
            what = f"query parameters of {exchange.operation}"
            yield f"S2 ignores the query parameter `{name}`: {_near(name, known, what)}"


def _ignored_headers(exchange: Exchange) -> Iterator[str]:
    for name in exchange.request.headers:
        if name.startswith("s2-") and name not in _HEADERS:
            yield f"S2 ignores the header `{name}`: {_near(name, _HEADERS, 'headers of S2')}"


def _ignored_body(entry: Entry, exchange: Exchange) -> Iterator[str]:
    if exchange.operation not in _OPTIONAL_BODY or not _is_taken(exchange):
        return
    length = entry.environ.get("CONTENT_LENGTH", "0")
    if "CONTENT_TYPE" not in entry.environ and length not in ("", "0"):
        yield (
            "S2 ignores the body, since it came without a content type: send "
            "content-type: application/json"
        )


def _ignored_fields(entry: Entry, exchange: Exchange) -> Iterator[str]:
    schema, body = _SCHEMAS.get(exchange.operation or ""), entry.body
    if schema is None or not body or len(body) > _MAX_BYTES or not _is_taken(exchange):
        return
    if "json" not in entry.environ.get("CONTENT_TYPE", ""):
        return
    try:
        document = json.loads(body)
    except ValueError:
        return
    for place, name, known in dict.fromkeys(_unknown(document, form(schema), "")):
        where = f" in `{place}`" if place else ""
        yield f"S2 ignores the field `{name}`{where} of the body: {_near(name, known, 'fields')}"


def _unknown(value: Any, expected: Form, place: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Place and name of each unknown field, and the known ones."""
    if isinstance(value, dict) and expected.fields:
        for name, below in value.items():
            known = expected.fields.get(name)
            if known is None:
                yield place, name, tuple(expected.fields)
            else:
                yield from _unknown(below, known, f"{place}.{name}" if place else name)
    elif isinstance(value, list) and expected.item is not None:
        for below in value:
            yield from _unknown(below, expected.item, f"{place}[]")


def _missed_records(exchange: Exchange, engine: Lookable) -> Iterator[str]:
    query = dict(parse_qsl(exchange.request.query, keep_blank_values=True))
    first = exchange.effect.first_seq_num
    if "seq_num" in query:
        try:
            seq_num = _seq_num(query["seq_num"])
        except ValueError:
            return
        if seq_num > 0 and _is_gone(seq_num, first, exchange, engine):
            went_on = "no record" if first is None else f"{first}"
            yield (
                f"the records from {seq_num} on that the read asks for are gone, trimmed or "
                f"expired: it begins with {went_on}"
            )
        return
    # A session, or a read that waits, may well mean to begin at the tail.
    has_start = query.keys() & START.keys() - {"clamp"}
    if has_start or "wait" in query or exchange.session is not None or first is not None:
        return
    response = exchange.response
    if response is None or response.status not in (200, 416) or exchange.fault is not None:
        return
    document = response.document
    tail = document.get("tail") if isinstance(document, dict) else None
    if isinstance(tail, dict) and tail.get("seq_num") and not _log(exchange, engine).is_empty:
        yield (
            "the read says no start, so it begins at the tail and finds nothing, though the stream "
            "has records: seq_num=0 reads from the beginning"
        )


def _is_gone(seq_num: int, first: int | None, exchange: Exchange, engine: Lookable) -> bool:
    if exchange.response is None or exchange.response.status != 200 or exchange.fault is not None:
        return False
    if first is not None:
        return first > seq_num
    log = _log(exchange, engine)
    return seq_num < log.tail.seq_num and not any(log.spans(seq_num, seq_num + 1))


def _log(exchange: Exchange, engine: Lookable) -> LogState:
    """The log of the stream that it is about, as it is by now."""
    with engine.turn.lock:
        basin = engine.state.basins.get(exchange.basin or "")
        stream = None if basin is None else basin.streams.get(exchange.stream or "")
    return LogState() if stream is None or stream.log is None else stream.log


def _appended_twice(exchange: Exchange, entry: Entry, lost: list[Lost]) -> Iterator[str]:
    if not exchange.effect.committed:
        return
    document = None
    for earlier in lost:
        if earlier.place != entry.place:
            continue
        document = document or exchange.request.document
        if isinstance(document, dict) and earlier.document == document:
            if "match_seq_num" not in document:
                yield (
                    f"the same batch as that of exchange {earlier.number}, whose answer was lost: "
                    "it is there twice now; match_seq_num lets S2 refuse it the second time"
                )
            break
    response = exchange.response
    if (response is None or response.status >= 500) and len(lost) < _MAX_LOST:
        lost.append(Lost(exchange.number, entry.place, exchange.request.document))


def _is_taken(exchange: Exchange) -> bool:
    return exchange.response is not None and exchange.response.status < 400


def _near(name: str, known: Sequence[str], what: str) -> str:
    if near := get_close_matches(name.lower().replace("-", "_"), known, 1, 0.6):
        return f"did you mean `{near[0]}`?"
    if near := get_close_matches(name.lower(), known, 1, 0.6):
        return f"did you mean `{near[0]}`?"
    return f"the {what} are {', '.join(sorted(known))}" if known else f"there are no {what}"
