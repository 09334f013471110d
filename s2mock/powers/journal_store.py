"""The store of a journal: the latest notes and entries, within limits of count and bytes."""

import threading
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import accumulate, chain, pairwise
from typing import Any, NamedTuple

from s2mock.powers.entry import Entry, Note, head_size, shorten_head
from s2mock.runtime import failures
from s2mock.runtime.fork_locks import Rank, take_at_fork
from s2mock.runtime.notifier import Notifier

# The store may exceed its limit by this number until it is read: to drop many at once takes less
# time than to drop each.
_SLACK = 256
# New notes are bundled when there are this many of them, or one is larger than this.
_MAX_FRESH = 128
_SMALL_BYTES = 16 * 1024
# The bodies of a larger bundle are kept as they are, since joining copies them.
_MAX_PACKED_BYTES = 64 * 1024


class JournalSummary(NamedTuple):
    """The numbers of exchanges and bytes that a journal keeps, and its limits.

    `last` is the number of the latest exchange, 0 before the first; `kept` and `dropped` are
    numbers of exchanges, `dropped` since the last `clear()`. `limit` is the most exchanges that are
    kept, 0 for a journal that is off. `body_bytes` are the bytes of bodies and long heads that are
    kept now, `max_bytes` the most that are kept.
    """

    last: int
    kept: int
    dropped: int
    limit: int
    body_bytes: int
    max_bytes: int


class Bundle:
    """Many notes by columns, the oldest first; their numbers are not in it.

    Small bodies are joined and numbers are kept in arrays. Memory that is kept for each request is
    not in the processor's cache for the next one, and objects cost the garbage collector time.
    """

    __slots__ = ("_columns", "count", "size")

    def __init__(self, notes: Sequence[Note]) -> None:
        # A note of columns: the values of each part in all notes.
        columns: Any = Note._make(zip(*notes, strict=True))
        self.count: int = len(notes)
        self.size: int = sum(columns.size)
        """The sum of the notes' sizes, in bytes."""
        if self.count > 1 and self.size <= _MAX_PACKED_BYTES:
            # An array has no room for times after the year 2262: such notes stay as they are.
            with suppress(OverflowError):
                columns = columns._replace(
                    body=_join(columns.body),
                    response_body=_join(columns.response_body),
                    at=array("q", columns.at),
                    began=array("d", columns.began),
                    ended=array("d", columns.ended),
                    size=array("q", columns.size),
                )
        self._columns: Iterable[Any] = columns

    def entries(self, first: int) -> list[Entry]:
        """Return the entries of the notes, numbered from `first` on."""
        notes = map(Note._make, zip(*self._columns, strict=True))
        return [Entry.from_note(note, number) for number, note in enumerate(notes, first)]

    def drop_bodies(self) -> None:
        """Drop the bodies of a bundle of one note, and all other long texts."""
        [note] = map(Note._make, zip(*self._columns, strict=True))
        head = note.head
        if not isinstance(head, Entry) and head_size(head.target, head.fields):
            head = shorten_head(head)
        bare = note._replace(body=None, response_body=None, head=head, size=0)
        self._columns = [(part,) for part in bare]
        self.size = 0


class _JoinedBodies:
    """Many bodies in one bytes object; iterating gives each."""

    __slots__ = ("_joined", "_lengths")

    def __init__(self, joined: bytes, lengths: "array[int]") -> None:
        self._joined = joined
        self._lengths = lengths

    def __iter__(self) -> Iterator[bytes]:
        for start, end in pairwise(accumulate(self._lengths, initial=0)):
            yield self._joined[start:end]


def _join(bodies: tuple[Any, ...]) -> "_JoinedBodies | tuple[Any, ...]":
    try:
        return _JoinedBodies(b"".join(bodies), array("q", map(len, bodies)))
    except TypeError:
        # The body of a batch in a session is the batch.
        return bodies


