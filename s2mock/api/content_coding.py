"""Compressed bodies: requests inflated with a bound, responses compressed on demand.

Sources: reference: control_plane §1.5, data_plane §7.
"""

import gzip
import re
import zlib
from collections.abc import Callable, Generator
from functools import partial

# Compared as sent: S2 knows these in lower case, one at a time, and nothing else.
REQUEST_CODINGS = ("gzip", "zstd", "identity")
MIN_COMPRESSED_BYTES = 1024
# Longer bodies, in bytes without coding, are neither decoded nor compressed on the server's loop,
# where other requests wait: the worst that was found, a protobuf batch of records of unknown
# fields, takes a microsecond for each byte, so 0.07 seconds at this length; a batch of plain
# records takes 0.2 milliseconds.
HEAVY_BODY_BYTES = 64 * 1024

# Others may have a turn after this number of new zstd frames, or 16 times as many known ones:
# either takes 5 milliseconds.
_FRAMES_PER_SLICE = 256
_PRICE_OF_NEW = 16
_SMALL_FRAME_BYTES = 32
_MAX_KNOWN_FRAMES = 64

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
        work = _unzstd(body, limit)
        while True:
            try:
                next(work)
            except StopIteration as done:
                body = done.value
                break
    if len(body) > limit:
        raise BodyTooLong
    return body


def inflating(body: bytes, coding: str, limit: int) -> Generator[None, None, bytes]:
    """As `inflate`, but yield every few milliseconds, so that others may have a turn."""
    if coding != "zstd" or not body:
        return inflate(body, coding, limit)
    body = yield from _unzstd(body, limit)
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


def _unzstd(body: bytes, limit: int) -> Generator[None, None, bytes]:
    from s2mock.api import zstd

    inflated, rest = bytearray(), memoryview(body)
    # What takes long is a decompressor for each frame. Small ones are often the same.
    known: dict[bytes, bytes] = {}
    price = 0
    try:
        while rest and len(inflated) <= limit:
            size = frame_size(rest)
            sent = bytes(rest[:size]) if size <= _SMALL_FRAME_BYTES else rest[:size]
            data = known.get(sent) if isinstance(sent, bytes) else None
            price += 1
            if data is None:
                price += _PRICE_OF_NEW - 1
                frame = zstd.ZstdDecompressor()
                data = frame.decompress(sent, limit + 1 - len(inflated))
                if len(inflated) + len(data) <= limit and not frame.eof:
                    raise CorruptBody("unexpected end of file")
                if isinstance(sent, bytes) and len(known) < _MAX_KNOWN_FRAMES:
                    known[sent] = data
            inflated += data
            rest = rest[size:]
            if price >= _FRAMES_PER_SLICE * _PRICE_OF_NEW:
                price = 0
                yield
    except zstd.ZstdError as error:
        raise CorruptBody(f"Invalid zstd data: {error}") from None
    return bytes(inflated)


def frame_size(body: memoryview) -> int:
    """The length of the first frame, or of everything where it has no end.

    Asked for, since a decompressor that is given more than its frame copies what is behind it.
    """
    from s2mock.api import zstd

    try:
        return zstd.get_frame_size(body)
    except zstd.ZstdError:
        return len(body)


def _zstd(body: bytes) -> bytes:
    from s2mock.api import zstd

    return zstd.compress(body)


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
