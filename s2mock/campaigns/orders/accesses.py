"""What an operation has read and written, and which operations commute."""

from typing import Final, NamedTuple

from s2mock.powers.operations import ACCESS, CREATES_STREAM
from s2mock.registry.operation import Operation

Thing = tuple[str, ...]
"""A kind of `powers.operations.Access`, and the names of the basin and the stream, if it has some.

One without a name is all things of its kind: the records of a basin are those of all its streams.
"""

_OF_BASIN: Final = frozenset({"basin", "streams"})
_OF_STREAM: Final = frozenset({"records", "config"})


class Accesses(NamedTuple):
    """The things that an operation has read, and those that it has written."""

    reads: frozenset[Thing] = frozenset()
    writes: frozenset[Thing] = frozenset()

    def __or__(self, other: "Accesses") -> "Accesses":
        return Accesses(self.reads | other.reads, self.writes | other.writes)

    def conflicts(self, other: "Accesses") -> bool:
        """True if the two do not commute: one has written what the other has read or written."""
        if _USAGE in self.reads or _USAGE in other.reads:
            return True
        return (
            _overlap(self.writes, other.reads)
            or _overlap(self.writes, other.writes)
            or _overlap(self.reads, other.writes)
        )


_USAGE: Final[Thing] = ("usage",)

NOTHING: Final = Accesses()


def accesses_of(
    operation: Operation, *, has_effect: bool, creates: bool, is_answered: bool
) -> Accesses:
    """Return what an operation has read and written.

    `creates` is True if its stream was missing before. An operation without an effect has only
    read; one that a fault has kept from its decision (not `is_answered`) has not even read.
    """
    if not has_effect and not is_answered:
        return NOTHING
    access = ACCESS[operation.name]
    reads, writes = _things(access.reads, operation), _things(access.writes, operation)
    if creates and operation.name in CREATES_STREAM:
        writes |= _things(ACCESS["create-stream"].writes, operation)
        reads |= _things(ACCESS["create-stream"].reads, operation)
    # A refusal depends on what would have been written.
    return Accesses(reads | writes, writes if has_effect else frozenset())


def _things(kinds: tuple[str, ...], operation: Operation) -> frozenset[Thing]:
    return frozenset(_thing(kind, operation) for kind in kinds)


def _thing(kind: str, operation: Operation) -> Thing:
    names: tuple[str | None, ...] = ()
    if kind in _OF_BASIN:
        names = (operation.basin,)
    elif kind in _OF_STREAM:
        names = (operation.basin, operation.stream)
    return (kind, *(name for name in names if name is not None))


def _overlap(some: frozenset[Thing], others: frozenset[Thing]) -> bool:
    return any(one[: len(other)] == other[: len(one)] for one in some for other in others)
