"""What the framing of each protocol says of an answer: its length, its coding, its end.

Source: reference: control_plane §1.2, §1.4, §1.5, data_plane §1.4; asked of the real server one by
one.
"""

import base64
from typing import Any

import pytest

from s2mock.contract.client import Client
from s2mock.contract.connection import connect
from s2mock.contract.dialogue import AUTHORIZATION, Wire
from s2mock.contract.exchange import CLOSED, OPEN, PROTOCOLS, Call, Protocol, Reply

BOTH = pytest.mark.parametrize("protocol", PROTOCOLS)
RECORDS = "/v1/streams/s/records"
READ = f"{RECORDS}?seq_num=0&count=1"
PREFLIGHT = ("origin", "access-control-request-method", "access-control-request-headers")
ALLOWED = ("allow-origin", "allow-methods", "allow-headers")


@pytest.fixture
def long(s2: Client) -> Client:
    """A client in a basin with a stream `s`, whose record is worth to be compressed."""
    assert s2.request("PUT", "/v1/streams/s").status == 201
    record = {"records": [{"body": "x" * 1500}]}
    assert s2.request("POST", RECORDS, record).status == 200
    return s2


def ask(
    client: Client, protocol: Protocol, method: str, path: str, *body: bytes, **headers: str
) -> Reply:
    """Return the answer over that protocol; an underscore in the name of a header is a hyphen."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = connect(client.url, protocol, token=client.token)
    try:
        return connection.send(Call(method, path, {"s2-basin": str(client.basin), **fields}, *body))
    finally:
        connection.close()


def values(reply: Reply, name: str) -> list[str]:
    """The values of a header, in order."""
    return [value for key, value in reply.headers if key == name]


EMPTY = [
    ("PUT", "/v1/metrics", {}, 405),
    ("HEAD", "/v1/access-tokens/x", {}, 405),
    ("OPTIONS", "/v1/streams", {}, 200),
    ("POST", "/v1/streams", {"content_encoding": "br"}, 415),
    ("HEAD", "/v1/streams", {"content_encoding": "br"}, 415),
    ("GET", f"{RECORDS}?seq_num=0&count=0", {"accept": "application/protobuf"}, 200),
    ("GET", "*", {}, 404),
    ("HEAD", "*", {}, 404),
]


@BOTH
@pytest.mark.parametrize(("method", "path", "headers", "status"), EMPTY)
def test_answer_without_a_body_has_length_0(
    long: Client,
    protocol: Protocol,
    method: str,
    path: str,
    headers: dict[str, str],
    status: int,
) -> None:
    """With any method (§1.2)."""
    reply = ask(long, protocol, method, path, **headers)
    assert (reply.status, reply.body) == (status, b"")
    assert values(reply, "content-length") == ["0"]
    assert reply.end == OPEN


@BOTH
def test_answer_to_a_deletion_has_length_0(s2: Client, protocol: Protocol) -> None:
    """202 without a body (§1.2)."""
    assert s2.request("PUT", "/v1/streams/s").status == 201
    reply = ask(s2, protocol, "DELETE", "/v1/streams/s")
    assert (reply.status, values(reply, "content-length")) == (202, ["0"])


@BOTH
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/nope", "/v1/nope"])
def test_length_on_an_unknown_path(
    shared: Client, protocol: Protocol, method: str, path: str
) -> None:
    """HTTP/1.1 needs one, and HEAD and HTTP/2 do not (§1.2)."""
    reply = ask(shared, protocol, method, path)
    assert (reply.status, reply.body) == (200 if method == "OPTIONS" else 404, b"")
    needs_one = protocol == "HTTP/1.1" and method != "HEAD"
    assert values(reply, "content-length") == (["0"] if needs_one else [])


@BOTH
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_compressed_answer_has_no_length(long: Client, protocol: Protocol, coding: str) -> None:
    """It is sent in chunks on HTTP/1.1 (§1.5)."""
    reply = ask(long, protocol, "GET", READ, accept_encoding=coding)
    assert values(reply, "content-encoding") == [coding]
    assert values(reply, "content-length") == []
    chunked = ["chunked"] if protocol == "HTTP/1.1" else []
    assert values(reply, "transfer-encoding") == chunked
    head = ask(long, protocol, "HEAD", READ, accept_encoding=coding)
    assert values(head, "content-encoding") == [coding]
    assert values(head, "content-length") == values(head, "transfer-encoding") == []


@BOTH
@pytest.mark.parametrize("kind", [{"accept": "text/event-stream"}, {"content_type": "s2s/proto"}])
def test_head_of_a_session_has_no_framing(
    long: Client, protocol: Protocol, kind: dict[str, str]
) -> None:
    """There is neither a length nor a chunk (§1.2)."""
    reply = ask(long, protocol, "HEAD", READ, **kind)
    assert (reply.status, reply.body, reply.end) == (200, b"", OPEN)
    assert values(reply, "content-length") == values(reply, "transfer-encoding") == []


@pytest.mark.parametrize("blanks", ["{} ", " {}", "\t{}", "{}\t", " {} "])
def test_blanks_around_the_basin(shared: Client, blanks: str) -> None:
    """HTTP/1.1 has them around any value; on HTTP/2 they belong to it (§1.3)."""
    padded = blanks.format(shared.basin)
    assert ask(shared, "HTTP/1.1", "GET", "/v1/streams", s2_basin=padded).status == 200
    reply = ask(shared, "h2c", "GET", "/v1/streams", s2_basin=padded)
    place = "begin" if padded[0] in " \t" else "end"
    message = f"basin name must {place} with a lowercase letter or number"
    assert reply.status == 400
    assert reply.body == (
        b'{"code":"bad_header","message":"Invalid header `s2-basin`: %b"}' % message.encode()
    )


@pytest.mark.parametrize("token", ["t ", " t", "\tt"])
def test_blanks_around_a_token(s2: Client, token: str) -> None:
    """The same for a request token (§1.3)."""
    create = b'{"stream":"s"}'
    kind = {"content_type": "application/json"}
    reply = ask(s2, "h2c", "POST", "/v1/streams", create, s2_request_token=token, **kind)
    assert reply.status == 201
    for protocol in PROTOCOLS:
        reply = ask(s2, protocol, "POST", "/v1/streams", create, s2_request_token="t", **kind)
        assert reply.status == 409
    reply = ask(s2, "h2c", "POST", "/v1/streams", create, s2_request_token=token, **kind)
    assert (reply.status, values(reply, "s2-provision-result")) == (201, ["noop"])


@BOTH
@pytest.mark.parametrize("blanks", ["{} ", " {}", "\t{}"])
def test_blanks_around_a_key_and_a_format(s2: Client, protocol: Protocol, blanks: str) -> None:
    """They are no part of these values, also on HTTP/2 (data_plane §1.4, §9)."""
    config = {"stream_cipher": "aegis-256"}
    assert s2.request("PATCH", f"/v1/basins/{s2.basin}", config).status == 200
    assert s2.request("PUT", "/v1/streams/s").status == 201
    key = base64.b64encode(bytes(32)).decode()
    body = b'{"records":[{"body":"YQ=="}]}'
    padded = {"s2_encryption_key": blanks.format(key), "s2_format": blanks.format("base64")}
    kind = {"content_type": "application/json"}
    assert ask(s2, protocol, "POST", RECORDS, body, **padded, **kind).status == 200
    reply = ask(s2, protocol, "GET", READ, s2_encryption_key=key)
    assert b'"body":"a"' in reply.body


@BOTH
@pytest.mark.parametrize("coding", [" gzip", "gzip "])
def test_blanks_around_a_coding(shared: Client, protocol: Protocol, coding: str) -> None:
    """The same for a coding, which is compared as sent (§1.5)."""
    reply = ask(shared, protocol, "POST", "/v1/streams", b"x", content_encoding=coding)
    assert reply.status == (415 if protocol == "h2c" else 400)


@BOTH
@pytest.mark.parametrize("path", ["/health", "/nope"])
def test_headers_of_a_preflight_may_be_empty(shared: Client, protocol: Protocol, path: str) -> None:
    """What is asked for is allowed, even if it is nothing (§1.4)."""
    asked = dict.fromkeys((name.replace("-", "_") for name in PREFLIGHT), "")
    reply = ask(shared, protocol, "OPTIONS", path, **asked)
    for name in ALLOWED:
        assert values(reply, f"access-control-{name}") == [""]


@BOTH
def test_origin_may_be_empty(shared: Client, protocol: Protocol) -> None:
    """It is allowed as it is (§1.4)."""
    reply = ask(shared, protocol, "GET", "/nope", origin="")
    assert values(reply, "access-control-allow-origin") == [""]


MEDIA_TYPES: dict[str, bool] = {
    "{}": True,
    " {} ": True,
    "{} , x": True,
    "{};q=1": True,
    "{}; q=1": True,
    '{};q="a"': True,
    "{};": True,
    "{}+xml": True,
    "{} ;q=1": False,
    "{};q": False,
    "{};=": False,
    "{};;": False,
    "{};a=b c": False,
    '{};q="a': False,
    "x, {}": False,
}


@pytest.mark.sample(6)
@BOTH
@pytest.mark.parametrize("spelling", MEDIA_TYPES)
@pytest.mark.parametrize("kind", ["text/event-stream", "application/protobuf", "s2s/proto"])
def test_spelling_of_a_media_type(
    long: Client, protocol: Protocol, kind: str, spelling: str
) -> None:
    """Any text that cannot be parsed is no media type: a blank before a semicolon, too (§1.4)."""
    header = "content_type" if kind == "s2s/proto" else "accept"
    sent: dict[str, Any] = {header: spelling.format(kind)}
    reply = ask(long, protocol, "GET", READ, **sent)
    assert reply.status == 200
    got = kind if MEDIA_TYPES[spelling] else "application/json"
    assert values(reply, "content-type") == [got]


def test_long_header_list_is_answered_with_the_status_alone(shared: Client) -> None:
    """431 of HTTP/2 has no headers, not even a date (§1.5)."""
    reply = ask(shared, "h2c", "GET", "/health", x="y" * 20_000)
    assert (reply.status, reply.headers, reply.end) == (431, (), OPEN)


@pytest.mark.parametrize(
    "extra", [b"accept: text/event-stream\r\n", b"accept-encoding: gzip\r\n"], ids=["SSE", "gzip"]
)
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_body_of_unknown_length_on_http_1_0(long: Client, extra: bytes, method: bytes) -> None:
    """It ends with the connection, though the answer says that this stays (§1.5)."""
    request = method + b" %b HTTP/1.0\r\nconnection: keep-alive\r\n" % READ.encode()
    request += b"s2-basin: %b\r\n" % str(long.basin).encode() + AUTHORIZATION + extra + b"\r\n"
    with Wire(long) as wire:
        wire.send(request)
        reply = wire.reply(to_head=method == b"HEAD")
        assert (reply.status, reply.headers["connection"]) == (200, "keep-alive")
        assert {"content-length", "transfer-encoding"}.isdisjoint(reply.headers)
        if method == b"GET":
            assert reply.body
            assert wire.ended()
        else:
            wire.send(request)
            assert wire.reply(to_head=True).status == 200


def test_chunks_have_their_sizes_in_capitals(long: Client) -> None:
    """As the real server writes them; clients take both."""
    with long.open_socket() as connection:
        connection.sendall(
            b"GET %b HTTP/1.1\r\nhost: x\r\nconnection: close\r\ns2-basin: %b\r\n%b"
            b"accept: text/event-stream\r\n\r\n"
            % (READ.encode(), str(long.basin).encode(), AUTHORIZATION)
        )
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b"\r\nE\r\ndata: [DONE]\n\n\r\n0\r\n\r\n" in received


@BOTH
def test_connection_that_is_to_be_closed(shared: Client, protocol: Protocol) -> None:
    """HTTP/1.1 has a header for that, which ends a stream of HTTP/2 (§1.5)."""
    reply = ask(shared, protocol, "GET", "/health", connection="close")
    if protocol == "h2c":
        assert (reply.status, reply.end) == (0, "stream reset with PROTOCOL_ERROR")
    else:
        assert (reply.status, values(reply, "connection")) == (200, ["close"])
        assert reply.end == CLOSED
