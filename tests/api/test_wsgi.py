"""The app under WSGI callers of all kinds, Werkzeug's client and httpx among them."""

import logging
from collections.abc import Callable
from io import BytesIO, RawIOBase
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from wsgiref.validate import validator

import httpx
import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from s2mock import S2Mock
from s2mock.registry.rules.basins import CreateBasin
from s2mock.registry.rules.streams import GetStreamConfig
from s2mock.runtime import failures
from s2mock.runtime.conversation import READ, Head, RunInThread
from tests import own_token
from tests.calls import ODD_NAMES, Api
from tests.conftest import BASIN

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def headers_to(mock: S2Mock) -> dict[str, str]:
    return {"S2-Basin": BASIN, **own_token.headers(mock)}


@pytest.mark.parametrize("name", ["logs/application", "a?b", "100%", "é", "x y", "日本"])
def test_client_of_werkzeug(mock: S2Mock, name: str) -> None:
    mock.create_basin(BASIN)
    headers = {"S2-Basin": BASIN}
    client = mock.client
    made = client.post("/v1/streams", json={"stream": name}, headers=headers)
    assert (made.status_code, made.json and made.json["name"]) == (201, name)
    path = f"/v1/streams/{quote(name, safe='')}"
    assert client.get(path, headers=headers).status_code == 200
    assert client.get(f"/v1/streams?prefix={quote(name)}", headers=headers).json == {
        "streams": [made.json],
        "has_more": False,
    }
    assert client.put(path, json={}, headers=headers).headers["S2-Provision-Result"] == "noop"
    assert client.patch(path, json={"storage_class": "x"}, headers=headers).status_code == 200
    assert client.delete(path, headers=headers).status_code == 202
    missing = client.get(path, headers=headers)
    assert missing.json == {
        "code": "stream_not_found",
        "message": f"stream `{name}` in basin `{BASIN}` not found",
    }


@pytest.fixture
def wsgi(mock: S2Mock) -> httpx.Client:
    """httpx on the app: a caller that passes only the decoded path."""
    mock.create_basin(BASIN)
    return httpx.Client(
        transport=httpx.WSGITransport(mock.wsgi_app),
        base_url="http://s2",
        headers={"s2-basin": BASIN},
    )


# Where the path is given decoded only, `/v1/streams/a/b/records` could be two things, and is taken
# for the call on records.
AMBIGUOUS = {"a/b/records"}


@pytest.mark.sample(4)
@pytest.mark.parametrize("name", [n for n in ODD_NAMES if n not in AMBIGUOUS], ids=ascii)
def test_httpx_transport(wsgi: httpx.Client, name: str) -> None:
    assert wsgi.post("/v1/streams", json={"stream": name}).status_code == 201
    path = f"/v1/streams/{quote(name, safe='')}"
    assert wsgi.put(path).headers["s2-provision-result"] == "noop"
    assert wsgi.get(path).status_code == 200
    assert wsgi.patch(path, json={"storage_class": "x"}).json()["storage_class"] == "x"
    listed = wsgi.get("/v1/streams", params={"prefix": name}).json()["streams"]
    assert name in [stream["name"] for stream in listed]
    assert wsgi.delete(path).status_code == 202
    assert wsgi.get(path).status_code == 404


def test_httpx_transport_beyond_streams(wsgi: httpx.Client) -> None:
    assert wsgi.get("/health").text == "OK"
    assert wsgi.get(f"/v1/basins/{BASIN}").status_code == 200
    assert wsgi.get("/v1/basins/").status_code == 404
    assert wsgi.get("/v1/basins/%C3%A9").json()["code"] == "bad_path"
    assert wsgi.get("/v1/streams/").status_code == 404
    assert wsgi.get("/nope%2F?x").status_code == 404


