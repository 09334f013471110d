"""Bytes that no decent client sends: what the socket makes of them.

Each of these was compared with the reference server. Source: reference: control_plane §1.2, §1.3,
§1.5, §2.1.
"""

import re
from collections.abc import Callable

import pytest

from s2mock import S2Mock
from tests import own_token
from tests.conftest import BASIN
from tests.server.conftest import Raw

Exchange = Callable[..., bytes]

HERE = f"s2-basin: {BASIN}"
JSON = "content-type: application/json"


def status(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1])


def names(reply: bytes) -> list[bytes]:
    """The header names of a reply, in order."""
    head = reply.partition(b"\r\n\r\n")[0]
    return [line.partition(b":")[0] for line in head.split(b"\r\n")[1:]]


class TestHeaders:
    def test_of_a_reply_are_in_lower_case_and_have_a_date(self, exchange: Exchange) -> None:
        reply = exchange("GET /v1/basins HTTP/1.1", "host: x")
        assert all(name == name.lower() for name in names(reply))
        assert {b"date", b"content-length", b"content-type", b"vary"} <= set(names(reply))

    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            ([HERE, "s2-basin: bad"], b"200"),
            (["s2-basin: bad", HERE], b"400"),
            (["content-encoding: br", "content-encoding: identity", HERE], b"415"),
            (["content-encoding: identity", "content-encoding: br", HERE], b"200"),
        ],
        ids=lambda part: " ".join(part) if isinstance(part, list) else part.decode(),
    )
    def test_of_repeated_ones_the_first_counts(
        self, exchange: Exchange, lines: list[str], expected: bytes
    ) -> None:
        reply = exchange("GET /v1/streams HTTP/1.1", "host: x", *lines)
        assert reply.startswith(b"HTTP/1.1 " + expected)

    def test_first_token_counts(self, exchange: Exchange, mock: S2Mock) -> None:
        def create(*tokens: str) -> bytes:
            lines = [f"s2-request-token: {token}" for token in tokens]
            body = b'{"stream":"s"}'
            head = ["POST /v1/streams HTTP/1.1", "host: x", HERE, JSON, "content-length: 14"]
            return exchange(*head, *lines, body=body)

        assert b"s2-provision-result: created" in create("t", "x" * 37)
        assert b"s2-provision-result: noop" in create("t", "u")
        assert status(create("u", "t")) == 409
        assert mock.basin(BASIN).streams == ("s",)

    def test_first_content_type_counts(self, exchange: Exchange) -> None:
        head = ["POST /v1/streams HTTP/1.1", "host: x", HERE, "content-length: 14"]
        for types, expected in [
            ([JSON, "content-type: x/y"], 201),
            (["content-type: x/y", JSON], 400),
        ]:
            assert status(exchange(*head, *types, body=b'{"stream":"s"}')) == expected

    @pytest.mark.parametrize("value", [b"my-b\xe9sin", "my-bäsin".encode(), b"\xff"])
    def test_bytes_beyond_ascii(self, exchange: Exchange, value: bytes) -> None:
        reply = exchange("GET /v1/streams HTTP/1.1", "host: x", b"s2-basin: " + value)
        assert reply.endswith(
            b'{"code":"bad_header","message":"Invalid header `s2-basin`: not UTF-8"}'
        )
        # Where they are not read they do no harm.
        reply = exchange(
            "GET /v1/streams HTTP/1.1", "host: x", HERE, b"authorization: " + value, b"x: " + value
        )
        assert status(reply) == 200

    def test_blanks_around_a_value_do_not_count(self, exchange: Exchange) -> None:
        reply = exchange("GET /v1/streams HTTP/1.1", "host: x", f"s2-basin: \t {BASIN} \t ")
        assert status(reply) == 200

    def test_empty_is_not_missing(self, exchange: Exchange) -> None:
        for line, message in [
            ("s2-basin:", b"Invalid header `s2-basin`: basin name should be at least 8 bytes"),
            ("x: y", b"Missing header `s2-basin`"),
        ]:
            assert message in exchange("GET /v1/streams HTTP/1.1", "host: x", line)

    def test_underscore_is_no_hyphen(self, exchange: Exchange) -> None:
        reply = exchange("GET /v1/streams HTTP/1.1", "host: x", f"s2_basin: {BASIN}")
        assert b"Missing header `s2-basin`" in reply

    def test_host_names_the_basin_and_may_be_missing(self, exchange: Exchange) -> None:
        assert status(exchange("GET /v1/streams HTTP/1.1", f"host: {BASIN}.b.localhost:1")) == 200
        assert status(exchange("GET /v1/streams HTTP/1.1", HERE)) == 200
        assert status(exchange("GET /health HTTP/1.1")) == 200

    def test_many(self, exchange: Exchange, mock: S2Mock) -> None:
        # With "connection", and a token where one is asked for, that is 100 and 101.
        most = 99 - len(own_token.headers(mock))
        for count, expected in [(most, 200), (most + 1, 431)]:
            assert status(exchange("GET /health HTTP/1.1", *["x: y"] * count)) == expected

    def test_long(self, exchange: Exchange) -> None:
        assert status(exchange("GET /health HTTP/1.1", "x: " + "y" * 300_000)) == 200


