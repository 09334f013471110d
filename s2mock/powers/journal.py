"""The journal: the exchanges of a mock, the latest of them, with a limit to what they take."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, overload

from s2mock.powers.entry import Entry, Insight
from s2mock.powers.exchange_filter import ExchangeFilter
from s2mock.powers.journal_store import JournalStore
from s2mock.runtime.fork_locks import Rank, take_at_fork
from s2mock.runtime.notifier import NotifierWait, Pending

if TYPE_CHECKING:
    from s2mock.powers.exchange import Exchange

# So many that have advice are told of at the end of a test, at most.
_MAX_UNTOLD = 1000

before_clearing: "list[Callable[[Journal], object]]" = []
"""Who looks at each journal before it forgets."""


class Journal(JournalStore, Sequence["Exchange"]):
    """What was asked of a mock, and what was answered, oldest first.

    It keeps the latest exchanges, up to `limit`, and up to `max_bytes` of their bodies: bodies go
    first, those of the oldest before others. A head of more than 4 KiB counts as a body, and loses
    its longest fields together with the body. An exchange is in it before its answer leaves. One
    that is held, or delayed, is not in it yet.
    """

    def __init__(self, insight: Callable[[], Insight], limit: int, max_bytes: int) -> None:
        # Loaded when somebody looks: it knows the whole API.
        self._load_insight = insight
        super().__init__(limit, max_bytes)
        # Up to which number they were looked at for what may have been meant otherwise; those of
        # them that go on; the appends whose answers were lost; what nobody has been told.
        self._advised = 0
        self._going_on: list[Entry] = []
        self._lost: list[Any] = []
        self._untold: deque[Exchange] = deque(maxlen=_MAX_UNTOLD)
        self._advising = threading.Lock()
        take_at_fork(self._advising, Rank.ADVICE)

    def __repr__(self) -> str:
        gone = f", {self.dropped} dropped" if self.dropped else ""
        return f"<Journal of {len(self)} exchanges{gone}>"

    @overload
    def __getitem__(self, index: int) -> "Exchange": ...
    @overload
    def __getitem__(self, index: slice) -> "tuple[Exchange, ...]": ...
    def __getitem__(self, index: int | slice) -> "Exchange | tuple[Exchange, ...]":
        if isinstance(index, slice):
            return tuple(self._exchange(entry) for entry in self._advise()[index])
        try:
            return self._exchange(self._advise()[index])
        except IndexError:
            raise IndexError(f"there is no exchange [{index}] in {self!r}") from None

    def __iter__(self) -> "Iterator[Exchange]":
        return map(self._exchange, self._advise())

    def __reversed__(self) -> "Iterator[Exchange]":
        return map(self._exchange, reversed(self._advise()))

    def of(
        self,
        operation: str | Iterable[str] | None = None,
        *,
        basin: str = "*",
        stream: str = "*",
        status: int | None = None,
    ) -> "tuple[Exchange, ...]":
        """The exchanges of that operation, or of several, on those basins and streams.

        `basin` and `stream` are names or globs, `status` is that of the answer. Raises
        `TypeError`, `ValueError`.
        """
        wanted = ExchangeFilter(operation, basin, stream, status, self._document)
        return tuple(self._exchange(entry) for entry in self._advise() if wanted.has(entry))

    def pending(
        self,
        operation: str | Iterable[str] | None,
        count: int,
        *,
        timeout: float,
        basin: str = "*",
        stream: str = "*",
        status: int | None = None,
    ) -> "Pending[tuple[Exchange, ...]]":
        """Return a wait until there are `count` exchanges, for `timeout` seconds of real time.

        Those that are there already count. Raises `TypeError`, `ValueError`.
        """
        self._check_room(count)
        wanted = ExchangeFilter(operation, basin, stream, status, self._document)
        return Pending(
            self._bell,
            lambda: self._enough(wanted, count),
            lambda: self._missing(wanted, count, timeout),
            timeout,
        )

    def steps(
        self,
        operation: str | Iterable[str] | None,
        count: int,
        *,
        timeout: float | None,
        basin: str = "*",
        stream: str = "*",
        status: int | None = None,
        after: int = 0,
        is_told: bool = True,
    ) -> "Generator[NotifierWait, None, tuple[Exchange, ...]]":
        """As `pending`, for a conversation; those numbered up to `after` do not count.

        What did come is worked out for `TimeoutError` if `is_told`: it takes a look at everything.
        """
        self._check_room(count)
        wanted = ExchangeFilter(operation, basin, stream, status, self._document)
        return (
            yield from Pending(
                self._bell,
                lambda: self._enough(wanted, count, after),
                lambda: self._missing(wanted, count, timeout or 0.0) if is_told else "",
                timeout,
            ).steps()
        )

    def clear(self) -> None:
        """Forget all exchanges. Their numbers go on."""
        if len(self):
            self._advise()
        for look in before_clearing:
            look(self)
        self._forget()
        self._lost.clear()

    # For those who take the notes.

    def look_with(self, load: Callable[[], Insight]) -> None:
        """Let another tell what the notes mean from now on."""
        self._load_insight = load
        self.__dict__.pop("_insight", None)

    def end(self, entry: Entry, ended: float) -> None:
        """A session that was noted when it began is over."""
        entry.ended = ended
        entry.changed()
        self._bell.notify()

    def session_went_on(self) -> None:
        """Wake those that follow the journal: a session has delivered more."""
        if self._bell.has_listeners:
            self._bell.notify()

    def exchange(self, entry: Entry) -> "Exchange":
        """The exchange of a note, whether it is in the journal or not yet."""
        return self._exchange(entry)

    def since(self, number: int) -> "tuple[Exchange, ...]":
        """The exchanges behind that number."""
        return tuple(map(self._exchange, self._advise(number)))

    def changed(
        self, after: int, going_on: Mapping[int, int | None], limit: int
    ) -> "tuple[Exchange, ...]":
        """The exchanges behind that number, and those of `going_on` that have gone on since.

        `going_on` are the numbers of sessions that were not over, each with its last sequence
        number then. At most `limit` of them, the oldest.
        """
        first = min((after, *(number - 1 for number in going_on)))
        found = (entry for entry in self._advise(first) if _is_news(entry, after, going_on))
        return tuple(self._exchange(entry) for entry in islice(found, limit))

    def change_steps(
        self, after: int, going_on: Mapping[int, int | None], timeout: float
    ) -> Generator[NotifierWait, None, bool]:
        """Wait, for a conversation, until there are any of these. Raises `TimeoutError`."""

        def look() -> bool | None:
            if self.last_number > after:
                return True
            if not going_on:
                return None
            entries = self._behind(min(going_on) - 1)
            return True if any(_is_news(entry, after, going_on) for entry in entries) else None

        return (
            yield from Pending(
                self._bell, look, lambda: f"nothing came within {timeout:g} s", timeout
            ).steps()
        )

    def numbered(self, number: int) -> "Exchange | None":
        """The exchange of that number, if it is kept."""
        entries = self._advise()
        index = number - entries[0].number if entries else -1
        return self._exchange(entries[index]) if 0 <= index < len(entries) else None

    def take_advised(self) -> "list[Exchange]":
        """The exchanges that have advice which nobody has been told."""
        if not self.last_number:
            return []
        # Asked after each test, of a journal that may be that of a session.
        self._note_advice(self._behind(self._advised))
        taken = [*self._untold]
        self._untold.clear()
        return taken

    def _advise(self, after: int = 0) -> list[Entry]:
        """The entries behind a number, once what may have been meant otherwise is noted with them.

        Takes no longer where many are before it.
        """
        entries = self._behind(after) if after else self._now()
        self._note_advice(entries if after <= self._advised else self._behind(self._advised))
        return entries

    def _note_advice(self, entries: list[Entry]) -> None:
        """Note it with those that are new among these, and with those that have ended since."""
        # Whoever looks at the same time sees to it; no lock of the account's is taken within
        # one of the journal's.
        if not self._advising.acquire(blocking=False):
            return
        try:
            # Numbered without a gap.
            first = self._advised + 1 - entries[0].number if entries else 0
            fresh = entries[max(0, first) :]
            waiting, self._going_on = [*self._going_on, *fresh], []
            for entry in waiting:
                if entry.ended is None:
                    self._going_on.append(entry)
                elif texts := self._insight.advice(entry, self._lost):
                    entry.advise(texts)
                    self._untold.append(self._exchange(entry))
            if fresh:
                self._advised = fresh[-1].number
        finally:
            self._advising.release()

    @cached_property
    def _insight(self) -> Insight:
        return self._load_insight()

    def _exchange(self, entry: Entry) -> "Exchange":
        return entry.exchange(self._insight, self._before)

    def _document(self, entry: Entry) -> Any:
        return entry.unexplained(self._insight).request.document

    def _before(self, entry: Entry) -> Iterator[Entry]:
        """The entries before that one, the latest first."""
        return (one for one in reversed(self._now()) if one.number < entry.number)

    def _enough(
        self, wanted: "ExchangeFilter", count: int, after: int = 0
    ) -> "tuple[Exchange, ...] | None":
        found = [entry for entry in self._advise(after) if wanted.has(entry)]
        if len(found) < count:
            return None
        return tuple(map(self._exchange, found))

    def _check_room(self, count: int) -> None:
        """Raise `ValueError` for more exchanges than are ever there together."""
        if count > self.limit > 0:
            raise ValueError(
                f"count must be {self.limit} or less, not {count}: the journal keeps no more "
                f"(journal_limit={self.limit})"
            )

    def _missing(self, wanted: "ExchangeFilter", count: int, timeout: float) -> str:
        entries = self._now()
        found = sum(map(wanted.has, entries))
        text = f"{found} of {count} {wanted} came within {timeout:g} s"
        others = [entry for entry in entries if not wanted.has(entry)]
        if not self.is_on:
            return f"{text}: the journal is off (journal_limit=0)"
        if dropped := self.dropped:
            text += f"; {dropped} are kept no longer (journal_limit={self.limit})"
        if not others:
            return f"{text}; nothing else came"
        last = ", ".join(repr(self._exchange(entry)) for entry in islice(reversed(others), 5))
        return f"{text}; of {len(others)} others these came last: {last}"


def _is_news(entry: Entry, after: int, going_on: Mapping[int, int | None]) -> bool:
    number = entry.number
    return number > after or (
        number in going_on and (entry.ended is not None or entry.last_seq_num != going_on[number])
    )
