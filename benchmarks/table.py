"""The rows of the result and the Markdown table made of them."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from benchmarks.rounds import NOISE, ratios_of, spread_of

Format = Callable[[float], str]


@dataclass(frozen=True)
class Row:
    """One measurement, perhaps against a peer.

    `ours` and `theirs` are one value for each round, in the same unit; the ratio is taken round by
    round. `aim` is the bound of the ratio, or of our value if `absolute`: at most, or at least if
    `more_is_better`. `absent` is the text in place of the peer's value, and of ours if it has none.
    """

    what: str
    ours: list[float]
    show: Format
    peer: str = ""
    theirs: list[float] | None = None
    aim: float | None = None
    absolute: bool = False
    more_is_better: bool = False
    absent: str = ""

    def cells(self) -> list[str]:
        """The texts of the table's columns."""
        theirs, ratio = "", ""
        if self.absent:
            theirs = self.absent
        elif self.theirs is not None:
            theirs = _spread(self.theirs, self.show)
            ratio = _spread(self._ratios(), _plain)
            if spread_of(self._ratios()) > NOISE:
                ratio += ", noisy"
        ours = _spread(self.ours, self.show) if self.ours else ""
        return [self.what, ours, self.peer, theirs, ratio, *self._aim()]

    def _ratios(self) -> list[float]:
        if self.absolute and self.theirs:
            # These may be differences near 0, whose ratios in single rounds have no meaning.
            return [median(self.ours) / median(self.theirs)]
        return ratios_of(self.ours, self.theirs or [])

    def _aim(self) -> tuple[str, str]:
        if self.aim is None:
            return "", ""
        if self.absent and not self.absolute:
            return f"{'≥' if self.more_is_better else '≤'} {_plain(self.aim)}", ""
        reached = median(self.ours if self.absolute else self._ratios())
        met = reached >= self.aim if self.more_is_better else reached <= self.aim
        bound = self.show(self.aim) if self.absolute else _plain(self.aim)
        return f"{'≥' if self.more_is_better else '≤'} {bound}", "yes" if met else "**no**"


HEAD = ["measured", "s2mock", "against", "its value", "ratio", "aim", "met"]


def render(rows: Iterable[list[str]]) -> Iterable[str]:
    """Yield the lines of the table, each as soon as its row is complete."""
    yield _line(HEAD)
    yield _line(["---"] * len(HEAD))
    for row in rows:
        yield _line(row)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _spread(values: list[float], show: Format) -> str:
    """Return a text: the median, and the lowest and highest value."""
    middle = show(median(values))
    return middle if len(values) == 1 else f"{middle} ({show(min(values))} to {show(max(values))})"


def _plain(value: float) -> str:
    return f"{value:.3g}"


def _digits(value: float, unit: str) -> str:
    whole = value == 0 or abs(value) >= 100
    places = 0 if whole else 2 - math.floor(math.log10(abs(value)))
    return f"{value:,.{min(places, 3)}f} {unit}"


def rate(value: float) -> str:
    """Return a text for requests per second."""
    return f"{value:,.0f}/s"


def mebibytes_rate(value: float) -> str:
    """Return a text for mebibytes per second."""
    return f"{value:,.1f} MiB/s"


def milliseconds(seconds: float) -> str:
    """Return a text for a time in milliseconds."""
    return _digits(seconds * 1e3, "ms")


def microseconds(seconds: float) -> str:
    """Return a text for the time of one operation."""
    return _digits(seconds * 1e6, "µs")


def attempts(seconds: float) -> str:
    """Return a text for the time of an attempt, with the attempts in a second."""
    return f"{milliseconds(seconds)}, {rate(1 / seconds)}"


def megabytes(value: float) -> str:
    """Return a text for the size of files."""
    return f"{value / 1e6:,.1f} MB"


def count_of_bytes(value: float) -> str:
    """Return a text for an amount of memory."""
    return f"{value:,.0f} B"
