"""Handles of an injected fault and of a hold."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from s2mock.handles.backends.backend import PlacedFault, PlacedHold
from s2mock.powers.errors import UnusedFault
from s2mock.runtime.arguments import check_count, check_timeout
from s2mock.runtime.notifier import PATIENCE

if TYPE_CHECKING:
    from s2mock.powers.exchange import Exchange


class Injection:
    """A fault, or a list of them, that waits for operations.

    As a context manager it removes itself at the end of the block. It also checks that it was used
    up, unless an exception is on its way.
    """

    __slots__ = ("_placed",)

    def __init__(self, placed: PlacedFault) -> None:
        self._placed = placed

    def __repr__(self) -> str:
        return f"<{self._placed.text}: {self.hits} hits>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        complaint = self._placed.complaint
        self.remove()
        if complaint is not None and kind is None:
            raise UnusedFault(complaint)

    @property
    def hits(self) -> int:
        """The number of operations that have met a fault of it."""
        return self._placed.hits

    @property
    def exchanges(self) -> "tuple[Exchange, ...]":
        """The operations that have met a fault of it, in order of arrival."""
        return self._placed.exchanges

    @property
    def remaining(self) -> int | None:
        """The number of operations that it still waits for; None if it waits until removed."""
        return self._placed.remaining

    def wait(self, hits: int = 1, *, timeout: float = PATIENCE) -> "tuple[Exchange, ...]":
        """Wait until `hits` operations have met it, and return their exchanges.

        Those that have met it already count. `timeout` is in seconds of real time; after it,
        `TimeoutError` lists what arrived instead. Raises `TypeError`, `ValueError`.
        """
        check_count("hits", hits)
        check_timeout(timeout)
        return self._placed.pending(hits, timeout).wait()

    async def async_wait(
        self,
        hits: int = 1,
        *,
        timeout: float = PATIENCE,  # as its twin has it
    ) -> "tuple[Exchange, ...]":
        """As `wait`, for an event loop."""
        check_count("hits", hits)
        check_timeout(timeout)
        return await self._placed.pending(hits, timeout).async_wait()

    def remove(self) -> None:
        """Let operations pass from now on. The test no longer fails if it was not used up."""
        self._placed.remove()


class Hold:
    """Operations that are kept waiting at a point.

    Leaving the `with` block releases them. It also checks that there were any, unless an exception
    is on its way.

    It holds one operation after the other, up to `times`, each until it is released. Every other
    operation goes on.
    """

    __slots__ = ("_placed",)

    def __init__(self, placed: PlacedHold) -> None:
        self._placed = placed

    def __repr__(self) -> str:
        return f"<{self._placed.text}: {len(self.exchanges)} held>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        complaint = self._placed.take_complaint()
        self.release()
        if complaint is not None and kind is None:
            raise UnusedFault(complaint)

    @property
    def exchanges(self) -> "tuple[Exchange, ...]":
        """The operations that were held, in order of arrival; `response` is None until it is sent.

        Released ones count too.
        """
        return self._placed.exchanges

    def wait(self, count: int = 1, *, timeout: float = PATIENCE) -> "tuple[Exchange, ...]":
        """Wait until `count` operations were held, and return their exchanges.

        Those that are held already count. `timeout` is in seconds of real time; after it,
        `TimeoutError` lists what arrived instead. Raises `TypeError`, `ValueError`.
        """
        check_count("count", count)
        check_timeout(timeout)
        return self._placed.pending(count, timeout).wait()

    async def async_wait(
        self,
        count: int = 1,
        *,
        timeout: float = PATIENCE,  # as its twin has it
    ) -> "tuple[Exchange, ...]":
        """As `wait`, for an event loop."""
        check_count("count", count)
        check_timeout(timeout)
        return await self._placed.pending(count, timeout).async_wait()

    def release(self) -> None:
        """Let the held operations go on, and hold nothing more.

        A hold that nothing has reached still fails the test, unless it is not required.
        """
        self._placed.release()
