"""HTTP/2 frame by frame: which fault ends a stream, and which one the connection.

Source: reference: control_plane §1.5, and RFC 9113 where that leaves a choice. Asked of the real
server one by one.
"""

from typing import Final

import pytest

from s2mock.contract import http2
from s2mock.contract.client import Client
from s2mock.contract.http2 import Answered, Code, frame, header_list
from s2mock.contract.http2_requests import (
    BODY,
    END,
    GET,
    GONE,
    MALFORMED,
    MORE,
    OK,
    POST,
    PSEUDO,
    ROUTE,
    Expected,
    Fields,
    changed,
    check,
    data,
    headers,
    reset,
    setting,
    twice,
    window,
    without,
)

PSEUDO_FIELDS: Final[dict[str, tuple[bytes, Expected]]] = {
    "as it should be": (headers(GET), OK),
    **{
        f"no {name.decode()}": (without(name), MALFORMED)
        for name in (b":method", b":scheme", b":path")
    },
    "no :authority": (without(b":authority"), OK),
    **{f"{name.decode()} twice": (twice(name), MALFORMED) for name, _ in PSEUDO},
    "behind a field": (headers((*GET[:3], (b"x", b"y"), *GET[3:])), MALFORMED),
    "unknown": (headers((*GET, (b":foo", b"x"))), GONE),
    "of a response": (headers((*GET, (b":status", b"200"))), MALFORMED),
    **{
        f"of a response, {value!r}": (headers((*GET, (b":status", value))), GONE)
        for value in (b"", b"99", b"1000", b"abc", b"20\x7f")
    },
    ":protocol has a line end": (headers((*GET, (b":protocol", b"a\n"))), MALFORMED),
    ":protocol": (headers((*GET, (b":protocol", b"websocket"))), MALFORMED),
    "none": (frame(http2.HEADERS, END, 1), MALFORMED),
    ":path is empty": (changed(b":path", b""), MALFORMED),
    ":path is relative": (changed(b":path", b"v1"), MALFORMED),
    ":path is absolute": (changed(b":path", b"http://x/v1"), MALFORMED),
    ":path has a blank": (changed(b":path", b"/v1/a b"), MALFORMED),
    ":path is no UTF-8": (changed(b":path", b"/v1/\xff"), GONE),
    ":path is UTF-8": (changed(b":path", b"/v1/\xc3\xa9"), Answered(404)),
    **{
        f"{name.decode()} has {byte!r}": (changed(name, value + byte), MALFORMED)
        for byte in (b"\0", b"\x01", b"\t", b"\n", b"\r", b"\x1f", b" ", b"\x7f")
        for name, value in ((b":path", b"/v1/a"), (b":scheme", b"http"), (b":authority", b"x"))
    },
    ":path is *": (changed(b":path", b"*"), Answered(404)),
    ":scheme is https": (changed(b":scheme", b"https"), OK),
    ":scheme is any": (changed(b":scheme", b"foo"), OK),
    ":scheme is none": (changed(b":scheme", b"a b"), MALFORMED),
    ":method in lower case": (changed(b":method", b"get"), Answered(405)),
    ":method has a blank": (changed(b":method", b"G T"), GONE),
    ":method is empty": (changed(b":method", b""), GONE),
    ":authority has a blank": (changed(b":authority", b"a b"), MALFORMED),
    ":authority is empty": (changed(b":authority", b""), MALFORMED),
    ":authority has a user": (changed(b":authority", b"u@x"), OK),
    "CONNECT": (headers(((b":method", b"CONNECT"), (b":authority", b"x:80"))), Answered(404)),
    "CONNECT with a path": (changed(b":method", b"CONNECT"), MALFORMED),
}

