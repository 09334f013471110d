"""The history of an account, minute by minute, from which metrics are computed.

Source: reference: account_services §2. What a test does directly is no operation, and is not
counted; what it stores is stored.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from s2mock.registry.usage.series import KEPT, Series
from s2mock.registry.usage.storage_metrics import MINUTE, Stored
from s2mock.registry.values.config import UNSET
from s2mock.registry.values.scopes import GROUPS, OPERATIONS
from s2mock.runtime.clock import Moment

if TYPE_CHECKING:
    from s2mock.registry.state import AccountState, Change

_OF_ACCOUNT: Final = GROUPS["account.read"] | GROUPS["account.write"]
_COUNTED: Final = {
    name: ("account-ops" if name in _OF_ACCOUNT else "basin-ops", name.replace("-", "_"))
    for name in OPERATIONS
}
_ENSURED: Final = {
    "ensure-basin": ("create-basin", "reconfigure-basin"),
    "ensure-stream": ("create-stream", "reconfigure-stream"),
}


_MINUTES_OF_A_DAY: Final = 24 * 60


class Streaming(NamedTuple):
    """A read session that has not ended."""

    basin: str
    began: int


class Usage:
    """The history of one account, since it began or was restored. Use it with the lock held."""

    def __init__(self) -> None:
        self.stored = Stored()
        # The series by set, basin (None for the account) and name in the set.
        self._series: dict[tuple[str, str | None, str], Series] = {}
        # Of the current minute: the bytes appended, by basin, stream, storage class and connection.
        self._minute = self._minute_end = 0
        self._appended: dict[tuple[str, str, str | None, int | None], int] = {}
        # The latest appends, which are one sum: their connection, their stream and its
        # configuration, and the number of bytes, 0 for none.
        self._connection: int | None = None
        self._written = ("", "")
        self._written_as = UNSET
        self._written_bytes = 0
        self.streaming: dict[object, Streaming] = {}
        # The times in which basins had streams: since when, and the times that have ended.
        self._active_since: dict[str, int] = {}
        self._active: dict[str, list[list[int]]] = {}
        # The minute from which on old values are to be forgotten.
        self._forgets_at = 0

    def add(self, which: str, basin: str | None, name: str, minute: int, value: float) -> None:
        """Add a value to that minute of a series."""
        key = (which, basin, name)
        series = self._series.get(key)
        if series is None:
            if minute >= self._forgets_at:
                self._forget(minute)
            series = self._series[key] = Series()
        series.add(minute, value)

    def _forget(self, minute: int) -> None:
        """Forget the series and times that are older than any period of metrics."""
        self._forgets_at = minute + _MINUTES_OF_A_DAY
        oldest = minute - KEPT
        self._series = {
            key: series for key, series in self._series.items() if series.minutes[-1] >= oldest
        }
        self._active = {
            basin: times
            for basin, times in self._active.items()
            if times[-1][1] // MINUTE >= oldest
        }
        self.stored.let_go(minute)

    def record(
        self,
        name: str,
        basin: str | None,
        change: "Change",
        connection: int | None,
        moment: Moment,
    ) -> None:
        """Count an operation of that name on that basin, which was carried out.

        `connection` is the number of its connection, None for a call within the process.
        """
        if name == "append":
            self._append(change, connection, moment.now)
            return
        minute = moment.now // MINUTE
        if name == "read":
            # A session is counted by the minutes that it lasts.
            if change.read is not None and not change.read.is_session:
                self.add("read-ops", basin, "unary", minute, 1)
        elif name != "append-session":
            if name in _ENSURED:
                effect = change.effect
                name = _ENSURED[name][effect is None or effect.kind != "created"]
            which, series = _COUNTED[name]
            self.add(which, basin if which == "basin-ops" else None, series, minute, 1)

    def _append(self, change: "Change", connection: int | None, now: int) -> None:
        basin, name, stream = change.stream  # type: ignore[misc]  # an append has one
        size = sum(change.written.sizes)  # type: ignore[union-attr]
        config = stream.config  # type: ignore[union-attr]
        if (
            now < self._minute_end
            and connection == self._connection
            and (basin, name) == self._written
            and config is self._written_as
        ):
            # Another append of the same sum.
            self._written_bytes += size
            return
        self._finish_sum()
        if now >= self._minute_end:
            self.finish_minute()
            self._minute = now // MINUTE
            self._minute_end = (self._minute + 1) * MINUTE
        self._connection = connection
        self._written, self._written_as, self._written_bytes = (basin, name), config, size

    def _finish_sum(self) -> None:
        """Add the latest appends to those of the current minute."""
        if not self._written_bytes:
            return
        basin, name = self._written
        appender = (basin, name, self._written_as.storage_class, self._connection)
        self._appended[appender] = self._appended.get(appender, 0) + self._written_bytes
        self._written_bytes = 0

    def finish_minute(self) -> None:
        """Add the appends of the current minute to the series."""
        self._finish_sum()
        for (basin, _, named, __), size in self._appended.items():
            storage_class = str(named)
            self.add("append-throughput", basin, storage_class, self._minute, size)
            # One for the minute, for any number of appends.
            self.add("append-ops", basin, storage_class, self._minute, 1)
        self._appended.clear()

    def read(self, basin: str, size: int, moment: Moment) -> None:
        """Count the bytes of records that are delivered."""
        self.add("read-throughput", basin, "read", moment.now // MINUTE, size)

    def begin_streaming(self, session: object, basin: str, moment: Moment) -> None:
        """Begin to count a read session."""
        self.streaming[session] = Streaming(basin, moment.now)

    def end_streaming(self, session: object, now: int) -> None:
        """Count the minutes of a read session that has ended; once."""
        streaming = self.streaming.pop(session, None)
        if streaming is not None:
            for minute in _started_minutes(streaming.began, now):
                self.add("read-ops", streaming.basin, "streaming", minute, 1)

    def begin_active(self, basin: str, moment: Moment) -> None:
        """Note that the basin has a stream from now on."""
        self._active_since.setdefault(basin, moment.now)

    def end_active(self, basin: str, moment: Moment) -> None:
        """Note that the basin has no stream from now on."""
        since = self._active_since.pop(basin, 0)
        times = self._active.setdefault(basin, [])
        if times and times[-1][1] // MINUTE >= since // MINUTE:
            # The two times touch the same minute, so they count as one.
            times[-1][1] = moment.now
        else:
            times.append([since, moment.now])

    # For metrics.

    def series(self, which: str, basin: str | None) -> dict[str, Series]:
        """Return the series of a set by their names; call `finish_minute` before."""
        return {
            name: series
            for (kind, where, name), series in self._series.items()
            if (kind, where) == (which, basin)
        }

    def basins(self, state: "AccountState") -> set[str]:
        """Return the names of the basins that there are, or that have been used."""
        used = {basin for _, basin, _ in self._series if basin is not None}
        reading = {streaming.basin for streaming in self.streaming.values()}
        return {*state.basins, *used, *reading, *self.stored.basins}

    def with_streaming(self, basin: str, now: int) -> Series:
        """Return the started minutes of read sessions, also of those that have not ended."""
        series = Series()
        known = self._series.get(("read-ops", basin, "streaming"))
        if known is not None:
            series.minutes, series.values = known.minutes[:], known.values[:]
        for streaming in self.streaming.values():
            if streaming.basin == basin:
                for minute in _started_minutes(streaming.began, now):
                    series.add(minute, 1)
        return series

    def was_active(self, basin: str, start: int, end: int) -> bool:
        """True if a basin that has no stream now had one between these times."""
        return any(since <= end and until >= start for since, until in self._active.get(basin, ()))

    def active_since(self, basin: str) -> int:
        """Return the time since which a basin with a stream has had one."""
        return self._active_since.get(basin, 0)

    @property
    def once_active(self) -> set[str]:
        """The basins that have had a time without any stream."""
        return set(self._active)


def _started_minutes(began: int, now: int) -> Iterator[int]:
    """Yield the minute since the epoch in which each minute of a session has started."""
    first = max(0, (now - began) // MINUTE - KEPT)
    return ((began + number * MINUTE) // MINUTE for number in range(first, _minutes(began, now)))


def _minutes(began: int, now: int) -> int:
    # A session that ends where a minute would start has not started it.
    return max(1, -(-(now - began) // MINUTE))
