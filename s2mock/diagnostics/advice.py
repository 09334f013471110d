"""Advice: likely mistakes in requests that S2 accepts.

It is computed when the journal is read and at the end of a test, so no request waits for it. Most
exchanges need none, so the checks read the entry, and make the exchange of it only if they must.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from s2mock.api.operations import OPERATIONS
from s2mock.api.records.headers import ENCRYPTION_KEY, FORMAT, STREAM_CONFIG
from s2mock.api.records.limits import START
from s2mock.api.requests import BASIN, REQUEST_TOKEN
from s2mock.json_bodies.validators import schema_node, unknown_fields
from s2mock.powers.entry import AccountView, Entry
from s2mock.powers.exchange import Exchange
from s2mock.powers.faults import is_answer_lost
from s2mock.registry.log.log import LogState
from s2mock.runtime.near_names import near_name

_decoder: Final = json.JSONDecoder()
# Longer bodies take long to check, and are rarely written by hand.
_MAX_BYTES: Final = 64 * 1024
_MAX_LOST: Final = 100
# The number of query strings whose checks are cached: tests repeat them.
_MAX_QUERIES: Final = 64

_ROWS: Final = {row.name: row for row in OPERATIONS if row.name is not None}
_HEADERS: Final = tuple(sorted((BASIN, REQUEST_TOKEN, ENCRYPTION_KEY, FORMAT, STREAM_CONFIG)))
# The names of S2's headers in an environ.
_PREFIX: Final = "HTTP_S2_"
_VARIABLES: Final = {f"HTTP_{name.upper().replace('-', '_')}" for name in _HEADERS}


class Lost(NamedTuple):
    """An append whose response was lost."""

    number: int
    place: tuple[str | None, str | None]
    document: Any


def find_advice(
    entry: Entry, to_exchange: Callable[[], Exchange], lost: list[Lost], account: AccountView
) -> Iterator[str]:
    """Yield advice on an exchange that has ended.

    `to_exchange` returns the exchange of the entry. `lost` are the earlier appends whose responses
    were lost; this one is added to them if its was.
    """
    operation = entry.operation
    if operation is None or entry.advice:
        # A request of a finished test has its advice already.
        return
    if not _is_sdk(entry) and not _is_batch(entry):
        if query := entry.environ.get("QUERY_STRING"):
            yield from _check_parameters(operation, query)
        yield from _check_headers(entry)
        yield from _check_content_type(entry, operation)
        yield from _check_fields(entry, operation)
    if operation == "read":
        yield from _check_start(entry, to_exchange, account)
    elif operation == "append" and entry.effect is not None:
        yield from _check_duplicate(entry, to_exchange, lost)


def _is_sdk(entry: Entry) -> bool:
    """True if an official SDK sent it: that may be newer than what is known here."""
    agent: str = entry.environ.get("HTTP_USER_AGENT", "")
    return agent.startswith("s2-sdk")


def _is_batch(entry: Entry) -> bool:
    """True if it is a batch in a session: the headers are the session's."""
    return entry.session is not None and entry.session is not entry


@lru_cache(_MAX_QUERIES)
def _parse_query(query: str) -> tuple[tuple[str, str], ...]:
    return tuple(parse_qsl(query, keep_blank_values=True))


@lru_cache(_MAX_QUERIES)
def _check_parameters(operation: str, query: str) -> tuple[str, ...]:
    known = tuple(_ROWS[operation].query) if operation in _ROWS else ()
    what = f"query parameters of {operation}"
    return tuple(
        f"S2 ignores the query parameter `{name}`: {_suggest(name, known, what)}"
        for name in dict.fromkeys(name for name, _ in _parse_query(query))
        if name not in known
    )


def _check_headers(entry: Entry) -> Iterator[str]:
    for variable in entry.environ:
        if variable.startswith(_PREFIX) and variable not in _VARIABLES:
            name = variable.removeprefix("HTTP_").replace("_", "-").lower()
            yield f"S2 ignores the header `{name}`: {_suggest(name, _HEADERS, 'headers of S2')}"


