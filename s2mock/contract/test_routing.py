"""Paths and methods (reference: control_plane §1.1).

Where the router itself answers there is no error envelope: the body is empty.
"""

import pytest

from s2mock.contract.client import Client
from s2mock.contract.control_cases import control_case

ROUTES = [
    ("/health", "GET,HEAD"),
    ("/ping", "GET,HEAD"),
    ("/v1/basins", "GET,HEAD,POST"),
    ("/v1/basins/abcdefgh", "GET,HEAD,PUT,DELETE,PATCH"),
    ("/v1/streams", "GET,HEAD,POST"),
    ("/v1/streams/s", "GET,HEAD,PUT,DELETE,PATCH"),
    ("/v1/streams/s/records", "GET,HEAD,POST"),
    ("/v1/streams//records", "GET,HEAD,POST"),
    ("/v1/streams/s/records/tail", "GET,HEAD"),
    ("/v1/access-tokens", "GET,HEAD,POST"),
    ("/v1/access-tokens/id", "DELETE"),
    ("/v1/metrics", "GET,HEAD"),
    ("/v1/metrics/abcdefgh", "GET,HEAD"),
    ("/v1/metrics/abcdefgh/s", "GET,HEAD"),
    ("/v1/metrics//s", "GET,HEAD"),
    ("/v1/locations", "GET,HEAD"),
    ("/v1/locations/default", "GET,HEAD,PUT"),
]
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "FOO"]

UNKNOWN = [
    "/",
    "/nope",
    "/v1",
    "/v1/",
    "/v1/nope",
    "/v1/ping",
    "/v1/health",
    "/v2/basins",
    "/V1/basins",
    "/v1/Basins",
    "//v1/basins",
    "/v1//basins",
    "/v1/basins//abcdefgh",
    "/v1/./basins",
    "/v1/x/../basins",
    "/v1/%62asins",
    "/v1%2Fbasins",
    "/v1/basins/",
    "/v1/basins/abcdefgh/",
    "/v1/basins/abcdefgh/streams",
    "/v1/streams/",
    "/v1/streams//",
    "/v1/streams/s/",
    "/v1/streams/a/b",
    "/v1/streams/s/records/",
    "/v1/streams/s/records/tail/",
    "/v1/streams/s/records/x",
    "/v1/streams/a/b/records",
    "/v1/access-tokens/",
    "/v1/access-tokens/a/b",
    "/v1/metrics/",
    "/v1/metrics/abcdefgh/",
    "/v1/metrics/a/b/c",
    "/v1/locations/",
    "/v1/locations/foo",
    "/v1/locations/default/",
    "/health/",
    "/ping/",
    "/healthz",
]


@pytest.mark.sample(4)
@control_case(95)
@pytest.mark.parametrize("path", UNKNOWN)
def test_an_unknown_path(shared: Client, path: str) -> None:
    """404 without a body or a content type; no slash is added, removed or merged (§1.1)."""
    for method in ("GET", "HEAD", "PUT", "FOO"):
        answer = shared.request(method, path, headers={"content-encoding": "br"})
        assert (answer.status, answer.body) == (404, b"")
        assert answer.headers.get("content-length", "0") == "0"
        assert answer.headers.keys().isdisjoint(("content-type", "location", "allow"))


@control_case(95)
@pytest.mark.parametrize(("path", "allow"), ROUTES)
def test_a_wrong_method(shared: Client, path: str, allow: str) -> None:
    """405 without a body, and with the methods that there are, in this very order (§1.1)."""
    for method in METHODS:
        if method in allow.split(","):
            continue
        answer = shared.request(method, path, body=b"{}")
        assert (answer.status, answer.body, answer.headers["allow"]) == (405, b"", allow)
        assert "content-type" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/health",
        "/v1/basins?prefix=0",
        "/v1/basins/short",
        "/v1/streams",
        "/v1/streams/s",
        "/v1/streams/missing",
        "/v1/streams/s/records/tail",
        "/v1/metrics",
        "/v1/locations",
    ],
)
def test_head_is_get_without_the_body(shared: Client, path: str) -> None:
    """Status and headers are those of GET, the length too (§1.1)."""
    got, head = shared.request("GET", path), shared.request("HEAD", path)
    assert (head.status, head.body) == (got.status, b"")
    assert head.headers | {"date": ""} == got.headers | {"date": ""}


@pytest.mark.parametrize("path", ["/health", "/v1/basins?prefix=0", "/not-there"])
def test_the_server_does_not_say_what_it_is(target: Client, path: str) -> None:
    """There is no `server` header (§1.1)."""
    assert "server" not in target.request("GET", path).headers


@pytest.mark.parametrize("path", ["/health", "/ping"])
def test_health(target: Client, path: str) -> None:
    """A server that is well says so in plain text (§1.1)."""
    answer = target.request("GET", path, headers={"content-encoding": "br"})
    assert (answer.status, answer.body) == (200, b"OK")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
