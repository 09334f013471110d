"""The log of an account's changes, as the engine needs it that keeps them."""

from typing import Protocol

from s2mock.registry.state import AccountState, Change
from s2mock.runtime.clock import Moment


class ChangeLog(Protocol):
    """Keeps each change before it takes effect. The account's lock is held."""

    def write(self, change: Change, state: AccountState, moment: Moment) -> None:
        """Keep a change to that state. Raises `StorageFailed`, and has kept nothing then."""

    def begin_with(self, state: AccountState, shift: int, now: int) -> None:
        """Keep that state in place of all before.

        `shift` is what dates are later than the account's time, `now` the date, in nanoseconds.
        Raises `StorageFailed`, and has changed nothing then.
        """
