"""Handles of an injected fault, of a hold and of a hook."""

from types import TracebackType
from typing import TYPE_CHECKING, Final, Generic, Self, TypeVar

from s2mock.handles.backends.backend import PendingResult, PlacedFault, PlacedHold, PlacedHook
from s2mock.powers.errors import UnusedFault
from s2mock.runtime.arguments import check_count, check_timeout
from s2mock.runtime.notifier import PATIENCE
from s2mock.runtime.public_dir import PublicDir

if TYPE_CHECKING:
    from s2mock.powers.exchange import Exchange
    from s2mock.powers.faults import Fault


# The number of exchanges in a `repr`.
_SHOWN: Final = 10
Placed = TypeVar("Placed", bound=PlacedFault | PlacedHold)


class _Handle(PublicDir, Generic[Placed]):
    """A fault or a hold, which ends with the `with` block.

    The end of the block raises `UnusedFault` if it was not used, unless another exception is on its
    way.
    """

    __slots__ = ("_placed",)

    def __init__(self, placed: Placed) -> None:
        self._placed = placed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        complaint = self._end_block()
        if complaint is not None and kind is None:
            raise UnusedFault(complaint)

    def _end_block(self) -> str | None:
        """End the fault or hold, and return the message for one that was not used, else None."""
        raise NotImplementedError

    def _pending(
        self, what: str, count: int, timeout: float
    ) -> "PendingResult[tuple[Exchange, ...]]":
        check_count(what, count)
        check_timeout(timeout)
        return self._placed.pending(count, timeout)


class Injection(_Handle[PlacedFault]):
    """A fault, or a list of faults, that applies to matching operations.

    As a context manager it removes itself at the end of the block. It also checks that it was used
    up, unless an exception is on its way.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{self._placed.text}: {self.hits} hits{_list(self.exchanges)}>"

    def _end_block(self) -> str | None:
        complaint = self._placed.complaint
        self.remove()
        return complaint

    @property
    def hits(self) -> int:
        """The number of operations that got a fault."""
        return self._placed.hits

    @property
    def exchanges(self) -> "tuple[Exchange, ...]":
        """The operations that got a fault, in order of arrival."""
        return self._placed.exchanges

    @property
    def remaining(self) -> int | None:
        """The number of operations that it still waits for; None if it has no limit."""
        return self._placed.remaining

    def wait(self, hits: int = 1, *, timeout: float = PATIENCE) -> "tuple[Exchange, ...]":
        """Wait until `hits` operations got a fault, and return their exchanges.

        Earlier ones count. `timeout` is in seconds of real time; after it,
        `TimeoutError` lists what arrived instead. Raises `TypeError`, `ValueError`.
        """
        __tracebackhide__ = True
        return self._pending("hits", hits, timeout).wait()

    async def async_wait(
        self, hits: int = 1, *, timeout: float = PATIENCE
    ) -> "tuple[Exchange, ...]":
        """Wait as `wait` does, while the event loop goes on."""
        __tracebackhide__ = True
        return await self._pending("hits", hits, timeout).async_wait()

    def remove(self) -> None:
        """Affect no more operations. The test no longer fails if it was not used up."""
        self._placed.remove()


class Hold(_Handle[PlacedHold]):
    """A hold: up to `times` matching operations wait at a point until it is released.

    All other operations continue. Leaving the `with` block releases it, and checks that it held an
    operation, unless an exception is on its way.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{self._placed.text}: {len(self.exchanges)} held{_list(self.exchanges)}>"

    def _end_block(self) -> str | None:
        complaint = self._placed.take_complaint()
        self.release()
        return complaint

    @property
    def exchanges(self) -> "tuple[Exchange, ...]":
        """The operations that were held, in order of arrival; `response` is None until it is sent.

        Released ones count too.
        """
        return self._placed.exchanges

    def wait(self, count: int = 1, *, timeout: float = PATIENCE) -> "tuple[Exchange, ...]":
        """Wait until `count` operations were held, and return their exchanges.

        Earlier ones count. `timeout` is in seconds of real time; after it,
        `TimeoutError` lists what arrived instead. Raises `TypeError`, `ValueError`.
        """
        __tracebackhide__ = True
        return self._pending("count", count, timeout).wait()

    async def async_wait(
        self, count: int = 1, *, timeout: float = PATIENCE
    ) -> "tuple[Exchange, ...]":
        """Wait as `wait` does, while the event loop goes on."""
        __tracebackhide__ = True
        return await self._pending("count", count, timeout).async_wait()

    def release(self, *, exchange: "Exchange | None" = None, fault: "Fault | None" = None) -> None:
        """Let the held operations continue, and hold nothing more.

        With an `exchange` of `exchanges` or `wait`, only that one continues. The `fault` is applied
        to what is released, in the place of one that was injected and keeps its count. A hold that
        nothing has reached still fails the test, unless it is not required. Raises `TypeError`, and
        `ValueError` for an exchange that this does not hold, and for a fault that has no meaning
        for the operation at its point, or that nothing would meet. Then nothing is released.
        """
        if fault is not None:
            from s2mock.powers.faults import check_fault

            check_fault(fault)
        self._placed.release(None if exchange is None else _number_of(exchange), fault)


class Hook(PublicDir):
    """A hook: a function that is called when a matching operation reaches a point.

    As a context manager it removes itself at the end of the block, and raises what the function has
    raised, unless another exception is on its way.
    """

    __slots__ = ("_placed",)

    def __init__(self, placed: PlacedHook) -> None:
        self._placed = placed

    def __repr__(self) -> str:
        return f"<{self._placed.text}: {self.calls} calls{_list(self.exchanges)}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()
        if kind is None and (raised := self._placed.take_error()) is not None:
            raise raised

    @property
    def calls(self) -> int:
        """The number of operations that the function was called for."""
        return self._placed.calls

    @property
    def exchanges(self) -> "tuple[Exchange, ...]":
        """The operations that the function was called for, in that order.

        `response` of one is None until it is sent.
        """
        return self._placed.exchanges

    def remove(self) -> None:
        """Call the function no more. A call in progress ends as it would."""
        self._placed.remove()


def _list(exchanges: "tuple[Exchange, ...]") -> str:
    """Return the end of a `repr` with the latest of these exchanges."""
    return "".join(f"\n  {exchange!r}" for exchange in exchanges[-_SHOWN:])


def _number_of(exchange: object) -> int:
    """Return the number of a held operation. Raises `TypeError`, `ValueError`."""
    from s2mock.powers.exchange import Exchange

    if not isinstance(exchange, Exchange):
        raise TypeError(
            f"exchange must be an Exchange of held.exchanges or held.wait(), not {exchange!r}"
        )
    if exchange.held is None:
        raise ValueError(
            f"{exchange!r} was not held: take an exchange of held.exchanges or held.wait()"
        )
    return exchange.held
