"""Decoding of a long JSON text in pieces, between which other threads can run.

The library decodes a text in one call, during which no other thread runs: for two megabytes of
empty arrays that takes a quarter of a second. Here it decodes one small value at a time, and a
larger value is decoded part by part. The results and the errors are the same.
"""

import re
from collections.abc import Callable, Generator
from json import JSONDecodeError, JSONDecoder
from json.decoder import scanstring  # type: ignore[attr-defined]  # the stubs do not know it
from typing import Any, Final, NoReturn

# How much of an array or object the library gets at once, in characters: the most takes it a few
# milliseconds. The window shrinks after a value that was longer, which the library read in vain.
_LEAST_WINDOW: Final = 4 * 1024
_MOST_WINDOW: Final = 64 * 1024
# How many characters are read between two yields.
_SLICE: Final = 128 * 1024

_BLANKS: Final = re.compile(r"[ \t\n\r]*")
_SEPARATOR: Final = re.compile(r"[ \t\n\r]*([],])[ \t\n\r]*")

# A value, and the position behind it.
_Found = tuple[Any, int]


def decode_in_pieces(text: str, decoder: JSONDecoder) -> Generator[None, None, Any]:
    """Decode the text as `decoder.decode(text)` does, and yield about every 128 Ki characters.

    The decoder has an `object_pairs_hook`, and the default of `strict`. Raises
    `json.JSONDecodeError`, `RecursionError`, and what the hooks of the decoder raise.
    """
    return (yield from _Pieces(text, decoder).document())


class _Pieces:
    def __init__(self, text: str, decoder: JSONDecoder) -> None:
        self._text = text
        self._decoder = decoder
        self._scan: Callable[[str, int], _Found] = decoder.scan_once  # type: ignore[attr-defined]
        self._slice_ends = _SLICE
        self._window = _LEAST_WINDOW

    def document(self) -> Generator[None, None, Any]:
        text = self._text
        at = self._skip(0)
        value, end = self._small(at) or (yield from self._parts(at))
        end = self._skip(end)
        if end != len(text):
            raise JSONDecodeError("Extra data", text, end)
        return value

    def _skip(self, at: int) -> int:
        """Return the position behind the blanks at a position."""
        return _BLANKS.match(self._text, at).end()  # type: ignore[union-attr]  # it always matches

    def _small(self, at: int) -> _Found | None:
        """Return the value at a position, or None if it must be read part by part."""
        text = self._text
        if text[at : at + 1] not in ("[", "{"):
            try:
                return self._scan(text, at)
            except StopIteration as stop:
                raise JSONDecodeError("Expecting value", text, stop.value) from None
        try:
            value, size = self._scan(text[at : at + self._window], 0)
        except (JSONDecodeError, StopIteration):
            # Longer than the window, or malformed: reading its parts shows which.
            self._window = max(self._window // 2, _LEAST_WINDOW)
            return None
        return value, at + size

    # One generator for each nested value that is not small, as the library has one call for each.

    def _parts(self, at: int) -> Generator[None, None, _Found]:
        """Return the array or object at a position, read part by part."""
        return self._array(at) if self._text[at] == "[" else self._object(at)

    def _array(self, at: int) -> Generator[None, None, _Found]:
        text = self._text
        items: list[Any] = []
        end = self._skip(at + 1)
        if text[end : end + 1] == "]":
            return items, end + 1
        while True:
            start = end
            last, end, is_complete = self._run(items, end)
            if is_complete:
                return items, end
            if last and text[end : end + 1] == "]":
                self._refuse('[""', last)
            value, last = self._small(end) or (yield from self._parts(end))
            items.append(value)
            end = self._skip(last)
            if text[end : end + 1] == "]":
                return items, end + 1
            if last - start > self._window // 2:
                self._window = min(self._window * 4, _MOST_WINDOW)
            end = self._next('[""', last, end)
            if text[end : end + 1] == "]":
                self._refuse('[""', last)
            if self._is_due(end):
                yield

    def _object(self, at: int) -> Generator[None, None, _Found]:
        text, make = self._text, self._decoder.object_pairs_hook
        pairs: list[tuple[str, Any]] = []
        end = self._skip(at + 1)
        if text[end : end + 1] == "}":
            return make(pairs), end + 1
        if text[end : end + 1] != '"':
            self._refuse("{", at + 1)
        while True:
            start = end
            name, end = scanstring(text, start + 1, True)
            end = self._skip(end)
            if text[end : end + 1] != ":":
                self._refuse("{", start)
            end = self._skip(end + 1)
            value, last = self._small(end) or (yield from self._parts(end))
            pairs.append((name, value))
            end = self._skip(last)
            if text[end : end + 1] == "}":
                return make(pairs), end + 1
            end = self._next('{"":""', last, end)
            if text[end : end + 1] != '"':
                self._refuse('{"":""', last)
            if self._is_due(end):
                yield

    def _next(self, before: str, last: int, end: int) -> int:
        """Return the position of the next part; the part before it ended at `last`."""
        if self._text[end : end + 1] != ",":
            self._refuse(before, last)
        return self._skip(end + 1)

    def _is_due(self, at: int) -> bool:
        """True if the slice that ends at a position is long enough for a yield."""
        if at < self._slice_ends:
            return False
        self._slice_ends = at + _SLICE
        return True

    def _run(self, items: list[Any], start: int) -> tuple[int | None, int, bool]:
        """Read the items of an array that lie within one window, and append them to `items`.

        Return the end of the last one, the position of the next, and True if there is no next.
        """
        scan, window = self._scan, self._text[start : start + self._window]
        # First try all items up to a possible end of one. If that end lies within an item or a
        # string, the bracket that is added here does not close the list.
        cut = max(window.rfind("},"), window.rfind("],")) + 1
        if cut:
            try:
                some, size = scan(f"[{window[:cut]}]", 0)
            except (JSONDecodeError, StopIteration):
                pass
            else:
                items += some
                if size < cut + 2:
                    return None, start + size - 1, True
                return start + cut, self._skip(start + cut + 1), False
        last, at = None, 0
        while True:
            try:
                value, end = scan(window, at)
            except (JSONDecodeError, StopIteration):
                break
            # Complete only if a separator follows: the window may end within a number.
            separator = _SEPARATOR.match(window, end)
            if separator is None:
                break
            items.append(value)
            if separator[1] == "]":
                return None, start + separator.end(1), True
            last, at = start + end, separator.end()
        return last, self._skip(start + at) if at else start, False

    def _refuse(self, before: str, at: int) -> NoReturn:
        """Raise the error of the library for the text from a position on, preceded by `before`."""
        try:
            self._decoder.decode(before + self._text[at:])
        except JSONDecodeError as error:
            place = at + error.pos - len(before)
            raise JSONDecodeError(error.msg, self._text, place) from None
        raise AssertionError("the library finds no fault")
