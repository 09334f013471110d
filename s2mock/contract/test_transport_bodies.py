"""HTTP/1 bodies, byte for byte: where they end, and what ends them too early.

Source: reference: control_plane §1.5, §2.2. Asked of the real server one by one.
"""

from typing import Final

import pytest

from s2mock.contract.client import Client
from s2mock.contract.dialogue import AUTHORIZATION, BASIN, Bare, Fault, Said, Step, talk

OPEN, CLOSED, HALF_CLOSE = Step.OPEN, Step.CLOSED, Step.HALF_CLOSE
POST: Final = (
    b"POST /v1/streams/s/records HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    b"s2-basin: " + BASIN + b"\r\n" + AUTHORIZATION
)
CHUNKED: Final = POST + b"transfer-encoding: chunked\r\n\r\n"
# Sixteen bytes, which is 10 in a chunk's size.
BODY: Final = b'{"records":[{}]}'
CHUNK: Final = b"10\r\n" + BODY + b"\r\n"
CHUNKS: Final = CHUNK + b"0\r\n\r\n"

TAKEN: Final[tuple[Said, ...]] = (200, OPEN)
REFUSED: Final[tuple[Said, ...]] = (Bare(400), CLOSED)
EMPTY: Final = Fault(400, "bad_json", "EOF while parsing a value")
UNREADABLE: Final = "Failed to buffer the request body: error reading a body from connection"
BROKEN: Final[tuple[Said, ...]] = (Fault(400, "bad_json", UNREADABLE), CLOSED)
TOO_LONG: Final = "Failed to buffer the request body: length limit exceeded"


def sized(length: bytes) -> bytes:
    """A request of that length, with its body."""
    return POST + b"content-length:" + length + b"\r\n\r\n" + BODY


def coded(*fields: bytes, body: bytes = CHUNKS) -> bytes:
    """A request with these fields, and a body in chunks."""
    return POST + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


def chunks(body: bytes) -> bytes:
    """A request with this body, which should be in chunks."""
    return CHUNKED + body


LENGTHS: Final[dict[str, tuple[Said, ...]]] = {
    "as it is": (sized(b" 16"), *TAKEN),
    **{f"blank {blank!r}": (sized(blank), *TAKEN) for blank in (b"16", b" 16 ", b"\t16\t")},
    "zeros before": (sized(b"0" * 30 + b"16"), *TAKEN),
    **{
        f"no number {text!r}": (sized(text), *REFUSED)
        for text in (b"", b"+16", b"-1", b"0x10", b"1 6", b"16a", b"16.0", b"\xb2", b"16;x")
    },
    "2^64": (sized(b"18446744073709551616"), *REFUSED),
    "2^64 - 1": (sized(b"18446744073709551615"), Bare(431), CLOSED),
    "2^63 - 1, and no more": (sized(b"9223372036854775807"), HALF_CLOSE, *BROKEN),
    "twice the same": (
        POST + b"content-length: 16\r\ncontent-length: 16\r\n\r\n" + BODY,
        *TAKEN,
    ),
    "twice, each another": (
        POST + b"content-length: 16\r\ncontent-length: 17\r\n\r\n" + BODY,
        *REFUSED,
    ),
    "a list of the same": (sized(b"16, 16"), *REFUSED),
    "a list": (sized(b"16, 17"), *REFUSED),
    "none": (POST + b"\r\n", EMPTY, OPEN),
    "none, and a body": (POST + b"\r\n" + BODY, EMPTY, *REFUSED),
    "0": (POST + b"content-length: 0\r\n\r\n", EMPTY, OPEN),
    "0, and a body": (POST + b"content-length: 0\r\n\r\n" + BODY, EMPTY, *REFUSED),
    "a byte too many": (sized(b"17"), HALF_CLOSE, *BROKEN),
    "no body at all": (POST + b"content-length: 16\r\n\r\n", HALF_CLOSE, *BROKEN),
    "body in bytes": (POST + b"content-length: 16\r\n\r\n", *(bytes([b]) for b in BODY), *TAKEN),
}

CODINGS: Final[dict[str, tuple[Said, ...]]] = {
    **{
        f"coding {name.decode()}": (coded(b"transfer-encoding: " + name), *TAKEN)
        for name in (b"chunked", b"CHUNKED", b"gzip, chunked", b"chunked, chunked", b"\tchunked ")
    },
    "chunked twice": (coded(b"transfer-encoding: chunked", b"transfer-encoding: chunked"), *TAKEN),
    **{
        f"coding {name.decode()}": (coded(b"transfer-encoding: " + name), *REFUSED)
        for name in (b"", b"gzip", b"identity", b"chunked, gzip", b"xchunked", b"chunked;q=1")
    },
    "identity and a length": (
        coded(b"content-length: 16", b"transfer-encoding: identity", body=BODY),
        *REFUSED,
    ),
    # The length does not count, but the connection ends.
    "a length before it": (
        coded(b"content-length: 16", b"transfer-encoding: chunked"),
        200,
        CLOSED,
    ),
    "a length behind it": (
        coded(b"transfer-encoding: chunked", b"content-length: 16"),
        200,
        CLOSED,
    ),
    "no number behind it": (
        coded(b"transfer-encoding: chunked", b"content-length: x"),
        200,
        CLOSED,
    ),
    "no number before it": (coded(b"content-length: x", b"transfer-encoding: chunked"), *REFUSED),
    "HTTP/1.0": (CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + CHUNKS, *REFUSED),
}

