"""HTTP/1 connections: when they stay open, when they end, and the answers during a request.

Source: reference: control_plane §1.1, §1.5 and §2.5. Asked of the real server one by one.
"""

from typing import Final

import pytest

from s2mock.contract.basins import unused_name
from s2mock.contract.client import Client
from s2mock.contract.dialogue import AUTHORIZATION, BASIN, Bare, Fault, Head, Said, Step, Wire, talk

OPEN, CLOSED = Step.OPEN, Step.CLOSED
FIELDS: Final = b"host: x\r\ns2-basin: " + BASIN + b"\r\n" + AUTHORIZATION
JSON: Final = b"content-type: application/json\r\n"
GET: Final = b"GET /v1/streams/s HTTP/1.1\r\n" + FIELDS
POST: Final = b"POST /v1/streams/s/records HTTP/1.1\r\n" + FIELDS + JSON
END: Final = b"\r\n"
BODY: Final = b'{"records":[{}]}'
LENGTH: Final = b"content-length: 16\r\n"
LARGE: Final = b'{"records":[{"body":"' + b"x" * 1_000_000 + b'"}]}'
CHUNKED: Final = b"transfer-encoding: chunked\r\n"
CHUNKS: Final = b"10\r\n" + BODY + b"\r\n0\r\n\r\n"
EXPECT: Final = b"expect: 100-continue\r\n"

TAKEN: Final[tuple[Said, ...]] = (200, OPEN)


def connection(value: bytes) -> bytes:
    """A request with this `Connection`."""
    return GET + b"connection: " + value + END + END


def old(request: bytes) -> bytes:
    """The same in HTTP/1.0."""
    return request.replace(b"HTTP/1.1", b"HTTP/1.0")


KEPT: Final[dict[str, tuple[Said, ...]]] = {
    **{
        f"Connection: {value!r}": (connection(value), *TAKEN)
        for value in (b"keep-alive", b"", b"upgrade", b"closed", b"Upgrade, HTTP2-Settings")
    },
    **{
        f"Connection: {value!r}": (connection(value), 200, CLOSED)
        for value in (b"close", b"Close", b"close, x", b"x, close", b"keep-alive, close")
    },
    "two fields, close in the second": (connection(b"x\r\nconnection: close"), 200, CLOSED),
    "what follows a close is not looked at": (connection(b"close") + GET + END, 200, CLOSED),
    "Upgrade: h2c": (
        GET + b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\n"
        b"http2-settings: AAMAAABkAAQAAP__\r\n\r\n",
        *TAKEN,
    ),
    "Upgrade: websocket": (GET + b"connection: upgrade\r\nupgrade: websocket\r\n\r\n", *TAKEN),
    "Upgrade and a body": (
        POST + LENGTH + b"connection: upgrade\r\nupgrade: h2c\r\n\r\n" + BODY,
        *TAKEN,
    ),
    "the client ends its side": (GET + END, 200, Step.HALF_CLOSE, CLOSED),
}

PIPELINES: Final[dict[str, tuple[Said, ...]]] = {
    "fifty": ((GET + END) * 50, *[200] * 50, OPEN),
    "with bodies": (
        (GET + END) + (POST + LENGTH + END + BODY) + (POST + CHUNKED + END + CHUNKS) + (GET + END),
        *(200, 200, 200, 200, OPEN),
    ),
    "with HEAD": (GET.replace(b"GET", b"HEAD") + END + GET + END, Head(200), 200, OPEN),
    "with errors": (
        b"GET /nope HTTP/1.1\r\n\r\n" + POST.replace(JSON, b"") + LENGTH + END + BODY + GET + END,
        *(404, Fault(400, "bad_json"), 200, OPEN),
    ),
    "with what is none": (GET + END + b"hello?\r\n\r\n" + GET + END, 200, Bare(400), CLOSED),
    "bodies of requests that have none": (
        (GET + LENGTH + END + BODY) + (GET + CHUNKED + END + CHUNKS),
        *(200, 200, OPEN),
    ),
    "cut anywhere": (
        GET + END + POST[:40],
        *(200, POST[40:] + LENGTH + END + BODY[:3], BODY[3:] + GET, 200, END, 200, OPEN),
    ),
}

