"""What S2 accepts without a word, and the author of a test would want to know.

Worked out when somebody looks, and at the end of a test, so that no request waits for it. Most
exchanges give nothing to say, so the note of one is looked at, and the exchange is made of it only
where there may be something.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from s2mock.api.operations import OPERATIONS
from s2mock.api.query import unsigned
from s2mock.api.records.headers import ENCRYPTION_KEY, FORMAT, STREAM_CONFIG
from s2mock.api.records.limits import START
from s2mock.api.requests import BASIN, REQUEST_TOKEN
from s2mock.json_bodies.validators import schema_node, unknown_fields
from s2mock.powers.entry import AccountView, Entry
from s2mock.powers.exchange import Exchange
from s2mock.powers.faults import is_answer_lost
from s2mock.registry.log.log import LogState
from s2mock.runtime.near_names import near_name

_seq_num: Final = unsigned(64)
_decoder: Final = json.JSONDecoder()
# Longer bodies are made by programs, as a rule, and take long to look at.
_MAX_BYTES: Final = 64 * 1024
_MAX_LOST: Final = 100
# Tests ask for the same thing over and over.
_MAX_QUERIES: Final = 64

_ROWS: Final = {row.name: row for row in OPERATIONS if row.name is not None}
_HEADERS: Final = tuple(sorted((BASIN, REQUEST_TOKEN, ENCRYPTION_KEY, FORMAT, STREAM_CONFIG)))
# As an environ has them.
_PREFIX: Final = "HTTP_S2_"
_VARIABLES: Final = {f"HTTP_{name.upper().replace('-', '_')}" for name in _HEADERS}


class Lost(NamedTuple):
    """An append whose answer was lost."""

    number: int
    place: tuple[str | None, str | None]
    document: Any


def advice(
    entry: Entry, exchange: Callable[[], Exchange], lost: list[Lost], engine: AccountView
) -> Iterator[str]:
    """What may have been meant otherwise in an exchange that is over.

    `exchange` makes the exchange of the entry. `lost` are the appends before it whose answers were
    lost; it is added to them if it is one.
    """
    operation = entry.operation
    if operation is None or entry.advice:
        # It has come late, and is told of already.
        return
    if not _is_sdk(entry) and not _is_batch(entry):
        if query := entry.environ.get("QUERY_STRING"):
            yield from _ignored_parameters(operation, query)
        yield from _ignored_headers(entry)
        yield from _ignored_body(entry, operation)
        yield from _ignored_fields(entry, operation)
    if operation == "read":
        yield from _missed_records(entry, exchange, engine)
    elif operation == "append" and entry.effect is not None:
        yield from _appended_twice(entry, exchange, lost)


def _is_sdk(entry: Entry) -> bool:
    """Whether an official SDK has made it, which may be newer than what is known here."""
    agent: str = entry.environ.get("HTTP_USER_AGENT", "")
    return agent.startswith("s2-sdk")


def _is_batch(entry: Entry) -> bool:
    """Whether it is a part of a session, which has brought the headers."""
    return entry.session is not None and entry.session is not entry


@lru_cache(_MAX_QUERIES)
def _pairs(query: str) -> tuple[tuple[str, str], ...]:
    return tuple(parse_qsl(query, keep_blank_values=True))


@lru_cache(_MAX_QUERIES)
def _ignored_parameters(operation: str, query: str) -> tuple[str, ...]:
    known = tuple(_ROWS[operation].query) if operation in _ROWS else ()
    what = f"query parameters of {operation}"
    return tuple(
        f"S2 ignores the query parameter `{name}`: {_near(name, known, what)}"
        for name in dict.fromkeys(name for name, _ in _pairs(query))
        if name not in known
    )


def _ignored_headers(entry: Entry) -> Iterator[str]:
    for variable in entry.environ:
        if variable.startswith(_PREFIX) and variable not in _VARIABLES:
            name = variable.removeprefix("HTTP_").replace("_", "-").lower()
            yield f"S2 ignores the header `{name}`: {_near(name, _HEADERS, 'headers of S2')}"


def _ignored_body(entry: Entry, operation: str) -> Iterator[str]:
    takes = _ROWS[operation].body if operation in _ROWS else None
    if takes is None or not takes.is_optional or not _is_taken(entry):
        return
    length = entry.environ.get("CONTENT_LENGTH", "0")
    if "CONTENT_TYPE" not in entry.environ and length not in ("", "0"):
        yield (
            "S2 ignores the body, since it came without a content type: send "
            "content-type: application/json"
        )


def _ignored_fields(entry: Entry, operation: str) -> Iterator[str]:
    body = entry.body
    if not body or len(body) > _MAX_BYTES or not _is_taken(entry):
        return
    takes = _ROWS[operation].body if operation in _ROWS else None
    if takes is None or "json" not in entry.environ.get("CONTENT_TYPE", ""):
        return
    try:
        document = _decoder.decode(body.decode("utf-8", "replace"))
    except ValueError:
        return
    for place, name, known in dict.fromkeys(unknown_fields(document, schema_node(takes.schema))):
        where = f" in `{place}`" if place else ""
        yield f"S2 ignores the field `{name}`{where} of the body: {_near(name, known, 'fields')}"


def _missed_records(
    entry: Entry, exchange: Callable[[], Exchange], engine: AccountView
) -> Iterator[str]:
    query = dict(_pairs(entry.environ.get("QUERY_STRING", "")))
    first = entry.first_seq_num
    if "seq_num" in query:
        try:
            seq_num = _seq_num(query["seq_num"])
        except ValueError:
            return
        if seq_num > 0 and _is_gone(seq_num, entry, engine):
            went_on = "no record" if first is None else f"{first}"
            yield (
                f"the records from {seq_num} on that the read asks for are gone, trimmed or "
                f"expired: it begins with {went_on}"
            )
        return
    # A session, or a read that waits, may well mean to begin at the tail.
    has_start = query.keys() & START.keys() - {"clamp"}
    if has_start or "wait" in query or entry.session is not None or first is not None:
        return
    if entry.status not in (200, 416) or entry.fault is not None:
        return
    response = exchange().response
    document = None if response is None else response.document
    tail = document.get("tail") if isinstance(document, dict) else None
    if isinstance(tail, dict) and tail.get("seq_num") and not _log(entry, engine).is_empty:
        yield (
            "the read says no start, so it begins at the tail and finds nothing, though the stream "
            "has records: seq_num=0 reads from the beginning"
        )


def _is_gone(seq_num: int, entry: Entry, engine: AccountView) -> bool:
    if entry.status != 200 or entry.fault is not None:
        return False
    if (first := entry.first_seq_num) is not None:
        return first > seq_num
    log = _log(entry, engine)
    return seq_num < log.tail.seq_num and not any(log.spans(seq_num, seq_num + 1))


def _log(entry: Entry, engine: AccountView) -> LogState:
    """The log of the stream that it is about, as it is by now."""
    in_basin, named = entry.place
    with engine.lock.mutex:
        basin = engine.state.basins.get(in_basin or "")
        stream = None if basin is None else basin.streams.get(named or "")
    return LogState() if stream is None or stream.log is None else stream.log


def _appended_twice(
    entry: Entry, exchange: Callable[[], Exchange], lost: list[Lost]
) -> Iterator[str]:
    place = entry.place
    is_lost = is_answer_lost(entry.status, entry.fault) and len(lost) < _MAX_LOST
    if not is_lost and all(earlier.place != place for earlier in lost):
        return
    document = exchange().request.document
    for earlier in lost:
        if earlier.place == place and isinstance(document, dict) and earlier.document == document:
            if "match_seq_num" not in document:
                yield (
                    f"the same batch as that of exchange {earlier.number}, whose answer was lost: "
                    "it is there twice now; match_seq_num lets S2 refuse it the second time"
                )
            break
    if is_lost:
        lost.append(Lost(entry.number, place, document))


def _is_taken(entry: Entry) -> bool:
    return 0 < entry.status < 400


def _near(name: str, known: Sequence[str], what: str) -> str:
    if (near := near_name(name, known)) is not None:
        return f"did you mean `{near}`?"
    return f"the {what} are {', '.join(sorted(known))}" if known else f"there are no {what}"
