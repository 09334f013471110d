"""What a handle needs of a backend: the primitives, which two modules implement.

`in_process.py` calls the engine and the powers of this process. `http.py` sends requests to a
standalone s2mock. Both leave out the docstrings that they would repeat from here.
"""

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from s2mock.json_bodies.snapshots.snapshot import Snapshot
from s2mock.powers.exchange_filter import ExchangeFilter
from s2mock.powers.journal_store import JournalSummary
from s2mock.powers.protocols import Journal as ReadJournal
from s2mock.registry.operation import Operation
from s2mock.registry.places import BasinView, Place, StreamView
from s2mock.registry.values.records import SequencedRecord
from s2mock.registry.values.tokens import TokenInfo

if TYPE_CHECKING:
    from s2mock.powers.exchange import Exchange
    from s2mock.powers.faults import Fault
    from s2mock.powers.hold import HoldArguments
    from s2mock.powers.hook import Function
    from s2mock.powers.injection import InjectArguments

Result_co = TypeVar("Result_co", covariant=True)


class PendingResult(Protocol[Result_co]):
    """A wait that has not begun yet. Each form raises `TimeoutError`."""

    def wait(self) -> Result_co:
        """Block this thread until there is a result, and return it. Raises `TimeoutError`."""

    async def async_wait(self) -> Result_co:
        """Return the result when there is one; the event loop goes on until then."""


class AccountBackend(Protocol):
    """Operations of an account, which pass no points and are in no journal, and views of it.

    A `place` with an incarnation raises `StaleHandle` if a reset or restore has ended what it is.
    """

    def carry_out(self, operation: Operation, place: Place | None = None) -> Any:
        """Carry out an operation on that place, and return its result. Raises `S2Error`."""

    def basins(self) -> tuple[str, ...]:
        """Return the names of all basins, in order."""

    def streams(self, place: Place) -> tuple[str, ...]:
        """Return the names of a basin's streams, in order. Raises `BasinNotFound`."""

    def tokens(self) -> tuple[str, ...]:
        """Return the ids of all access tokens, in order."""

    def basin(self, place: Place) -> BasinView:
        """Return a view of a basin. Raises `BasinNotFound`."""

    def stream(self, place: Place, parent: Place | None = None) -> StreamView:
        """Return a view of a stream; with a `parent`, only of one in that basin.

        Raises `StreamNotFound`.
        """

    def token(self, token_id: str, secret: str) -> TokenInfo:
        """Return the access token with that secret. Raises `AccessTokenNotFound`."""

    def records(self, place: Place) -> tuple[SequencedRecord, ...]:
        """Return all records of a stream. Raises `StreamNotFound`, `StreamDeletionPending`."""

    def records_pending(
        self, place: Place, count: int, timeout: float
    ) -> PendingResult[tuple[SequencedRecord, ...]]:
        """Return a wait until a stream holds `count` records."""

    def readers_pending(self, place: Place, count: int, timeout: float) -> PendingResult[object]:
        """Return a wait until `count` read sessions follow at the tail of a stream."""


class PlacedFault(Protocol):
    """A fault that was injected, or several."""

    @property
    def text(self) -> str:
        """The call of `inject` that made it."""

    @property
    def hits(self) -> int:
        """The number of operations that got a fault."""

    @property
    def remaining(self) -> int | None:
        """The number of operations that it still waits for; None if it has no limit."""

    @property
    def exchanges(self) -> "tuple[Exchange, ...]":
        """The operations that got a fault, in order of arrival."""

    @property
    def complaint(self) -> str | None:
        """The reason why it fails the test, None if it was used up, removed or not required."""

    def pending(self, hits: int, timeout: float) -> "PendingResult[tuple[Exchange, ...]]":
        """Return a wait until `hits` operations got a fault."""

    def remove(self) -> None:
        """Affect no more operations, and fail no test from now on."""


class PlacedHold(Protocol):
    """A hold that was made."""

    @property
    def text(self) -> str:
        """The call of `hold` that made it."""

    @property
    def exchanges(self) -> "tuple[Exchange, ...]":
        """The operations that were held, in order of arrival."""

    def pending(self, count: int, timeout: float) -> "PendingResult[tuple[Exchange, ...]]":
        """Return a wait until `count` operations were held."""

    def take_complaint(self) -> str | None:
        """Return the reason why it fails the test, once; None if it held something."""

    def release(self, number: int | None = None, fault: "Fault | None" = None) -> None:
        """Let the held operations continue, and hold nothing more; or one, by its number.

        The fault is applied to them. Raises `ValueError`.
        """


class PlacedHook(Protocol):
    """A hook that was made."""

    @property
    def text(self) -> str:
        """The call of `on` that made it."""

    @property
    def calls(self) -> int:
        """The number of operations that it was called for."""

    @property
    def exchanges(self) -> "tuple[Exchange, ...]":
        """The operations that it was called for, in that order."""

    def remove(self) -> None:
        """Call the function no more."""

    def take_error(self) -> BaseException | None:
        """Return the first exception that the function has raised, once; None without one."""


class JournalBackend(ReadJournal, Protocol):
    """The exchanges of a mock."""

    @property
    def summary(self) -> JournalSummary:
        """The numbers of exchanges and bytes that are kept, and their limits."""

    def __getitem__(self, index: Any) -> Any:
        """Return the exchange at an index, or those of a slice as a tuple. Raises `IndexError`."""

    def of(self, chosen: ExchangeFilter) -> "tuple[Exchange, ...]":
        """Return the exchanges that match."""

    def pending(
        self, chosen: ExchangeFilter, count: int, timeout: float
    ) -> "PendingResult[tuple[Exchange, ...]]":
        """Return a wait until `count` exchanges match. Raises `ValueError`."""

    def clear(self) -> None:
        """Forget all exchanges."""


class ManualClockBackend(Protocol):
    """The manual clock of an account."""

    def advance(self, seconds: float) -> None:
        """Advance the clock. Raises `TypeError`, `ValueError`."""

    def waiters_pending(self, count: int, timeout: float) -> PendingResult[object]:
        """Return a wait until `count` operations or sessions wait on the clock."""


class PowersBackend(Protocol):
    """The powers over an account: faults, holds, hooks, journal, clock, snapshots, outages."""

    @property
    def journal(self) -> JournalBackend:
        """The exchanges of the account's clients."""

    def inject(self, arguments: "InjectArguments") -> PlacedFault:
        """Inject a fault, or several."""

    def hold(self, arguments: "HoldArguments") -> PlacedHold:
        """Hold operations at a point."""

    def hook(self, arguments: "HoldArguments", do: "Function") -> PlacedHook:
        """Call a function for operations at a point. Raises `TypeError`."""

    def manual_clock(self, method: str) -> ManualClockBackend:
        """Return the account's clock for a `method` that needs a manual one. Raises `TypeError`."""

    def snapshot(self) -> Snapshot:
        """Return the account as it is now."""

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot, and drop the connections. Raises `TypeError`."""

    def begin_outage(self) -> None:
        """Drop all connections, and refuse new ones."""

    def end_outage(self) -> None:
        """Accept connections again, after as many calls as `begin_outage` has had."""
