"""Which basin a request is about: the `S2-Basin` header, or else the host name.

Source: reference: control_plane §1.3; a host counts here as on the real service, where it is all
that counts (s2-lite looks at the header only).
"""

import pytest

from tests.calls import Api
from tests.conftest import BASIN


@pytest.fixture
def anonymous(s2: Api) -> Api:
    """No basin in the header; the stream `here` is in `my-basin`."""
    s2.create_stream("here")
    return s2.within(None)


MISSING = "Missing header `s2-basin`"


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:8080", "a.s2.dev", "my-basin.s2.dev", "api.example.com", ""]
)
def test_no_header_and_a_host_that_names_none(anonymous: Api, host: str) -> None:
    calls = [
        ("GET", "/v1/streams", ...),
        ("POST", "/v1/streams", {"stream": "s"}),
        ("GET", "/v1/streams/here", ...),
        ("PUT", "/v1/streams/here", ...),
        ("PATCH", "/v1/streams/here", {}),
        ("DELETE", "/v1/streams/here", ...),
    ]
    before = anonymous.everything()
    for method, path, document in calls:
        reply = anonymous.call(method, path, document, headers={"host": host})
        assert reply.refuses(400, "bad_header", MISSING)
    assert anonymous.everything() == before


@pytest.mark.parametrize(
    "host",
    [
        "my-basin.b.s2.dev",
        "my-basin.b.aws.s2.dev",
        "my-basin.b.localhost",
        "my-basin.b.localhost:8080",
    ],
)
def test_host_names_the_basin(anonymous: Api, host: str) -> None:
    headers = {"host": host}
    listed = anonymous.call("GET", "/v1/streams", headers=headers)
    assert [stream["name"] for stream in listed.json["streams"]] == ["here"]
    made = anonymous.call("POST", "/v1/streams", {"stream": "s"}, headers=headers)
    assert made.status == 201
    assert anonymous.within(BASIN).stream_names() == ["here", "s"]


def test_host_with_a_bad_or_missing_basin(anonymous: Api) -> None:
    missing = anonymous.call("PUT", "/v1/streams/s", headers={"host": "no-such-basin.b.s2.dev"})
    assert missing.refuses(404, "basin_not_found", "basin `no-such-basin` not found")
    bad = anonymous.call("GET", "/v1/streams", headers={"host": "short.b.s2.dev"})
    assert bad.error[:2] == (400, "bad_header")
    assert "basin name should be at least 8 bytes in length" in bad.error[2]


def test_header_goes_before_host(anonymous: Api) -> None:
    anonymous.create_basin("other-basin")
    for host in ("other-basin.b.s2.dev", "no-such-basin.b.s2.dev", "BAD.b.s2.dev"):
        reply = anonymous.within(BASIN).call("GET", "/v1/streams", headers={"host": host})
        assert [stream["name"] for stream in reply.json["streams"]] == ["here"]
    bad = anonymous.within("bad").call("GET", "/v1/streams", headers={"host": "my-basin.b.s2.dev"})
    text = "Invalid header `s2-basin`: basin name should be at least 8 bytes in length"
    assert bad.refuses(400, "bad_header", text)


def test_account_routes_look_at_neither(anonymous: Api) -> None:
    headers = {"s2-basin": "\u00e9 BAD", "host": "BAD.b.s2.dev"}
    for method, path, document, status in [
        ("GET", "/v1/basins", ..., 200),
        ("POST", "/v1/basins", {"basin": "new-basin"}, 201),
        ("GET", f"/v1/basins/{BASIN}", ..., 200),
        ("PATCH", f"/v1/basins/{BASIN}", {}, 200),
        ("DELETE", "/v1/basins/new-basin", ..., 202),
    ]:
        assert anonymous.call(method, path, document, headers=headers).status == status


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer ", "Bearer anything", "Basic eA==", "garbage", "\u00e9"]
)
def test_authorization_is_not_looked_at(anonymous: Api, authorization: str | None) -> None:
    headers = {"authorization": authorization}
    assert anonymous.within(BASIN).call("GET", "/v1/streams", headers=headers).status == 200
