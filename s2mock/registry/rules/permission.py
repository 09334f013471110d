"""Permissions: what an access token permits. Source: reference: account_services §1.2, §1.3.

The table of operations in `api/operations.py` has the needs of each operation.
"""

from typing import Final

from s2mock.registry.operation import Needs, Operation
from s2mock.registry.values.errors import Authn, PermissionDenied
from s2mock.registry.values.scopes import ResourceSet, Scope, in_words
from s2mock.registry.values.tokens import AccessToken, Tokens
from s2mock.runtime.clock import Moment

_WAY_OUT: Final = (
    ": bring the account's own, s2_mock.token, which is in s2_mock.env, or one of "
    's2_mock.issue_token(); with auth="open" requests need no token'
)
_SETS: Final = {"basin": "basins", "stream": "streams", "access_token": "access_tokens"}


def bearer_of(tokens: Tokens, secret: str, *, is_open: bool) -> AccessToken | None:
    """Return the token with that secret, also an ended one; None if all is permitted.

    Raises `Authn`.
    """
    token = tokens.by_secret.get(secret)
    if token is None:
        if is_open:
            return None
        error = Authn(
            "the access token is none that this account has issued"
            if secret
            else "the request brings no access token"
        )
        error.explanation = f"{error.message}{_WAY_OUT}"
        raise error
    return token


def check_end(token: AccessToken, moment: Moment) -> None:
    """Raise `Authn` if the token was revoked or has expired."""
    if token.ends is not None and moment.account_time >= token.ends:
        raise Authn(f"the access token `{token.id}` was revoked")
    if token.expires is not None and moment.account_time >= token.expires:
        raise Authn(f"the access token `{token.id}` has expired")


def permit(token: AccessToken, needs: Needs, operation: Operation) -> None:
    """Raise `PermissionDenied` if the token does not permit the operation."""
    missing = _missing(token.scope, needs, operation)
    if missing is not None:
        raise PermissionDenied(
            f"needs {missing}; token `{token.id}` has {in_words(token.scope.granted)}"
        )
    for what in needs.of:
        name = getattr(operation, what)
        names: ResourceSet = getattr(token.scope, _SETS[what])
        if name is None or not names.matches(name):
            where = _SETS[what].replace("_", " ")
            raise PermissionDenied(
                f"needs {what.replace('_', ' ')} `{name}`; token `{token.id}` has of the {where} "
                f"{names}"
            )


def _missing(scope: Scope, needs: Needs, operation: Operation) -> str | None:
    """Return the operation that the token lacks, in words; None if it has all."""
    if needs.by_batch and operation.parts is None:
        if scope.granted.intersection(needs.operations):
            return None
        return " or ".join(f"`{name}`" for name in needs.operations)
    wanted = operation.parts if needs.by_batch else needs.operations
    for name in wanted or ():
        if name not in scope.granted:
            return f"`{name}`"
    return None
