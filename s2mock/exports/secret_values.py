"""The secrets that are in the exchanges of a journal, and texts without them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from s2mock.powers.exchange import Exchange
from s2mock.powers.redaction import (
    REDACTED,
    SECRET_HEADERS,
    is_secret_parameter,
    redact_issued_tokens,
    redact_target,
)

ENCRYPTION_KEY: Final = "s2-encryption-key"
# A shorter value, or one of fewer characters, is removed from the headers only: as a part of other
# texts it may be a plain word, or padding.
_LEAST_LENGTH: Final = 8
_LEAST_CHARACTERS: Final = 4
_ISSUED: Final = "access_token"


class SecretValues:
    """The secret values of some exchanges: of headers, of parameters, and of issued tokens.

    Each becomes `***`. An encryption key becomes `***` and a number, which is the same for equal
    keys, so that a reader can tell one key from another.
    """

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        found: set[str] = set()
        self._keys: dict[str, str] = {}
        for exchange in exchanges:
            request, response = exchange.request, exchange.response
            for name, value in request.headers.items():
                if name == ENCRYPTION_KEY:
                    self._keys.setdefault(value, f"{REDACTED}{len(self._keys) + 1}")
                if name in SECRET_HEADERS:
                    found |= {value, value.rpartition(" ")[2]}
            for name, value in parse_qsl(request.query):
                if is_secret_parameter(name):
                    found.add(value)
            if response is not None and exchange.operation == "issue-access-token":
                found |= _issued_tokens(response.body)
                for name, value in response.headers.items():
                    if name in SECRET_HEADERS:
                        found.add(value)
        # The longest first: one may be a part of another.
        self._values: list[str] = sorted(filter(_is_telling, found), key=len, reverse=True)

    def redact(self, text: str) -> str:
        """Return the text with `***` in the place of each secret."""
        for value in self._values:
            text = text.replace(value, REDACTED)
        return redact_issued_tokens(text)

    def redact_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers with `***` in the place of each secret."""
        return {name: self._redact_header(name, value) for name, value in headers.items()}

    def redact_target(self, path: str, query: str) -> tuple[str, str]:
        """Return the path and the query string with `***` in the place of each secret."""
        path, _, query = redact_target(path, query).partition("?")
        return self.redact(path), self.redact(query)

    def redact_body(self, body: bytes | None) -> bytes | None:
        """Return the body with `***` in the place of each secret."""
        if body is None:
            return None
        try:
            return self.redact(body.decode()).encode()
        except UnicodeDecodeError:
            for value in self._values:
                body = body.replace(value.encode(), REDACTED.encode())
            return redact_issued_tokens(body.decode("latin-1")).encode("latin-1")

    def _redact_header(self, name: str, value: str) -> str:
        if name == ENCRYPTION_KEY:
            return self._keys[value]
        return REDACTED if name in SECRET_HEADERS else self.redact(value)


def _is_telling(value: str) -> bool:
    """True for a value that is no part of other texts by chance."""
    return len(value) >= _LEAST_LENGTH and len(set(value)) >= _LEAST_CHARACTERS


def _issued_tokens(body: bytes | None) -> set[str]:
    try:
        document: Any = json.loads(body or b"")
    except ValueError:
        return set()
    issued = document.get(_ISSUED) if isinstance(document, dict) else None
    return {issued} if isinstance(issued, str) else set()
