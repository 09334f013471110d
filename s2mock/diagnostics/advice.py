"""Advice: likely mistakes in requests that S2 accepts.

It is computed when the journal is read and at the end of a test, so no request waits for it. Most
exchanges need none, so the checks read the entry, and make the exchange of it only if they must.
Some advice depends on later exchanges: `find_end_advice` gives it at the end of a test.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from s2mock.api.operations import OPERATIONS
from s2mock.api.records.headers import ENCRYPTION_KEY, FORMAT, STREAM_CONFIG
from s2mock.api.records.limits import END, START
from s2mock.api.requests import BASIN, REQUEST_TOKEN
from s2mock.json_bodies.decoder import decode
from s2mock.json_bodies.tokens import scope_from_json
from s2mock.json_bodies.validators import schema_node, unknown_fields
from s2mock.powers.advice_history import AdviceHistory, AppendLoop, FullRead
from s2mock.powers.entry import AccountView, Entry
from s2mock.powers.exchange import Exchange
from s2mock.powers.faults import is_answer_lost
from s2mock.registry.log.log import LogState
from s2mock.registry.values.config import U64_MAX
from s2mock.registry.values.records import MAX_BATCH_BYTES, MAX_BATCH_RECORDS
from s2mock.registry.values.scopes import EVERYTHING
from s2mock.runtime.near_names import near_name

_decoder: Final = json.JSONDecoder()
# Longer bodies take long to check, and are rarely written by hand.
_MAX_BYTES: Final = 64 * 1024
_MAX_LOST: Final = 100
# Longer loops of appends are advised of.
_MAX_LOOP: Final = 50
# The bodies of a read that has a full batch of bytes are longer than this in each form.
_MIN_FULL_BODY: Final = MAX_BATCH_BYTES // 4
# The parameters of which each gives a read session an end.
_ENDS: Final = END.keys()
_MILLISECOND: Final = 1_000_000
_NO_LIMIT: Final = str(U64_MAX)
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
    entry: Entry,
    to_exchange: Callable[[], Exchange],
    history: AdviceHistory,
    account: AccountView,
) -> Iterator[str]:
    """Yield advice on an exchange that has ended.

    `to_exchange` returns the exchange of the entry. `history` has what is needed of the earlier
    exchanges; this one is added to it.
    """
    operation = entry.operation
    yield from _check_loop(entry, history)
    if operation == "read":
        _note_read(entry, history)
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
    elif operation == "append":
        if entry.effect is not None:
            yield from _check_duplicate(entry, to_exchange, history.lost)
        yield from _check_acknowledgement(entry, history)
    elif operation == "issue-access-token" and entry.effect is not None:
        yield from _check_scope(to_exchange, account)


def find_open_advice(entry: Entry) -> Iterator[str]:
    """Yield advice on a read session without an end that is open when the test ends."""
    is_session = entry.operation == "read" and entry.session is entry and entry.status == 200
    if not is_session or entry.advice or _is_broken(entry):
        return
    if not _parse_names(entry.environ.get("QUERY_STRING", "")) & _ENDS:
        yield (
            "the read session has no end, and was open when the test ended: close it in the "
            "client, or give it a count, bytes, until or wait"
        )


def _parse_names(query: str) -> set[str]:
    return {name for name, _ in _parse_query(query)}


def find_end_advice(
    entry: Entry, full: FullRead, history: AdviceHistory, account: AccountView
) -> Iterator[str]:
    """Yield advice on a full read, the last of its stream, at the end of the test."""
    place, last = entry.place, full.last_seq_num
    if history.reached.get(place, -1) > last or entry.first_seq_num is None:
        return
    if account.tails is not None:
        yield from _check_full_read_of_upstream(entry, last, account.tails.get(place, 0))
        return
    log = _find_log(entry, account)
    following = next((row for span in log.spans(last + 1, last + 2) for row in span.rows), None)
    # A record that was appended since was not left out.
    if following is None or entry.at is None or following[1] > entry.at // _MILLISECOND:
        return
    if last - entry.first_seq_num + 1 < MAX_BATCH_RECORDS:
        size = sum(span.metered_bytes for span in log.spans(entry.first_seq_num, last + 1))
        if size + following[2].metered_bytes <= MAX_BATCH_BYTES:
            return
    yield _full_read_text(entry.first_seq_num, last, log.tail.seq_num)


def _check_full_read_of_upstream(entry: Entry, last: int, tail: int) -> Iterator[str]:
    """Yield advice on a full read from a stream whose records only the upstream has."""
    first = entry.first_seq_num
    if first is not None and last - first + 1 >= MAX_BATCH_RECORDS and tail > last + 1:
        yield _full_read_text(first, last, tail)


def _full_read_text(first: int, last: int, tail: int) -> str:
    return (
        f"the read returned the records {first} to {last}, as much as one read can, "
        f"and no later read went on, though the stream has {tail - last - 1} more: read from "
        f"seq_num={last + 1} until the tail, or in a read session"
    )


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
    if not isinstance(tail, dict) or not tail.get("seq_num"):
        return
    # At an upstream, nothing tells that all of them are trimmed.
    if account.tails is not None or not _find_log(entry, account).is_empty:
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


def _check_acknowledgement(entry: Entry, history: AdviceHistory) -> Iterator[str]:
    """Yield advice on a batch whose client has ended the session before it was acknowledged."""
    session = entry.session
    if session is None or session is entry:
        return
    if _is_broken(entry) or _is_broken(session):
        # The client may have left for that.
        history.broken_sessions.add(session.number)
    if entry.status or entry.failure is not None or entry.recording_error is not None:
        return
    is_broken = session.number in history.broken_sessions
    if is_broken or history.was_cut(session.began, entry.ended):
        return
    is_applied = "was appended" if entry.effect is not None else "may be appended or not"
    yield (
        f"the client ended the append session of exchange {session.number} before this batch was "
        f"acknowledged, and cannot know that it {is_applied}: await all acknowledgements before "
        "the session is closed"
    )


def _is_broken(entry: Entry) -> bool:
    """True if a fault has ended the exchange, or the connection of it."""
    return entry.fault is not None or entry.is_injected or entry.lost_with is not None


def _check_loop(entry: Entry, history: AdviceHistory) -> Iterator[str]:
    """Yield advice on the first append of a long loop that need not wait for each answer."""
    place, effect = entry.place, entry.effect
    is_one_record = (
        entry.operation == "append"
        and entry.session is None
        and entry.status == 200
        and entry.fault is None
        and effect is not None
        and effect.first_seq_num == effect.last_seq_num
    )
    if not is_one_record or entry.ended is None:
        history.loops.pop(place, None)
        return
    connection = entry.environ.get("s2mock.connection")
    loop = history.loops.get(place)
    if loop is None or not loop.add(connection, entry.began, entry.ended):
        history.loops[place] = AppendLoop(entry.number, connection, entry.ended)
    elif loop.count > _MAX_LOOP and place not in history.advised_loops:
        history.advised_loops.add(place)
        yield (
            f"the client appends single records one after the other since exchange {loop.first}, "
            "and waits for the answer to each: append batches of up to "
            f"{MAX_BATCH_RECORDS} records, or use an append session"
        )


def _note_read(entry: Entry, history: AdviceHistory) -> None:
    """Note how far the read went, and if one batch was too short for what it asked for."""
    place, last = entry.place, entry.last_seq_num
    query = dict(_parse_query(entry.environ.get("QUERY_STRING", "")))
    history.note_reach(place, _start_of(query))
    history.note_reach(place, last)
    if entry.session is not None or entry.status != 200 or entry.fault is not None:
        return
    if last is None or entry.first_seq_num is None or "until" in query:
        return
    try:
        count, size = (END[name](query.get(name, _NO_LIMIT)) for name in ("count", "bytes"))
    except ValueError:
        return
    is_long = len(entry.response_body or b"") > _MIN_FULL_BODY
    if last - entry.first_seq_num + 1 >= MAX_BATCH_RECORDS:
        is_full = count > MAX_BATCH_RECORDS
    else:
        is_full = is_long and size > MAX_BATCH_BYTES
    known = history.full_reads.get(place)
    if is_full and (known is None or known.last_seq_num <= last):
        history.full_reads[place] = FullRead(entry.number, last)


def _start_of(query: dict[str, str]) -> int | None:
    """Return the sequence number with which a read begins, None if it names none."""
    try:
        return int(START["seq_num"](query["seq_num"]))
    except (KeyError, ValueError):
        return None


def _check_scope(to_exchange: Callable[[], Exchange], account: AccountView) -> Iterator[str]:
    given = to_exchange().request.document
    if given is None:
        # The journal has not kept the body.
        return
    # S2 has accepted it, maybe in an unusual form.
    document = decode(json.dumps(given).encode(), "issue_access_token")
    if document.get("expires_at") is not None:
        return
    token_id = document["id"]
    with account.lock.mutex:
        tokens = account.state.tokens
        token = None if tokens is None else tokens.by_id.get(str(token_id))
    # It ends with the token that has issued it, and one that was revoked has an end.
    if token is None or token.has_an_end:
        return
    if EVERYTHING.first_beyond(scope_from_json(document["scope"])) is None:
        yield (
            f"the access token `{token_id}` permits everything and never expires: give it the "
            "scope that it needs, or expires_at"
        )


def _is_accepted(entry: Entry) -> bool:
    return 0 < entry.status < 400


def _suggest(name: str, known: Sequence[str], what: str) -> str:
    if (near := near_name(name, known)) is not None:
        return f"did you mean `{near}`?"
    return f"the {what} are {', '.join(sorted(known))}" if known else f"there are no {what}"
