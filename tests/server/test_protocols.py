"""HTTP/1.1 and h2c on one port: what goes over the socket is what the app says.

Source: reference: control_plane §1.5.
"""

import asyncio
import gzip
import http.client
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from s2mock import S2Mock
from tests.calls import ODD_NAMES
from tests.conftest import BASIN
from tests.sessions.h2_client import H2Client

LIMIT = 2 * 1024 * 1024
VERSIONS = {"HTTP/1.1": {"http1": True, "http2": False}, "HTTP/2": {"http1": False, "http2": True}}


@pytest.fixture(params=VERSIONS, ids=["http1", "h2c"])
def client(mock: S2Mock, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """httpx, speaking one of the two to the basin `my-basin`."""
    mock.create_basin(BASIN)
    headers = {"s2-basin": BASIN}
    # "trust_env" would read proxies from the environment that the tests run in. Nothing is
    # encrypted, and httpx takes 20 ms to load what it would verify with.
    options = {"base_url": mock.url, "headers": headers, "trust_env": False, "verify": False}
    with httpx.Client(**options, **VERSIONS[request.param]) as client:
        assert client.get("/health").http_version == request.param
        yield client


def test_every_operation(client: httpx.Client) -> None:
    made = client.post("/v1/streams", json={"stream": "a/b"})
    assert (made.status_code, made.headers["s2-provision-result"]) == (201, "created")
    assert made.headers["content-type"] == "application/json"
    assert made.json() == {
        "name": "a/b",
        "created_at": "2024-01-01T00:00:00Z",
        "deleted_at": None,
        "cipher": None,
    }
    path = "/v1/streams/a%2Fb"
    assert client.put(path, json={"storage_class": "x"}).headers["s2-provision-result"] == "updated"
    assert client.patch(path, json={"storage_class": "y"}).json()["storage_class"] == "y"
    assert client.get(path).json()["storage_class"] == "y"
    assert client.get("/v1/streams").json() == {"streams": [made.json()], "has_more": False}
    deleted = client.delete(path)
    assert (deleted.status_code, deleted.content) == (202, b"")
    missing = client.get(path)
    assert (missing.status_code, missing.json()["code"]) == (404, "stream_not_found")
    assert client.get("/v1/basins").json()["basins"][0]["name"] == BASIN
    for method, target, status in [
        ("GET", "/nope", 404),
        ("GET", "/v1/streams/a/b", 404),
        ("POST", "/v1/basins/my-basin", 405),
        ("OPTIONS", "/v1/streams", 200),
    ]:
        reply = client.request(method, target)
        assert (reply.status_code, reply.content) == (status, b"")
        assert "content-type" not in reply.headers


def test_odd_names(client: httpx.Client) -> None:
    for name in ODD_NAMES:
        path = f"/v1/streams/{quote(name, safe='')}"
        made = client.put(path)
        assert (made.status_code, made.json()["name"]) == (201, name)
        assert client.get(path).status_code == 200
    listed = client.get("/v1/streams").json()["streams"]
    assert [stream["name"] for stream in listed] == sorted(ODD_NAMES, key=str.encode)
    for name in ODD_NAMES:
        found = client.get("/v1/streams", params={"prefix": name, "limit": 1}).json()["streams"]
        assert [stream["name"] for stream in found] == [name]


def test_head_has_the_headers_of_get(client: httpx.Client) -> None:
    got, headed = client.get("/v1/basins"), client.head("/v1/basins")
    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers["content-length"] == str(len(got.content))
    assert client.head("/v1/streams/x").status_code == 404


@pytest.mark.slow
def test_bodies_of_all_sizes(client: httpx.Client) -> None:
    limit = LIMIT
    frame = b'{"stream":"s%d","x":""}'
    # Around what is sent in one piece, in one window, and what is taken at all.
    for size in (1 << 14, (1 << 16) - 1, 1 << 16, 1 << 20, limit):
        body = frame % size
        body = body.replace(b'""', b'"' + b"x" * (size - len(body)) + b'"')
        headers = {"content-type": "application/json"}
        assert client.post("/v1/streams", content=body, headers=headers).status_code == 201
        if size == limit:
            headers["content-encoding"] = "gzip"
            packed = gzip.compress(body)
            assert client.post("/v1/streams", content=packed, headers=headers).status_code == 409
    # And back.
    for number in range(1000):
        client.put(f"/v1/streams/{number:03}-{'y' * 500}")
    reply = client.get("/v1/streams", params={"limit": 999})
    assert reply.headers["content-encoding"] in ("gzip", "zstd")
    assert len(reply.json()["streams"]) == 999
    plain = client.get("/v1/streams", params={"limit": 999}, headers={"accept-encoding": ""})
    assert plain.content == reply.content
    assert len(plain.content) > 1 << 19


def test_body_beyond_the_limit(mock: S2Mock, client: httpx.Client) -> None:
    headers = {"content-type": "application/json"}
    for size in (LIMIT + 1, 4 * LIMIT):
        if size > LIMIT + 1 and client.get("/health").http_version == "HTTP/2":
            # httpx trips over an answer that comes while it sends, the reference server's too.
            continue
        body = b'{"stream":"' + b"x" * (size - 13) + b'"}'
        reply = client.post("/v1/streams", content=body, headers=headers)
        assert reply.status_code == 400
        assert reply.json() == {
            "code": "bad_json",
            "message": "Failed to buffer the request body: length limit exceeded",
        }
    # It goes on serving. That connection may just be closing, as after an early answer of S2.
    assert httpx.get(f"{mock.url}/health", trust_env=False).text == "OK"
    assert not list(mock.basin(BASIN).streams)


def test_body_beyond_the_limit_on_http_2(mock: S2Mock) -> None:
    """It is answered as soon as it is too long, and no more of it is wanted."""
    mock.create_basin(BASIN)
    with H2Client(mock.url) as client:
        stream = client.open("POST", "/v1/streams", {"content-type": "application/json"}, end=False)
        sent = 0
        while stream not in client.ended:
            if client.h2.local_flow_control_window(stream) < 16_384:
                client.receive()
            else:
                assert sent <= 2 * LIMIT
                client.send(stream, b" " * 16_384)
                sent += 16_384
        assert client.head(stream)[":status"] == "400"
        assert b"length limit exceeded" in client.rest(stream)
        assert client.head(client.open("GET", "/health"))[":status"] == "200"


def test_body_without_a_length(client: httpx.Client) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"str'
        yield b'eam":'
        yield b'"s"}'

    headers = {"content-type": "application/json"}
    assert client.post("/v1/streams", content=pieces(), headers=headers).status_code == 201


def test_one_connection_carries_more_than_a_thousand_requests(mock: S2Mock) -> None:
    # A server that closes after a thousand, as some do, breaks clients that do not expect it.
    connection = http.client.HTTPConnection(mock.url.removeprefix("http://"), timeout=10)
    connection.connect()
    assert connection.sock is not None
    local = connection.sock.getsockname()
    for number in range(1200):
        method, path = [("GET", "/health"), ("GET", "/nope"), ("HEAD", "/v1/basins")][number % 3]
        connection.request(method, path)
        response = connection.getresponse()
        response.read()
        assert connection.sock is not None
        assert connection.sock.getsockname() == local
    connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS, ids=["http1", "h2c"])
def test_forty_at_a_time(mock: S2Mock, version: str) -> None:
    mock.create_basin(BASIN)

    async def create_all() -> list[httpx.Response]:
        options = {"base_url": mock.url, "trust_env": False, "headers": {"s2-basin": BASIN}}
        # Over h2c that is one connection.
        async with httpx.AsyncClient(**options, **VERSIONS[version]) as client:
            await client.get("/health")
            return await asyncio.gather(
                *(client.post("/v1/streams", json={"stream": f"{n % 200}"}) for n in range(400))
            )

    replies = asyncio.run(create_all())
    statuses = [reply.status_code for reply in replies]
    assert (statuses.count(201), statuses.count(409)) == (200, 200)
    assert {reply.http_version for reply in replies} == {version}
    assert len(mock.basin(BASIN).streams) == 200
