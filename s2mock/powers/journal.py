"""The journal: the exchanges of a mock, the latest of them, with a limit to what they take."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, overload

from s2mock.forking import Rank, take_at_fork
from s2mock.powers.entry import AnswerNote, BatchNote, Entry, Insight
from s2mock.powers.exchange import Exchange
from s2mock.powers.matching import Pattern
from s2mock.powers.operations import COMMANDS, OPERATION_NAMES
from s2mock.registry.waiting import PATIENCE, Bell, check_count

JOURNAL_LIMIT = 10_000
JOURNAL_BYTES = 64 * 1024 * 1024

_BATCH_PARTS = 7
# So many more are kept until somebody looks: letting go of many at once takes less than of each.
_SLACK = 256


class Journal(Sequence[Exchange]):
    """What was asked of a mock, and what was answered, oldest first.

    It keeps the latest exchanges, up to `limit`, and up to `max_bytes` of their bodies: bodies go
    first, those of the oldest before others. An exchange is in it before its answer leaves. One
    that is held, or delayed, is not in it yet.
    """

    def __init__(self, insight: Callable[[], Insight], limit: int, max_bytes: int) -> None:
        # Loaded when somebody looks: it knows the whole API.
        self._load_insight = insight
        self.limit = limit
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        take_at_fork(self._lock, Rank.INNER)
        # Tuples are entries that nobody has looked at. They are numbered without a gap.
        self._entries: deque[Any] = deque()
        self._bytes = 0
        # How many of them, from the oldest on, keep no bodies.
        self._bare = 0
        self._dropped = 0
        self._number = 0
        self._bell = Bell()

    def __repr__(self) -> str:
        gone = f", {self.dropped} dropped" if self.dropped else ""
        return f"<Journal of {len(self)} exchanges{gone}>"

    @property
    def dropped(self) -> int:
        """How many exchanges are gone for want of room, since the last `clear()`."""
        self._trim()
        return self._dropped

    @property
    def body_bytes(self) -> int:
        """How many bytes of bodies are kept now."""
        self._trim()
        return self._bytes

    def __len__(self) -> int:
        return min(len(self._entries), self.limit)

    @overload
    def __getitem__(self, index: int) -> Exchange: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Exchange, ...]: ...
    def __getitem__(self, index: int | slice) -> Exchange | tuple[Exchange, ...]:
        if isinstance(index, slice):
            return tuple(self._exchange(entry) for entry in self._now()[index])
        try:
            return self._exchange(self._now()[index])
        except IndexError:
            raise IndexError(f"there is no exchange [{index}] in {self!r}") from None

    def __iter__(self) -> Iterator[Exchange]:
        return map(self._exchange, self._now())

    def of(
        self,
        operation: str | Iterable[str] | None = None,
        *,
        basin: str = "*",
        stream: str = "*",
        status: int | None = None,
    ) -> tuple[Exchange, ...]:
        """The exchanges of that operation, or of several, on those basins and streams.

        `basin` and `stream` are names or globs, `status` is that of the answer. Raises
        `TypeError`, `ValueError`.
        """
        wanted = _Wanted(operation, basin, stream, status, self._document)
        return tuple(self._exchange(entry) for entry in self._now() if wanted.has(entry))

    def wait_for(
        self,
        operation: str | Iterable[str] | None = None,
        count: int = 1,
        *,
        timeout: float = PATIENCE,
        basin: str = "*",
        stream: str = "*",
        status: int | None = None,
    ) -> tuple[Exchange, ...]:
        """Wait until there are so many, and return them; those that are there already count.

        `timeout` is in seconds of real time; after it, `TimeoutError` says what did come. Raises
        `TypeError`, `ValueError`.
        """
        check_count("count", count)
        wanted = _Wanted(operation, basin, stream, status, self._document)
        return self._bell.wait(
            lambda: self._enough(wanted, count),
            lambda: self._missing(wanted, count, timeout),
            timeout,
        )

    async def async_wait_for(
        self,
        operation: str | Iterable[str] | None = None,
        count: int = 1,
        *,
        timeout: float = PATIENCE,  # as its twin has it
        basin: str = "*",
        stream: str = "*",
        status: int | None = None,
    ) -> tuple[Exchange, ...]:
        """As `wait_for`, for an event loop."""
        check_count("count", count)
        wanted = _Wanted(operation, basin, stream, status, self._document)
        return await self._bell.async_wait(
            lambda: self._enough(wanted, count),
            lambda: self._missing(wanted, count, timeout),
            timeout,
        )

    def clear(self) -> None:
        """Forget all exchanges. Their numbers go on."""
        with self._lock:
            self._entries.clear()
            self._bytes = self._bare = self._dropped = 0

    # For those who take the notes.

    @property
    def is_on(self) -> bool:
        """Whether anything is kept."""
        return self.limit > 0

    def look_with(self, load: Callable[[], Insight]) -> None:
        """Let another tell what the notes mean from now on."""
        self._load_insight = load
        self.__dict__.pop("_insight", None)

    @property
    def last_number(self) -> int:
        """The number of the latest exchange."""
        return self._number

    def note(self, entry: Entry) -> None:
        """Take an exchange in, under the next number."""
        with self._lock:
            entry.number = self._number + 1
            self._take_in(entry, entry.size)
        self._bell.ring()

    def note_plainly(self, note: AnswerNote | BatchNote, size: int) -> None:
        """Take in one that went well, with bodies of that size."""
        # As `note`, and written out: this is what everything that goes well pays for.
        with self._lock:
            self._number += 1
            entries = self._entries
            entries.append(note)
            self._bytes += size
            if len(entries) > self.limit + _SLACK:
                self._drop_oldest()
            if self._bytes > self.max_bytes:
                self._empty_oldest()
        if self._bell.is_heard:
            self._bell.ring()

    def _take_in(self, entry: Any, size: int) -> None:
        self._number += 1
        entries = self._entries
        entries.append(entry)
        self._bytes += size
        if len(entries) > self.limit + _SLACK:
            self._drop_oldest()
        if self._bytes > self.max_bytes:
            self._empty_oldest()

    def _drop_oldest(self) -> None:
        """Keep no more than the limit; with the lock in hand."""
        entries = self._entries
        while len(entries) > self.limit:
            entry = entries.popleft()
            self._dropped += 1
            if self._bare:
                self._bare -= 1
            elif type(entry) is tuple:
                self._bytes -= entry[-1]
            else:
                self._bytes -= entry.size

    def _trim(self) -> None:
        with self._lock:
            self._drop_oldest()

    def _empty_oldest(self) -> None:
        """Let the oldest that keep bodies keep them no longer, as many as it takes."""
        while self._bytes > self.max_bytes:
            entry = self._looked_at(self._bare)
            self._bytes -= entry.size
            entry.forget_bodies()
            self._bare += 1

    def _looked_at(self, index: int) -> Entry:
        entries = self._entries
        entry = entries[index]
        if type(entry) is tuple:
            number = self._number - len(entries) + index + 1
            entry = entries[index] = _entry_of(entry, number)
        found: Entry = entry
        return found

    def end(self, entry: Entry, ended: float) -> None:
        """A session that was noted when it began is over."""
        entry.ended = ended
        entry.changed()
        self._bell.ring()

    def exchange(self, entry: Entry) -> Exchange:
        """The exchange of a note, whether it is in the journal or not yet."""
        return self._exchange(entry)

    def since(self, number: int) -> tuple[Exchange, ...]:
        """The exchanges behind that number."""
        return tuple(self._exchange(entry) for entry in self._now() if entry.number > number)

    def _now(self) -> list[Entry]:
        with self._lock:
            self._drop_oldest()
            if not self._entries:
                return []
            first = self._number - len(self._entries) + 1
            made = [
                entry if type(entry) is not tuple else _entry_of(entry, number)
                for number, entry in enumerate(self._entries, first)
            ]
            self._entries = deque(made)
            return made

    @cached_property
    def _insight(self) -> Insight:
        return self._load_insight()

    def _exchange(self, entry: Entry) -> Exchange:
        return entry.exchange(self._insight, self._before)

    def _document(self, entry: Entry) -> Any:
        return entry.unexplained(self._insight).request.document

    def _before(self, entry: Entry) -> Iterator[Entry]:
        """The entries before that one, the latest first."""
        return (one for one in reversed(self._now()) if one.number < entry.number)

    def _enough(self, wanted: "_Wanted", count: int) -> tuple[Exchange, ...] | None:
        found = [entry for entry in self._now() if wanted.has(entry)]
        if len(found) < count:
            return None
        return tuple(map(self._exchange, found))

    def _missing(self, wanted: "_Wanted", count: int, timeout: float) -> str:
        entries = self._now()
        found = sum(map(wanted.has, entries))
        text = f"{found} of {count} {wanted} came within {timeout:g} s"
        others = [self._exchange(entry) for entry in entries if not wanted.has(entry)]
        if not self.is_on:
            return f"{text}: the journal is off (journal_limit=0)"
        if not others:
            return f"{text}; nothing else came"
        last = ", ".join(map(repr, islice(reversed(others), 5)))
        return f"{text}; of {len(others)} others these came last: {last}"


def _entry_of(note: Any, number: int) -> Entry:
    make = Entry.of_batch if len(note) == _BATCH_PARTS else Entry.of_answer
    return make(note, number)


class _Wanted:
    """Which exchanges are meant."""

    def __init__(
        self,
        operation: Any,
        basin: str,
        stream: str,
        status: int | None,
        document: Callable[[Entry], Any],
    ) -> None:
        if status is not None and (isinstance(status, bool) or not isinstance(status, int)):
            raise TypeError(f"status must be a whole number, not {status!r}")
        self._any = operation is None
        self._pattern = Pattern(OPERATION_NAMES if self._any else operation, basin, stream)
        self._status = status
        self._document = document

    def __str__(self) -> str:
        pattern = self._pattern
        text = "exchanges" if self._any else "/".join(pattern.names)
        if pattern.basin != "*":
            text += f" in {pattern.basin}"
        if pattern.stream != "*":
            text += f" on {pattern.stream}"
        return text if self._status is None else f"{text} with status {self._status}"

    def has(self, entry: Entry) -> bool:
        """Whether that is one of them."""
        if self._status is not None and entry.status != self._status:
            return False
        names = self._pattern.names
        if not self._any and entry.operation not in names and not self._has_command(entry):
            return False
        return self._pattern.matches_place(*entry.place)

    def _has_command(self, entry: Entry) -> bool:
        wanted = COMMANDS.intersection(self._pattern.names)
        if not wanted or entry.operation != "append":
            return False
        document = self._document(entry)
        records = document.get("records", ()) if isinstance(document, dict) else ()
        return any(
            record.get("headers", [])[:1] == [["", command]]
            for record in records
            for command in wanted
        )