OLD: Final[dict[str, tuple[Said, ...]]] = {
    "ends": (old(GET + END), 200, CLOSED),
    "ends, with more behind": (old(GET + END) + GET + END, 200, CLOSED),
    "a body": (old(POST + LENGTH + END) + BODY, 200, CLOSED),
    "an error": (b"GET /nope HTTP/1.0\r\n\r\n", 404, CLOSED),
    "a body without a length": (
        old(POST + END) + BODY,
        Fault(400, "bad_json", "EOF while parsing a value"),
        CLOSED,
    ),
    "kept": (old(connection(b"keep-alive")), *TAKEN),
    "kept, in capitals": (old(connection(b"Keep-Alive")), *TAKEN),
    "kept, with an error": (b"GET /nope HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", 404, OPEN),
    "kept once": (old(connection(b"keep-alive")) + old(GET + END), 200, 200, CLOSED),
    "expect": (old(POST + LENGTH + EXPECT + END), BODY, 200, CLOSED),
}

EXPECTATIONS: Final[dict[str, tuple[Said, ...]]] = {
    "continue": (POST + LENGTH + EXPECT + END, 100, BODY, *TAKEN),
    "in capitals": (POST + LENGTH + EXPECT.upper() + END, 100, BODY, *TAKEN),
    "chunks": (POST + CHUNKED + EXPECT + END, 100, CHUNKS, *TAKEN),
    "the body is there": (POST + LENGTH + EXPECT + END + BODY, 100, *TAKEN),
    "no body": (GET + EXPECT + END, *TAKEN),
    "an empty body": (
        POST + b"content-length: 0\r\n" + EXPECT + END,
        Fault(400, "bad_json", "EOF while parsing a value"),
        OPEN,
    ),
    **{
        f"{value.decode()!r} is ignored": (
            POST + LENGTH + b"expect: " + value + b"\r\n\r\n" + BODY,
            *TAKEN,
        )
        for value in (b"", b"200-ok", b"100-continue, x")
    },
}

# What is answered before the body is looked at: the head, and the answer.
EARLY: Final[dict[str, tuple[bytes, Said]]] = {
    "404": (POST.replace(b"/v1", b"/v9"), 404),
    "404 to GET": (GET.replace(b"/v1", b"/v9"), 404),
    "405": (POST.replace(b"POST", b"DELETE"), 405),
    "415": (POST + b"content-encoding: br\r\n", 415),
    "content type": (POST.replace(JSON, b"content-type: text/plain\r\n"), Fault(400, "bad_json")),
    "no basin": (POST.replace(b"s2-basin", b"x"), Fault(400, "bad_header")),
    "bad basin": (POST.replace(b"s2-basin: ", b"s2-basin: _"), Fault(400, "bad_header")),
    "bad key": (POST + b"s2-encryption-key:\r\n", Fault(400, "bad_header")),
    "bad format": (POST + b"s2-format: x\r\n", Fault(400, "bad_header")),
    "bad path": (POST.replace(b"/s/", b"/%FF/"), Fault(400, "bad_path")),
    "session on no stream": (
        POST.replace(b"/s/", b"/missing/").replace(JSON, b"content-type: s2s/proto\r\n"),
        Fault(404, "stream_not_found"),
    ),
    "GET": (GET, 200),
    "GET of nothing": (GET.replace(b"/s ", b"/missing "), Fault(404, "stream_not_found")),
    "DELETE of nothing": (
        GET.replace(b"GET", b"DELETE").replace(b"/s ", b"/missing "),
        Fault(404, "stream_not_found"),
    ),
    "health": (GET.replace(b"/v1/streams/s", b"/health"), 200),
    "PUT whose body is ignored": (GET.replace(b"GET", b"PUT"), 200),
}

# What is answered when the body has been read: the head, and the answer.
LATE: Final[dict[str, tuple[bytes, Said]]] = {
    "taken": (POST, 200),
    "no such basin": (POST.replace(BASIN, unused_name().encode()), Fault(404, "basin_not_found")),
    "no such stream": (POST.replace(b"/s/", b"/missing/"), Fault(404, "stream_not_found")),
    "no token": (POST.replace(b"streams/s/records", b"access-tokens"), Fault(400, "bad_json")),
}


@pytest.mark.parametrize("steps", KEPT.values(), ids=KEPT)
def test_kept(scratch: Client, steps: tuple[Said, ...]) -> None:
    """A connection stays unless `Connection` says `close`; there is no upgrade (§1.5)."""
    talk(scratch, steps)


@pytest.mark.parametrize("steps", PIPELINES.values(), ids=PIPELINES)
def test_pipelined(scratch: Client, steps: tuple[Said, ...]) -> None:
    """Requests may come before the answers to those before them (§1.5)."""
    talk(scratch, steps)


