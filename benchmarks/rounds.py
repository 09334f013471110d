"""Interleaved rounds: the sides of a comparison alternate, so that noise affects all equally."""

from collections.abc import Callable, Mapping


def interleave(sides: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Return a value of each side for each round; every other round is in reverse order."""
    values: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for _ in range(rounds):
        for name in names:
            values[name].append(sides[name]())
        names.reverse()
    return values
