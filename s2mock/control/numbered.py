"""Things that a client of the control API names by a number: faults, holds, snapshots."""

from itertools import count
from typing import Generic, TypeVar

from s2mock.control.response import Refused

Thing = TypeVar("Thing")


class Numbered(Generic[Thing]):
    """Things under numbers from 1 up. A number is never used twice."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._numbers = count(1)
        self._things: dict[int, Thing] = {}

    def add(self, thing: Thing) -> int:
        """Put it under the next number, and return the number."""
        number = next(self._numbers)
        self._things[number] = thing
        return number

    def get(self, number: int) -> Thing:
        """Return the thing under that number. Raises `Refused` (404)."""
        if number not in self._things:
            known = ", ".join(map(str, self._things)) or "none"
            raise Refused(404, f"there is no {self._what} {number}; there are {known}")
        return self._things[number]

    def remove(self, number: int) -> Thing:
        """Remove the thing under that number, and return it. Raises `Refused` (404)."""
        thing = self.get(number)
        del self._things[number]
        return thing

    def items(self) -> list[tuple[int, Thing]]:
        """Return all of them with their numbers, in order."""
        return list(self._things.items())

    def clear(self) -> None:
        """Remove all things; their numbers stay used."""
        self._things.clear()
