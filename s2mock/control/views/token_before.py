"""The issued access token that a request carried, to issue an equal one."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from s2mock.control.views.account_view import CapturedView
from s2mock.json_bodies.tokens import scope_from_json
from s2mock.powers.exchange import Exchange
from s2mock.registry.values.rfc3339 import parse_timestamp
from s2mock.registry.values.scopes import Scope
from s2mock.registry.values.tokens import OWN_ID, AccessToken
from s2mock.runtime.environ import token_in

_SECOND: Final = 10**9


class TokenBefore(NamedTuple):
    """An access token as an exchange found it, without its secret.

    `id` and `scope` are None where the account no longer knows them. `expires_in` is in whole
    seconds, None for never. `end` is "revoked" or "expired" if the exchange was refused for that,
    and "unknown" if it was refused with a token that the account has not issued.
    """

    id: str | None
    scope: Scope | None = None
    expires_in: int | None = None
    auto_prefix_streams: bool = False
    end: str | None = None


def find_token(
    view: CapturedView, issued: dict[str, AccessToken], exchange: Exchange
) -> TokenBefore | None:
    """Return the issued token of an exchange; None if the request needs none to be sent again.

    `issued` are those of the journal (`issued_in`), for an account that no longer has them.
    """
    secret = secret_of(exchange)
    tokens = view.state.tokens
    token = None if tokens is None or not secret else tokens.by_secret.get(secret)
    shift = view.shift
    if token is None:
        token, shift = issued.get(secret), 0
    if token is None or token.id == OWN_ID:
        return unknown_token(exchange)
    expires_in = None
    if token.expires is not None and exchange.at is not None:
        # In whole seconds, and at least one: a token cannot be issued without a time to live.
        left = token.expires + shift - exchange.at
        expires_in = max(1, -(-left // _SECOND))
    end = None
    if _is_refused(exchange):
        end = "expired" if token.ends is None and token.expires is not None else "revoked"
    return TokenBefore(token.id, token.scope, expires_in, token.auto_prefix_streams, end)


def unknown_token(exchange: Exchange) -> TokenBefore | None:
    """Return what an exchange itself shows of its token; None for the account's own, and none."""
    if exchange.token_id not in (None, OWN_ID):
        return TokenBefore(exchange.token_id)
    if exchange.token_id is None and _is_refused(exchange):
        return TokenBefore(None, end="unknown")
    return None


def _is_refused(exchange: Exchange) -> bool:
    response = exchange.response
    return exchange.fault is None and response is not None and response.code == "authn"


def secret_of(exchange: Exchange) -> str:
    """Return the access token in the headers of a request, "" for none."""
    return token_in(exchange.request.headers.get("authorization", ""))


def issued_in(exchanges: Iterable[Exchange]) -> dict[str, AccessToken]:
    """Return the tokens that were issued in these exchanges, by their secrets.

    Their `expires` is a date.
    """
    found = {}
    for exchange in exchanges:
        if exchange.operation != "issue-access-token" or not exchange.effect.committed:
            continue
        asked = exchange.request.document
        answered = None if exchange.response is None else exchange.response.document
        secret = answered.get("access_token") if isinstance(answered, dict) else None
        if secret is not None and isinstance(asked, dict):
            found[secret] = _token(asked, secret)
    return found


def _token(asked: dict[str, Any], secret: str) -> AccessToken:
    expires_at = asked.get("expires_at")
    return AccessToken(
        asked["id"],
        secret,
        scope_from_json(asked["scope"]),
        None if expires_at is None else parse_timestamp(expires_at),
        bool(asked.get("auto_prefix_streams")),
    )
