"""The access tokens of the mocks of this process: each has one of its own.

A client that a test leaves behind goes on with the token of that test's mock. It is told so, and
never gets into the account of the next test, although the URL is the same.
"""

import secrets
import weakref
from itertools import count
from typing import Any

_PREFIX = f"s2mock-{secrets.token_hex(8)}-"
_numbers = count(1)
_living: "weakref.WeakValueDictionary[str, object]" = weakref.WeakValueDictionary()


def new_token(mock: object) -> str:
    """A token for that mock, as long as it lives."""
    token = f"{_PREFIX}{next(_numbers)}"
    _living[token] = mock
    return token


def end(token: str) -> None:
    """The mock with that token has ended."""
    _living.pop(token, None)


def is_ended(token: str) -> bool:
    """Whether the token is that of a mock of this process that has ended."""
    return token.startswith(_PREFIX) and token not in _living


def bearer(environ: dict[str, Any]) -> str:
    """The token that a request brings, "" for none."""
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
