"""Answers without the headers for browsers on other origins (reference: control_plane §1.4)."""

from s2mock import S2Mock
from tests.calls import Api, over_wsgi


def test_without_cors_there_are_no_headers_and_no_preflight() -> None:
    api = Api(over_wsgi(S2Mock(cors=False).wsgi_app))
    headers = api.call("GET", "/health", headers={"origin": "https://x.example"}).headers
    assert not [name for name in headers if name.startswith(("vary", "access-control"))]
    reply = api.call("OPTIONS", "/v1/basins")
    assert (reply.status, reply.headers["allow"]) == (405, "GET,HEAD,POST")
    assert api.call("OPTIONS", "/nope").status == 404
