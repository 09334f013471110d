"""Authorization: which access token a request carries, and what it permits.

Source: reference: account_services §1.3.
"""

from s2mock.registry.engine.account_lock import AccountLock
from s2mock.registry.engine.store import Store
from s2mock.registry.operation import Caller, Operation
from s2mock.registry.rules.permission import bearer_of, check_end, permit
from s2mock.registry.values.tokens import OWN_SECRET, AccessToken
from s2mock.runtime.clock import Moment


class Authorization:
    """The checks of access tokens of one account.

    With `is_open` a request without a valid token may do everything. `own_secret` is the secret of
    the account's own token.
    """

    def __init__(
        self, lock: AccountLock, store: Store, *, is_open: bool, own_secret: str | None
    ) -> None:
        self._lock = lock
        self._store = store
        self._is_open = is_open
        self._own_secret = own_secret
        # Further secrets that count as the account's own.
        self._actors: frozenset[str] = frozenset()

    def admit_actor(self, secret: str) -> None:
        """Let requests with that secret do what the account's own token may.

        It is in no list of access tokens, and in no snapshot.
        """
        with self._lock.mutex:
            self._actors |= {secret}

    def has_actor(self, secret: str) -> bool:
        """True if that secret was admitted for an actor."""
        return secret in self._actors

    def authenticate(self, secret: str) -> AccessToken | None:
        """Return the token with that secret; None if the request may do everything.

        The token may have ended: the operation checks that in its own moment, or `check_end` does
        where there is no operation. Raises `Authn`.
        """
        if self._store.state.tokens is None:
            return None
        with self._lock.mutex:
            return self._bearer_of(secret)

    def check_end(self, secret: str) -> None:
        """Raise `Authn` if the token with that secret has ended, or there is none."""
        token = self.authenticate(secret)
        if token is not None and token.has_an_end:
            with self._lock as moment:
                check_end(token, moment)

    def has_issued(self, secret: str) -> bool:
        """True if the account has issued an access token with that secret, revoked or not.

        Also one that came with a snapshot, or is an actor's; not its own token.
        """
        if secret in self._actors:
            return True
        if self._store.state.tokens is None:
            return False
        with self._lock.mutex:
            tokens = self._store.state.tokens
            return tokens is not None and tokens.by_secret.get(secret) is not None

    def permit(self, operation: Operation, caller: Caller, moment: Moment) -> AccessToken | None:
        """Return the caller's token; None if the caller may do everything. With the lock held.

        Raises `Authn`, `PermissionDenied`, and what `operation.check` raises.
        """
        token = self._bearer_of(caller.secret)
        if token is not None:
            check_end(token, moment)
            operation.check(moment)
            permit(token, caller.needs, operation)
        return token

    def _bearer_of(self, secret: str) -> AccessToken | None:
        tokens = self._store.state.tokens
        if tokens is None:
            return None
        is_own = bool(secret) and (secret == self._own_secret or secret in self._actors)
        key = OWN_SECRET if is_own else secret
        return bearer_of(tokens, key, is_open=self._is_open)
