"""Compressed bodies: requests inflated with a bound, responses compressed on demand.

Sources: reference: control_plane §1.5, data_plane §7.
"""

import gzip
import io
import zlib
from collections.abc import Callable
from functools import partial

from werkzeug.datastructures import Accept

# Compared as sent: S2 knows these in lower case, one at a time, and nothing else.
REQUEST_CODINGS = ("gzip", "zstd", "identity")
MIN_COMPRESSED_BYTES = 1024


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
        reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(body))
        inflated = reader.read(limit + 1)
        if len(inflated) <= limit:
            # The reader takes a frame cut short for a frame that ended; this one tells.
            inflater = zstandard.ZstdDecompressor().decompressobj()
            inflater.decompress(body)
            if not inflater.eof:
                raise CorruptBody("unexpected end of file")
    except zstandard.ZstdError as error:
        raise CorruptBody(f"Invalid zstd data: {error}") from None
    return inflated


def _zstd(body: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor().compress(body)


_COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": _zstd,
    "gzip": partial(gzip.compress, compresslevel=6, mtime=0),
}


def negotiate(accept: Accept) -> str | None:
    """The coding for a response: `zstd` before `gzip` before `identity`.

    `None` where the client refuses all three.
    """
    offered = {coding.lower(): quality for coding, quality in accept}
    if "x-gzip" in offered:
        offered.setdefault("gzip", offered["x-gzip"])
    wildcard = offered.get("*", 0.0)
    best, best_quality = None, 0.0
    for coding in _COMPRESSORS:
        quality = offered.get(coding, wildcard)
        if quality > best_quality:
            best, best_quality = coding, quality
    if best is None and offered.get("identity", 1.0 if "*" not in offered else wildcard) > 0:
        return "identity"
    return best


def compress(body: bytes, coding: str) -> bytes:
    """`body` in that content coding."""
    return _COMPRESSORS[coding](body)
