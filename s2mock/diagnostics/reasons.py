"""Reasons for errors: the rule that decided one, and what would have been right.

They are computed when an exchange is read, from the state that the account has then, so an error
costs a request no more time than any other response.
"""

import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from itertools import islice
from urllib.parse import quote, unquote

from s2mock.api.operations import OPERATIONS
from s2mock.powers.entry import AccountView, Entry
from s2mock.powers.exchange import Exchange
from s2mock.registry.state import BasinState
from s2mock.registry.values.errors import (
    Authn,
    BadHeader,
    BadJson,
    BadProto,
    BasinDeletionPending,
    BasinNotFound,
    FencingTokenMismatch,
    ReadUnwritten,
    ResourceAlreadyExists,
    SeqNumMismatch,
    StreamDeletionPending,
    StreamNotFound,
    Unavailable,
)
from s2mock.runtime.near_names import near_name

# A similar name is looked for among this many names at most.
_MAX_NAMES = 5_000
# The exchange that made or deleted something is looked for among this many at most.
_MAX_BEFORE = 1_000
# The number of names that a message lists if none is similar.
_MAX_LISTED = 5


def explain_error(
    entry: Entry, exchange: Exchange, account: AccountView, before: Iterator[Entry]
) -> str | None:
    """Return the rule that decided an error and what would have been right; None without one."""
    if exchange.fault is not None and entry.is_injected:
        late = "" if entry.late is None else f"; {entry.late}"
        return f"injected: {exchange.fault!r}{late}"
    if exchange.operation is None:
        return _explain_missing_route(exchange)
    if entry.failure is None:
        return _explain_http_error(exchange)
    failure = entry.failure
    hint = failure.explanation or _hint(failure.kind, failure.message, exchange, account, before)
    source = f" (reference: {failure.rule})" if failure.rule else ""
    return f"{hint or failure.message}{source}"


def _hint(
    kind: type[BaseException],
    message: str,
    exchange: Exchange,
    account: AccountView,
    before: Iterator[Entry],
) -> str | None:
    basin, stream = exchange.basin or "", exchange.stream or ""
    if issubclass(kind, BasinNotFound):
        return _describe_deletion(basin, None, before) or _describe_missing_basin(basin, account)
    if issubclass(kind, StreamNotFound):
        return _describe_deletion(basin, stream, before) or _describe_missing_stream(
            basin, stream, account
        )
    if issubclass(kind, StreamDeletionPending | BasinDeletionPending | Unavailable):
        return _describe_deletion(basin, stream or None, before)
    if issubclass(kind, FencingTokenMismatch):
        return f"{message}; {_quote_field(exchange, 'fencing_token')}"
    if issubclass(kind, SeqNumMismatch):
        return f"{message}; {_quote_field(exchange, 'match_seq_num')}"
    if issubclass(kind, ReadUnwritten):
        return _describe_unwritten(message, exchange)
    if issubclass(kind, ResourceAlreadyExists):
        return _describe_creation(message, exchange, before)
    if issubclass(kind, BadHeader) and "Missing header `s2-basin`" in message:
        return _describe_missing_header(account)
    if issubclass(kind, BadJson | BadProto):
        return _describe_content_type(message, exchange)
    if issubclass(kind, Authn):
        return message
    return None


# Names.


def _similar(name: str, names: Iterable[str]) -> str | None:
    """Return the most similar name, or None."""
    known = list(islice(names, _MAX_NAMES))
    if (near := near_name(name, known)) is not None:
        return near
    # The name with a prefix, or without one.
    return next(
        (one for one in known if one.endswith(f"/{name}") or name.endswith(f"/{one}")), None
    )


def _list_names(what: str, where: str, names: Iterable[str]) -> str:
    some = list(islice(names, _MAX_LISTED + 1))
    if not some:
        return f"there are no {what}s{where}"
    text = ", ".join(f"`{name}`" for name in some[:_MAX_LISTED])
    return f"there {'are' if len(some) > 1 else 'is'}{where} {text}" + (
        " and more" if len(some) > _MAX_LISTED else ""
    )


def _basin_names(account: AccountView) -> list[str]:
    with account.lock.mutex:
        return list(islice(account.state.basins, _MAX_NAMES))


def _find_basin(account: AccountView, name: str) -> BasinState | None:
    with account.lock.mutex:
        return account.state.basins.get(name)


def _stream_names(account: AccountView, basin: str) -> list[str]:
    with account.lock.mutex:
        found = account.state.basins.get(basin)
        return [] if found is None else list(islice(found.streams, _MAX_NAMES))


def _describe_missing_basin(name: str, account: AccountView) -> str:
    names = _basin_names(account)
    if name in names:
        return f"there is a basin `{name}` by now: it was made later"
    if near := _similar(name, names):
        return f"there is a basin `{near}`"
    return _list_names("basin", "", names)


