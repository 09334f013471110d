"""The access tokens of an account, as values. Source: reference: account_services §1."""

from typing import Final, NamedTuple

from s2mock.registry.values.persistent_map import PersistentMap
from s2mock.registry.values.scopes import EVERYTHING, Scope
from s2mock.runtime.clock import Moment

OWN_ID: Final = "s2mock"
"""The id of the account's own token."""

# In place of the secret of the account's own token, which is no part of the account's state. No
# header can hold it.
OWN_SECRET: Final = "\0"
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_LENGTH: Final = 43


class TokenInfo(NamedTuple):
    """An access token as S2 describes it.

    `expires_at` is in nanoseconds since the Unix epoch, None for never.
    """

    id: str
    expires_at: int | None
    auto_prefix_streams: bool
    scope: Scope


class AccessToken(NamedTuple):
    """An access token. `expires` and `ends` are account time, see `Moment`."""

    id: str
    secret: str
    scope: Scope
    expires: int | None = None
    auto_prefix_streams: bool = False
    # The time from which on it is refused, if it was revoked.
    ends: int | None = None

    def __repr__(self) -> str:
        return f"<AccessToken {self.id!r}>"

    @property
    def prefix(self) -> str:
        """The prefix of each stream's name in its requests, or nothing."""
        return self.scope.streams.name if self.auto_prefix_streams else ""

    @property
    def has_an_end(self) -> bool:
        """True if there is a time from which on it is refused."""
        return self.expires is not None or self.ends is not None

    def info(self, moment: Moment) -> TokenInfo:
        """Return the token as S2 describes it at that moment."""
        expires = self.expires
        if expires is not None:
            expires += moment.now - moment.account_time
        return TokenInfo(self.id, expires, self.auto_prefix_streams, self.scope)


class IssuedToken(NamedTuple):
    """The change that adds a token to those of an account."""

    token: AccessToken


class RevokedToken(NamedTuple):
    """The change that takes a token from the list; it is refused from account time `ends` on.

    With None for `ends` it stays valid.
    """

    token: AccessToken
    ends: int | None


class Tokens(NamedTuple):
    """The tokens of an account: those that are listed, and all that were ever issued."""

    by_id: PersistentMap[AccessToken]
    # With the revoked ones: they are refused where an unknown one may do everything.
    by_secret: PersistentMap[AccessToken]
    # The number of tokens that were issued.
    issued: int = 0

    def with_issued(self, write_owner: object, token: AccessToken) -> "Tokens":
        """Return the tokens and one more, for that owner of writes."""
        own = self.copy(write_owner)
        own.by_id[token.id] = own.by_secret[token.secret] = token
        return own._replace(issued=self.issued + 1)

    def with_revoked(self, write_owner: object, token: AccessToken, ends: int | None) -> "Tokens":
        """Return the tokens without that one, which is refused from `ends` on, if ever."""
        own = self.copy(write_owner)
        del own.by_id[token.id]
        own.by_secret[token.secret] = token._replace(ends=ends)
        return own

    def with_own(self, write_owner: object) -> "Tokens":
        """Return the tokens with the account's own, also where another account revoked it."""
        known = self.by_secret.get(OWN_SECRET)
        if known is not None and known.ends is None and self.by_id.get(OWN_ID) is known:
            return self
        tokens = self.copy(write_owner)
        own = tokens.by_secret[OWN_SECRET] = AccessToken(OWN_ID, OWN_SECRET, EVERYTHING)
        if tokens.by_id.get(OWN_ID) is None:
            tokens.by_id[OWN_ID] = own
        return tokens

    def copy(self, write_owner: object) -> "Tokens":
        """Return the same tokens, which that owner may write to."""
        if self.by_id.write_owner is write_owner:
            return self
        return self._replace(
            by_id=self.by_id.copy(write_owner), by_secret=self.by_secret.copy(write_owner)
        )


def fresh_tokens(write_owner: object) -> Tokens:
    """Return the tokens of an account that has issued none: the account's own."""
    own = AccessToken(OWN_ID, OWN_SECRET, EVERYTHING)
    return Tokens(PersistentMap(write_owner), PersistentMap(write_owner)).with_issued(
        write_owner, own
    )


def new_secret(prefix: str, seed: int, token: str | None, number: int) -> str:
    """Return the secret of the issued token of that number, which cannot be guessed.

    It is the same for the same `prefix`, `seed` and own `token` of the account (reference:
    account_services §1.1).
    """
    import hashlib  # which takes time to load, and few accounts issue tokens

    digest = hashlib.sha512(f"s2mock {seed} {number} {token or ''}".encode()).digest()
    value, digits = int.from_bytes(digest, "big"), ""
    while len(digits) < _SECRET_LENGTH:
        value, digit = divmod(value, len(_DIGITS))
        digits += _DIGITS[digit]
    return f"{prefix}{digits}"
