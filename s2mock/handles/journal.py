"""The handle of a journal: the exchanges of a mock, as a sequence."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, overload

from s2mock.handles.backends.backend import AccountBackend, JournalBackend, PendingResult
from s2mock.powers.exchange_filter import ExchangeFilter
from s2mock.runtime.arguments import check_count, check_timeout
from s2mock.runtime.notifier import PATIENCE
from s2mock.runtime.public_dir import PublicDir

if TYPE_CHECKING:
    from os import PathLike

    from s2mock.powers.exchange import Exchange


# The number of exchanges in a `repr`, which is in the messages of assertions.
_SHOWN: Final = 10


class Journal(PublicDir, Sequence["Exchange"]):
    """The requests that a mock has received, with their answers, oldest first.

    It keeps the latest exchanges, up to `limit`, and up to `max_bytes` of their bodies: bodies go
    first, those of the oldest before others. A head of more than 4 KiB counts as a body, and loses
    its longest fields together with the body. An exchange is in it before its answer leaves. One
    that is held, or delayed, is not in it yet.
    """

    __slots__ = ("_account", "_backend")
    _for_s2mock = frozenset({"is_on", "last_number", "since"})

    def __init__(self, backend: JournalBackend, account: AccountBackend) -> None:
        self._backend = backend
        # For what exchanges do not tell: basins, streams and records of direct calls.
        self._account = account

    def __repr__(self) -> str:
        summary = self._backend.summary
        gone = f", {summary.dropped} dropped" if summary.dropped else ""
        shown = "".join(f"\n  {one!r}" for one in self[-_SHOWN:])
        earlier = f"\n  {summary.kept - _SHOWN} earlier ones" if summary.kept > _SHOWN else ""
        number = f"{summary.kept} exchange{'' if summary.kept == 1 else 's'}"
        return f"<Journal of {number}{gone}{':' if shown else ''}{earlier}{shown}>"

    def __len__(self) -> int:
        return self._backend.summary.kept

    @overload
    def __getitem__(self, index: int) -> "Exchange": ...
    @overload
    def __getitem__(self, index: slice) -> "tuple[Exchange, ...]": ...
    def __getitem__(self, index: int | slice) -> "Exchange | tuple[Exchange, ...]":
        try:
            return self._backend[index]  # type: ignore[no-any-return]  # as the index is
        except IndexError:
            raise IndexError(
                f"there is no exchange [{index}]: the journal has {len(self)}"
            ) from None

    def __iter__(self) -> "Iterator[Exchange]":
        return iter(self[:])

    def __reversed__(self) -> "Iterator[Exchange]":
        return reversed(self[:])

    @property
    def limit(self) -> int:
        """The number of exchanges that are kept at most; 0 switches the journal off."""
        return self._backend.summary.limit

    @property
    def max_bytes(self) -> int:
        """The number of bytes of bodies and long heads that are kept at most."""
        return self._backend.summary.max_bytes

    @property
    def body_bytes(self) -> int:
        """The number of bytes of bodies and long heads that are kept now."""
        return self._backend.summary.body_bytes

    @property
    def dropped(self) -> int:
        """The number of exchanges that were dropped for want of room, since the last `clear()`."""
        return self._backend.summary.dropped

    @property
    def is_on(self) -> bool:
        """True if exchanges are kept."""
        return self._backend.is_on

    @property
    def last_number(self) -> int:
        """The number of the latest exchange, 0 before the first."""
        return self._backend.last_number

    def since(self, number: int) -> "tuple[Exchange, ...]":
        """Return the exchanges with a higher number."""
        return self._backend.since(number)

    def of(
        self,
        operation: str | Iterable[str] | None = None,
        *,
        basin: str = "*",
        stream: str = "*",
        status: int | None = None,
    ) -> "tuple[Exchange, ...]":
        """Return the exchanges of that operation, or of several, on those basins and streams.

        `basin` and `stream` are names or globs, `status` is that of the answer. Raises
        `TypeError`, `ValueError`.
        """
        return self._backend.of(
            ExchangeFilter.make(operation, basin=basin, stream=stream, status=status)
        )

    def wait_for(
        self,
        operation: str | Iterable[str] | None = None,
        count: int = 1,
        *,
        timeout: float = PATIENCE,
        basin: str = "*",
        stream: str = "*",
        status: int | None = None,
    ) -> "tuple[Exchange, ...]":
        """Wait until `count` exchanges match, and return all that do; the arguments are as in `of`.

        Those that are there already count. `timeout` is in seconds of real time; after it,
        `TimeoutError` lists what there was instead. Raises `TypeError`, `ValueError`.
        """
        __tracebackhide__ = True
        chosen = ExchangeFilter.make(operation, basin=basin, stream=stream, status=status)
        return self._pending(chosen, count, timeout).wait()

    async def async_wait_for(
        self,
        operation: str | Iterable[str] | None = None,
        count: int = 1,
        *,
        timeout: float = PATIENCE,
        basin: str = "*",
        stream: str = "*",
        status: int | None = None,
    ) -> "tuple[Exchange, ...]":
        """Wait as `wait_for` does, while the event loop goes on."""
        __tracebackhide__ = True
        chosen = ExchangeFilter.make(operation, basin=basin, stream=stream, status=status)
        return await self._pending(chosen, count, timeout).async_wait()

    def _pending(
        self, chosen: ExchangeFilter, count: int, timeout: float
    ) -> "PendingResult[tuple[Exchange, ...]]":
        check_count("count", count)
        check_timeout(timeout)
        return self._backend.pending(chosen, count, timeout)

    def clear(self) -> None:
        """Forget all exchanges. Their numbers go on."""
        self._backend.clear()

    # Files for other programs.

    def save(self, path: "str | PathLike[str]") -> None:
        """Write a cassette: the exchanges as JSON lines, with `***` in the place of secrets.

        `python -m s2mock drift FILE` sends the requests to a fresh fake, and lists each answer that
        differs. Raises `OSError`.
        """
        from s2mock.exports import cassette

        text = cassette.render(self[:], self._account, self.dropped)
        Path(path).write_text(text, "utf-8", newline="\n")

    def history(self, *, basin: str = "*", stream: str = "*") -> str:
        """Return the appends, reads and tail checks of one stream as lines for `s2-verification`.

        The format is that of S2's own check of linearizability: a JSON line for each start and each
        end of an operation, in order of time. `basin` and `stream` are names or globs, which are
        needed if there are exchanges of more than one stream. Needs `pip install s2mock[history]`.
        Raises `ImportError` without it, `TypeError`, and `ValueError` for two streams, and for one
        that was deleted in between.
        """
        from s2mock.exports import history

        chosen = history.streams_of(self.of(history.OPERATIONS, basin=basin, stream=stream))
        return history.render(self[:], history.choose_stream(chosen), self._account)