@pytest.mark.parametrize("steps", OLD.values(), ids=OLD)
def test_http_1_0(scratch: Client, steps: tuple[Said, ...]) -> None:
    """HTTP/1.0 ends with the answer, unless it asks to be kept (§1.5)."""
    talk(scratch, steps)


def test_the_version_of_an_answer(scratch: Client) -> None:
    """It is that of the request; a connection that is kept is said to be (§1.5)."""
    basin = (scratch.basin or "").encode()
    with Wire(scratch) as wire:
        wire.send(GET.replace(BASIN, basin) + END)
        reply = wire.reply()
        assert (reply.version, reply.headers.get("connection")) == ("HTTP/1.1", None)
        wire.send(old(connection(b"keep-alive")).replace(BASIN, basin))
        reply = wire.reply()
        assert (reply.version, reply.headers.get("connection")) == ("HTTP/1.0", "keep-alive")
        wire.send(connection(b"close").replace(BASIN, basin))
        reply = wire.reply()
        assert (reply.version, reply.headers.get("connection")) == ("HTTP/1.1", "close")


@pytest.mark.parametrize("fields", [b"", b"connection: keep-alive\r\n"])
def test_a_stream_in_http_1_0(scratch: Client, fields: bytes) -> None:
    """There are no chunks: the body lasts until the connection ends (§1.5)."""
    path = b"GET /v1/streams/s/records?tail_offset=0&wait=0 HTTP/1.0\r\n"
    request = path + FIELDS + b"accept: text/event-stream\r\n" + fields + END
    with Wire(scratch) as wire:
        wire.send(request.replace(BASIN, (scratch.basin or "").encode()))
        reply = wire.reply()
        assert reply.status == 200
        assert reply.headers.keys().isdisjoint(("content-length", "transfer-encoding"))
        assert reply.body.endswith(b"data: [DONE]\n\n")
        assert wire.ended()


@pytest.mark.parametrize("steps", EXPECTATIONS.values(), ids=EXPECTATIONS)
def test_expect(scratch: Client, steps: tuple[Said, ...]) -> None:
    """`100-continue` is answered when the body is wanted; nothing else is looked at (§1.5)."""
    talk(scratch, steps)


@pytest.mark.sample(6)
@pytest.mark.parametrize(("head", "answer"), EARLY.values(), ids=EARLY)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(LENGTH + END, id="length"),
        pytest.param(LENGTH + END + BODY[:5], id="part"),
        pytest.param(b"content-length: 3000000\r\n\r\n", id="large-length"),
        pytest.param(CHUNKED + END, id="chunked"),
        pytest.param(CHUNKED + END + CHUNKS[:7], id="part-of-a-chunk"),
        pytest.param(CHUNKED + END + CHUNKS[:22], id="chunk"),
        pytest.param(LENGTH + EXPECT + END, id="expect"),
    ],
)
def test_an_answer_before_the_body(scratch: Client, head: bytes, answer: Said, body: bytes) -> None:
    """The server does not wait for an unread body; without it the connection ends (§2.5)."""
    talk(scratch, (head + body, answer, CLOSED))


@pytest.mark.sample(4)
@pytest.mark.parametrize(("head", "answer"), EARLY.values(), ids=EARLY)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(LENGTH + END + BODY, id="length"),
        pytest.param(CHUNKED + END + CHUNKS, id="chunked"),
    ],
)
def test_a_body_that_is_not_looked_at(
    scratch: Client, head: bytes, answer: Said, body: bytes
) -> None:
    """If it has come with its head, the connection stays (§2.5)."""
    talk(scratch, (head + body, answer, OPEN))


@pytest.mark.parametrize(("head", "answer"), EARLY.values(), ids=EARLY)
def test_a_large_body_that_is_not_looked_at(scratch: Client, head: bytes, answer: Said) -> None:
    """The server does not read it, and the connection ends (§2.5)."""
    length = b"content-length: %d\r\n" % len(LARGE)
    talk(scratch, (head + length + END + LARGE, answer, CLOSED))


@pytest.mark.parametrize(("head", "answer"), LATE.values(), ids=LATE)
def test_an_answer_behind_the_body(scratch: Client, head: bytes, answer: Said) -> None:
    """What needs the body waits for it, and the connection stays (§2.5)."""
    for body in (
        (LENGTH + END, BODY),
        (b"content-length: %d\r\n\r\n" % len(LARGE), LARGE),
        (CHUNKED + END, CHUNKS),
        (CHUNKED + END + CHUNKS[:7], CHUNKS[7:]),
        (LENGTH + EXPECT + END, 100, BODY),
    ):
        talk(scratch, (head, *body, answer, OPEN))