FIELDS: Final[dict[tuple[bytes, bytes], Expected]] = {
    **dict.fromkeys(
        (
            *((b"connection", b"close"), (b"keep-alive", b"x"), (b"proxy-connection", b"x")),
            *((b"transfer-encoding", b"chunked"), (b"upgrade", b"x"), (b"te", b"gzip")),
            *((b"content-length", b"5"), (b"content-length", b"x")),
        ),
        MALFORMED,
    ),
    **dict.fromkeys(
        (
            *((b"Upper", b"x"), (b"", b"x"), (b"a b", b"x"), (b"x\xc3\xa9", b"x"), (b"x:y", b"z")),
            *((b"x(", b"z"), (b"x", b"a\0b"), (b"x", b"a\nb"), (b"x", b"a\rb"), (b"x", b"\x01")),
            (b"x", b"\x7f"),
        ),
        GONE,
    ),
    **dict.fromkeys(
        (
            *((b"te", b"trailers"), (b"host", b"other"), (b"x", b" a "), (b"x", b"\xff")),
            *((b"x", b""), (b"x_a", b"y"), (b"expect", b"100-continue"), (b"cookie", b"a")),
            *((b"content-length", b"0"), (b"content-length", b""), (b"http2-settings", b"AA")),
        ),
        OK,
    ),
}

_LENGTH: Final = b"content-length"
BODIES: Final[dict[str, tuple[bytes, Expected]]] = {
    "one frame": (headers(POST, MORE) + data(BODY, 1), OK),
    "several": (headers(POST, MORE) + data(BODY[:5]) + data(BODY[5:]) + data(b"", 1), OK),
    "a length": (headers((*POST, (_LENGTH, b"16")), MORE) + data(BODY, 1), OK),
    "a length twice": (headers((*POST, *[(_LENGTH, b"16")] * 2), MORE) + data(BODY, 1), OK),
    "two lengths": (
        headers((*POST, (_LENGTH, b"16"), (_LENGTH, b"17")), MORE) + data(BODY, 1),
        MALFORMED,
    ),
    "too short a length": (headers((*POST, (_LENGTH, b"15")), MORE) + data(BODY, 1), MALFORMED),
    "too long a length": (headers((*POST, (_LENGTH, b"17")), MORE) + data(BODY, 1), MALFORMED),
    "an empty length": (headers((*POST, (_LENGTH, b"")), MORE) + data(BODY, 1), MALFORMED),
    "no number": (headers((*POST, (_LENGTH, b"+16")), MORE) + data(BODY, 1), MALFORMED),
    "trailers": (headers(POST, MORE) + data(BODY) + headers(((b"a", b"b"),)), OK),
    "trailers without an end": (
        headers(POST, MORE) + data(BODY) + headers(((b"a", b"b"),), MORE),
        MALFORMED,
    ),
    "padded": (headers(POST, MORE) + data(b"\2" + BODY + b"\0\0", 9), OK),
    "padded too far": (headers(POST, MORE) + data(b"\xff" + BODY, 9), GONE),
    "padded without a length": (headers(POST, MORE) + data(b"", 9), GONE),
    "longest frame": (headers(POST, MORE) + data(BODY.ljust(16_384), 1), OK),
    "too long a frame": (headers(POST, MORE) + data(BODY.ljust(16_385), 1), Code.FRAME_SIZE_ERROR),
    "a promise of 16 MiB": (
        headers(POST, MORE) + b"\xff\xff\xff\0\0\0\0\0\1",
        Code.FRAME_SIZE_ERROR,
    ),
    "behind its end": (headers(POST, MORE) + data(BODY, 1) + data(BODY, 1), GONE),
    "behind a reset": (
        headers(POST, MORE) + reset() + data(BODY, 1),
        Answered(reset=Code.STREAM_CLOSED),
    ),
    "on no stream": (data(BODY, 1), GONE),
    "on stream 0": (data(BODY, 1, 0), GONE),
    "on a stream of the server": (data(BODY, 1, 2), GONE),
    "unasked for": (headers(GET, MORE) + data(BODY, 1), OK),
}

EARLY: Final[dict[str, tuple[Fields, int]]] = {
    "404": ((*ROUTE[:2], (b":path", b"/nope"), *ROUTE[3:]), 404),
    "405": (((b":method", b"DELETE"), *POST[1:]), 405),
    "415": ((*POST, (b"content-encoding", b"br")), 415),
    "content type": (ROUTE, 400),
    "bad format": ((*POST, (b"s2-format", b"x")), 400),
    "GET": (GET, 200),
}

