"""The journal of a mock: its exchanges, read, filtered and waited for."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, overload

from s2mock.powers.entry import Diagnostics, Entry
from s2mock.powers.journal_store import JournalStore
from s2mock.powers.matching import Pattern
from s2mock.powers.operations import COMMANDS, OPERATION_NAMES
from s2mock.runtime.arguments import check_number
from s2mock.runtime.fork_locks import Rank, take_at_fork
from s2mock.runtime.notifier import Pending

if TYPE_CHECKING:
    from s2mock.powers.exchange import Exchange

# The end of a test reports at most this many exchanges with advice.
_MAX_UNREPORTED = 1000

before_clear: "list[Callable[[Journal], object]]" = []
"""Called with each journal before its exchanges are removed."""


class Journal(Sequence["Exchange"]):
    """The requests that a mock received and its responses, the oldest first.

    It keeps the latest exchanges, up to `limit`, and up to `max_bytes` of their bodies: the bodies
    of the oldest are dropped first. A head of more than 4 KiB counts as a body, and loses its
    longest fields together with the body. An exchange is added before its response is sent. One
    that is held, or delayed, is not in the journal yet.
    """

    def __init__(self, diagnostics: Callable[[], Diagnostics], limit: int, max_bytes: int) -> None:
        # Called when the journal is first read: it imports the whole API.
        self._load_diagnostics = diagnostics
        self._loaded: Diagnostics | None = None
        self.store: JournalStore = JournalStore(limit, max_bytes)
        self._advice = _AdviceCollector(self._find_advice, self.to_exchange)

    def __repr__(self) -> str:
        gone = f", {self.dropped} dropped" if self.dropped else ""
        return f"<Journal of {len(self)} exchanges{gone}>"

    def __len__(self) -> int:
        return len(self.store)

    @property
    def limit(self) -> int:
        """The number of exchanges that it keeps at most."""
        return self.store.limit

    @property
    def max_bytes(self) -> int:
        """The bytes of bodies and long heads that it keeps at most."""
        return self.store.max_bytes

    @property
    def dropped(self) -> int:
        """The number of exchanges that were dropped for the limit, since the last `clear()`."""
        return self.store.dropped

    @property
    def body_bytes(self) -> int:
        """The bytes of all bodies and long heads that are kept now."""
        return self.store.body_bytes

    @property
    def is_on(self) -> bool:
        """True if it keeps any exchanges."""
        return self.limit > 0

    @property
    def last_number(self) -> int:
        """The number of the latest exchange, 0 if there was none."""
        return self.store.last_number

    @overload
    def __getitem__(self, index: int) -> "Exchange": ...
    @overload
    def __getitem__(self, index: slice) -> "tuple[Exchange, ...]": ...
    def __getitem__(self, index: int | slice) -> "Exchange | tuple[Exchange, ...]":
        if isinstance(index, slice):
            return tuple(map(self.to_exchange, self._advised_entries()[index]))
        try:
            return self.to_exchange(self._advised_entries()[index])
        except IndexError:
            raise IndexError(f"there is no exchange [{index}] in {self!r}") from None

    def __iter__(self) -> "Iterator[Exchange]":
        return map(self.to_exchange, self._advised_entries())

    def __reversed__(self) -> "Iterator[Exchange]":
        return map(self.to_exchange, reversed(self._advised_entries()))

    def of(
        self,
        operation: str | Iterable[str] | None = None,
        *,
        basin: str = "*",
        stream: str = "*",
        status: int | None = None,
    ) -> "tuple[Exchange, ...]":
        """Return the exchanges of that operation, or of several, on those basins and streams.

        `basin` and `stream` are names or globs, `status` is that of the response. Raises
        `TypeError`, `ValueError`.
        """
        chosen = self._filter(operation, basin, stream, status)
        return tuple(self.to_exchange(entry) for entry in self._advised_entries() if chosen(entry))

    def pending(
        self,
        operation: str | Iterable[str] | None,
        count: int,
        *,
        timeout: float | None,
        basin: str = "*",
        stream: str = "*",
        status: int | None = None,
        after: int = 0,
        is_described: bool = True,
    ) -> "Pending[tuple[Exchange, ...]]":
        """Return a wait until there are `count` such exchanges; it returns all of them.

        Earlier ones count, if their numbers are above `after`. `timeout` is in seconds of real
        time; with `is_described`, `TimeoutError` lists what there was instead, which takes time.
        Raises `TypeError`, `ValueError`.
        """
        self._check_room(count)
        chosen = self._filter(operation, basin, stream, status)
        return Pending(
            self.store.notifier,
            lambda: self._find(chosen, count, after),
            lambda: self._describe_missing(chosen, count, timeout or 0.0) if is_described else "",
            timeout,
        )

    def clear(self) -> None:
        """Remove all exchanges. The numbers of later ones continue."""
        if len(self):
            self._advised_entries()
        for callback in before_clear:
            callback(self)
        self.store.clear()
        self._advice.forget_lost_appends()

    # Not for tests: for the recorder, the end of a test, and /_s2mock.

    def set_diagnostics(self, load: Callable[[], Diagnostics]) -> None:
        """Use other diagnostics from now on; `load` returns them when they are needed."""
        self._load_diagnostics = load
        self._loaded = None

    def end_session(self, entry: Entry, ended: float) -> None:
        """Set the end of a session that was recorded when it began."""
        entry.end(ended)
        self.store.notifier.notify()

    def notify_of_progress(self) -> None:
        """Notify the waiters that a session has delivered more records."""
        if self.store.notifier.has_listeners:
            self.store.notifier.notify()

    def to_exchange(self, entry: Entry) -> "Exchange":
        """Return the exchange of an entry, which may not be in the journal yet."""
        return entry.to_exchange(self._diagnostics, self._entries_before)

    def since(self, number: int) -> "tuple[Exchange, ...]":
        """Return the exchanges with higher numbers."""
        return tuple(map(self.to_exchange, self._advised_entries(number)))

    def find(self, number: int) -> "Exchange | None":
        """Return the exchange with that number, or None if it is not kept."""
        entries = self._advised_entries()
        index = number - entries[0].number if entries else -1
        return self.to_exchange(entries[index]) if 0 <= index < len(entries) else None

    def find_changes(
        self, after: int, sessions: Mapping[int, int | None], limit: int
    ) -> "tuple[Exchange, ...]":
        """Return the exchanges with higher numbers, and those of `sessions` that have changed.

        `sessions` are the numbers of open sessions, each with its last sequence number as it was
        seen before. The result has at most `limit` exchanges, the oldest.
        """
        first = min((after, *(number - 1 for number in sessions)))
        entries = self._advised_entries(first)
        found = (entry for entry in entries if _has_changed(entry, after, sessions))
        return tuple(map(self.to_exchange, islice(found, limit)))

    def pending_changes(
        self, after: int, sessions: Mapping[int, int | None], timeout: float
    ) -> Pending[bool]:
        """Return a wait until `find_changes` has a result; `timeout` in seconds of real time."""

        def look() -> bool | None:
            if self.last_number > after:
                return True
            if not sessions:
                return None
            entries = self.store.entries_after(min(sessions) - 1)
            return True if any(_has_changed(one, after, sessions) for one in entries) else None

        return Pending(
            self.store.notifier,
            look,
            lambda: f"no exchange was added within {timeout:g} s",
            timeout,
        )

    def take_advised(self) -> "list[Exchange]":
        """Return the exchanges with advice, each once."""
        if not self.last_number:
            return []
        # After each test, also of a journal that has the exchanges of a whole session of tests.
        self._advice.collect(self.store.entries_after(self._advice.last_number))
        return self._advice.take()

    @property
    def _diagnostics(self) -> Diagnostics:
        if self._loaded is None:
            self._loaded = self._load_diagnostics()
        return self._loaded

    def _find_advice(self, entry: Entry, lost: list[Any]) -> tuple[str, ...]:
        return self._diagnostics.find_advice(entry, lost)

    def _advised_entries(self, after: int = 0) -> list[Entry]:
        """Return the entries after a number, once advice was added to all that have ended.

        The time does not depend on the number of entries before.
        """
        entries = self.store.entries_after(after) if after else self.store.entries()
        last = self._advice.last_number
        self._advice.collect(entries if after <= last else self.store.entries_after(last))
        return entries

    def _entries_before(self, entry: Entry) -> Iterator[Entry]:
        """Return the entries before that one, the latest first."""
        return (one for one in reversed(self.store.entries()) if one.number < entry.number)

    def _filter(
        self, operation: Any, basin: str, stream: str, status: int | None
    ) -> "_EntryFilter":
        return _EntryFilter(operation, basin, stream, status, self._request_document)

    def _request_document(self, entry: Entry) -> Any:
        return entry.to_exchange_without_reason(self._diagnostics).request.document

    def _find(
        self, chosen: "_EntryFilter", count: int, after: int = 0
    ) -> "tuple[Exchange, ...] | None":
        found = [entry for entry in self._advised_entries(after) if chosen(entry)]
        if len(found) < count:
            return None
        return tuple(map(self.to_exchange, found))

    def _check_room(self, count: int) -> None:
        """Raise `ValueError` if the journal never keeps that many exchanges."""
        if count > self.limit > 0:
            raise ValueError(
                f"count must be {self.limit} or less, not {count}: the journal keeps no more "
                f"(journal_limit={self.limit})"
            )

    def _describe_missing(self, chosen: "_EntryFilter", count: int, timeout: float) -> str:
        entries = self.store.entries()
        found = sum(map(chosen, entries))
        text = f"{found} of {count} {chosen} arrived within {timeout:g} s"
        others = [entry for entry in entries if not chosen(entry)]
        if not self.is_on:
            return f"{text}: the journal is off (journal_limit=0)"
        if dropped := self.dropped:
            text += f"; {dropped} are no longer kept (journal_limit={self.limit})"
        if not others:
            return f"{text}; nothing else arrived"
        last = ", ".join(repr(self.to_exchange(entry)) for entry in islice(reversed(others), 5))
        return f"{text}; of {len(others)} others these arrived last: {last}"


class _EntryFilter:
    """A predicate on entries, from the arguments of `Journal.of`."""

    def __init__(
        self,
        operation: Any,
        basin: str,
        stream: str,
        status: int | None,
        request_document: Callable[[Entry], Any],
    ) -> None:
        check_number("status", status)
        self._has_any_name = operation is None
        names = OPERATION_NAMES if self._has_any_name else operation
        self._pattern = Pattern(names, basin, stream)
        self._commands = COMMANDS.intersection(self._pattern.names)
        self._status = status
        self._request_document = request_document

    def __str__(self) -> str:
        pattern = self._pattern
        text = "exchanges" if self._has_any_name else "/".join(pattern.names)
        if pattern.basin != "*":
            text += f" in {pattern.basin}"
        if pattern.stream != "*":
            text += f" on {pattern.stream}"
        return text if self._status is None else f"{text} with status {self._status}"

    def __call__(self, entry: Entry) -> bool:
        if self._status is not None and entry.status != self._status:
            return False
        return self._has_name(entry) and self._pattern.matches_place(*entry.place)

    def _has_name(self, entry: Entry) -> bool:
        if self._has_any_name or entry.operation in self._pattern.names:
            return True
        return bool(self._commands) and self._has_command(entry)

    def _has_command(self, entry: Entry) -> bool:
        """True for an append with a `trim` or `fence` record that was asked for."""
        if entry.operation != "append":
            return False
        document = self._request_document(entry)
        records = document.get("records", ()) if isinstance(document, dict) else ()
        return any(
            record.get("headers", [])[:1] == [["", command]]
            for record in records
            for command in self._commands
        )


class _AdviceCollector:
    """Adds advice to entries, each once, and keeps their exchanges until they are reported."""

    def __init__(
        self,
        find_advice: Callable[[Entry, list[Any]], tuple[str, ...]],
        to_exchange: "Callable[[Entry], Exchange]",
    ) -> None:
        self._find_advice = find_advice
        self._to_exchange = to_exchange
        self.last_number = 0
        """The number up to which entries were looked at."""
        # Entries up to there that had not ended then.
        self._open: list[Entry] = []
        # Appends whose responses were lost.
        self._lost: list[Any] = []
        self._unreported: deque[Exchange] = deque(maxlen=_MAX_UNREPORTED)
        self._lock = threading.Lock()
        take_at_fork(self._lock, Rank.ADVICE)

    def collect(self, entries: list[Entry]) -> None:
        """Add advice to those that are new, and to those that have ended since."""
        # A thread that finds the lock taken does not wait: the other one does the work, and no
        # account's lock may be taken within one of the journal's.
        if not self._lock.acquire(blocking=False):
            return
        try:
            # The numbers have no gap.
            first = self.last_number + 1 - entries[0].number if entries else 0
            fresh = entries[max(0, first) :]
            waiting, self._open = [*self._open, *fresh], []
            for entry in waiting:
                if entry.ended is None:
                    self._open.append(entry)
                elif texts := self._find_advice(entry, self._lost):
                    entry.add_advice(texts)
                    self._unreported.append(self._to_exchange(entry))
            if fresh:
                self.last_number = fresh[-1].number
        finally:
            self._lock.release()

    def take(self) -> "list[Exchange]":
        """Return the exchanges with advice that were not returned before."""
        taken = [*self._unreported]
        self._unreported.clear()
        return taken

    def forget_lost_appends(self) -> None:
        """Compare later appends with none of the earlier ones."""
        self._lost.clear()


def _has_changed(entry: Entry, after: int, sessions: Mapping[int, int | None]) -> bool:
    number = entry.number
    return number > after or (
        number in sessions and (entry.ended is not None or entry.last_seq_num != sessions[number])
    )
