"""The body of an HTTP/1 request, taken out of the bytes of its connection.

It is decoded only on demand, and then all of it that has arrived in one piece: a thousand chunks
of one byte cost one call.
"""

import re
from typing import Protocol

from s2mock.server.head import MAX_HEADERS

# Limits of the reference server on all but the data: extensions of all chunks together, trailers.
_MAX_EXTENSIONS_BYTES = 16 * 1024
_MAX_TRAILERS_BYTES = 16 * 1024
_MAX_SIZE_DIGITS = 16

# Up to this size, an unread body is skipped, so that the connection can serve the next request.
_MAX_DRAINED_BYTES = 32 * 1024
_MAX_DRAINED_CHUNK_BYTES = 16 * 1024

_SIZE_LINE = re.compile(rb"([0-9a-fA-F]+)[ \t]*(;[^\r\n]*)?\r\n")
# Compiled on first use, as few bodies need it.
_PART_OF_SIZE_LINE = rb"(?:[0-9a-fA-F]+[ \t]*(?:;[^\r\n]*)?\r?)?"
_TRAILER_LINES = re.compile(
    rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[^\x00-\x08\x0a-\x1f\x7f]*+\r?\n)*+"
)


class BodyFaultError(Exception):
    """The body breaks the rules of its coding: nothing that follows can be read."""


class Body(Protocol):
    """The part of a request body that has not been taken yet."""

    is_complete: bool

    def take(self, buffer: bytearray) -> bytes:
        """Take the data in the buffer out of it and return it; empty if there is none yet.

        Raises `BodyFaultError`, once all data before the fault has been taken.
        """

    def drain(self, buffer: bytearray) -> None:
        """Skip the rest if it is small and all of it is in the buffer.

        The reference server does so with a body that its handler has not read.
        """


class LengthBody:
    """A body of announced length; a missing body has length 0."""

    __slots__ = ("_left", "is_complete")

    def __init__(self, length: int) -> None:
        self._left = length
        self.is_complete: bool = not length

    def take(self, buffer: bytearray) -> bytes:
        """Implement `Body.take` for this coding."""
        data = bytes(memoryview(buffer)[: self._left])
        del buffer[: len(data)]
        self._left -= len(data)
        self.is_complete = not self._left
        return data

    def drain(self, buffer: bytearray) -> None:
        """Implement `Body.drain` for this coding."""
        if self._left <= min(len(buffer), _MAX_DRAINED_BYTES):
            self.take(buffer)


class ChunkedBody:
    """A body in chunks; trailers behind them are skipped."""

    __slots__ = ("_chunks", "_extensions", "_fault", "_is_in_trailers", "_left", "is_complete")

    def __init__(self) -> None:
        self.is_complete: bool = False
        # Bytes until the next line with a size: of the chunk and the line end behind it.
        self._left = 0
        self._is_in_trailers = False
        self._extensions = 0
        self._chunks = 0
        self._fault = False

    def take(self, buffer: bytearray) -> bytes:
        """Implement `Body.take` for this coding."""
        if self._fault:
            raise BodyFaultError
        parts: list[bytes] = []
        position = 0
        try:
            while not self.is_complete:
                step = self._step(buffer, position, parts)
                if not step:
                    break
                position += step
        except BodyFaultError:
            self._fault = True
            if not parts:
                raise
        del buffer[:position]
        return b"".join(parts)

    def drain(self, buffer: bytearray) -> None:
        """Implement `Body.drain` for this coding."""
        if len(buffer) <= _MAX_DRAINED_CHUNK_BYTES + _MAX_TRAILERS_BYTES and not self._fault:
            before = self._chunks
            rest = bytearray(buffer)
            try:
                data = self.take(rest)
            except BodyFaultError:
                return
            if len(data) > _MAX_DRAINED_CHUNK_BYTES or self._chunks - before > 1:
                self.is_complete = False
            buffer[:] = rest

    def _step(self, buffer: bytearray, position: int, parts: list[bytes]) -> int:
        """Take the next piece; return its bytes in the buffer, 0 if it is not complete."""
        if self._left > 2:
            data = bytes(memoryview(buffer)[position : position + self._left - 2])
            if data:
                parts.append(data)
                self._left -= len(data)
            return len(data)
        if self._left:
            return self._take_line_end(buffer, position)
        if self._is_in_trailers:
            return self._take_trailers(buffer, position)
        return self._take_size(buffer, position)

    def _take_line_end(self, buffer: bytearray, position: int) -> int:
        end = buffer[position : position + 2]
        if not b"\r\n".startswith(end):
            raise BodyFaultError
        if len(end) < 2:
            return 0
        self._left = 0
        return 2

    def _take_size(self, buffer: bytearray, position: int) -> int:
        line = _SIZE_LINE.match(buffer, position)
        if line is None:
            part = buffer[position : position + 2 * _MAX_EXTENSIONS_BYTES]
            if (
                re.fullmatch(_PART_OF_SIZE_LINE, part) is None
                or len(part) + self._extensions > _MAX_EXTENSIONS_BYTES + _MAX_SIZE_DIGITS
            ):
                raise BodyFaultError
            return 0
        digits, extension = line.groups()
        self._extensions += len(extension or b"")
        if len(digits.lstrip(b"0")) > _MAX_SIZE_DIGITS or self._extensions > _MAX_EXTENSIONS_BYTES:
            raise BodyFaultError
        size = int(digits, 16)
        if size:
            self._left = size + 2
            self._chunks += 1
        else:
            self._is_in_trailers = True
        return line.end() - position

    def _take_trailers(self, buffer: bytearray, position: int) -> int:
        if buffer.startswith(b"\r\n", position):
            self.is_complete = True
            return 2
        end = buffer.find(b"\r\n\r\n", position)
        if (end if end >= 0 else len(buffer)) - position > _MAX_TRAILERS_BYTES:
            raise BodyFaultError
        if end < 0:
            return 0
        lines = buffer[position : end + 2]
        if _TRAILER_LINES.fullmatch(lines) is None or lines.count(b"\n") > MAX_HEADERS:
            raise BodyFaultError
        self.is_complete = True
        return end + 4 - position
