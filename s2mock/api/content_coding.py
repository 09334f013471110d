"""Compressed bodies: requests inflated with a bound, responses compressed on demand.

Sources: reference: control_plane §1.5, data_plane §7.
"""

import gzip
import io
import re
import zlib
from collections.abc import Callable
from functools import partial

# Compared as sent: S2 knows these in lower case, one at a time, and nothing else.
REQUEST_CODINGS = ("gzip", "zstd", "identity")
MIN_COMPRESSED_BYTES = 1024

_PIECE_BYTES = 4096
_QUALITY = re.compile(r"[qQ]=(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")
_ALIASES = {"x-gzip": "gzip"}


class BodyTooLong(Exception):
    """More bytes than allowed, counted after inflation."""

    def __init__(self) -> None:
        super().__init__("length limit exceeded")


class CorruptBody(Exception):
    """Not what its Content-Encoding says."""


def inflate(body: bytes, coding: str, limit: int) -> bytes:
    """`body` without its content coding, at most `limit` bytes.

    Never holds much more than `limit` bytes. Raises `BodyTooLong`, `CorruptBody`.
    """
    if coding == "gzip" and body:
        body = _gunzip(body, limit)
    elif coding == "zstd" and body:
        body = _unzstd(body, limit)
    if len(body) > limit:
        raise BodyTooLong
    return body


def _gunzip(body: bytes, limit: int) -> bytes:
    # The first member only, and no look at what follows it, as the real server does.
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise CorruptBody(f"Invalid gzip data: {error}") from None
    if len(inflated) <= limit and not inflater.eof:
        raise CorruptBody("unexpected end of file")
    return inflated


def _unzstd(body: bytes, limit: int) -> bytes:
    import zstandard

    try:
        source = io.BytesIO(body)
        reader = zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True)
        inflated = reader.read(limit + 1)
        # The reader takes a frame cut short for a frame that ended.
        if len(inflated) <= limit and not _ends_with_a_frame(body):
            raise CorruptBody("unexpected end of file")
    except zstandard.ZstdError as error:
        raise CorruptBody(f"Invalid zstd data: {error}") from None
    return inflated


def _ends_with_a_frame(body: bytes) -> bool:
    """Whether the last zstd frame is complete, of a body that is known not to inflate to much."""
    import zstandard

    decompressor = zstandard.ZstdDecompressor()
    position, frame = 0, None
    while position < len(body):
        frame = frame or decompressor.decompressobj()
        # In pieces, since what is behind the end of a frame is copied.
        piece = body[position : position + _PIECE_BYTES]
        frame.decompress(piece)
        position += len(piece)
        if frame.eof:
            position -= len(frame.unused_data)
            frame = None
    return frame is None


def _zstd(body: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor().compress(body)


_COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": _zstd,
    "gzip": partial(gzip.compress, compresslevel=6, mtime=0),
}


def negotiate(accept_encoding: str) -> str | None:
    """The coding for a response; of equally welcome ones `zstd` before `gzip` before `identity`.

    `None` where the client refuses all three. What the header says in a wrong way, it does not say.
    """
    offered: dict[str, float] = {}
    for offer in accept_encoding.split(",") if accept_encoding.isascii() else ():
        name, has_quality, quality = offer.partition(";")
        if has_quality and not _QUALITY.fullmatch(quality.strip()):
            continue
        coding = _ALIASES.get(name.strip().lower(), name.strip().lower())
        value = float(quality.strip()[2:]) if has_quality else 1.0
        offered[coding] = max(value, offered.get(coding, 0.0))
    wildcard = offered.get("*", 0.0)
    best = "identity" if offered.get("identity", wildcard if "*" in offered else 1.0) > 0 else None
    best_quality = offered.get("identity", 0.0)
    for coding in ("gzip", "zstd"):
        quality_of_coding = offered.get(coding, wildcard)
        if quality_of_coding > 0 and quality_of_coding >= best_quality:
            best, best_quality = coding, quality_of_coding
    return best


def compress(body: bytes, coding: str) -> bytes:
    """`body` in that content coding."""
    return _COMPRESSORS[coding](body)
