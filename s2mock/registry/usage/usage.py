"""What was done with an account, minute by minute: the history that metrics are computed from.

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
    from s2mock.registry.operation import Operation
    from s2mock.registry.state import Change

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
    """A read session that goes on."""

    basin: str
    began: int


class Usage:
    """The history of one account, since it began or was restored. In turn only."""

    def __init__(self) -> None:
        self.stored = Stored()
        # By the set, the basin (None for the account) and the name in the set.
        self._series: dict[tuple[str, str | None, str], Series] = {}
        # Of the minute that runs: the bytes that were appended to a stream, of a storage class,
        # over a connection.
        self._minute = self._minute_end = 0
        # The mark of the latest request that appended, which may be a session, its connection, and
        # what: the stream, its configuration, how many bytes. Not the request, which knows the
        # account: the two would hold each other.
        self._writer: object = None
        self._connection: object = None
        self._written = ("", "")
        self._written_as = UNSET
        self._written_bytes = 0
        self._appended: dict[tuple[str, str, str | None, object], int] = {}
        self.streaming: dict[object, Streaming] = {}
        # When basins had streams: since when, and the times that are over.
        self._active_since: dict[str, int] = {}
        self._active: dict[str, list[list[int]]] = {}
        # The minute from which on it is time to forget what is too old.
        self._forgets_at = 0

    def add(self, which: str, basin: str | None, name: str, minute: int, value: float) -> None:
        """So much more."""
        key = (which, basin, name)
        series = self._series.get(key)
        if series is None:
            if minute >= self._forgets_at:
                self._forget(minute)
            series = self._series[key] = Series()
        series.add(minute, value)

    def _forget(self, minute: int) -> None:
        """Forget the names of which nothing is left that metrics may ask for."""
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

    def carried_out(self, operation: "Operation", change: "Change", moment: Moment) -> None:
        """An operation that came from outside has been carried out."""
        name = operation.name
        if name == "append":
            self._append(operation, change, moment.now)
            return
        minute = moment.now // MINUTE
        if name == "read":
            # A session is counted while it lasts.
            if not operation.is_session:
                self.add("read-ops", operation.basin, "unary", minute, 1)
        elif name != "append-session":
            if name in _ENSURED:
                effect = change.effect
                name = _ENSURED[name][effect is None or effect.kind != "created"]
            which, series = _COUNTED[name]
            basin = operation.basin if which == "basin-ops" else None
            self.add(which, basin, series, minute, 1)

    def _append(self, operation: "Operation", change: "Change", now: int) -> None:
        basin, name, stream = change.stream  # type: ignore[misc]  # an append has one
        records = change.written.records  # type: ignore[union-attr]
        size = (
            records[0].metered_bytes
            if len(records) == 1
            else sum([record.metered_bytes for record in records])
        )
        config = stream.config  # type: ignore[union-attr]
        if (
            now < self._minute_end
            and operation.request.counted_as is self._writer
            and (basin, name) == self._written
            and config is self._written_as
        ):
            # One more of a session.
            self._written_bytes += size
            return
        self._finish_session()
        if now >= self._minute_end:
            self.finish_minute()
            self._minute = now // MINUTE
            self._minute_end = (self._minute + 1) * MINUTE
        self._writer = operation.request.counted_as = object()
        self._connection = operation.request.connection
        self._written, self._written_as, self._written_bytes = (basin, name), config, size

    def _finish_session(self) -> None:
        """Add up what the latest request has appended."""
        if self._writer is None:
            return
        basin, name = self._written
        appender = (basin, name, self._written_as.storage_class, self._connection)
        self._appended[appender] = self._appended.get(appender, 0) + self._written_bytes
        self._writer = None

    def finish_minute(self) -> None:
        """Add up what was appended in the minute that ran."""
        self._finish_session()
        for (basin, _, named, __), size in self._appended.items():
            storage_class = str(named)
            self.add("append-throughput", basin, storage_class, self._minute, size)
            # However many they were.
            self.add("append-ops", basin, storage_class, self._minute, 1)
        self._appended.clear()

    def read(self, basin: str, size: int, moment: Moment) -> None:
        """Records of so many bytes are delivered."""
        self.add("read-throughput", basin, "read", moment.now // MINUTE, size)

    def begin_streaming(self, session: object, basin: str, moment: Moment) -> None:
        """A read session has begun."""
        self.streaming[session] = Streaming(basin, moment.now)

    def end_streaming(self, session: object, now: int) -> None:
        """It is over, if it was not before."""
        streaming = self.streaming.pop(session, None)
        if streaming is not None:
            for minute in _started_minutes(streaming.began, now):
                self.add("read-ops", streaming.basin, "streaming", minute, 1)

    def begin_active(self, basin: str, moment: Moment) -> None:
        """The basin has its first stream."""
        self._active_since.setdefault(basin, moment.now)

    def end_active(self, basin: str, moment: Moment) -> None:
        """The basin has lost its last stream."""
        since = self._active_since.pop(basin, 0)
        times = self._active.setdefault(basin, [])
        if times and times[-1][1] // MINUTE >= since // MINUTE:
            # Nobody can tell them apart.
            times[-1][1] = moment.now
        else:
            times.append([since, moment.now])

    # What is asked for.

    def series(self, which: str, basin: str | None) -> dict[str, Series]:
        """Return the series of a set by their names; call `finish_minute` before."""
        return {
            name: series
            for (kind, where, name), series in self._series.items()
            if (kind, where) == (which, basin)
        }

    def with_streaming(self, basin: str, now: int) -> Series:
        """The minutes of read sessions that have started, also of those that go on."""
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
        """Whether a basin that has no stream now had one between these times."""
        return any(since <= end and until >= start for since, until in self._active.get(basin, ()))

    def active_since(self, basin: str) -> int:
        """Since when a basin has had streams that has one now."""
        return self._active_since.get(basin, 0)

    @property
    def once_active(self) -> set[str]:
        """The basins that have ever lost their last stream."""
        return set(self._active)


def _started_minutes(began: int, now: int) -> Iterator[int]:
    """The minute in which each minute of what began then has started, of the latest."""
    first = max(0, (now - began) // MINUTE - KEPT)
    return ((began + number * MINUTE) // MINUTE for number in range(first, _minutes(began, now)))


def _minutes(began: int, now: int) -> int:
    # One that ends where a minute would start has not started it.
    return max(1, -(-(now - began) // MINUTE))