SIZES: Final[dict[bytes, tuple[Said, ...]]] = {
    **dict.fromkeys(
        (
            b"10",
            b"0" * 17 + b"10",
            b"10 ",
            b"10\t",
            b"10;a",
            b'10;a=b;c="d"',
            b"10 ;a",
            b"10; \xff",
        ),
        TAKEN,
    ),
    b"10;" + b"a" * 16_000: TAKEN,
    **dict.fromkeys((b"", b"x", b"-1", b"+10", b"0x10", b" 10", b"1 0", b"f" * 17), BROKEN),
    b"10;" + b"a" * 20_000: BROKEN,
}

BODIES: Final[dict[str, tuple[Said, ...]]] = {
    "empty": (chunks(b"0\r\n\r\n"), EMPTY, OPEN),
    "several zeros at the end": (chunks(CHUNK + b"000\r\n\r\n"), *TAKEN),
    "a size in capitals": (chunks(b'1B\r\n{"records":[{}],"x":"1234"}\r\n0\r\n\r\n'), *TAKEN),
    "an extension at the end": (chunks(CHUNK + b"0;x\r\n\r\n"), *TAKEN),
    "trailers": (chunks(CHUNK + b"0\r\na: b\r\nc: d\r\n\r\n"), *TAKEN),
    "a length as a trailer": (chunks(CHUNK + b"0\r\ncontent-length: 5\r\n\r\n"), *TAKEN),
    "many trailers": (chunks(CHUNK + b"0\r\n" + b"a: b\r\n" * 90 + b"\r\n"), *TAKEN),
    "too many trailers": (chunks(CHUNK + b"0\r\n" + b"a: b\r\n" * 101 + b"\r\n"), *BROKEN),
    "too long a trailer": (chunks(CHUNK + b"0\r\na: %b\r\n\r\n" % (b"b" * 20_000)), *BROKEN),
    "a trailer that is none": (chunks(CHUNK + b"0\r\nab\r\n\r\n"), *BROKEN),
    "LF behind a size": (chunks(b"10\n" + BODY + b"\r\n0\r\n\r\n"), *BROKEN),
    "LF behind an extension": (chunks(b"10;a\n" + BODY + b"\r\n0\r\n\r\n"), *BROKEN),
    "CR and no LF": (chunks(b"10\rx" + BODY + b"\r\n0\r\n\r\n"), *BROKEN),
    "LF behind the data": (chunks(b"10\r\n" + BODY + b"\n0\r\n\r\n"), *BROKEN),
    "nothing behind the data": (chunks(b"10\r\n" + BODY + b"0\r\n\r\n"), *BROKEN),
    "LF at the end": (chunks(CHUNK + b"0\n\n"), *BROKEN),
    "more data than its size": (chunks(b"f\r\n" + BODY + b"\r\n0\r\n\r\n"), *BROKEN),
    "less data than its size": (chunks(b"11\r\n" + BODY + b"\r\n0\r\n\r\n"), *BROKEN),
    "no end": (chunks(CHUNK), HALF_CLOSE, *BROKEN),
    "half a chunk": (chunks(b"10\r\n" + BODY[:5]), HALF_CLOSE, *BROKEN),
    "a size of 2^64 - 1": (chunks(b"f" * 16 + b"\r\n" + BODY), HALF_CLOSE, *BROKEN),
    "in bytes": (CHUNKED, *(bytes([byte]) for byte in CHUNKS), *TAKEN),
    "protobuf": (
        CHUNKED.replace(b"json", b"protobuf") + b"x\r\n",
        Fault(400, "bad_proto", UNREADABLE),
        CLOSED,
    ),
    "another body behind it": (chunks(CHUNKS) + chunks(CHUNKS), 200, *TAKEN),
    # A body is read to its end or to the limit, also if its length is too large.
    "promised too long": (
        POST + b"content-length: 3000000\r\n\r\n",
        b" " * 2_200_000,
        Fault(400, "bad_json", TOO_LONG),
        CLOSED,
    ),
    "too long": (
        chunks(b"200001\r\n" + b" " * 0x200001),
        Fault(400, "bad_json", TOO_LONG),
        CLOSED,
    ),
}


@pytest.mark.parametrize("steps", LENGTHS.values(), ids=LENGTHS)
def test_content_length(scratch: Client, steps: tuple[Said, ...]) -> None:
    """A length is digits, and the same each time (§1.5)."""
    talk(scratch, steps)


@pytest.mark.parametrize("steps", CODINGS.values(), ids=CODINGS)
def test_transfer_encoding(scratch: Client, steps: tuple[Said, ...]) -> None:
    """The last coding is `chunked`, which goes before a length (§1.5)."""
    talk(scratch, steps)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: ascii(size)[2:-1][:20])
def test_size_of_a_chunk(scratch: Client, size: bytes) -> None:
    """Hexadecimal digits of 64 bits, and 16 KiB of extensions, which are ignored (§1.5)."""
    talk(scratch, (CHUNKED + size + b"\r\n" + BODY + b"\r\n0\r\n\r\n", *SIZES[size]))


@pytest.mark.sample(3)
@pytest.mark.parametrize("steps", BODIES.values(), ids=BODIES)
def test_body_in_chunks(scratch: Client, steps: tuple[Said, ...]) -> None:
    """A body that breaks off is `bad_json` or `bad_proto`, and the connection ends (§1.5, §2.2)."""
    talk(scratch, steps)


def test_chunks_of_one_byte(scratch: Client) -> None:
    """As many as one likes (§1.5)."""
    start, end = b'{"records":[{"body":"', b'"}]}'
    body = start + b"x" * (80_000 - len(start) - len(end)) + end
    chunked = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    talk(scratch, (CHUNKED + chunked + b"0\r\n\r\n", *TAKEN))
