"""Requests from browsers on other origins (reference: control_plane §1.4)."""

import pytest

from s2mock.contract.client import Client

VARY = "origin, access-control-request-method, access-control-request-headers"
ORIGIN = "http://app.example"
ANSWERS = [
    ("GET", "/health", 200),
    ("GET", "/v1/streams/s", 200),
    ("GET", "/v1/streams/missing", 404),
    ("GET", "/nope", 404),
    ("DELETE", "/v1/streams", 405),
    ("GET", "/v1/metrics", 400),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_every_answer(shared: Client, method: str, path: str, status: int) -> None:
    """Credentials are allowed for any origin; without an origin none is named (§1.4)."""
    answer = shared.request(method, path)
    assert answer.status == status
    assert answer.headers["vary"].endswith(VARY)
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "access-control-allow-origin" not in answer.headers
    asked = shared.request(method, path, headers={"origin": ORIGIN})
    assert asked.headers["access-control-allow-origin"] == ORIGIN
    for name in ("allow-methods", "allow-headers", "expose-headers", "max-age"):
        assert f"access-control-{name}" not in asked.headers


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/v1/basins", "GET,HEAD,POST"),
        ("/v1/basins/short", "GET,HEAD,PUT,DELETE,PATCH"),
        ("/v1/streams/%FF", "GET,HEAD,PUT,DELETE,PATCH"),
        ("/v1/access-tokens/id", "DELETE"),
        ("/v1/locations/default", "GET,HEAD,PUT"),
        ("/health", "GET,HEAD"),
        ("/v1/nope", None),
        ("/", None),
    ],
)
def test_a_preflight(shared: Client, path: str, allow: str | None) -> None:
    """OPTIONS is 200 without a body on any path, and allows what is asked for (§1.4)."""
    headers = {
        "origin": ORIGIN,
        "access-control-request-method": "PATCH",
        "access-control-request-headers": "s2-basin, x-other",
        "content-encoding": "br",
        "accept-encoding": "*;q=0",
    }
    answer = shared.request("OPTIONS", path, headers=headers)
    assert (answer.status, answer.body) == (200, b"")
    assert "content-type" not in answer.headers
    assert answer.headers.get("allow") == allow
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "PATCH"
    assert answer.headers["access-control-allow-headers"] == "s2-basin, x-other"


def test_a_preflight_that_asks_for_nothing(shared: Client) -> None:
    """Nothing is allowed that was not asked for (§1.4)."""
    answer = shared.request("OPTIONS", "/v1/streams")
    assert (answer.status, answer.headers["allow"]) == (200, "GET,HEAD,POST")
    assert answer.headers.keys().isdisjoint(
        f"access-control-allow-{name}" for name in ("origin", "methods", "headers")
    )
