"""Who may: whose token a request brings, and whether that gives the operation.

Source: reference: account_services §1.3.
"""

from s2mock.registry.engine.commit import Committing
from s2mock.registry.operation import Operation
from s2mock.registry.rules.permission import Caller, bearer_of, check_end, permit
from s2mock.registry.values.tokens import OWN_SECRET, AccessToken
from s2mock.runtime.clock import Moment


class Admitting(Committing):
    """The access tokens of an account, asked for by whoever wants something of it."""

    is_open: bool
    own_secret: str | None

    def authenticate(self, secret: str) -> AccessToken | None:
        """The token with that secret; None for somebody who may do everything. Raises `Authn`.

        It may have ended: that is looked at in the operation's own moment, or by `check_end` where
        there is no operation.
        """
        with self.lock.mutex:
            return self._bearer_of(secret)

    def check_end(self, secret: str) -> None:
        """Check that the token with that secret lives. Raises `Authn`."""
        token = self.authenticate(secret)
        if token is not None and token.has_an_end:
            with self.lock as moment:
                check_end(token, moment)

    def has_issued(self, secret: str) -> bool:
        """True if the account has an issued access token with that secret, revoked or not.

        Also one that came with a snapshot; not its own token.
        """
        if self.state.tokens is None:
            return False
        with self.lock.mutex:
            tokens = self.state.tokens
            return tokens is not None and tokens.by_secret.get(secret) is not None

    def token_of(self, caller: Caller | None) -> AccessToken | None:
        """The token of whoever asks, None for somebody who may do everything; in turn only."""
        return None if caller is None else self._bearer_of(caller.secret)

    def _bearer_of(self, secret: str) -> AccessToken | None:
        tokens = self.state.tokens
        if tokens is None:
            return None
        key = OWN_SECRET if secret and secret == self.own_secret else secret
        return bearer_of(tokens, key, is_open=self.is_open)

    def _permit(self, operation: Operation, caller: Caller, moment: Moment) -> None:
        token = self._bearer_of(caller.secret)
        if token is not None:
            check_end(token, moment)
            operation.check(moment)
            permit(token, caller.needs, operation)
