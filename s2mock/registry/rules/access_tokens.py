"""Operations on access tokens. Source: reference: account_services §1."""

from math import inf

from s2mock.registry.operation import Context, Operation
from s2mock.registry.rules.listing import MAX_PAGE, page_of
from s2mock.registry.state import Change, Effect
from s2mock.registry.values.errors import (
    AccessTokenNotFound,
    InvalidToken,
    PermissionDenied,
    ResourceAlreadyExists,
)
from s2mock.registry.values.names import AccessTokenId
from s2mock.registry.values.scopes import ALL, Scope
from s2mock.registry.values.tokens import (
    OWN_SECRET,
    AccessToken,
    IssuedToken,
    RevokedToken,
    Tokens,
    fresh_tokens,
    new_secret,
)
from s2mock.runtime.clock import Moment, nanoseconds


class ListAccessTokens(Operation):
    """List one page of access tokens, in the order of their ids, with the expired ones (§1.1).

    Returns a `Page` of `TokenInfo`. Raises `InvalidName`.
    """

    __slots__ = ("limit", "prefix", "start_after")
    name = "list-access-tokens"
    prepares = "access_tokens"

    def __init__(self, *, prefix: str = "", start_after: str = "", limit: int = MAX_PAGE) -> None:
        super().__init__()
        self.prefix = AccessTokenId.check_filter(prefix, "prefix")
        self.start_after = AccessTokenId.check_filter(start_after, "start-after")
        self.limit = limit

    def decide(self, context: Context, moment: Moment) -> Change:
        """Return the page that the caller may see."""
        token = context.token
        return Change(
            page_of(
                _tokens(context).by_id,
                lambda found: found.info(moment),
                prefix=self.prefix,
                start_after=self.start_after,
                limit=self.limit,
                within=ALL if token is None else token.scope.access_tokens,
            )
        )


class IssueAccessToken(Operation):
    """Issue an access token that may do no more than the caller's own (§1.1, §1.3).

    `expires_at` is in nanoseconds since the Unix epoch, `expires_in` in nanoseconds from the moment
    of issue; without either the token ends with that of the caller. Returns the `AccessToken`.
    Raises `InvalidName`, `InvalidToken`, `PermissionDenied`, `ResourceAlreadyExists`.
    """

    __slots__ = ("access_token", "auto_prefix_streams", "expires_at", "expires_in", "scope")
    name = "issue-access-token"

    def __init__(
        self,
        token_id: str,
        scope: Scope,
        *,
        expires_at: int | None = None,
        expires_in: int | None = None,
        auto_prefix_streams: bool = False,
    ) -> None:
        super().__init__()
        self.access_token = str(AccessTokenId(token_id))
        self.scope = scope
        self.expires_at = expires_at
        self.expires_in = expires_in
        self.auto_prefix_streams = auto_prefix_streams

    def check(self, moment: Moment) -> None:
        """Check the scope and the time of expiry. Raises `InvalidToken`."""
        scope = self.scope
        if not scope.granted:
            raise InvalidToken("Access token permissions cannot be empty")
        if self.auto_prefix_streams and scope.streams.kind != "prefix":
            raise InvalidToken("Auto prefixing is only allowed for streams with prefix matching")
        if self.expires_at is not None and self.expires_at <= moment.now:
            raise InvalidToken("expires_at must be in the future")

    def decide(self, context: Context, moment: Moment) -> Change:
        """Return the token with its secret."""
        self.check(moment)
        issuer = context.token
        if issuer is not None and (beyond := self.scope.first_beyond(issuer.scope)):
            raise PermissionDenied(
                f"token `{issuer.id}` may issue only what it may do itself, and {beyond}"
            )
        tokens, settings = _tokens(context), context.settings
        token = AccessToken(
            self.access_token,
            new_secret(settings.secret_prefix, settings.seed, settings.own_secret, tokens.issued),
            self.scope,
            self._expires(moment, issuer),
            self.auto_prefix_streams,
        )
        if tokens.by_id.get(token.id) is not None:
            raise ResourceAlreadyExists(f"access token `{token.id}` already exists")
        return Change(token, effect=Effect("created"), token=IssuedToken(token))

    def _expires(self, moment: Moment, issuer: AccessToken | None) -> int | None:
        latest = None if issuer is None else issuer.expires
        if self.expires_at is not None:
            expires = self.expires_at - moment.now + moment.account_time
        elif self.expires_in is not None:
            expires = moment.account_time + self.expires_in
        else:
            return latest
        if latest is not None and expires > latest:
            raise InvalidToken("expires_at must not be later than that of the token that issues it")
        return expires


class RevokeAccessToken(Operation):
    """Revoke an access token (§1.1). Raises `AccessTokenNotFound`, `PermissionDenied`.

    Where requests without a token may do everything, the account's own token is revoked only by a
    request that carries it: any other request would lock the owner out. With `secret` it revokes
    the token with that secret, and no other that was issued with the same id.
    """

    __slots__ = ("access_token", "secret")
    name = "revoke-access-token"

    def __init__(self, token_id: str, *, secret: str | None = None) -> None:
        super().__init__()
        self.access_token = str(AccessTokenId(token_id))
        self.secret = secret

    def decide(self, context: Context, moment: Moment) -> Change:
        """Return the token to revoke, and the time of its end."""
        settings = context.settings
        token = _tokens(context).by_id.get(self.access_token)
        if token is None or self.secret not in (None, token.secret):
            raise AccessTokenNotFound(self.access_token)
        caller = context.caller
        is_own = token.secret == OWN_SECRET
        if is_own and settings.is_open and caller and caller.secret != settings.own_secret:
            raise PermissionDenied(
                f"the account's own token, `{token.id}`, is revoked only by a request that carries "
                'it, as long as auth is "open"'
            )
        delay = settings.revocation_delay
        ends = None if delay == inf else moment.account_time + nanoseconds(delay)
        return Change(effect=Effect("deleted"), token=RevokedToken(token, ends))


def _tokens(context: Context) -> Tokens:
    tokens = context.state.tokens
    return fresh_tokens(context.write_owner) if tokens is None else tokens
