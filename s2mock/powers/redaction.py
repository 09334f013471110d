"""The redaction of secrets in exchanges that are shown as text: each becomes `***`."""

import re
from typing import Final
from urllib.parse import unquote

SECRET_HEADERS: Final = frozenset(
    {
        "authorization",
        "cookie",
        "proxy-authorization",
        "s2-encryption-key",
        "s2mock-control-token",
        "set-cookie",
        "x-api-key",
    }
)
# The last words of the names of query parameters such as `api_key` and `X-Amz-Security-Token`. S2
# has no such parameter.
_SECRET_WORDS: Final = frozenset(
    {"apikey", "key", "password", "secret", "sig", "signature", "token"}
)
REDACTED: Final = "***"

# Secrets of issued access tokens, as they begin in this process, and if `token=` is given.
_ISSUED: Final = re.compile(r"s2_(?:[0-9a-f]{16}_\d+_)?[0-9A-Za-z]{43}")


def redact_issued_tokens(text: str) -> str:
    """Return the text without the secrets of issued access tokens."""
    return _ISSUED.sub(REDACTED, text)


def redact_headers(headers: dict[str, str]) -> dict[str, str]:
    """Return the headers without the values of those that are secret."""
    return {name: REDACTED if name in SECRET_HEADERS else value for name, value in headers.items()}


def redact_query(query: str) -> str:
    """Return the query string without the values of secret parameters."""
    return "&".join(map(_redact_parameter, query.split("&")))


def redact_target(path: str, query: str) -> str:
    """Return the path and the query string, if there is one, without secrets."""
    return f"{path}?{redact_query(query)}" if query else path


def is_secret_parameter(name: str) -> bool:
    """Return True if the value of a query parameter of that name is secret."""
    return re.split("[-_]", unquote(name).lower())[-1] in _SECRET_WORDS


def _redact_parameter(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    return f"{name}={REDACTED}" if equals and is_secret_parameter(name) else parameter
