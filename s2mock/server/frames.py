"""The frames of HTTP/2 (RFC 9113 §4, §6) as bytes, and the codes in them."""

from typing import Final

DATA: Final = 0x0
HEADERS: Final = 0x1
PRIORITY: Final = 0x2
RST_STREAM: Final = 0x3
SETTINGS: Final = 0x4
PUSH_PROMISE: Final = 0x5
PING: Final = 0x6
GOAWAY: Final = 0x7
WINDOW_UPDATE: Final = 0x8
CONTINUATION: Final = 0x9

ACK: Final = 0x1
END_STREAM: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
WITH_PRIORITY: Final = 0x20

NO_ERROR: Final = 0x0
PROTOCOL_ERROR: Final = 0x1
INTERNAL_ERROR: Final = 0x2
FLOW_CONTROL_ERROR: Final = 0x3
STREAM_CLOSED: Final = 0x5
FRAME_SIZE_ERROR: Final = 0x6
REFUSED_STREAM: Final = 0x7
CANCEL: Final = 0x8
COMPRESSION_ERROR: Final = 0x9
ENHANCE_YOUR_CALM: Final = 0xB
INADEQUATE_SECURITY: Final = 0xC

ENABLE_PUSH: Final = 0x2
MAX_CONCURRENT_STREAMS: Final = 0x3
INITIAL_WINDOW_SIZE: Final = 0x4
MAX_FRAME_SIZE: Final = 0x5
MAX_HEADER_LIST_SIZE: Final = 0x6

HEAD_BYTES: Final = 9
DEFAULT_WINDOW: Final = 65_535
MAX_WINDOW: Final = 2**31 - 1
DEFAULT_FRAME_BYTES: Final = 16_384


def frame_head(kind: int, flags: int, stream: int, length: int) -> bytes:
    """Return the nine bytes before a frame's payload."""
    return (length << 48 | kind << 40 | flags << 32 | stream).to_bytes(HEAD_BYTES, "big")


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a whole frame as bytes."""
    return frame_head(kind, flags, stream, len(payload)) + payload


def rst_stream(stream: int, code: int) -> bytes:
    """Return a frame that resets a stream."""
    return frame(RST_STREAM, 0, stream, code.to_bytes(4, "big"))


def goaway(last_stream: int, code: int, reason: bytes = b"") -> bytes:
    """Return a frame that ends the connection; streams above `last_stream` were not begun."""
    return frame(GOAWAY, 0, 0, last_stream.to_bytes(4, "big") + code.to_bytes(4, "big") + reason)


def window_update(stream: int, increment: int) -> bytes:
    """Return a frame that widens the window of a stream, or of the connection (stream 0)."""
    return frame(WINDOW_UPDATE, 0, stream, increment.to_bytes(4, "big"))


def settings(values: dict[int, int]) -> bytes:
    """Return a frame that announces our settings."""
    pairs = [key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in values.items()]
    return frame(SETTINGS, 0, 0, b"".join(pairs))


def header_frames(
    block: bytes, stream: int, flags: int, max_bytes: int = DEFAULT_FRAME_BYTES
) -> bytes:
    """Return a header block as a HEADERS frame and CONTINUATION frames."""
    if len(block) <= max_bytes:
        return frame(HEADERS, flags | END_HEADERS, stream, block)
    parts = [block[start : start + max_bytes] for start in range(0, len(block), max_bytes)]
    frames = [frame(HEADERS, flags, stream, parts[0])]
    frames += [frame(CONTINUATION, 0, stream, part) for part in parts[1:-1]]
    frames.append(frame(CONTINUATION, END_HEADERS, stream, parts[-1]))
    return b"".join(frames)


class FrameError(Exception):
    """A fault of the client. `code` ends the stream, or the connection if `stream` is None."""

    def __init__(self, code: int, stream: int | None = None, reason: bytes = b"") -> None:
        super().__init__(code, stream, reason)
        self.code = code
        self.stream = stream
        self.reason = reason


def without_padding(payload: bytes, flags: int) -> bytes:
    """Return the payload of a frame without its padding. Raises `FrameError`."""
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise FrameError(PROTOCOL_ERROR)
    return payload[1 : len(payload) - payload[0]]
