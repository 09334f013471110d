"""What a journal keeps: the latest notes, with a limit to how many, and to what they take."""

import threading
from collections import deque
from itertools import chain
from typing import Any

from s2mock.powers.bundle import Bundle
from s2mock.powers.entry import NOTE_PARTS, Entry, Note
from s2mock.runtime import failures
from s2mock.runtime.fork_locks import Rank, take_at_fork
from s2mock.runtime.notifier import Notifier

# So many more are kept until somebody looks: letting go of many at once takes less than of each.
_SLACK = 256
# So many parts are not counted before somebody looks, of notes of so many bytes at most.
_FRESH = 128 * NOTE_PARTS
_SMALL = 16 * 1024


class JournalStore:
    """Notes of exchanges, oldest first: the latest `limit`, and `max_bytes` of their bodies.

    Bodies go first, those of the oldest before others. A head of more than 4 KiB counts as a body.
    """

    def __init__(self, limit: int, max_bytes: int) -> None:
        self.limit = limit
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        take_at_fork(self._lock, Rank.INNER)
        # The oldest, which keep no bodies any longer, one by one; and those behind them. They are
        # numbered without a gap.
        self._bare: deque[Entry | Bundle] = deque()
        self._kept: deque[Entry | Bundle] = deque()
        # How many exchanges these are.
        self._count = 0
        # The parts of the latest, not counted yet; whoever looks counts them first.
        self._fresh: list[Any] = []
        self._bytes = 0
        self._dropped = 0
        self._number = 0
        # All of them as entries, until one comes or goes.
        self._entries: list[Entry] | None = None
        self._bell = Notifier()

    @property
    def dropped(self) -> int:
        """How many exchanges are gone for want of room, since the last `clear()`."""
        with self._lock:
            self._trim()
            return self._dropped

    @property
    def body_bytes(self) -> int:
        """How many bytes of bodies, and of long heads, are kept now."""
        with self._lock:
            self._trim()
            return self._bytes

    def __len__(self) -> int:
        with self._lock:
            self._trim()
            return self._count

    @property
    def is_on(self) -> bool:
        """Whether anything is kept."""
        return self.limit > 0

    @property
    def last_number(self) -> int:
        """The number of the latest exchange."""
        with self._lock:
            self._take_in()
            return self._number

    def note(self, entry: Entry) -> None:
        """Take an exchange in, under the next number."""
        with self._lock:
            self._take_in()
            self._number += 1
            entry.number = self._number
            self._entries = None
            self._kept.append(entry)
            self._count += 1
            self._bytes += entry.size
            self._make_room()
        self._bell.notify()

    def note_plainly(self, note: Note, size: int) -> None:
        """Take in one that went well, with bodies of that size."""
        # This is what everything that goes well pays for: no more is done to each of them.
        fresh = self._fresh
        fresh += note
        if size > _SMALL or len(fresh) >= _FRESH:
            with self._lock:
                self._take_in()
                self._make_room()
        if self._bell.has_listeners:
            self._bell.notify()

    def _forget(self) -> None:
        with self._lock:
            self._take_in()
            self._entries = None
            self._bare.clear()
            self._kept.clear()
            self._count = self._bytes = self._dropped = 0

    def _behind(self, number: int) -> list[Entry]:
        """The entries behind that number, which takes no longer where many are before it."""
        with self._lock:
            self._trim()
            found: list[Entry] = []
            for where in (self._kept, self._bare):
                back: list[Entry] = []
                while where and (last := self._number - len(found) - len(back)) > number:
                    kept = where.pop()
                    if isinstance(kept, Bundle):
                        back += reversed(kept.entries(last - kept.count + 1))
                    else:
                        back.append(kept)
                where.extend(reversed(back))
                found += back
            # The first bundle may have begun before.
            return [entry for entry in reversed(found) if entry.number > number]

    def _now(self) -> list[Entry]:
        """All entries. The list is shared: no caller changes it."""
        with self._lock:
            self._trim()
            if self._entries is not None:
                return self._entries
            entries: list[Entry] = []
            first = self._number - self._count + 1
            for kept in chain(self._bare, self._kept):
                if isinstance(kept, Bundle):
                    entries += kept.entries(first + len(entries))
                else:
                    entries.append(kept)
            bare = len(self._bare)
            self._bare, self._kept = deque(entries[:bare]), deque(entries[bare:])
            self._entries = entries
            return entries

    # With the lock in hand:

    def _take_in(self) -> None:
        """Count the latest. Others may come in meanwhile."""
        if not (parts := len(self._fresh)):
            return
        self._entries = None
        taken = self._fresh[:parts]
        del self._fresh[:parts]
        try:
            notes = Bundle(taken)
        except Exception as error:  # noqa: BLE001  # the request that comes now is to be answered
            failures.note(error)
            self._lose(parts // NOTE_PARTS, error)
            return
        self._kept.append(notes)
        self._number += notes.count
        self._count += notes.count
        self._bytes += notes.size

    def _lose(self, count: int, error: Exception) -> None:
        """Keep entries that say so in the place of `count` notes that cannot be kept."""
        for _ in range(count):
            entry = Entry({}, "", {}, None, 0.0)
            entry.ended = entry.began
            entry.lose(error)
            self._number += 1
            entry.number = self._number
            self._kept.append(entry)
        self._count += count

    def _make_room(self) -> None:
        """Keep to the limits, though some more may stay than that; see `_trim`."""
        while self._count > self.limit + _SLACK:
            if self._oldest[0].count > self._count - self.limit:
                break
            self._drop_oldest()
        while self._bytes > self.max_bytes:
            self._empty_oldest()

    def _trim(self) -> None:
        """Keep no more than the limits."""
        self._take_in()
        self._make_room()
        while self._count > self.limit:
            if not self._bare:
                self._part_oldest()
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

    def _empty_oldest(self) -> None:
        """Let the oldest that keeps bodies keep them no longer."""
        self._part_oldest()
        one = self._kept.popleft()
        self._bytes -= one.size
        one.forget_bodies()
        self._bare.append(one)

    def _part_oldest(self) -> None:
        """Make entries of the first notes that keep bodies, if there are many in one."""
        if isinstance(notes := self._kept[0], Bundle) and notes.count > 1:
            self._kept.popleft()
            first = self._number - self._count + len(self._bare) + 1
            self._kept.extendleft(reversed(notes.entries(first)))