class JournalStore:
    """The latest exchanges, up to `limit`, and up to `max_bytes` of their bodies.

    The bodies of the oldest exchanges are dropped first. A head of more than 4 KiB counts as a
    body. Notes become entries when the store is read. All methods are safe for threads.
    """

    def __init__(self, limit: int, max_bytes: int) -> None:
        self.limit = limit
        self.max_bytes = max_bytes
        self.notifier: Notifier = Notifier()
        """Notified when an exchange was added."""
        self._lock = threading.Lock()
        take_at_fork(self._lock, Rank.INNER)
        # The oldest exchanges, whose bodies are dropped, each by itself; and the later ones. Their
        # numbers have no gap.
        self._bare: deque[Entry | Bundle] = deque()
        self._kept: deque[Entry | Bundle] = deque()
        # The number of exchanges in both.
        self._count = 0
        # The latest notes, which are not counted yet: every reader bundles them first.
        self._fresh: list[Note] = []
        self._bytes = 0
        self._dropped = 0
        self._last_number = 0
        # All entries, until an exchange is added or dropped.
        self._entries: list[Entry] | None = None

    @property
    def summary(self) -> JournalSummary:
        """The numbers of exchanges and bytes that it keeps, and its limits."""
        with self._lock:
            self._trim()
            return JournalSummary(
                self._last_number,
                self._count,
                self._dropped,
                self.limit,
                self._bytes,
                self.max_bytes,
            )

    def __len__(self) -> int:
        return self.summary.kept

    @property
    def last_number(self) -> int:
        """The number of the latest exchange, 0 if there was none."""
        with self._lock:
            self._bundle_fresh()
            return self._last_number

    def add(self, entry: Entry) -> None:
        """Add an exchange, and give it the next number."""
        with self._lock:
            self._bundle_fresh()
            self._last_number += 1
            entry.number = self._last_number
            self._entries = None
            self._kept.append(entry)
            self._count += 1
            self._bytes += entry.size
            self._make_room()
        self.notifier.notify()

    def add_note(self, note: Note) -> None:
        """Add an exchange that succeeded."""
        # Every request that succeeds pays for this: the rest waits for a reader.
        fresh = self._fresh
        fresh.append(note)
        if note.size > _SMALL_BYTES or len(fresh) >= _MAX_FRESH:
            with self._lock:
                self._bundle_fresh()
                self._make_room()
        if self.notifier.has_listeners:
            self.notifier.notify()

    def clear(self) -> None:
        """Remove all exchanges. The numbers of later ones continue."""
        with self._lock:
            self._bundle_fresh()
            self._entries = None
            self._bare.clear()
            self._kept.clear()
            self._count = self._bytes = self._dropped = 0

    def entries_after(self, number: int) -> list[Entry]:
        """Return the entries after that number, in time that does not depend on those before."""
        with self._lock:
            self._trim()
            found: list[Entry] = []
            for where in (self._kept, self._bare):
                back: list[Entry] = []
                while where and (last := self._last_number - len(found) - len(back)) > number:
                    kept = where.pop()
                    if isinstance(kept, Bundle):
                        back += reversed(kept.entries(last - kept.count + 1))
                    else:
                        back.append(kept)
                where.extend(reversed(back))
                found += back
            # The first bundle may include earlier ones.
            return [entry for entry in reversed(found) if entry.number > number]

    def open_entries(self) -> list[Entry]:
        """Return the entries of sessions that have not ended, the oldest first."""
        with self._lock:
            # A note is of an exchange that has ended.
            kept = [*self._bare, *self._kept]
        return [one for one in kept if isinstance(one, Entry) and one.ended is None]

    def entries(self) -> list[Entry]:
        """Return all entries, the oldest first. The list is shared: no caller changes it."""
        with self._lock:
            self._trim()
            if self._entries is not None:
                return self._entries
            entries: list[Entry] = []
            first = self._last_number - self._count + 1
            for kept in chain(self._bare, self._kept):
                if isinstance(kept, Bundle):
                    entries += kept.entries(first + len(entries))
                else:
                    entries.append(kept)
            bare = len(self._bare)
            self._bare, self._kept = deque(entries[:bare]), deque(entries[bare:])
            self._entries = entries
            return entries

    # All below: with the lock held.

    def _bundle_fresh(self) -> None:
        """Bundle and count the latest notes. Other threads may add notes at the same time."""
        if not (count := len(self._fresh)):
            return
        self._entries = None
        notes = self._fresh[:count]
        del self._fresh[:count]
        try:
            bundle = Bundle(notes)
        except Exception as error:  # noqa: BLE001  # the current request must be answered
            failures.note(error)
            self._add_unrecorded(count, error)
            return
        self._kept.append(bundle)
        self._last_number += count
        self._count += count
        self._bytes += bundle.size

    def _add_unrecorded(self, count: int, error: Exception) -> None:
        """Add `count` entries with that error, in the place of notes that could not be kept."""
        for _ in range(count):
            entry = Entry({}, "", {}, None, 0.0)
            entry.ended = entry.began
            entry.set_recording_error(error)
            self._last_number += 1
            entry.number = self._last_number
            self._kept.append(entry)
        self._count += count

    def _make_room(self) -> None:
        """Drop what exceeds the limits and the slack."""
        while self._count > self.limit + _SLACK:
            if self._oldest[0].count > self._count - self.limit:
                break
            self._drop_oldest()
        while self._bytes > self.max_bytes:
            self._drop_oldest_bodies()

    def _trim(self) -> None:
        """Drop all that exceeds the limits."""
        self._bundle_fresh()
        self._make_room()
        while self._count > self.limit:
            if not self._bare:
                self._split_oldest()
            self._drop_oldest()

    @property
    def _oldest(self) -> "deque[Entry | Bundle]":
        return self._bare or self._kept

    def _drop_oldest(self) -> None:
        self._entries = None
        oldest = self._oldest.popleft()
        self._count -= oldest.count
        self._dropped += oldest.count
        self._bytes -= oldest.size

    def _drop_oldest_bodies(self) -> None:
        """Drop the bodies of the oldest exchange that has any."""
        self._split_oldest()
        one = self._kept.popleft()
        self._bytes -= one.size
        one.drop_bodies()
        self._bare.append(one)

    def _split_oldest(self) -> None:
        """Make entries of the oldest bundle whose bodies are kept, if it has many notes."""
        if isinstance(bundle := self._kept[0], Bundle) and bundle.count > 1:
            self._kept.popleft()
            first = self._last_number - self._count + len(self._bare) + 1
            self._kept.extendleft(reversed(bundle.entries(first)))
