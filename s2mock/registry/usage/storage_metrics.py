"""The bytes stored in each stream, minute by minute. Source: reference: account_services §2.

A value is that of the instant at which its minute begins. Nothing is sampled: what a stream holds
is looked at when it is about to change, and what has expired until then has done so at known times.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from s2mock.registry.log.log import LogState
from s2mock.registry.state import AccountState, StreamState
from s2mock.registry.usage.series import KEPT, Series
from s2mock.registry.values.records import size_of
from s2mock.runtime.clock import NANOSECONDS, Moment

MINUTE: Final = 60 * NANOSECONDS
_EMPTY: Final = LogState()


class _Sizes:
    """The bytes of one name; `until` is the first minute that is not recorded yet."""

    __slots__ = ("is_gone", "series", "until")

    def __init__(self, until: int) -> None:
        self.series = Series()
        self.until = until
        # True while there is no stream of that name.
        self.is_gone = False


class Stored:
    """The bytes of all streams, also deleted ones, by the names of basin and stream."""

    def __init__(self) -> None:
        self._sizes: dict[str, dict[str, _Sizes]] = {}
        # The latest stream: most changes are to the same stream in the same minute.
        self._latest: tuple[str, str] = ("", "")
        self._latest_until = 0

    def __len__(self) -> int:
        return sum(len(one.series) for sizes in self._sizes.values() for one in sizes.values())

    def changes(self, basin: str, name: str, before: StreamState | None, moment: Moment) -> None:
        """Record a stream before its records change; `before` is its present state."""
        if moment.now <= self._latest_until and self._latest == (basin, name):
            return
        sizes = self._sizes.get(basin)
        one = None if sizes is None else sizes.get(name)
        until = -(-moment.now // MINUTE)
        self._latest, self._latest_until = (basin, name), until * MINUTE
        if one is None:
            # The history of a stream from a snapshot is not known.
            new = before is None or before.log is None
            one = self._sizes.setdefault(basin, {})[name] = _Sizes(until if new else 0)
        if one.until >= until:
            return
        log = before.log if before is not None and before.log is not None else _EMPTY
        for minute, size in _course(log, one.until, until, moment.now - moment.account_time):
            one.series.put(minute, size)
        one.until = until

    def comes(self, basin: str, name: str, moment: Moment) -> None:
        """Note that a stream of that name is about to be created, perhaps again."""
        one = self._sizes.get(basin, {}).get(name)
        if one is not None:
            self.changes(basin, name, None, moment)
            one.is_gone = False

    def goes(self, basin: str, name: str) -> None:
        """Note that a stream of that name was deleted, after it was recorded."""
        one = self._sizes.get(basin, {}).get(name)
        if one is not None:
            one.is_gone = True

    def let_go(self, minute: int) -> None:
        """Forget the streams that were deleted before any period of metrics."""
        oldest = minute - KEPT
        for basin, sizes in [*self._sizes.items()]:
            for name in [name for name, one in sizes.items() if one.is_gone and one.until < oldest]:
                del sizes[name]
            if not sizes:
                del self._sizes[basin]

    @property
    def basins(self) -> set[str]:
        """The basins in which bytes are recorded."""
        return set(self._sizes)

    def has(self, basin: str, name: str) -> bool:
        """True if bytes are recorded for that name."""
        return name in self._sizes.get(basin, ())

    def end_basin(self, basin: str, gone: Iterator[StreamState], moment: Moment) -> None:
        """Record the streams of a basin before it is deleted."""
        for stream in gone:
            if stream.log is not None or self.has(basin, stream.name):
                self.changes(basin, stream.name, stream, moment)
                self.goes(basin, stream.name)

    def course(
        self, state: AccountState, basin: str, name: str, end: int, moment: Moment
    ) -> Series:
        """Return the bytes of a stream, from the first minute to before `end`."""
        one = self._sizes.get(basin, {}).get(name) or _Sizes(0)
        series = Series()
        for minute, size in zip(one.series.minutes, one.series.values, strict=True):
            series.put(minute, size)
        parent = state.basins.get(basin)
        stream = None if parent is None else parent.streams.get(name)
        log = stream.log if stream is not None and stream.log is not None else _EMPTY
        for minute, size in _course(log, one.until, end, moment.now - moment.account_time):
            series.put(minute, size)
        return series

    def names(self, state: AccountState, basin: str) -> set[str]:
        """Return the names of the streams in that basin that have or had records."""
        parent = state.basins.get(basin)
        there = () if parent is None else parent.streams.values()
        names = {stream.name for stream in there if stream.log is not None}
        return names.union(self._sizes.get(basin, ()))


def _course(log: LogState, start: int, end: int, shift: int) -> Iterator[tuple[int, int]]:
    """Yield minutes and the bytes of the log from then on, from `start` to before `end`.

    `shift` is how much later dates are than the account's time, by which records expire.
    """
    if start >= end:
        return
    left = sum(span.metered_bytes for span in log.spans())
    if log.next_expiry + shift > (end - 1) * MINUTE:
        yield start, left
        return
    expired = []
    for chunk, first, last in log.spans():
        for expiry, stored in zip(
            chunk.expiries[first:last], chunk.stored[first:last], strict=True
        ):
            # The first minute at whose beginning it has expired.
            minute = max(start, -(-(expiry + shift) // MINUTE))
            if minute < end:
                expired.append((minute, size_of(stored)))
    expired.sort()
    if not expired or expired[0][0] > start:
        yield start, left
    for minute, together in groupby(expired, key=lambda pair: pair[0]):
        left -= sum(size for _, size in together)
        yield minute, left
