"""Incremental inflation of the body of an append session.

Source: reference: data_plane §7.
"""

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from s2mock.api.content_coding import frame_size
from s2mock.registry.values.errors import BadFrame

if TYPE_CHECKING:
    from s2mock.api.zstd import ZstdDecompressor

_PIECE_BYTES = 64 * 1024


class Inflater(Protocol):
    """Removes the content coding of a body, piece by piece."""

    has_more: bool
    """True while some of what was fed has not been inflated."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the inflated bytes in pieces of 64 KiB at most, some of them empty.

        Others may have a turn between two pieces. Raises `BadFrame`.
        """

    def finish(self) -> None:
        """The body is complete. Raises `BadFrame` if its coding is not."""


class _IdentityInflater:
    """Passes on what is not compressed."""

    has_more: bool = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """As `Inflater.feed`, in one piece."""
        yield data

    def finish(self) -> None:
        """As `Inflater.finish`."""


class _GzipInflater:
    """Inflates the first member, and ignores what follows it, as the real server does."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self._is_begun = False
        self.has_more: bool = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """As `Inflater.feed`."""
        self._is_begun = True
        member, is_more = self._member, True
        while is_more and not member.eof:
            try:
                piece = member.decompress(data, _PIECE_BYTES)
            except zlib.error as error:
                raise BadFrame(f"Invalid gzip data: {error}") from None
            data = member.unconsumed_tail
            # A full piece may have left some in the decompressor.
            is_more = bool(data) or len(piece) == _PIECE_BYTES
            self.has_more = is_more and not member.eof
            yield piece

    def finish(self) -> None:
        """As `Inflater.finish`."""
        if self._is_begun and not self._member.eof:
            raise BadFrame("unexpected end of file")


class _ZstdInflater:
    """Inflates all frames, one after the other."""

    def __init__(self) -> None:
        self._frame: ZstdDecompressor | None = None
        self.has_more: bool = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """As `Inflater.feed`."""
        from s2mock.api import zstd

        rest = memoryview(data)
        while rest or self._is_full:
            if self._frame is None:
                self._frame = zstd.ZstdDecompressor()
                taken = rest[: frame_size(rest)]
            else:
                taken = rest if self._frame.needs_input else rest[:0]
            try:
                piece = self._frame.decompress(taken, _PIECE_BYTES)
            except zstd.ZstdError as error:
                raise BadFrame(f"Invalid zstd data: {error}") from None
            rest = rest[len(taken) :]
            if self._frame.eof:
                rest = memoryview(self._frame.unused_data) if self._frame.unused_data else rest
                self._frame = None
            self.has_more = bool(rest) or self._is_full
            yield piece

    @property
    def _is_full(self) -> bool:
        """True if the frame has more to give before it takes more."""
        return self._frame is not None and not self._frame.needs_input

    def finish(self) -> None:
        """As `Inflater.finish`."""
        if self._frame is not None:
            raise BadFrame("unexpected end of file")


def inflater(coding: str) -> Inflater:
    """A new inflater for a body in that coding: `gzip`, `zstd`, or else `identity`."""
    if coding == "gzip":
        return _GzipInflater()
    return _ZstdInflater() if coding == "zstd" else _IdentityInflater()
