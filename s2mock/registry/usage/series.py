"""Numbers by minute, the values of metrics, in little memory."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final

# In minutes: the longest period of metrics.
KEPT: Final = 90 * 24 * 60
_LOOK_EVERY: Final = 1024


class Series:
    """Values by minute since the epoch, in order; those older than `KEPT` are removed."""

    __slots__ = ("minutes", "values")

    def __init__(self) -> None:
        self.minutes = array("L")
        self.values = array("d")

    def __len__(self) -> int:
        return len(self.minutes)

    def add(self, minute: int, value: float) -> None:
        """Add to the value of that minute."""
        minutes = self.minutes
        if minutes and minutes[-1] == minute:
            self.values[-1] += value
            return
        at = len(minutes)
        if minutes and minute < minutes[-1]:
            at = bisect_left(minutes, minute)
            if minutes[at] == minute:
                self.values[at] += value
                return
        minutes.insert(at, minute)
        self.values.insert(at, value)
        self._let_go(minute)

    def put(self, minute: int, value: float) -> None:
        """Set the value from that minute on, which is behind all others."""
        before = self.values[-1] if self.values else 0.0
        if value != before:
            self.minutes.append(minute)
            self.values.append(value)
            self._let_go(minute)

    def at(self, minute: int) -> float:
        """Return the value that was put for that minute, or last before it."""
        index = bisect_right(self.minutes, minute)
        return self.values[index - 1] if index else 0.0

    def between(self, start: int, end: int) -> Iterator[tuple[int, float]]:
        """Yield minutes and values from minute `start` to before `end`."""
        first, last = bisect_left(self.minutes, start), bisect_left(self.minutes, end)
        return zip(self.minutes[first:last], self.values[first:last], strict=True)

    def _let_go(self, minute: int) -> None:
        if len(self.minutes) % _LOOK_EVERY:
            return
        # One before is kept, since its value may still hold.
        gone = bisect_left(self.minutes, max(0, minute - KEPT)) - 1
        if gone > 0:
            del self.minutes[:gone], self.values[:gone]