@pytest.mark.parametrize("variable", ["REQUEST_URI", "RAW_URI"])
@pytest.mark.parametrize(
    "target",
    [
        "/v1/streams/a%2Fb",
        "/v1/streams/a%2Fb?x=/y",
        "/v1/streams/a%2Fb#fragment",
        "http://host:80/v1/streams/a%2Fb?x",
    ],
)
def test_target_as_servers_hand_it_over(mock: S2Mock, variable: str, target: str) -> None:
    mock.create_basin(BASIN).create_stream("a/b")
    environ = EnvironBuilder("/v1/streams/a/b", headers=headers_to(mock)).get_environ()
    del environ["REQUEST_URI"], environ["RAW_URI"]
    environ[variable] = target
    assert run_wsgi_app(mock.wsgi_app, environ)[1] == "200 OK"


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("HEAD", "/health", "200 OK"),
        ("GET", "/v1/streams?limit=x", "400 BAD REQUEST"),
        ("PUT", "/v1/streams/%C3%A9%2Fx", "201 CREATED"),
    ],
)
def test_app_keeps_to_wsgi(mock: S2Mock, method: str, target: str, status: str) -> None:
    mock.create_basin(BASIN)
    # The checker holds it against answers that they have no content type: these three have one.
    checked: WSGIApplication = validator(mock.wsgi_app)
    builder = EnvironBuilder(target, method=method, headers=headers_to(mock))
    started: list[str] = []

    def start_response(status: str, _: object, __: object = None) -> Callable[[bytes], object]:
        started.append(status)
        return lambda _: None

    body = checked(builder.get_environ(), start_response)
    assert b"".join(body) or method == "HEAD"
    body.close()
    assert started == [status]


def test_body_may_come_without_a_length(mock: S2Mock) -> None:
    body = b'{"basin":"new-basin"}'
    builder = EnvironBuilder(
        "/v1/basins", method="POST", content_type="application/json", headers=headers_to(mock)
    )
    environ = builder.get_environ()
    environ.pop("CONTENT_LENGTH", None)
    environ["wsgi.input"] = BytesIO(body)
    environ["wsgi.input_terminated"] = True
    assert run_wsgi_app(mock.wsgi_app, environ)[1] == "201 CREATED"


def test_stream_is_read_no_further_than_its_length(mock: S2Mock) -> None:
    body = b'{"basin":"new-basin"}'
    builder = EnvironBuilder(
        "/v1/basins", method="POST", content_type="application/json", headers=headers_to(mock)
    )
    environ = builder.get_environ()
    environ["wsgi.input"] = BytesIO(body + b"the next request")
    environ["CONTENT_LENGTH"] = str(len(body))
    assert run_wsgi_app(mock.wsgi_app, environ)[1] == "201 CREATED"


class Trickle(RawIOBase):
    """A body of which each read brings one byte."""

    def __init__(self, body: bytes) -> None:
        self.rest = BytesIO(body)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        buffer[:1] = byte = self.rest.read(1)
        return len(byte)


def creating(mock: S2Mock, size: int) -> tuple[bytes, dict[str, Any]]:
    """A body of that size, which creates a basin, and the environ of its request."""
    body = b'{"basin":"new-basin","x":"%b"}' % (b"x" * (size - 28))
    assert len(body) == size
    environ = EnvironBuilder("/v1/basins", method="POST", headers=headers_to(mock)).get_environ()
    return body, environ | {"CONTENT_LENGTH": str(size), "CONTENT_TYPE": "application/json"}


def test_body_may_come_in_bytes_of_one(mock: S2Mock) -> None:
    body, environ = creating(mock, 100_000)
    environ["wsgi.input"] = Trickle(body)
    assert run_wsgi_app(mock.wsgi_app, environ)[1] == "201 CREATED"


@pytest.mark.slow
def test_no_byte_of_a_body_copies_those_before_it(mock: S2Mock) -> None:
    """If each of two million did, the test would not end in time. No server is in the way."""
    body, environ = creating(mock, 2**21)
    conversation = mock.wsgi_app.converse(environ)
    step = next(conversation)
    for byte in body:
        assert step is READ
        step = conversation.send(bytes((byte,)))
    while not isinstance(step, Head):
        assert isinstance(step, RunInThread)
        step = conversation.send(step.function())
    assert step.status == 201
    conversation.close()


@pytest.mark.openapi_unchecked("the fake is broken on purpose, and answers 500")
def test_fault_of_ours_is_a_500_that_says_so(
    s2: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("broken on purpose")

    s2.create_stream("s")
    before = s2.everything()
    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR, logger="s2mock"):
        patched.setattr(CreateBasin, "decide", fail)
        patched.setattr(GetStreamConfig, "decide", fail)
        for reply in (
            s2.call("POST", "/v1/basins", {"basin": "new-basin"}),
            s2.call("GET", "/v1/streams/s"),
        ):
            status, code, message = reply.error
            assert (status, code) == (500, "other")
            assert "RuntimeError('broken on purpose')" in message
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert "broken on purpose" in caplog.text
    # Each would otherwise fail this very test.
    assert ["broken on purpose" in trace for trace in failures.take()] == [True, True]
    assert s2.everything() == before
    assert s2.call("GET", "/v1/streams/s").status == 200
