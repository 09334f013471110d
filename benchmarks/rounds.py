"""Interleaved rounds: the sides of a comparison alternate, so that noise affects all equally."""

from collections.abc import Callable, Mapping
from typing import Final

NOISE: Final = 1.5
"""The ratio of the highest to the lowest round above which a result is noise."""

# The number of times that noisy rounds are measured in all.
_ATTEMPTS: Final = 3


def interleave(sides: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Return a value of each side for each round; every other round is in reverse order.

    Rounds whose ratios differ too much are measured again, up to three times in all. The result is
    that of the time in which they differ least.
    """
    found = []
    for _ in range(_ATTEMPTS):
        found.append(_measure(sides, rounds))
        if _noise(found[-1]) <= NOISE:
            break
    return min(found, key=_noise)


def _measure(sides: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for _ in range(rounds):
        for name in names:
            values[name].append(sides[name]())
        names.reverse()
    return values


def _noise(values: dict[str, list[float]]) -> float:
    """Return the largest spread of the ratios of the first side to another one."""
    ours, *others = values.values()
    return max((spread_of(ratios_of(ours, theirs)) for theirs in others), default=spread_of(ours))


def ratios_of(ours: list[float], theirs: list[float]) -> list[float]:
    """Return the ratio of each round, nothing if a side has no value that another divides by."""
    if not all(theirs):
        return []
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def spread_of(values: list[float]) -> float:
    """Return the ratio of the highest value to the lowest, 1 if those are not positive."""
    return max(values) / min(values) if values and min(values) > 0 else 1.0
