"""The codec of S2S frames: a length of 3 bytes, a flag byte, a payload.

Source: reference: data_plane §6.2 and §6.6.
"""

import json
from collections.abc import Iterator
from typing import Final, NamedTuple

from s2mock.api.content_coding import BodyTooLong, CorruptBody, compress, inflate
from s2mock.registry.values.errors import BadFrame, S2Error

MAX_FRAME_BYTES: Final = 2 * 1024 * 1024
MIN_COMPRESSED_BYTES: Final = 1024

_LENGTH_BYTES = 3
_TERMINAL = 0x80
_RECONNECT = 0x10
_COMPRESSION = 0x60
_CODINGS = {0x00: None, 0x20: "zstd", 0x40: "gzip"}
_FLAGS = {coding: flag for flag, coding in _CODINGS.items()}


class Frame(NamedTuple):
    """A decoded frame, with its payload inflated."""

    payload: bytes
    terminal: bool = False


def encode_frame(
    payload: bytes, coding: str | None = None, *, advises_reconnect: bool = False
) -> bytes:
    """Return a regular frame, compressed if there is a coding and the payload is large enough.

    A server that is draining sets `advises_reconnect`.
    """
    flag = 0
    if coding is not None and len(payload) >= MIN_COMPRESSED_BYTES:
        flag, payload = _FLAGS[coding], compress(payload, coding)
    return _frame(flag | _RECONNECT if advises_reconnect else flag, payload)


def encode_terminal(error: S2Error) -> bytes:
    """Return the terminal frame that ends a session with an error."""
    body = json.dumps(error.body(), ensure_ascii=False, separators=(",", ":"))
    return _frame(_TERMINAL, error.status.to_bytes(2, "big") + body.encode())


def _frame(flag: int, payload: bytes) -> bytes:
    return (len(payload) + 1).to_bytes(_LENGTH_BYTES, "big") + bytes([flag]) + payload


class FrameSplitter:
    """A splitter that is fed with bytes, and yields each complete frame as it was sent."""

    def __init__(self) -> None:
        self.rest: bytearray = bytearray()
        """The bytes behind the last frame that was yielded."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the frames that are complete after `data`. Raises `BadFrame`."""
        rest = self.rest
        rest += data
        while (end := _frame_end(rest)) is not None:
            frame = bytes(memoryview(rest)[:end])
            del rest[:end]
            yield frame

    @property
    def has_frame(self) -> bool:
        """True if a complete frame was fed and not yet yielded."""
        return _has_frame(self.rest)


def decode_frame(frame: bytes) -> Frame:
    """Return what a whole frame carries. Raises `BadFrame`."""
    return _decode(frame[_LENGTH_BYTES], frame[_LENGTH_BYTES + 1 :])


def advise_reconnect(frame: bytes) -> bytes:
    """Return a whole frame with the advice to reconnect."""
    flag = frame[_LENGTH_BYTES] | _RECONNECT
    return frame[:_LENGTH_BYTES] + bytes([flag]) + frame[_LENGTH_BYTES + 1 :]


class FrameDecoder:
    """A decoder that is fed with bytes, and yields the frames that are complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that are complete after `data`. Raises `BadFrame`."""
        buffer = self._buffer
        buffer += data
        while (end := _frame_end(buffer)) is not None:
            flag, payload = (
                buffer[_LENGTH_BYTES],
                bytes(memoryview(buffer)[_LENGTH_BYTES + 1 : end]),
            )
            del buffer[:end]
            yield _decode(flag, payload)

    @property
    def has_frame(self) -> bool:
        """True if a complete frame was fed and not yet yielded."""
        return _has_frame(self._buffer)

    def finish(self) -> None:
        """Check that the bytes do not end within a frame. Raises `BadFrame`."""
        if self._buffer:
            raise BadFrame("bytes remaining on stream")


def _frame_end(buffer: bytearray) -> int | None:
    """Return where the first frame ends, None if it is incomplete. Raises `BadFrame`."""
    if len(buffer) < _LENGTH_BYTES:
        return None
    length = int.from_bytes(buffer[:_LENGTH_BYTES], "big")
    if length > MAX_FRAME_BYTES:
        raise BadFrame("frame exceeds decode limit")
    if length == 0:
        raise BadFrame("empty frame payload")
    end = _LENGTH_BYTES + length
    return end if len(buffer) >= end else None


def _has_frame(buffer: bytearray) -> bool:
    """True if the first frame is complete, also one that is too short or too long."""
    length = int.from_bytes(buffer[:_LENGTH_BYTES], "big")
    return len(buffer) >= _LENGTH_BYTES and len(buffer) >= _LENGTH_BYTES + length


def _decode(flag: int, payload: bytes) -> Frame:
    if flag & _TERMINAL:
        if len(payload) < 2:  # the status code
            raise BadFrame("terminal message missing status code")
        try:
            payload[2:].decode()
        except UnicodeDecodeError:
            raise BadFrame("invalid utf-8") from None
        return Frame(payload, terminal=True)
    if flag & _COMPRESSION not in _CODINGS:
        raise BadFrame("unknown compression algorithm")
    coding = _CODINGS[flag & _COMPRESSION]
    if coding is not None:
        if not payload:
            # An empty payload is valid without compression, but it is no compressed data.
            raise BadFrame("unexpected end of file")
        try:
            payload = inflate(payload, coding, MAX_FRAME_BYTES - 1)
        except BodyTooLong:
            raise BadFrame("decompressed payload exceeds limit") from None
        except CorruptBody as error:
            raise BadFrame(str(error)) from None
    return Frame(payload)
