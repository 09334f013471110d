"""A session that drains: the advice to reconnect, and the end that follows it.

Source: reference: account_services §4, data_plane §14.
"""

from collections.abc import Callable, Iterator
from typing import Final

from s2mock.powers.faults import Drain
from s2mock.powers.outcomes import InjectedError, error_of
from s2mock.registry.log.batch import Batch
from s2mock.runtime.conversation import READ, Read, ReadWithin, Wait
from s2mock.runtime.monotonic import monotonic

_SECONDS: Final = 5.0
"""The time for which a session is served after the advice, in real time."""


class Draining:
    """The progress of a session that drains, after a number of records of a read."""

    def __init__(self, fault: Drain) -> None:
        self._fault = fault
        self._left = fault.records or 0
        self._until: float | None = None

    @property
    def error(self) -> InjectedError:
        """The error that ends the session."""
        return error_of(self._fault)

    @property
    def is_over(self) -> bool:
        """True if the time after the advice is over."""
        return self._until is not None and self._seconds_left <= 0

    @property
    def read(self) -> Read | ReadWithin:
        """The step that reads more of the request; its result is None if that is too late."""
        return READ if self._until is None else ReadWithin(self._seconds_left)

    def advise(self) -> bool:
        """Return True if the next frame carries the advice, which is sent once."""
        if self._until is not None:
            return False
        self._until = monotonic() + _SECONDS
        return True

    def parts(self, batch: Batch) -> Iterator[tuple[Batch, bool]]:
        """Yield the parts of a batch, each with True if it carries the advice."""
        if self._left:
            first = batch.first(self._left)
            self._left -= first.count
            yield first, False
            batch = batch.after(first.count)
            if not batch.spans:
                return
        yield batch, self.advise()

    def limited(self, wait: Wait) -> Wait:
        """Return the wait, ended when the time after the advice is over."""
        return wait if self._until is None else _Limited(wait, self._seconds_left)

    @property
    def _seconds_left(self) -> float:
        assert self._until is not None
        return max(0.0, self._until - monotonic())


class _Limited:
    """A wait that ends after a number of seconds at the latest."""

    def __init__(self, wait: Wait, seconds: float) -> None:
        self._wait = wait
        self._seconds = seconds

    @property
    def timeout(self) -> float | None:
        own = self._wait.timeout
        return self._seconds if own is None else min(own, self._seconds)

    def subscribe(self, wake: Callable[[], None]) -> None:
        self._wait.subscribe(wake)
