"""Notes that nobody has looked at yet, many in one.

What is kept of each request is not at hand for the next one, and is looked at by the collector of
garbage: so small bodies are joined, and numbers stand in arrays.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

from s2mock.powers.entry import NOTE_PARTS, Entry, Note

# Longer ones are kept as they are, since joining copies them.
_MAX_JOINED = 64 * 1024


class Bundle:
    """Notes without their numbers, oldest first; `size` is how many bytes of bodies they keep."""

    __slots__ = ("_at", "_began", "_bodies", "_ended", "_rest", "_said", "_sizes", "size")

    def __init__(self, parts: Sequence[Any]) -> None:
        """`parts` are those of many notes, one note after another."""
        bodies, said, *rest = (parts[place::NOTE_PARTS] for place in range(NOTE_PARTS))
        forms, streams, at, effects, began, ended, delivered, sizes = rest
        self.size: int = sum(sizes)
        is_small = len(sizes) > 1 and self.size <= _MAX_JOINED
        self._bodies = _joined(bodies) if is_small else tuple(bodies)
        self._said = _joined(said) if is_small else tuple(said)
        self._rest = (tuple(forms), tuple(streams), tuple(effects), tuple(delivered))
        self._at, self._sizes = array("q", at), array("q", sizes)
        self._began, self._ended = array("d", began), array("d", ended)

    def __len__(self) -> int:
        return len(self._sizes)

    def entries(self, first: int) -> list[Entry]:
        """The entries that they are, numbered from `first` on."""
        return [Entry.of(note, number) for number, note in enumerate(self._notes(), first)]

    def _notes(self) -> Iterator[Note]:
        forms, streams, effects, delivered = self._rest
        return zip(
            self._bodies,
            self._said,
            forms,
            streams,
            self._at,
            effects,
            self._began,
            self._ended,
            delivered,
            self._sizes,
            strict=True,
        )


class _Joined:
    """Many texts as one."""

    __slots__ = ("_lengths", "_whole")

    def __init__(self, whole: bytes, lengths: "array[int]") -> None:
        self._whole = whole
        self._lengths = lengths

    def __iter__(self) -> Iterator[bytes]:
        for start, end in pairwise(accumulate(self._lengths, initial=0)):
            yield self._whole[start:end]


def _joined(texts: Sequence[Any]) -> "_Joined | tuple[Any, ...]":
    try:
        return _Joined(b"".join(texts), array("q", map(len, texts)))
    except TypeError:
        # A batch of a session is no text: the log has its records anyway.
        return tuple(texts)