FRAMES: Final[dict[str, tuple[bytes, Expected]]] = {
    "SETTINGS of 5 bytes": (frame(http2.SETTINGS, 0, 0, bytes(5)), GONE),
    "SETTINGS on a stream": (frame(http2.SETTINGS, 0, 1), GONE),
    "SETTINGS, acknowledged with a payload": (frame(http2.SETTINGS, 1, 0, bytes(6)), GONE),
    "SETTINGS, acknowledged too often": (frame(http2.SETTINGS, 1, 0) * 2, GONE),
    "SETTINGS unknown": (setting(99, 1), None),
    "SETTINGS: push": (setting(2, 1), None),
    "SETTINGS: push is no flag": (setting(2, 2), GONE),
    "SETTINGS: too large a window": (setting(4, 2**31), GONE),
    "SETTINGS: too small a frame": (setting(5, 100), GONE),
    "SETTINGS: too large a frame": (setting(5, 2**24), GONE),
    "SETTINGS: no table": (setting(1, 0) + headers(GET), OK),
    "PING of 7 bytes": (frame(http2.PING, 0, 0, b"1234567"), GONE),
    "PING on a stream": (frame(http2.PING, 0, 1, b"12345678"), GONE),
    "PING, acknowledged unasked": (frame(http2.PING, 1, 0, b"12345678"), None),
    "PRIORITY": (frame(http2.PRIORITY, 0, 1, bytes(5)), None),
    "PRIORITY of itself": (frame(http2.PRIORITY, 0, 1, b"\0\0\0\1\0"), MALFORMED),
    "PRIORITY of 4 bytes": (frame(http2.PRIORITY, 0, 1, bytes(4)), GONE),
    "PRIORITY on stream 0": (frame(http2.PRIORITY, 0, 0, bytes(5)), GONE),
    "RST_STREAM of a request": (headers(POST, MORE) + data(BODY[:5]) + reset(), None),
    "RST_STREAM on no stream": (reset(), GONE),
    "RST_STREAM on stream 0": (reset(0), GONE),
    "RST_STREAM of 3 bytes": (
        headers(POST, MORE) + frame(http2.RST_STREAM, 0, 1, bytes(3)),
        GONE,
    ),
    "WINDOW_UPDATE of 0": (window(0, 0), GONE),
    "WINDOW_UPDATE of 0 on a stream": (headers(POST, MORE) + window(1, 0) + data(BODY, 1), GONE),
    "WINDOW_UPDATE too far": (window(0, 2**31 - 1), Code.FLOW_CONTROL_ERROR),
    "WINDOW_UPDATE too far on a stream": (
        headers(POST, MORE) + window(1, 2**31 - 1),
        Answered(reset=Code.FLOW_CONTROL_ERROR),
    ),
    "WINDOW_UPDATE on no stream": (window(1, 1), GONE),
    "WINDOW_UPDATE of 3 bytes": (frame(http2.WINDOW_UPDATE, 0, 0, b"\0\0\1"), GONE),
    "PUSH_PROMISE": (frame(http2.PUSH_PROMISE, MORE, 1, b"\0\0\0\2" + header_list(GET)), GONE),
    "GOAWAY": (frame(http2.GOAWAY, 0, 0, bytes(8)), Code.NO_ERROR),
    "GOAWAY of 7 bytes": (frame(http2.GOAWAY, 0, 0, bytes(7)), GONE),
    "an unknown frame": (frame(77, 0xFF, 1, b"abc") + headers(GET), OK),
    "HEADERS on stream 0": (headers(GET, END, 0), GONE),
    "HEADERS on a stream of the server": (headers(GET, END, 2), GONE),
    "HEADERS on a lower stream": (headers(GET, END, 5) + headers(GET, END, 3), GONE),
    "HEADERS behind the end": (headers(GET) + headers(GET), GONE),
    "HEADERS with a priority": (
        frame(http2.HEADERS, END | http2.WITH_PRIORITY, 1, bytes(5) + header_list(GET)),
        OK,
    ),
    "HEADERS with a priority of itself": (
        frame(http2.HEADERS, END | http2.WITH_PRIORITY, 1, b"\0\0\0\1\0" + header_list(GET)),
        MALFORMED,
    ),
    "HEADERS padded": (
        frame(http2.HEADERS, END | http2.PADDED, 1, b"\3" + header_list(GET) + bytes(3)),
        OK,
    ),
    "HEADERS padded too far": (
        frame(http2.HEADERS, END | http2.PADDED, 1, b"\xff" + header_list(GET)),
        GONE,
    ),
    "CONTINUATION": (
        frame(http2.HEADERS, http2.END_STREAM, 1, header_list(GET)[:9])
        + frame(http2.CONTINUATION, MORE, 1, header_list(GET)[9:]),
        OK,
    ),
    "CONTINUATION alone": (frame(http2.CONTINUATION, MORE, 1, header_list(GET)), GONE),
    "CONTINUATION of another stream": (
        headers(GET, http2.END_STREAM) + frame(http2.CONTINUATION, MORE, 3),
        GONE,
    ),
    "CONTINUATION due, but PING": (
        headers(GET, http2.END_STREAM) + frame(http2.PING, 0, 0, bytes(8)),
        GONE,
    ),
    "CONTINUATION due, but an unknown frame": (
        headers(GET, http2.END_STREAM) + frame(77, 0, 1),
        GONE,
    ),
    "HPACK: no such index": (frame(http2.HEADERS, END, 1, b"\xff\xff\xff\xff\x0f"), GONE),
    "HPACK: index 0": (frame(http2.HEADERS, END, 1, b"\x80"), GONE),
    "HPACK: cut off": (frame(http2.HEADERS, END, 1, header_list(GET)[:-1]), GONE),
    "HPACK: too large a table": (frame(http2.HEADERS, END, 1, b"\x3f\xff\xff\x03"), GONE),
    "HPACK: a table size at the end": (
        frame(http2.HEADERS, END, 1, header_list(GET) + b"\x20"),
        GONE,
    ),
    "HPACK: a bad code": (
        frame(http2.HEADERS, END, 1, header_list(GET) + b"\0\1x\x81\0"),
        GONE,
    ),
}


