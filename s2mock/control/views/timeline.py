"""The exchanges of a journal as rows, and one exchange in full, for a person to read."""

import json
from typing import Any, Final

from s2mock.control.views.meaning import meaning_of
from s2mock.control.views.snippet import live_command, shell_script, snippet
from s2mock.control.views.state_before import StateBefore, state_before
from s2mock.powers.exchange import Exchange
from s2mock.powers.exchange_json import exchange_to_json
from s2mock.powers.redaction import redact_headers, redact_issued_tokens, redact_query
from s2mock.powers.timeline import name_error

_WRITES: Final = frozenset({"append", "append-session", "create-stream", "ensure-stream"})


def shown_to_json(
    exchange: Exchange, before: StateBefore | None = None, *, is_server_there: bool = True
) -> dict[str, Any]:
    """Return all of an exchange as JSON, with its secrets redacted.

    `before` is the state that it found. Where its server has ended, the command to copy makes that
    state on another one.
    """
    before = state_before(exchange) if before is None else before
    whole = exchange_to_json(exchange)
    for message in (whole["request"], whole["response"]):
        if message is not None:
            message["headers"] = redact_headers(message["headers"])
    whole["request"]["query"] = redact_query(whole["request"]["query"])
    shown = {
        "exchange": whole,
        "row": row_to_json(exchange),
        "meaning": meaning_of(exchange),
        "pytest": snippet(exchange, before),
        "curl": (live_command if is_server_there else shell_script)(exchange, before),
    }
    redacted: dict[str, Any] = json.loads(redact_issued_tokens(json.dumps(shown)))
    return redacted


def timeline_to_json(journal: Any, exchanges: tuple[Exchange, ...]) -> dict[str, Any]:
    """Return rows, and which exchanges the journal has, as JSON."""
    return {
        "rows": [row_to_json(exchange) for exchange in exchanges],
        **journal_to_json(journal),
    }


def journal_to_json(journal: Any) -> dict[str, Any]:
    """Return the numbers of the first and the last exchange, and how many were dropped, as JSON."""
    last, kept, dropped, *_ = journal.summary
    return {"first": last - kept + 1, "last": last, "dropped": dropped}


def row_to_json(exchange: Exchange) -> dict[str, Any]:
    """Return the row of an exchange as JSON: what it asked for and its result, without bodies."""
    response, request, effect = exchange.response, exchange.request, exchange.effect
    return {
        "number": exchange.number,
        "operation": exchange.operation or request.method,
        "basin": exchange.basin,
        "stream": exchange.stream,
        "path": request.path,
        "by": sender_of(exchange),
        "status": None if response is None else response.status,
        "code": (name_error(response) or None) if response and response.status >= 400 else None,
        "did": _describe_effect(exchange),
        "is_write": exchange.operation in _WRITES,
        "last_seq_num": effect.last_seq_num,
        "began": exchange.began,
        "ended": exchange.ended,
        "fault": None if exchange.fault is None else repr(exchange.fault),
        "advice": len(exchange.advice),
        "at": exchange.at,
        "held_at": exchange.held_at,
    }


def sender_of(exchange: Exchange) -> str:
    """Return the name of the session or the connection; "wsgi" for a call in this process."""
    if exchange.session is not None:
        return f"session {exchange.session}"
    return "wsgi" if exchange.connection is None else f"c{exchange.connection}"


def _describe_effect(exchange: Exchange) -> str:
    effect = exchange.effect
    first, last = effect.first_seq_num, effect.last_seq_num
    if first is not None and last is not None:
        if exchange.operation == "read":
            return f"read {first}..{last}"
        return f"+{last - first + 1} → {first}..{last}"
    return effect.kind or ""
