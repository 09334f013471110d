"""Interleaved rounds: all sides of a comparison in turns, so that they share the weather."""

from collections.abc import Callable, Mapping


def interleave(sides: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """One value of each side for each round; every other round goes backwards."""
    values: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for _ in range(rounds):
        for name in names:
            values[name].append(sides[name]())
        names.reverse()
    return values