def _describe_missing_stream(basin: str, name: str, account: AccountView) -> str:
    if _find_basin(account, basin) is None:
        return f"there is no basin `{basin}`; {_describe_missing_basin(basin, account)}"
    names = _stream_names(account, basin)
    if name in names:
        return f"there is a stream `{name}` in that basin by now: it was made later"
    if near := _similar(name, names):
        return f"there is a stream `{near}` in that basin"
    for other in _basin_names(account):
        if other != basin and name in _stream_names(account, other):
            return f"there is a stream `{name}` in basin `{other}`"
    return _list_names("stream", " in that basin", names)


def _describe_missing_header(account: AccountView) -> str:
    names = _basin_names(account)
    example = names[0] if names else "my-basin"
    return f"name the basin, as in -H 's2-basin: {example}'; {_list_names('basin', '', names)}"


# Earlier exchanges.


def _find_latest(
    before: Iterator[Entry], operations: set[str], basin: str, stream: str | None
) -> Entry | None:
    for entry in islice(before, _MAX_BEFORE):
        if entry.effect is not None and entry.operation in operations:
            of_basin = entry.basin == basin and entry.stream is None
            if of_basin or (stream is not None and entry.place == (basin, stream)):
                return entry
    return None


def _describe_deletion(basin: str, stream: str | None, before: Iterator[Entry]) -> str | None:
    entry = _find_latest(before, {"delete-basin", "delete-stream"}, basin, stream)
    if entry is None:
        return None
    what = f"stream `{entry.stream}`" if entry.stream else f"basin `{entry.basin}`"
    return f"{what} was deleted by exchange {entry.number}"


def _describe_creation(message: str, exchange: Exchange, before: Iterator[Entry]) -> str:
    operations = {"create-basin", "ensure-basin", "create-stream", "ensure-stream"}
    entry = _find_latest(before, operations, exchange.basin or "", exchange.stream)
    return message if entry is None else f"{message}: exchange {entry.number} made it"


# The request.


def _quote_field(exchange: Exchange, field: str) -> str:
    document = exchange.request.document
    brought = document.get(field) if isinstance(document, dict) else None
    return f"the append has {field}={brought!r}"


def _describe_unwritten(message: str, exchange: Exchange) -> str:
    query = exchange.request.query
    if not any(part in query for part in ("seq_num=", "timestamp=", "tail_offset=")):
        return (
            f"{message}; a read without a start begins at the tail: ask for seq_num=0 to read from "
            "the beginning"
        )
    return f"{message}; clamp=true begins at the tail then, and a session waits there"


def _describe_content_type(message: str, exchange: Exchange) -> str | None:
    content_type = exchange.request.headers.get("content-type")
    if "Content-Type" in message:
        has = "none" if content_type is None else repr(content_type)
        return f"{message}; the request has {has}"
    return None


def _explain_http_error(exchange: Exchange) -> str | None:
    """Return the reason of a response by status alone: 405, 406, 415."""
    response, request = exchange.response, exchange.request
    if response is None:
        return None
    if response.status == 405:
        return f"{request.path} answers {response.headers.get('allow')}, not {request.method}"
    if response.status == 415:
        coding = request.headers.get("content-encoding")
        return f"the body has content-encoding {coding!r}; S2 takes zstd and gzip"
    if response.status == 406:
        asked = request.headers.get("accept-encoding")
        return f"no coding that S2 has satisfies accept-encoding {asked!r}"
    return None


def _explain_missing_route(exchange: Exchange) -> str | None:
    response, path = exchange.response, exchange.request.path
    if response is None:
        return None
    if response.status == 405:
        return _explain_http_error(exchange)
    if response.status != 404:
        return None
    near = _similar_path(path)
    return f"no route {path}" + (f"; is it {near}?" if near else "")


def _similar_path(path: str) -> str | None:
    """Return the most similar path of a route, or None."""
    versioned = "/v1/" + re.sub(r"^/*(?:v\d+/)?", "", path)
    best, best_ratio = None, 0.0
    for template in dict.fromkeys(row.path for row in OPERATIONS if row.name):
        filled = _fill_template(template, versioned.strip("/").split("/"))
        if filled is None:
            continue
        candidate, skeleton = filled
        ratio = SequenceMatcher(None, path, candidate, autojunk=False).ratio()
        # Only the fixed words decide if a route is similar, not the names between them.
        if candidate == versioned:
            ratio = 1.0
        if ratio > best_ratio and skeleton > 0.7:
            best, best_ratio = candidate, ratio
    return best


def _fill_template(template: str, segments: list[str]) -> tuple[str, float] | None:
    """Return the template with names from the segments, and the similarity of its fixed words.

    A name of several segments has slashes in it, which should have been encoded.
    """
    parts = template.strip("/").split("/")
    spare = len(segments) - len(parts)
    if spare < 0 or (spare and not any(word.startswith("<") for word in parts)):
        return None
    filled, nearness, words, at = [], 0.0, 0, 0
    for word in parts:
        if not word.startswith("<"):
            nearness += SequenceMatcher(None, word, segments[at], autojunk=False).ratio()
            words += 1
            filled.append(word)
            at += 1
            continue
        count, spare = spare + 1, 0
        name = "/".join(segments[at : at + count])
        if not name:
            return None
        filled.append(quote(unquote(name), safe=""))
        at += count
    return "/" + "/".join(filled), nearness / words
