"""The calls that a fault or a hold has affected, as exchanges that a test waits for."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from s2mock.runtime.notifier import Notifier, Pending

if TYPE_CHECKING:
    from s2mock.powers.call import TrackedCall
    from s2mock.powers.exchange import Exchange


class AffectedCalls:
    """A list of calls in their order of arrival; `exchange_of` returns the exchange of each."""

    def __init__(self, exchange_of: "Callable[[TrackedCall], Exchange]") -> None:
        self._exchange_of = exchange_of
        self._calls: list[TrackedCall] = []
        self._notifier = Notifier()

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> "Iterator[TrackedCall]":
        return iter(list(self._calls))

    def add(self, call: "TrackedCall") -> None:
        """Add a call. Waits see it after the next `notify`."""
        self._calls.append(call)

    def remove(self, call: "TrackedCall") -> None:
        """Remove a call that was added, and was not affected after all."""
        self._calls.remove(call)

    def notify(self) -> None:
        """Notify all waits for the calls."""
        self._notifier.notify()

    @property
    def is_awaited(self) -> bool:
        """True if a test waits for a call."""
        return self._notifier.has_waits

    def set_remark(self, remark: Callable[[], str]) -> None:
        """Put what `remark` returns behind the message of a wait that took too long."""
        self._notifier.remark = remark

    @property
    def exchanges(self) -> "tuple[Exchange, ...]":
        """The exchanges of the calls, some without a response yet."""
        return tuple(map(self._exchange_of, list(self._calls)))

    def pending(
        self,
        count: int,
        timeout: float,
        missing: Callable[[], str],
        *,
        is_over: Callable[[], bool] = bool,
    ) -> "Pending[tuple[Exchange, ...]]":
        """Return a wait until there are `count` calls; it returns the exchanges of all.

        It ends early, with those that there are, if `is_over()` is true.
        `timeout` is in seconds of real time; after it, `TimeoutError` has the text of `missing`.
        """
        return Pending(
            self._notifier,
            lambda: self.exchanges if len(self) >= count or is_over() else None,
            missing,
            timeout,
        )
