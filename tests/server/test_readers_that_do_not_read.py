"""Clients of the whole fake that ask and do not listen, and bodies that come byte by byte."""

import json
import socket
from collections.abc import Callable, Iterator

import pytest

from s2mock import S2Mock
from s2mock.server.connection import MAX_UNSENT_BYTES, Connection
from s2mock.server.context import Context
from s2mock.server.http2 import Http2
from tests import own_token
from tests.server.h2_shapes import PREFACE, Heard, Said
from tests.server.test_server import connect
from tests.server_view import call, context_at, speaker_of

pytestmark = pytest.mark.slow

MEBIBYTE = 1024 * 1024
RECORDS = "/v1/streams/log/records"
FIELDS = {
    "SSE": ("accept", "text/event-stream"),
    "S2S": ("content-type", "s2s/proto"),
    "unary": ("accept", "application/json"),
}


@pytest.fixture
def mock() -> Iterator[S2Mock]:
    with S2Mock(basins=[{"name": "my-basin", "streams": [{"name": "log"}]}]) as mock:
        yield mock


@pytest.fixture
def server(mock: S2Mock) -> Context:
    """The server behind a log of sixty-four megabytes."""
    stream = mock.basin("my-basin").stream("log")
    for _ in range(64):
        stream.append([b"x" * (MEBIBYTE - 8)])
    return context_at(mock.url)


def unsent(server: Context) -> list[int]:
    """What each connection has in hand, once turns of the loop change nothing any more."""
    looks: list[list[int]] = []

    def look() -> None:
        looks.append([])
        for connection in server.connections:
            assert isinstance(connection, Connection)
            speaker = speaker_of(connection)
            held = speaker.unsent if isinstance(speaker, Http2) else 0
            looks[-1].append(connection.unsent + held)

    while len(looks) < 5 or looks[-1:] * 5 != looks[-5:]:
        # In each turn all is seen to that has come.
        assert call(server, look)
    return looks[-1]


@pytest.mark.parametrize("form", FIELDS)
def test_on_http_1(server: Context, form: str) -> None:
    name, value = FIELDS[form]
    request = (
        f"GET {RECORDS}?seq_num=0 HTTP/1.1\r\ns2-basin: my-basin\r\n{name}: {value}\r\n"
    ).encode()
    request += own_token.head(server.url) + b"\r\n"
    clients = [connect(server.server[1]) for _ in range(10)]
    for client in clients:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        # Asked again and again ahead of the answers, where that leads to anything.
        client.sendall(request * 20)
    for client in clients:
        assert client.recv(1)
    # One piece beyond the bound: of a megabyte, which base64 and JSON make longer.
    assert max(unsent(server)) <= MAX_UNSENT_BYTES + 2 * MEBIBYTE
    for client in clients:
        client.close()


@pytest.mark.parametrize("form", FIELDS)
def test_a_hundred_on_one_connection(server: Context, form: str) -> None:
    """All of them together have so much at most, and each is answered when there is room."""
    with connect(server.server[1]) as client:
        said = Said().settings()
        for number in range(1, 200, 2):
            said.request(
                ("s2-basin", "my-basin"),
                FIELDS[form],
                *own_token.authorization(server.url).items(),
                path=f"{RECORDS}?seq_num=0",
                stream=number,
            )
        said.request(path="/health", method="HEAD", stream=2001)
        client.sendall(PREFACE + said.data)
        heard = Heard()
        while not any(kind == "Headers" for _, kind, *_ in heard.said):
            heard.take(client.recv(65536))
        [held] = unsent(server)
        assert held <= 36 * MEBIBYTE
        # Room for all of it, as far as it is read.
        client.sendall(Said().settings(_4=2**31 - 1).frame(4, 1).window(2**31 - 1 - 65_535).data)
        if form == "unary":
            while not heard.is_last_answered:
                heard.take(client.recv(MEBIBYTE))
            answered = {number for number, kind, *_ in heard.said if kind == "Headers"}
            assert answered == {*range(1, 200, 2)}


COUNT = 80_000


def chunked(url: str, body: bytes) -> bytes:
    head = (
        f"POST {RECORDS} HTTP/1.1\r\ns2-basin: my-basin\r\n"
        "content-type: application/json\r\ntransfer-encoding: chunked\r\n"
    )
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    return head.encode() + own_token.head(url) + b"\r\n" + chunks


def framed(url: str, body: bytes) -> bytes:
    said = Said().settings().frame(4, 1)
    said.request(
        ("s2-basin", "my-basin"),
        ("content-type", "application/json"),
        *own_token.authorization(url).items(),
        path=RECORDS,
        method="POST",
        end=False,
    )
    frames = b"".join(b"\0\0\1\0\0\0\0\0\1%c" % byte for byte in body)
    return PREFACE + said.data + frames + Said().body(b"").data


@pytest.mark.parametrize("written", [chunked, framed], ids=["chunks", "frames"])
def test_a_body_that_comes_in_bytes(mock: S2Mock, written: Callable[[str, bytes], bytes]) -> None:
    """Eighty thousand of them, which took minutes when each was looked at with those before it."""
    body = json.dumps({"records": [{"body": "x" * (COUNT - 30)}]}).encode()
    with connect(int(mock.url.rpartition(":")[2])) as client:
        client.sendall(written(mock.url, body))
        answer = b""
        while b'"tail"' not in answer:
            answer += client.recv(65536)
    [record] = mock.basin("my-basin").stream("log").records
    assert record.body == b"x" * (COUNT - 30)
