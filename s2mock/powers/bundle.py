"""Notes that nobody has looked at yet, many in one.

What is kept of each request is not at hand for the next one, and is looked at by the collector of
garbage: so small bodies are joined, and numbers stand in arrays.
"""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import accumulate, chain, pairwise
from typing import Any

from s2mock.powers.entry import NOTE_PARTS, Entry, head_size, without_long

# Longer ones are kept as they are, since joining copies them.
_MAX_PACKED = 64 * 1024


class Bundle:
    """Notes without their numbers, oldest first: `count` of them, of which `size` bytes count."""

    __slots__ = ("_notes", "count", "size")

    def __init__(self, parts: Sequence[Any]) -> None:
        """`parts` are those of many notes, one note after another."""
        self.count: int = len(parts) // NOTE_PARTS
        self.size: int = sum(parts[NOTE_PARTS - 1 :: NOTE_PARTS])
        self._notes: _Packed | tuple[Any, ...] = tuple(parts)
        if self.count > 1 and self.size <= _MAX_PACKED:
            # An array has no room for times after the year 2262: such notes stay as they are.
            with suppress(OverflowError):
                self._notes = _Packed(parts)

    def entries(self, first: int) -> list[Entry]:
        """The entries that they are, numbered from `first` on."""
        notes = self._notes
        parts = notes.parts() if isinstance(notes, _Packed) else iter(notes)
        # Each note takes as many parts as it has from the same iterator.
        each: Iterator[Any] = zip(*[parts] * NOTE_PARTS, strict=True)
        return [Entry.of(note, number) for number, note in enumerate(each, first)]

    def forget_bodies(self) -> None:
        """Keep no bodies of a single one any longer, and nothing else that is long."""
        assert not isinstance(self._notes, _Packed), "a single one is not packed"
        _, _, form, *rest, _ = self._notes
        if not isinstance(form, Entry) and head_size(form[1], form[2]):
            form = without_long(form)
        self._notes = (None, None, form, *rest, 0)
        self.size = 0


class _Packed:
    """Notes whose numbers stand in arrays, and whose bodies are one."""

    __slots__ = ("_at", "_began", "_bodies", "_ended", "_rest", "_said", "_sizes")

    def __init__(self, parts: Sequence[Any]) -> None:
        bodies, said, *rest = (parts[place::NOTE_PARTS] for place in range(NOTE_PARTS))
        forms, streams, at, effects, began, ended, delivered, sizes = rest
        self._bodies, self._said = _joined(bodies), _joined(said)
        self._rest = (tuple(forms), tuple(streams), tuple(effects), tuple(delivered))
        self._at, self._sizes = array("q", at), array("q", sizes)
        self._began, self._ended = array("d", began), array("d", ended)

    def parts(self) -> Iterator[Any]:
        """The parts of them, one note after another."""
        forms, streams, effects, delivered = self._rest
        numbers = (self._at, effects, self._began, self._ended, delivered, self._sizes)
        columns = (self._bodies, self._said, forms, streams, *numbers)
        return chain.from_iterable(zip(*columns, strict=True))


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
