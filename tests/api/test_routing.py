"""What there is no handler for, and the methods that come for free.

Source: reference: control_plane §1.1, §1.2, §1.4.
"""

import pytest

from s2mock import S2Mock
from tests.calls import Api, over_wsgi
from tests.conftest import BASIN

VARY = "origin, access-control-request-method, access-control-request-headers"


METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "FOO", "get"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v2/basins",
        "/V1/basins",
        "/v1/Basins",
        "/v1/basins/",
        "/v1/streams/",
        f"/v1/basins/{BASIN}/",
        f"/v1/basins/{BASIN}/streams",
        "/v1/streams/s/",
        "/v1/streams/a/b",
        "/v1/streams//",
        "//v1/basins",
        "/v1//basins",
        "/v1/basins//my-basin",
        "/v1/ping",
        "/v1/health",
        "/health/",
        "/v1%2Fbasins",
        "/v1/./basins",
        "/v1/streams/../basins",
        "/%76%31/basins",
    ],
)
def test_unknown_path(s2: Api, path: str) -> None:
    for method in METHODS:
        reply = s2.call(method, path, headers={"content-type": "application/json"})
        assert (reply.status, reply.is_empty) == (404, True)
        assert "location" not in reply.headers
        assert "allow" not in reply.headers


ROUTES = {
    "/health": "GET,HEAD",
    "/ping": "GET,HEAD",
    "/v1/basins": "GET,HEAD,POST",
    f"/v1/basins/{BASIN}": "GET,HEAD,PUT,DELETE,PATCH",
    "/v1/streams": "GET,HEAD,POST",
    "/v1/streams/s": "GET,HEAD,PUT,DELETE,PATCH",
}


@pytest.mark.parametrize(("path", "allow"), ROUTES.items(), ids=list(ROUTES))
def test_wrong_method(s2: Api, path: str, allow: str) -> None:
    for method in set(METHODS) - set(allow.split(",")):
        # The method is refused first, also if more is wrong with the request.
        reply = s2.within("bad").call(method, f"{path}?limit=x", body=b"{")
        assert (reply.status, reply.is_empty) == (405, True)
        assert reply.headers["allow"] == allow


@pytest.mark.parametrize("path", ROUTES)
def test_head_is_get_without_the_body(s2: Api, path: str) -> None:
    s2.create_stream("s")
    got, headed = s2.call("GET", path), s2.call("HEAD", path)
    assert headed.body == b""
    assert int(headed.headers["content-length"]) == len(got.body) > 0
    assert (headed.status, headed.headers) == (got.status, got.headers)


def test_head_of_an_error(s2: Api) -> None:
    got, headed = s2.call("GET", "/v1/streams/x"), s2.call("HEAD", "/v1/streams/x")
    assert (headed.status, headed.headers, headed.body) == (404, got.headers, b"")


@pytest.mark.parametrize("path", ["/health", "/ping"])
def test_health(api: Api, path: str) -> None:
    reply = api.call("GET", path)
    assert (reply.status, reply.body) == (200, b"OK")
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"


def test_body_is_ignored_where_none_is_taken(s2: Api) -> None:
    s2.create_stream("s")
    for headers in ({"content-type": "application/json"}, {"content-type": "text/plain"}, {}):
        assert s2.call("GET", "/v1/streams/s", body=b"{", headers=headers).status == 200
        assert s2.call("GET", "/v1/streams", body=b"\xff", headers=headers).status == 200
    assert s2.call("DELETE", "/v1/streams/s", body=b"{").status == 202


class TestCors:
    """Browsers on any origin may call."""

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/health"),
            ("GET", "/v1/basins"),
            ("DELETE", "/v1/streams/s"),
            ("GET", "/nope"),
            ("FOO", "/v1/basins"),
        ],
    )
    def test_every_answer(self, s2: Api, method: str, path: str) -> None:
        plain = s2.call(method, path).headers
        assert plain["vary"] == VARY
        assert plain["access-control-allow-credentials"] == "true"
        assert "access-control-allow-origin" not in plain
        from_browser = s2.call(method, path, headers={"origin": "https://x.example"}).headers
        assert from_browser["access-control-allow-origin"] == "https://x.example"
        assert "access-control-expose-headers" not in from_browser

    @pytest.mark.parametrize("path", ["/v1/streams", "/v1/streams/s", "/health"])
    def test_preflight(self, api: Api, path: str) -> None:
        asked = {
            "origin": "https://x.example",
            "access-control-request-method": "PUT",
            "access-control-request-headers": "s2-basin,x-any",
        }
        reply = api.call("OPTIONS", path, headers=asked)
        assert (reply.status, reply.is_empty) == (200, True)
        assert reply.headers["vary"] == VARY
        assert reply.headers["access-control-allow-credentials"] == "true"
        assert reply.headers["access-control-allow-origin"] == "https://x.example"
        assert reply.headers["access-control-allow-methods"] == "PUT"
        assert reply.headers["access-control-allow-headers"] == "s2-basin,x-any"
        assert reply.headers["allow"] == ROUTES[path]
        bare = api.call("OPTIONS", path)
        assert (bare.status, bare.is_empty) == (200, True)
        assert "access-control-allow-methods" not in bare.headers
        assert "access-control-allow-headers" not in bare.headers

    @pytest.mark.parametrize("path", ["/", "/nope", "/v1/streams/"])
    def test_preflight_of_an_unknown_path(self, api: Api, path: str) -> None:
        reply = api.call("OPTIONS", path)
        assert (reply.status, reply.is_empty) == (200, True)
        assert "allow" not in reply.headers

    def test_switched_off(self) -> None:
        api = Api(over_wsgi(S2Mock(cors=False).wsgi_app))
        headers = api.call("GET", "/health", headers={"origin": "https://x.example"}).headers
        assert not [name for name in headers if name.startswith(("vary", "access-control"))]
        reply = api.call("OPTIONS", "/v1/basins")
        assert (reply.status, reply.headers["allow"]) == (405, "GET,HEAD,POST")
        assert api.call("OPTIONS", "/nope").status == 404
