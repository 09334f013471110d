"""What an operation has read and written, and which operations commute."""

from functools import lru_cache
from typing import Final, NamedTuple

from s2mock.powers.operations import ACCESS, CREATES_STREAM, Access
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
        if self == other:
            return self
        return Accesses(self.reads | other.reads, self.writes | other.writes)

    def conflicts(self, other: "Accesses") -> bool:
        """True if the two do not commute: one has written what the other has read or written."""
        return _conflict(self, other)


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
    more = None
    if creates and operation.name in CREATES_STREAM:
        more = ACCESS["create-stream"]
    return _accesses(
        ACCESS[operation.name], more, operation.basin, operation.stream, has_effect=has_effect
    )


# The runs of a campaign have the same few operations, again and again.
@lru_cache(maxsize=1024)
def _accesses(
    access: Access, more: Access | None, basin: str | None, stream: str | None, *, has_effect: bool
) -> Accesses:
    reads, writes = _things(access.reads, basin, stream), _things(access.writes, basin, stream)
    if more is not None:
        reads |= _things(more.reads, basin, stream)
        writes |= _things(more.writes, basin, stream)
    # A refusal depends on what would have been written.
    return Accesses(reads | writes, writes if has_effect else frozenset())


def _things(kinds: tuple[str, ...], basin: str | None, stream: str | None) -> frozenset[Thing]:
    return frozenset(_thing(kind, basin, stream) for kind in kinds)


def _thing(kind: str, basin: str | None, stream: str | None) -> Thing:
    names: tuple[str | None, ...] = ()
    if kind in _OF_BASIN:
        names = (basin,)
    elif kind in _OF_STREAM:
        names = (basin, stream)
    return (kind, *(name for name in names if name is not None))


@lru_cache(maxsize=4096)
def _conflict(one: Accesses, other: Accesses) -> bool:
    if _USAGE in one.reads or _USAGE in other.reads:
        return True
    return (
        _overlap(one.writes, other.reads)
        or _overlap(one.writes, other.writes)
        or _overlap(one.reads, other.writes)
    )


def _overlap(some: frozenset[Thing], others: frozenset[Thing]) -> bool:
    return any(one[: len(other)] == other[: len(one)] for one in some for other in others)