class TestTarget:
    @pytest.mark.parametrize(
        ("segment", "name"),
        [
            ("é".encode(), "é"),
            (b"%C3%A9", "é"),
            (b"a%2Fb", "a/b"),
            (b'"{}|\\^[]', '"{}|\\^[]'),
            (b"%", "%"),
            (b"%zz", "%zz"),
            (b"a+b", "a+b"),
            (b"s#fragment?x", "s"),
            (b"s?x=/y", "s"),
        ],
    )
    def test_is_taken_as_it_is(
        self, exchange: Exchange, mock: S2Mock, segment: bytes, name: str
    ) -> None:
        reply = exchange(b"PUT /v1/streams/" + segment + b" HTTP/1.1", "host: x", HERE)
        assert status(reply) == 201
        assert mock.basin(BASIN).streams == (name,)

    def test_raw_utf8_in_the_query(self, exchange: Exchange, mock: S2Mock) -> None:
        mock.basin(BASIN).create_stream("é")
        mock.basin(BASIN).create_stream("e")
        target = "GET /v1/streams?prefix=é HTTP/1.1".encode()
        reply = exchange(target, "host: x", HERE)
        assert reply.count(b'"name"') == 1

    @pytest.mark.parametrize(
        "target", [b"/v1/streams/\xff", b"/v1/streams?prefix=\xff", b"/a b", b"/<"]
    )
    def test_that_is_none_is_refused(self, exchange: Exchange, target: bytes) -> None:
        reply = exchange(b"GET " + target + b" HTTP/1.1", "host: x", HERE)
        assert status(reply) == 400
        assert reply.endswith(b"\r\n\r\n")
        assert b"content-length: 0" in reply

    @pytest.mark.parametrize(
        ("target", "expected"),
        [
            ("//v1/basins", 404),
            ("/v1/basins/", 404),
            ("http://elsewhere.b.s2.dev/v1/streams", 200),
            ("/v1/streams/../streams", 404),
            ("/v1/streams?" + "x" * 60_000, 200),
            ("/v1/streams?" + "x" * 66_000, 414),
        ],
        ids=lambda part: str(part)[:30],
    )
    def test_routes(self, exchange: Exchange, target: str, expected: int) -> None:
        assert status(exchange(f"GET {target} HTTP/1.1", "host: x", HERE)) == expected


class TestBody:
    HEAD = ("POST /v1/streams HTTP/1.1", "host: x", HERE, JSON)

    def test_in_chunks(self, exchange: Exchange, mock: S2Mock) -> None:
        body = b'5;x=y\r\n{"str\r\n9\r\neam":"s"}\r\n0\r\nx-trailer: 1\r\n\r\n'
        assert status(exchange(*self.HEAD, "transfer-encoding: chunked", body=body)) == 201
        assert mock.basin(BASIN).streams == ("s",)

    @pytest.mark.parametrize("body", [b"zz\r\n{}", b'e\r\n{"stream":"s"}\r\nzz\r\n'])
    def test_in_bad_chunks_is_not_carried_out(
        self, exchange: Exchange, mock: S2Mock, body: bytes
    ) -> None:
        reply = exchange(*self.HEAD, "transfer-encoding: chunked", body=body)
        assert reply.endswith(
            b'{"code":"bad_json","message":"Failed to buffer the request body: '
            b'error reading a body from connection"}'
        )
        assert mock.basin(BASIN).streams == ()

    @pytest.mark.parametrize(
        ("framing", "body"),
        [
            ("content-length: 100", b'{"stream":"s"}'),
            ("transfer-encoding: chunked", b'e\r\n{"stream":"s"}\r\n'),
        ],
    )
    def test_that_breaks_off_is_not_carried_out(
        self, port: int, mock: S2Mock, framing: str, body: bytes
    ) -> None:
        raw = Raw(port)
        raw.send(*self.HEAD, *own_token.lines(mock.url), framing, body=body)
        raw.socket.close()
        # The one after it is answered after it.
        again = Raw(port)
        with again.socket:
            again.send("GET /health HTTP/1.1", "connection: close")
            assert status(again.receive()) == 200
        mock.close()
        assert mock.basin(BASIN).streams == ()

    def test_is_asked_for(self, exchange: Exchange) -> None:
        reply = exchange(
            *self.HEAD, "content-length: 14", "expect: 100-continue", body=b'{"stream":"s"}'
        )
        assert reply.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 ")

    @pytest.mark.parametrize(
        "lines", [["content-length: x"], ["content-length: 2", "content-length: 3"]]
    )
    def test_of_no_certain_length(self, exchange: Exchange, lines: list[str]) -> None:
        assert status(exchange(*self.HEAD, *lines, body=b"{}")) == 400


class TestConnection:
    def test_answers_in_the_order_of_the_requests(self, port: int) -> None:
        raw = Raw(port)
        with raw.socket:
            raw.send("GET /health HTTP/1.1", body=b"GET /nope HTTP/1.1\r\n\r\n")
            own = own_token.lines(f"http://127.0.0.1:{port}")
            raw.send("HEAD /v1/basins HTTP/1.1", *own, "connection: close")
            statuses = re.findall(rb"HTTP/1\.1 (\d+)", raw.receive())
        assert statuses == [b"200", b"404", b"200"]

    def test_of_http_1_0_is_closed(self, port: int) -> None:
        raw = Raw(port)
        with raw.socket:
            raw.send("GET /health HTTP/1.0")
            assert raw.receive().startswith(b"HTTP/1.0 200 OK\r\n")

    def test_does_not_change_to_h2c_when_asked_to(self, exchange: Exchange) -> None:
        reply = exchange("GET /health HTTP/1.1", "upgrade: h2c", "http2-settings: AAMAAABkAAQAoAAA")
        assert reply.startswith(b"HTTP/1.1 200 OK\r\n")

    @pytest.mark.parametrize(
        "junk",
        [b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET /health\r\n\r\n", b"\0\0\0\0\r\n\r\n"],
    )
    def test_that_is_not_http_is_refused(self, port: int, junk: bytes) -> None:
        raw = Raw(port)
        with raw.socket:
            raw.socket.sendall(junk)
            assert raw.receive().startswith(b"HTTP/1.1 400 Bad Request\r\n")
