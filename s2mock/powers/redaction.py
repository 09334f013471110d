"""Secrets, which are blacked out wherever an exchange is shown as text."""

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
# The last words of the names of query parameters: `api_key`, `X-Amz-Security-Token`. S2 has none of
# them.
_SECRET_WORDS: Final = frozenset(
    {"apikey", "key", "password", "secret", "sig", "signature", "token"}
)
BLACKED_OUT: Final = "***"


# As they begin in this process, and where the own token is pinned.
_ISSUED: Final = re.compile(r"s2_(?:[0-9a-f]{16}_\d+_)?[0-9A-Za-z]{43}")


def without_issued(text: str) -> str:
    """The text with the secrets of issued access tokens blacked out."""
    return _ISSUED.sub(BLACKED_OUT, text)


def in_text(headers: dict[str, str]) -> dict[str, str]:
    """The headers as they may be shown: secrets blacked out."""
    return {
        name: BLACKED_OUT if name in SECRET_HEADERS else value for name, value in headers.items()
    }


def query_in_text(query: str) -> str:
    """The query string as it may be shown: the values of secret parameters blacked out."""
    return "&".join(map(_parameter_in_text, query.split("&")))


def target_in_text(path: str, query: str) -> str:
    """The path, and behind it the query string as it may be shown, if there is one."""
    return f"{path}?{query_in_text(query)}" if query else path


def _parameter_in_text(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    word = re.split("[-_]", unquote(name).lower())[-1]
    return f"{name}={BLACKED_OUT}" if equals and word in _SECRET_WORDS else parameter
