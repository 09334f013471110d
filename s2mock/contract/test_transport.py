"""HTTP itself: what comes before any route (reference: control_plane §1.5)."""

import pytest

from s2mock.contract.client import Answer, Client
from s2mock.contract.dialogue import AUTHORIZATION

BODY = b'{"stream":"s"}'


def raw(s2: Client, line: str, *fields: str, body: bytes = b"") -> Answer:
    """One request, its head written out."""
    head = "\r\n".join([line, f"s2-basin: {s2.basin}", *fields, ""])
    return s2.raw(head.encode() + AUTHORIZATION + b"\r\n" + body)


def test_http_1_0(shared: Client) -> None:
    """HTTP/1.0 is served, without a host (§1.5)."""
    assert raw(shared, "GET /v1/streams/s HTTP/1.0").status == 200


def test_no_host(shared: Client) -> None:
    """A missing `Host` is tolerated (§1.5)."""
    assert raw(shared, "GET /v1/streams/s HTTP/1.1").status == 200


def test_a_date(shared: Client) -> None:
    """Answers are dated (§1.5)."""
    for path in ("/health", "/nope", "/v1/streams/s"):
        assert "date" in shared.request("GET", path).headers


def test_a_body_in_chunks(s2: Client) -> None:
    """A request body may come in chunks (§1.5)."""
    chunks = b'5\r\n{"str\r\n8\r\neam":"s"\r\n1\r\n}\r\n0\r\n\r\n'
    fields = ["host: x", "content-type: application/json", "transfer-encoding: chunked"]
    assert raw(s2, "POST /v1/streams HTTP/1.1", *fields, body=chunks).json["name"] == "s"


def test_expect_100_continue(s2: Client) -> None:
    """A client may ask whether its body is welcome (§1.5)."""
    fields = ["host: x", "content-type: application/json", f"content-length: {len(BODY)}"]
    answer = raw(s2, "POST /v1/streams HTTP/1.1", *fields, "expect: 100-continue", body=BODY)
    assert (answer.status, answer.json["name"]) == (201, "s")


@pytest.mark.parametrize(
    ("types", "status"),
    [(("application/json", "text/plain"), 201), (("text/plain", "application/json"), 400)],
)
def test_two_content_types(s2: Client, types: tuple[str, str], status: int) -> None:
    """Of a repeated header the first counts (§2.1)."""
    fields = ["host: x", *(f"content-type: {name}" for name in types), "content-length: 14"]
    assert raw(s2, "POST /v1/streams HTTP/1.1", *fields, body=BODY).status == status


def test_two_codings_in_two_headers(s2: Client) -> None:
    """Of a repeated header the first counts, here too (§1.5, §2.1)."""
    fields = ["host: x", "content-type: application/json", "content-length: 14"]
    codings = ["content-encoding: identity", "content-encoding: br"]
    answer = raw(s2, "POST /v1/streams HTTP/1.1", *fields, *codings, body=BODY)
    assert answer.status == 201


@pytest.mark.parametrize(
    "path", ["/v1/streams/a<b", "/v1/streams/a`b", "/v1/streams/a b", "v1/streams"]
)
def test_a_target_that_is_none(shared: Client, path: str) -> None:
    """The parser refuses it: 400 without a body, and the connection ends (§1.2)."""
    answer = raw(shared, f"GET {path} HTTP/1.1", "host: x")
    assert (answer.status, answer.body) == (400, b"")
    assert answer.headers["connection"] == "close"


def test_a_request_that_is_none(target: Client) -> None:
    """The same for anything that is not HTTP (§1.5)."""
    answer = target.raw(b"hello?\r\n\r\n")
    assert (answer.status, answer.body) == (400, b"")


@pytest.mark.parametrize(("count", "status"), [(90, 200), (120, 431)])
def test_many_headers(shared: Client, count: int, status: int) -> None:
    """About a hundred headers are fine (§1.5)."""
    fields = [f"x-{number}: y" for number in range(count)]
    answer = raw(shared, "GET /v1/streams/s HTTP/1.1", "host: x", *fields)
    assert answer.status == status
    assert status == 200 or answer.body == b""


@pytest.mark.parametrize(("length", "status"), [(65_000, 200), (65_600, 414)])
def test_a_long_target(shared: Client, length: int, status: int) -> None:
    """A target has less than 64 KiB (§1.5)."""
    answer = raw(shared, f"GET /v1/streams/s?x={'y' * length} HTTP/1.1", "host: x")
    assert answer.status == status
    assert status == 200 or answer.body == b""


def test_two_requests_on_one_connection(shared: Client) -> None:
    """Connections are kept (§1.5)."""
    connection = shared.connect()
    try:
        first = connection.sock
        for path in ("/v1/streams/s", "/v1/streams/missing", "/nope", "/health"):
            headers = {"s2-basin": shared.basin or "", "authorization": f"Bearer {shared.token}"}
            connection.request("GET", path, headers=headers)
            connection.getresponse().read()
            assert connection.sock is first
    finally:
        connection.close()
