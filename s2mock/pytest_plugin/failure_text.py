"""The text of a failure, as pytest reports it, for the page of the test."""

import re
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import pytest

from s2mock.powers.exchange import Exchange
from s2mock.powers.redaction import (
    REDACTED,
    SECRET_HEADERS,
    is_secret_parameter,
    redact_issued_tokens,
)

_STYLES: Final = ("long", "short", "auto")
# The value of a secret header in a line of code: a request need not have sent it.
_LITERAL: Final = re.compile(
    rf"""(["'](?:{"|".join(sorted(SECRET_HEADERS))})["']\s*[:,]\s*[bf]?["'])[^"'\n]*""",
    re.IGNORECASE,
)
_MAX_TEXT: Final = 100_000
# Shorter values are no secrets, and are parts of other words.
_MIN_SECRET: Final = 4


def failure_to_json(
    item: pytest.Item, report: pytest.TestReport, call: "pytest.CallInfo[Any]"
) -> dict[str, Any]:
    """Return what pytest says of a failure: its message, the lines of code, and all of its text."""
    longrepr = _longrepr_of(item, report, call)
    crash = getattr(longrepr, "reprcrash", None)
    text = str(longrepr)
    message = text if crash is None else str(crash.message)
    lines, place = _last_entry(longrepr)
    return {
        "nodeid": report.nodeid,
        "when": report.when,
        "message": message.strip()[:_MAX_TEXT],
        "place": place,
        "lines": lines,
        "text": text[:_MAX_TEXT],
    }


def _longrepr_of(item: pytest.Item, report: pytest.TestReport, call: "pytest.CallInfo[Any]") -> Any:
    """Return the representation of the failure, with code also where --tb leaves that out."""
    style = item.config.getoption("tbstyle", "auto")
    if style in _STYLES or call.excinfo is None or not hasattr(report.longrepr, "reprtraceback"):
        return report.longrepr
    return call.excinfo.getrepr(style="short", tbfilter=True)


def _last_entry(longrepr: Any) -> tuple[list[str], str | None]:
    """Return the lines of the innermost function, and its place."""
    entries = getattr(getattr(longrepr, "reprtraceback", None), "reprentries", None) or []
    if not entries:
        return [], None
    where = getattr(entries[-1], "reprfileloc", None)
    place = None if where is None else f"{where.path}:{where.lineno}"
    lines = [str(line) for line in getattr(entries[-1], "lines", ())]
    # The lines around the one that failed, which is the last one with a mark.
    marked = [number for number, line in enumerate(lines) if line.startswith(">")]
    first = max(0, marked[-1] - 8) if marked else 0
    return lines[first : first + 40], place


def redact_failure(failure: dict[str, Any], exchanges: list[Exchange]) -> dict[str, Any]:
    """Return the failure without the secrets that these exchanges have sent."""
    secrets = sorted(_secrets(exchanges), key=len, reverse=True)

    def redact(value: Any) -> Any:
        if isinstance(value, list):
            return [redact(one) for one in value]
        if not isinstance(value, str):
            return value
        for secret in secrets:
            value = value.replace(secret, REDACTED)
        return redact_issued_tokens(_LITERAL.sub(rf"\1{REDACTED}", value))

    return {name: redact(value) for name, value in failure.items()}


def _secrets(exchanges: list[Exchange]) -> set[str]:
    found = set()
    for exchange in exchanges:
        sides = (exchange.request, exchange.response)
        for headers in (side.headers for side in sides if side is not None):
            for name in SECRET_HEADERS & headers.keys():
                found |= {headers[name], headers[name].rpartition(" ")[2]}
        for name, value in parse_qsl(exchange.request.query):
            if is_secret_parameter(name):
                found |= {value, unquote(value)}
    return {one for one in found if len(one) >= _MIN_SECRET}
