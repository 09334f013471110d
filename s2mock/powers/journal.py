"""The journal of a mock: its exchanges, read, filtered and waited for."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from s2mock.powers import connection_notes
from s2mock.powers.advice_history import AdviceHistory
from s2mock.powers.entry import NOT_YET, Diagnostics, Entry
from s2mock.powers.exchange_filter import ExchangeFilter
from s2mock.powers.journal_store import JournalStore, JournalSummary
from s2mock.runtime.fork_locks import Rank, take_at_fork
from s2mock.runtime.monotonic import monotonic
from s2mock.runtime.notifier import Pending

if TYPE_CHECKING:
    from s2mock.powers.exchange import Exchange

# The end of a test reports at most this many exchanges with advice.
_MAX_UNREPORTED = 1000

before_clear: "list[Callable[[Journal], object]]" = []
"""Called with each journal before its exchanges are removed."""


class Journal:
    """The entries of a mock's exchanges, which it reads as exchanges with their advice.

    A test has it by a handle, `s2mock.handles.journal.Journal`.
    """

    def __init__(self, diagnostics: Callable[[], Diagnostics], limit: int, max_bytes: int) -> None:
        # Called when the journal is first read: it imports the whole API.
        self._load_diagnostics = diagnostics
        self._loaded: Diagnostics | None = None
        self.store: JournalStore = JournalStore(limit, max_bytes)
        self._advice = _AdviceCollector(lambda: self._diagnostics, self.to_exchange)

    def __len__(self) -> int:
        return len(self.store)

    @property
    def summary(self) -> JournalSummary:
        """The numbers of exchanges and bytes that it keeps, and its limits."""
        return self.store.summary

    @property
    def is_on(self) -> bool:
        """True if it keeps any exchanges."""
        return self.store.limit > 0

    @property
    def last_number(self) -> int:
        """The number of the latest exchange, 0 if there was none."""
        return self.store.last_number

    def __getitem__(self, index: Any) -> Any:
        """Return the exchange at an index, or those of a slice as a tuple. Raises `IndexError`."""
        entries = self._advised_entries()[index]
        if isinstance(index, slice):
            return tuple(map(self.to_exchange, entries))
        return self.to_exchange(entries)

    def of(self, chosen: ExchangeFilter) -> "tuple[Exchange, ...]":
        """Return the exchanges that match."""
        entries = self._advised_entries(chosen.after)
        return tuple(self.to_exchange(entry) for entry in entries if self._matches(chosen, entry))

    def pending(
        self,
        chosen: ExchangeFilter,
        count: int,
        timeout: float | None,
        *,
        is_described: bool = True,
    ) -> "Pending[tuple[Exchange, ...]]":
        """Return a wait until `count` exchanges match; it returns all that do.

        Earlier ones count. `timeout` is in seconds of real time; with `is_described`,
        `TimeoutError` lists what there was instead, which takes time. Raises `ValueError` if the
        journal never keeps that many exchanges.
        """
        limit = self.store.limit
        if count > limit > 0:
            raise ValueError(
                f"count must be {limit} or less, not {count}: the journal keeps no more "
                f"(journal_limit={limit})"
            )

        def look() -> "tuple[Exchange, ...] | None":
            entries = self._advised_entries(chosen.after)
            found = [entry for entry in entries if self._matches(chosen, entry)]
            return None if len(found) < count else tuple(map(self.to_exchange, found))

        def missing() -> str:
            return self._describe_missing(chosen, count, timeout or 0.0) if is_described else ""

        return Pending(self.store.notifier, look, missing, timeout)

    def clear(self) -> None:
        """Remove all exchanges. The numbers of later ones continue."""
        if len(self):
            self._advised_entries()
        for callback in before_clear:
            callback(self)
        self.store.clear()
        self._advice.history.clear()

    # For the recorder, the end of a test, and /_s2mock:

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
        exchange = entry.to_exchange(self._diagnostics, self._entries_before)
        if entry.ended is None and exchange.reason is None:
            reason = connection_notes.explain_mute(entry, self.store)
            return exchange if reason is None else replace(exchange, reason=reason)
        return exchange

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

        `sessions` are the numbers of open sessions, and of exchanges that a `Late` has taken and
        that were not applied yet, each with its last sequence number as it was seen before. The
        result has at most `limit` exchanges, the oldest.
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
            is_wait=False,
        )

    def take_advised(self) -> "list[Exchange]":
        """Return the exchanges with advice, each once, at the end of a test.

        The advice that depends on the end of the test is added now.
        """
        if not self.last_number:
            return []
        # After each test, also of a journal that has the exchanges of a whole session of tests.
        self._advice.collect(self.store.entries_after(self._advice.last_number))
        self._advice.end_test(self.store)
        return self._advice.take()

    @property
    def has_open_exchanges(self) -> bool:
        """True if an exchange that is kept has not ended."""
        return bool(self.store.open_entries())

    def has_endless_reads(self) -> bool:
        """Return True if a read session without an end is open, and there is no advice on it."""
        return any(map(self._find_open_advice, self.store.open_entries()))

    def add_advice_on_endless_reads(self) -> None:
        """Add advice on the read sessions without an end that are open: the test is over."""
        self._advice.add_for_open(self.store.open_entries(), self._find_open_advice)

    def note_cut(self) -> None:
        """Note that the mock is about to end all connections, which is no mistake of a client."""
        self._advice.history.cuts.append(monotonic())

    def was_cut_since(self, moment: float) -> bool:
        """True if the mock has ended all connections since that moment, in monotonic seconds."""
        cuts = self._advice.history.cuts
        return bool(cuts) and cuts[-1] >= moment

    @property
    def _diagnostics(self) -> Diagnostics:
        if self._loaded is None:
            self._loaded = self._load_diagnostics()
        return self._loaded

    def _find_open_advice(self, entry: Entry) -> tuple[str, ...]:
        return self._diagnostics.find_open_advice(entry)

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

    def _matches(self, chosen: ExchangeFilter, entry: Entry) -> bool:
        if chosen.status is not None and entry.status != chosen.status:
            return False
        has_name = chosen.has_any_name or entry.operation in chosen.pattern.names
        return (has_name or self._has_command(chosen, entry)) and chosen.pattern.matches_place(
            *entry.place
        )

    def _has_command(self, chosen: ExchangeFilter, entry: Entry) -> bool:
        """True for an append with a `trim` or `fence` record that was asked for."""
        if entry.operation != "append" or not (commands := chosen.commands):
            return False
        document = entry.to_exchange_without_reason(self._diagnostics).request.document
        records = document.get("records", ()) if isinstance(document, dict) else ()
        return any(
            record.get("headers", [])[:1] == [["", command]]
            for record in records
            for command in commands
        )

    def _describe_missing(self, chosen: ExchangeFilter, count: int, timeout: float) -> str:
        entries = self.store.entries()
        others = [entry for entry in entries if not self._matches(chosen, entry)]
        text = f"{len(entries) - len(others)} of {count} {chosen} arrived within {timeout:g} s"
        if not self.is_on:
            return f"{text}: the journal is off (journal_limit=0)"
        if dropped := self.summary.dropped:
            text += f"; {dropped} are no longer kept (journal_limit={self.store.limit})"
        if not others:
            return f"{text}; nothing else arrived"
        last = ", ".join(repr(self.to_exchange(entry)) for entry in islice(reversed(others), 5))
        return f"{text}; of {len(others)} others these arrived last: {last}"


class _AdviceCollector:
    """Adds advice to entries, each once, and keeps their exchanges until they are reported."""

    def __init__(
        self,
        diagnostics: Callable[[], Diagnostics],
        to_exchange: "Callable[[Entry], Exchange]",
    ) -> None:
        self._diagnostics = diagnostics
        self._to_exchange = to_exchange
        self.last_number = 0
        """The number up to which entries were looked at."""
        # Entries up to there that had not ended then.
        self._open: list[Entry] = []
        self.history: AdviceHistory = AdviceHistory()
        # By number, the oldest first.
        self._unreported: dict[int, Exchange] = {}
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
            undecided = set()
            for entry in waiting:
                # An append that is applied late may prove a later one to be its duplicate.
                is_undecided = entry.late == NOT_YET
                if is_undecided:
                    undecided.add(entry.place)
                is_after = entry.operation == "append" and entry.place in undecided
                if entry.ended is None or is_undecided or (undecided and is_after):
                    self._open.append(entry)
                    if entry.number > self.last_number:
                        # Another operation between the appends before and those that follow.
                        self.history.loops.pop(entry.place, None)
                else:
                    self._add(entry, self._diagnostics().find_advice(entry, self.history))
            if fresh:
                self.last_number = fresh[-1].number
        finally:
            self._lock.release()

    def end_test(self, store: JournalStore) -> None:
        """Add the advice that depends on the end of the test, which is now."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            history = self.history
            for entry in self._open:
                if entry.operation == "read":
                    history.note_reach(entry.place, entry.last_seq_num)
            for full in list(history.full_reads.values()):
                # None if the journal no longer keeps it.
                for read in store.entries_after(full.number - 1)[:1]:
                    if read.number == full.number:
                        self._add(read, self._diagnostics().find_end_advice(read, full, history))
            history.end_test()
        finally:
            self._lock.release()

    def add_for_open(self, entries: list[Entry], find: Callable[[Entry], tuple[str, ...]]) -> None:
        """Add the advice that `find` returns to these entries, which are open."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            for entry in entries:
                self._add(entry, find(entry))
        finally:
            self._lock.release()

    def take(self) -> "list[Exchange]":
        """Return the exchanges with advice that were not returned before."""
        taken = [*self._unreported.values()]
        self._unreported.clear()
        return taken

    def _add(self, entry: Entry, texts: tuple[str, ...]) -> None:
        if not texts:
            return
        entry.add_advice(texts)
        self._unreported[entry.number] = self._to_exchange(entry)
        while len(self._unreported) > _MAX_UNREPORTED:
            del self._unreported[next(iter(self._unreported))]


def _has_changed(entry: Entry, after: int, sessions: Mapping[int, int | None]) -> bool:
    number = entry.number
    if number > after:
        return True
    if number not in sessions:
        return False
    is_over = entry.ended is not None and entry.late != NOT_YET
    return is_over or entry.last_seq_num != sessions[number]
