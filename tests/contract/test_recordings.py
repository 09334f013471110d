"""The format of recordings: nothing is lost on the way to a file and back."""

import json

import pytest

from s2mock.contract.exchange import CLOSED, OPEN, Call, Reply
from s2mock.contract.recordings import Exchange, Group, Recording, parse, render

JSON = (("content-type", "application/json"),)


def recording(*exchanges: Exchange) -> Recording:
    group = Group("a test", exchanges, ("given",), 1.5)
    return Recording("s2-lite", "0.43.4", "2024-01-01", (group,), {"another": "why"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text",
        b'{"a":[1,2.5,"\xc3\xa9"]}',
        b'{ "a": 1 }',
        b'{"a":1,"a":2}',
        b'"\\ud800"',
        b"18446744073709551616.0",
        b"NaN",
        b"\xff\x00",
        "\u2028 \x85 \r\n\x0b \ufeff".encode(),
        b"[" * 1500,
        bytes(range(256)) * 100,
        b"x" * (1 << 20),
    ],
    ids=lambda body: repr(body[:12]),
)
def test_bodies_come_back_byte_for_byte(body: bytes) -> None:
    exchange = Exchange(1, Call("POST", "/", {"a": "b"}, body), Reply(200, JSON, body))
    text = render(recording(exchange))
    assert parse(text) == recording(exchange)
    assert len(text) < 2 * len(body) + 1000
    assert len(text.splitlines()) == 3


def test_no_body_is_not_an_empty_body() -> None:
    exchanges = [
        Exchange(5, Call("GET", "/"), Reply(200, (), b"")),
        Exchange(7, Call("GET", "/", {}, b""), Reply(200, JSON, b"")),
    ]
    assert parse(render(recording(*exchanges))) == recording(*exchanges)


@pytest.mark.parametrize("end", [None, OPEN, CLOSED, "stream reset with NO_ERROR"])
def test_the_end_of_the_connection_comes_back(end: str | None) -> None:
    exchange = Exchange(1, Call("GET", "/"), Reply(200, JSON, b"{}", end))
    recorded = recording(exchange)._replace(protocol="h2c")
    assert parse(render(recorded)) == recorded


def test_a_line_is_readable() -> None:
    """What is as usual is left out, and JSON is not wrapped in a string."""
    call = Call("POST", "/v1/basins", {"content-type": "application/json"}, b'{"basin":"x"}')
    text = render(
        recording(
            Exchange(1000, Call("GET", "/health"), Reply(200, JSON, b'{"a":1}', OPEN)),
            Exchange(1002, call, Reply(201, JSON, b'{"name":"x"}', OPEN)),
        )
    )
    assert json.loads(text.splitlines()[3]) == {
        "ms": 2,
        "method": "POST",
        "path": "/v1/basins",
        "headers": {"content-type": "application/json"},
        "body": {"json": {"basin": "x"}},
        "status": 201,
        "reply": {"json": {"name": "x"}},
    }
