"""Random numbers from the tape of a world, which records, repeats and shrinks every choice."""

import random
from typing import Final

import simloom

# Fine enough for the time between two heartbeats, and few enough for a shrinker to go through.
_STEPS: Final = 1 << 16


class TapeRandom(random.Random):
    """Random numbers that the tape of the running world decides.

    Where no world runs, as after its end, they are those of `random.Random` with the seed 0.
    """

    def __init__(self) -> None:
        super().__init__(0)

    def random(self) -> float:
        """Return a number from 0 to 1, without 1."""
        drawn = _draw("s2mock.random", _STEPS)
        return super().random() if drawn is None else drawn / _STEPS

    def getrandbits(self, k: int, /) -> int:
        """Return a number of `k` bits."""
        drawn = _draw("s2mock.bits", 1 << k)
        return super().getrandbits(k) if drawn is None else drawn


def _draw(label: str, bound: int) -> int | None:
    """Return a choice of the tape, or None where no world runs."""
    try:
        drawn: int = simloom.draw(label, bound)
    except RuntimeError:
        return None
    return drawn