def _check_content_type(entry: Entry, operation: str) -> Iterator[str]:
    body_spec = _ROWS[operation].body if operation in _ROWS else None
    if body_spec is None or not body_spec.is_optional or not _is_accepted(entry):
        return
    length = entry.environ.get("CONTENT_LENGTH", "0")
    if "CONTENT_TYPE" not in entry.environ and length not in ("", "0"):
        yield (
            "S2 ignores the body, since the request has no content type: send "
            "content-type: application/json"
        )


def _check_fields(entry: Entry, operation: str) -> Iterator[str]:
    body = entry.body
    if not body or len(body) > _MAX_BYTES or not _is_accepted(entry):
        return
    body_spec = _ROWS[operation].body if operation in _ROWS else None
    if body_spec is None or "json" not in entry.environ.get("CONTENT_TYPE", ""):
        return
    try:
        document = _decoder.decode(body.decode("utf-8", "replace"))
    except ValueError:
        return
    found = unknown_fields(document, schema_node(body_spec.schema))
    for place, name, known in dict.fromkeys(found):
        where = f" in `{place}`" if place else ""
        yield f"S2 ignores the field `{name}`{where} of the body: {_suggest(name, known, 'fields')}"


def _check_start(
    entry: Entry, to_exchange: Callable[[], Exchange], account: AccountView
) -> Iterator[str]:
    query = dict(_parse_query(entry.environ.get("QUERY_STRING", "")))
    first = entry.first_seq_num
    if "seq_num" in query:
        try:
            seq_num = START["seq_num"](query["seq_num"])
        except ValueError:
            return
        if seq_num > 0 and _is_gone(seq_num, entry, account):
            went_on = "no record" if first is None else f"{first}"
            yield (
                f"the records from {seq_num} on are gone, trimmed or expired: the read begins with "
                f"{went_on}"
            )
        return
    # A session, or a read that waits, often begins at the tail on purpose.
    has_start = query.keys() & START.keys() - {"clamp"}
    if has_start or "wait" in query or entry.session is not None or first is not None:
        return
    if entry.status not in (200, 416) or entry.fault is not None:
        return
    response = to_exchange().response
    document = None if response is None else response.document
    tail = document.get("tail") if isinstance(document, dict) else None
    if isinstance(tail, dict) and tail.get("seq_num") and not _find_log(entry, account).is_empty:
        yield (
            "the read has no start, so it begins at the tail and returns nothing, though the "
            "stream has records: seq_num=0 reads from the beginning"
        )


def _is_gone(seq_num: int, entry: Entry, account: AccountView) -> bool:
    if entry.status != 200 or entry.fault is not None:
        return False
    if (first := entry.first_seq_num) is not None:
        return first > seq_num
    log = _find_log(entry, account)
    return seq_num < log.tail.seq_num and not any(log.spans(seq_num, seq_num + 1))


def _find_log(entry: Entry, account: AccountView) -> LogState:
    """Return the present log of the stream that the exchange names."""
    in_basin, named = entry.place
    with account.lock.mutex:
        basin = account.state.basins.get(in_basin or "")
        stream = None if basin is None else basin.streams.get(named or "")
    return LogState() if stream is None or stream.log is None else stream.log


def _check_duplicate(
    entry: Entry, to_exchange: Callable[[], Exchange], lost: list[Lost]
) -> Iterator[str]:
    place = entry.place
    is_lost = is_answer_lost(entry.status, entry.fault) and len(lost) < _MAX_LOST
    if not is_lost and all(earlier.place != place for earlier in lost):
        return
    document = to_exchange().request.document
    for earlier in lost:
        if earlier.place == place and isinstance(document, dict) and earlier.document == document:
            if "match_seq_num" not in document:
                yield (
                    f"the same batch as that of exchange {earlier.number}, whose response was "
                    "lost: the stream has it twice now; with match_seq_num, S2 refuses the second"
                )
            break
    if is_lost:
        lost.append(Lost(entry.number, place, document))


def _is_accepted(entry: Entry) -> bool:
    return 0 < entry.status < 400


def _suggest(name: str, known: Sequence[str], what: str) -> str:
    if (near := near_name(name, known)) is not None:
        return f"did you mean `{near}`?"
    return f"the {what} are {', '.join(sorted(known))}" if known else f"there are no {what}"