@pytest.mark.sample(4)
@pytest.mark.parametrize(("sent", "expected"), PSEUDO_FIELDS.values(), ids=PSEUDO_FIELDS)
def test_pseudo_fields(scratch: Client, sent: bytes, expected: Expected) -> None:
    """A bad request ends its stream; what no field can be ends the connection."""
    check(scratch, sent, expected)


@pytest.mark.sample(3)
@pytest.mark.parametrize("field", FIELDS, ids=ascii)
def test_fields(scratch: Client, field: tuple[bytes, bytes]) -> None:
    """The same for fields, and for those of HTTP/1 that have no place here."""
    check(scratch, headers((*GET, field)), FIELDS[field])


@pytest.mark.parametrize(("sent", "expected"), BODIES.values(), ids=BODIES)
def test_bodies(scratch: Client, sent: bytes, expected: Expected) -> None:
    """DATA, its length, and where it may not be."""
    check(scratch, sent, expected)


@pytest.mark.sample(4)
@pytest.mark.parametrize(("sent", "expected"), FRAMES.values(), ids=FRAMES)
def test_frames(scratch: Client, sent: bytes, expected: Expected) -> None:
    """Each kind of frame, where it belongs and where it does not."""
    check(scratch, sent, expected)


@pytest.mark.parametrize(("fields", "status"), EARLY.values(), ids=EARLY)
def test_an_answer_before_the_body(scratch: Client, fields: Fields, status: int) -> None:
    """The server does not wait for an unread body; the stream is reset without an error."""
    for body in (b"", data(BODY[:5])):
        check(scratch, headers(fields, MORE) + body, Answered(status, Code.NO_ERROR))
    check(scratch, headers(fields, MORE) + data(BODY, http2.END_STREAM), Answered(status))
