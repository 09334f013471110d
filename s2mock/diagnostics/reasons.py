"""Why an exchange ended in an error, and what would have been right.

Worked out when somebody asks, from the account as it is by then: errors cost nothing more than
other answers do.
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

# Among more names nobody looks for a near one.
_MAX_NAMES = 5_000
# A record of who did what is looked for among so many exchanges.
_MAX_BEFORE = 1_000
# How many names are listed where none is near.
_MAX_LISTED = 5


def reason(
    entry: Entry, exchange: Exchange, engine: AccountView, before: Iterator[Entry]
) -> str | None:
    """The rule that decided, and what would have been right; None where nothing went wrong."""
    if exchange.fault is not None and entry.is_injected:
        return f"injected: {exchange.fault!r}"
    if exchange.operation is None:
        return _no_route(exchange)
    if entry.failure is None:
        return _refused_before(exchange)
    kind, rule, message, explanation = entry.failure
    hint = explanation or _hint(kind, message, exchange, engine, before)
    source = f" (reference: {rule})" if rule else ""
    return f"{hint or message}{source}"


def _hint(
    kind: type[BaseException],
    message: str,
    exchange: Exchange,
    engine: AccountView,
    before: Iterator[Entry],
) -> str | None:
    basin, stream = exchange.basin or "", exchange.stream or ""
    if issubclass(kind, BasinNotFound):
        return _deleted(basin, None, before) or _no_basin(basin, engine)
    if issubclass(kind, StreamNotFound):
        return _deleted(basin, stream, before) or _no_stream(basin, stream, engine)
    if issubclass(kind, StreamDeletionPending | BasinDeletionPending | Unavailable):
        return _deleted(basin, stream or None, before)
    if issubclass(kind, FencingTokenMismatch):
        return f"{message}; {_brought(exchange, 'fencing_token')}"
    if issubclass(kind, SeqNumMismatch):
        return f"{message}; {_brought(exchange, 'match_seq_num')}"
    if issubclass(kind, ReadUnwritten):
        return _unwritten(message, exchange)
    if issubclass(kind, ResourceAlreadyExists):
        return _made(message, exchange, before)
    if issubclass(kind, BadHeader) and "Missing header `s2-basin`" in message:
        return _no_basin_named(engine)
    if issubclass(kind, BadJson | BadProto):
        return _bad_body(message, exchange)
    if issubclass(kind, Authn):
        return message
    return None


# Names.


def _near(name: str, names: Iterable[str]) -> str | None:
    """The name that may have been meant."""
    known = list(islice(names, _MAX_NAMES))
    if (near := near_name(name, known)) is not None:
        return near
    # A prefix forgotten, or one too many.
    return next(
        (one for one in known if one.endswith(f"/{name}") or name.endswith(f"/{one}")), None
    )


def _listed(what: str, where: str, names: Iterable[str]) -> str:
    some = list(islice(names, _MAX_LISTED + 1))
    if not some:
        return f"there are no {what}s{where}"
    text = ", ".join(f"`{name}`" for name in some[:_MAX_LISTED])
    return f"there {'are' if len(some) > 1 else 'is'}{where} {text}" + (
        " and more" if len(some) > _MAX_LISTED else ""
    )


def _names(engine: AccountView) -> list[str]:
    with engine.lock.mutex:
        return list(islice(engine.state.basins, _MAX_NAMES))


def _basin(engine: AccountView, name: str) -> BasinState | None:
    with engine.lock.mutex:
        return engine.state.basins.get(name)


def _streams(engine: AccountView, basin: str) -> list[str]:
    with engine.lock.mutex:
        found = engine.state.basins.get(basin)
        return [] if found is None else list(islice(found.streams, _MAX_NAMES))


def _no_basin(name: str, engine: AccountView) -> str:
    names = _names(engine)
    if name in names:
        return f"there is a basin `{name}` by now: it was made later"
    if near := _near(name, names):
        return f"there is a basin `{near}`"
    return _listed("basin", "", names)


def _no_stream(basin: str, name: str, engine: AccountView) -> str:
    if _basin(engine, basin) is None:
        return f"there is no basin `{basin}`; {_no_basin(basin, engine)}"
    names = _streams(engine, basin)
    if name in names:
        return f"there is a stream `{name}` in that basin by now: it was made later"
    if near := _near(name, names):
        return f"there is a stream `{near}` in that basin"
    for other in _names(engine):
        if other != basin and name in _streams(engine, other):
            return f"there is a stream `{name}` in basin `{other}`"
    return _listed("stream", " in that basin", names)


def _no_basin_named(engine: AccountView) -> str:
    names = _names(engine)
    example = names[0] if names else "my-basin"
    return f"name the basin, as in -H 's2-basin: {example}'; {_listed('basin', '', names)}"


# What was done before.


def _latest(
    before: Iterator[Entry], operations: set[str], basin: str, stream: str | None
) -> Entry | None:
    for entry in islice(before, _MAX_BEFORE):
        if entry.effect is not None and entry.operation in operations:
            of_basin = entry.basin == basin and entry.stream is None
            if of_basin or (stream is not None and entry.place == (basin, stream)):
                return entry
    return None


def _deleted(basin: str, stream: str | None, before: Iterator[Entry]) -> str | None:
    entry = _latest(before, {"delete-basin", "delete-stream"}, basin, stream)
    if entry is None:
        return None
    what = f"stream `{entry.stream}`" if entry.stream else f"basin `{entry.basin}`"
    return f"{what} was deleted by exchange {entry.number}"


def _made(message: str, exchange: Exchange, before: Iterator[Entry]) -> str:
    operations = {"create-basin", "ensure-basin", "create-stream", "ensure-stream"}
    entry = _latest(before, operations, exchange.basin or "", exchange.stream)
    return message if entry is None else f"{message}: exchange {entry.number} made it"


# What was asked.


def _brought(exchange: Exchange, field: str) -> str:
    document = exchange.request.document
    brought = document.get(field) if isinstance(document, dict) else None
    return f"the append came with {field}={brought!r}"


def _unwritten(message: str, exchange: Exchange) -> str:
    query = exchange.request.query
    if not any(part in query for part in ("seq_num=", "timestamp=", "tail_offset=")):
        return (
            f"{message}; a read without a start begins at the tail: ask for seq_num=0 to read from "
            "the beginning"
        )
    return f"{message}; clamp=true begins at the tail then, and a session waits there"


def _bad_body(message: str, exchange: Exchange) -> str | None:
    content_type = exchange.request.headers.get("content-type")
    if "Content-Type" in message:
        came = "without one" if content_type is None else f"with {content_type!r}"
        return f"{message}; it came {came}"
    return None


def _refused_before(exchange: Exchange) -> str | None:
    """What HTTP itself refuses, or an answer that says nothing of a reason."""
    response, request = exchange.response, exchange.request
    if response is None:
        return None
    if response.status == 405:
        return f"{request.path} answers {response.headers.get('allow')}, not {request.method}"
    if response.status == 415:
        coding = request.headers.get("content-encoding")
        return f"the body came with content-encoding {coding!r}; S2 takes zstd and gzip"
    if response.status == 406:
        asked = request.headers.get("accept-encoding")
        return f"no coding that S2 has satisfies accept-encoding {asked!r}"
    return None


def _no_route(exchange: Exchange) -> str | None:
    response, path = exchange.response, exchange.request.path
    if response is None:
        return None
    if response.status == 405:
        return _refused_before(exchange)
    if response.status != 404:
        return None
    near = _near_path(path)
    return f"no route {path}" + (f"; is it {near}?" if near else "")


def _near_path(path: str) -> str | None:
    """The path that may have been meant."""
    versioned = "/v1/" + re.sub(r"^/*(?:v\d+/)?", "", path)
    best, best_ratio = None, 0.0
    for template in dict.fromkeys(row.path for row in OPERATIONS if row.name):
        filled = _filled(template, versioned.strip("/").split("/"))
        if filled is None:
            continue
        candidate, skeleton = filled
        ratio = SequenceMatcher(None, path, candidate, autojunk=False).ratio()
        # A route is near where its words are, whatever the names between them.
        if candidate == versioned:
            ratio = 1.0
        if ratio > best_ratio and skeleton > 0.7:
            best, best_ratio = candidate, ratio
    return best


def _filled(template: str, segments: list[str]) -> tuple[str, float] | None:
    """The template with names from those segments, and how near its words are to theirs.

    A name that takes more than one segment has slashes in it, which should have been encoded.
    """
    wanted = template.strip("/").split("/")
    spare = len(segments) - len(wanted)
    if spare < 0 or (spare and not any(word.startswith("<") for word in wanted)):
        return None
    filled, nearness, words, at = [], 0.0, 0, 0
    for word in wanted:
        if not word.startswith("<"):
            nearness += SequenceMatcher(None, word, segments[at], autojunk=False).ratio()
            words += 1
            filled.append(word)
            at += 1
            continue
        takes, spare = spare + 1, 0
        name = "/".join(segments[at : at + takes])
        if not name:
            return None
        filled.append(quote(unquote(name), safe=""))
        at += takes
    return "/" + "/".join(filled), nearness / words
