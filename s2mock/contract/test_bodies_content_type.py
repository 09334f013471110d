"""Content types, and bodies that may be left out (reference: control_plane §2.2)."""

from collections.abc import Callable

import pytest

from s2mock.contract.client import Client
from s2mock.contract.control_cases import control_case
from s2mock.contract.errors import NO_JSON_TYPE, bad_json

JSON_TYPES = [
    "application/json",
    "APPLICATION/JSON",
    "application/json;",
    "application/json; charset=utf-8",
    'application/json;charset="utf-8"',
    "application/json, text/plain",
    " application/json ",
    "application/vnd.api+json",
    "application/x.y+JSON",
    "application/a+b+json",
    "application/problem+json;v=1",
    "application/json+x",
]
OTHER_TYPES = [
    "",
    "json",
    "text/json",
    "text/plain",
    "text/plain, application/json",
    "application/jsonx",
    "application/x-json",
    "application/json;charset",
    "application/json ; x=y",
    "application/json;;",
    "application/ json",
    "application/+json",
    "*/json",
    "application/json; x=é",
]
REQUIRED = [
    ("POST", "/v1/basins"),
    ("PATCH", "/v1/basins/{basin}"),
    ("POST", "/v1/streams"),
    ("PATCH", "/v1/streams/s"),
    ("POST", "/v1/access-tokens"),
    ("PUT", "/v1/locations/default"),
]
OPTIONAL = [("PUT", "/v1/basins/{basin}"), ("PUT", "/v1/streams/s")]


@control_case(15)
@pytest.mark.parametrize(("method", "path"), REQUIRED)
@pytest.mark.parametrize("body", [b"{}", b"", None], ids=["a body", "empty", "no body"])
def test_a_required_body_without_a_content_type(
    shared: Client, method: str, path: str, body: bytes | None
) -> None:
    """Without a content type there is no JSON (§2.2)."""
    answer = shared.request(method, path.format(basin=shared.basin), body=body)
    assert answer.error == NO_JSON_TYPE


@pytest.mark.sample(4)
@pytest.mark.parametrize("content_type", OTHER_TYPES)
@pytest.mark.parametrize(("method", "path"), [*REQUIRED[2:4], *OPTIONAL])
def test_another_content_type(shared: Client, method: str, path: str, content_type: str) -> None:
    """400 `bad_json`, never 415; for an optional body too, even an empty one (§2.2)."""
    for body in (b'{"stream":"t"}', b""):
        headers = {"content-type": content_type}
        answer = shared.request(method, path.format(basin=shared.basin), body=body, headers=headers)
        assert answer.error == NO_JSON_TYPE
    assert shared.request("GET", "/v1/streams/t").status == 404


@pytest.mark.parametrize("content_type", JSON_TYPES)
def test_a_json_content_type(s2: Client, content_type: str) -> None:
    """`application/json`, anything that ends in `+json`, with parameters; the first one (§2.2)."""
    headers = {"content-type": content_type}
    answer = s2.request("POST", "/v1/streams", body=b'{"stream":"s"}', headers=headers)
    assert answer.status == 201
    answer = s2.request("PUT", "/v1/streams/s", body=b'{"storage_class":"x"}', headers=headers)
    assert answer.result == "updated"


@pytest.mark.parametrize(("method", "path"), OPTIONAL)
def test_an_empty_optional_body(
    target: Client, fresh: Callable[[], str], method: str, path: str
) -> None:
    """With a JSON type and no byte at all it is absent; a blank is a body, and no JSON (§2.2)."""
    s2 = target.in_basin(fresh())
    json_type = {"content-type": "application/json"}
    s2.request("PUT", f"/v1/basins/{s2.basin}")
    path = path.format(basin=s2.basin)
    for body in (b"", None):
        assert s2.request(method, path, body=body, headers=json_type).status in (200, 201)
    for body in (b" ", b"\n"):
        error = s2.request(method, path, body=body, headers=json_type).error
        assert error == bad_json("EOF while parsing a value")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_body_where_none_belongs(s2: Client, method: str) -> None:
    """The bodies of GET and DELETE are not looked at (§1.1)."""
    s2.request("PUT", "/v1/streams/s")
    headers = {"content-type": "application/json"}
    answer = s2.request(method, "/v1/streams/s", body=b"{not JSON", headers=headers)
    assert answer.status in (200, 202)
