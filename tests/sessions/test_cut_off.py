"""A request that is cut off before its end has no effect at all."""

import json
import socket
import struct

import httpx
import pytest
from werkzeug.test import EnvironBuilder

from s2mock import S2Mock, Stream
from s2mock.contract.records import Stream as Remote
from s2mock.contract.records import append_input
from tests import own_token
from tests.sessions.endings import released

WHOLE = append_input(b"a" * 50, b"b" * 50).SerializeToString()
# A message of one record by itself: nothing in it tells that it is cut.
PART = append_input(b"a" * 50).SerializeToString()
assert WHOLE.startswith(PART)


def cut_off(mock: S2Mock, *, query: str, framing: str, ending: str) -> bytes:
    """Send a part of an append and end the connection that way; what is answered, if anything."""
    head = [
        f"POST /v1/streams/s/records{query} HTTP/1.1",
        "host: s2",
        "s2-basin: my-basin",
        "content-type: application/protobuf",
        *own_token.lines(mock.url),
    ]
    if framing == "chunked":
        head.append("transfer-encoding: chunked")
        body = b"%x\r\n%b\r\n" % (len(PART), PART)
    else:
        head.append(f"content-length: {len(WHOLE)}")
        body = PART
    with socket.create_connection(("127.0.0.1", httpx.URL(mock.url).port), 10) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
        if ending == "reset":
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        elif ending == "half-closed":
            connection.shutdown(socket.SHUT_WR)
            return connection.recv(65536)
    return b""


@pytest.mark.sample(4)
@pytest.mark.parametrize("query", ["", "?wait=1"], ids=["inline", "in-a-thread"])
@pytest.mark.parametrize("framing", ["content-length", "chunked"])
@pytest.mark.parametrize("ending", ["closed", "reset", "half-closed"])
def test_append(mock: S2Mock, remote: Remote, query: str, framing: str, ending: str) -> None:
    for _ in range(5):
        answer = cut_off(mock, query=query, framing=framing, ending=ending)
        if ending == "half-closed":
            assert not answer.startswith(b"HTTP/1.1 2"), answer
    stream = mock.basin("my-basin").stream("s")
    assert released(stream)
    # A whole one after them on the same loop, so that they have been seen to.
    ack = remote.append_ok("after")
    assert ack["start"]["seq_num"] == 0
    assert len(stream.records) == 1


def test_what_a_client_is_told_that_still_listens(mock: S2Mock) -> None:
    """As the real server says it."""
    answer = cut_off(mock, query="", framing="content-length", ending="half-closed")

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert body == (
        b'{"code":"bad_proto","message":"Failed to buffer the request body: '
        b'error reading a body from connection"}'
    )


def test_control_plane(mock: S2Mock) -> None:
    """Not even a body that would be whole."""
    body = b'{"basin":"new-basin"}'
    head = (
        b"POST /v1/basins HTTP/1.1\r\nhost: s2\r\ncontent-type: application/json\r\n"
        b"content-length: 100\r\n" + own_token.head(mock.url) + b"\r\n"
    )
    with socket.create_connection(("127.0.0.1", httpx.URL(mock.url).port), 10) as connection:
        connection.sendall(head + body)
    assert httpx.get(f"{mock.url}/v1/basins").json()["basins"][0]["name"] == "my-basin"
    assert mock.basins == ("my-basin",)


def test_behind_another_server(mock: S2Mock, stream: Stream) -> None:
    """One that tells the length that was announced, and gives the app what has come."""
    environ = EnvironBuilder(
        "/v1/streams/s/records",
        method="POST",
        data=PART,
        headers={"s2-basin": "my-basin", "content-type": "application/protobuf"},
    ).get_environ()
    environ["CONTENT_LENGTH"] = str(len(WHOLE))
    answer = mock.client.run_wsgi_app(environ)
    body = b"".join(answer[0])
    assert (answer[1], json.loads(body)["code"]) == ("400 BAD REQUEST", "bad_proto")
    assert stream.tail.seq_num == 0


def test_a_body_that_is_awaited_delays_no_other_request(
    mock: S2Mock, remote: Remote, stream: Stream
) -> None:
    """A request in a thread of its own, whose body takes its time."""
    head = (
        b"POST /v1/streams/s/records?wait=1 HTTP/1.1\r\nhost: s2\r\ns2-basin: my-basin\r\n"
        b"content-type: application/json\r\ncontent-length: 29\r\n"
        + own_token.head(mock.url)
        + b"\r\n"
    )
    with socket.create_connection(("127.0.0.1", httpx.URL(mock.url).port), 10) as slow:
        slow.sendall(head + b'{"records":')
        for number in range(5):
            assert remote.append_ok("quick")["start"]["seq_num"] == number
        slow.sendall(b'[{"body":"slow"}]}')
        assert slow.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert [record.body for record in stream.records] == [b"quick"] * 5 + [b"slow"]
