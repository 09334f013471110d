"""Which requests may use `/_s2mock`, and that a refused one changes nothing."""

import socket
import subprocess
import sys

import httpx
import pytest

from s2mock import S2Mock
from s2mock.control.guard import is_loopback_host, objection
from s2mock.runtime.conversation import READ, Head
from s2mock.runtime.environ import make_environ
from tests.control.conftest import Control

FAULT = {"on": "append", "fault": {"Drop": {}}}
OWN = {"HTTP_HOST": "127.0.0.1:8080", "REMOTE_ADDR": "127.0.0.1"}


def changed(control: Control) -> bool:
    return control("GET", "/faults").json() != {"faults": []}


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:8080"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "192.168.0.7:8080"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:3000"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
    ],
    ids=str,
)
def test_a_page_of_another_site(control: Control, headers: dict[str, str]) -> None:
    for method, path in (("POST", "/faults"), ("GET", "/journal"), ("GET", ""), ("POST", "/reset")):
        document = FAULT if path == "/faults" else ...
        assert control.refused(method, path, document, headers=headers)[0] == 403
    direct = control.http.put("/_s2mock/v1/basins/other-basin", headers=headers)
    assert direct.status_code == 403
    assert control.http.get("/v1/basins/other-basin").status_code == 404
    assert not changed(control)


def test_a_preflight_allows_nothing(control: Control) -> None:
    headers = {
        "origin": "http://evil.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    answer = control("OPTIONS", "/faults", headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_form(control: Control, kind: str) -> None:
    """Which a browser sends without asking first."""
    headers = {"content-type": kind} if kind else {}
    text = '{"on": "append", "fault": {"Drop": {}}}'
    status, message = control.refused("POST", "/faults", headers=headers, content=text)
    assert status == 415
    assert "needs the content type application/json" in message
    assert not changed(control)


def test_its_own_page_is_let_in(control: Control) -> None:
    headers = {"origin": control.url, "sec-fetch-site": "same-origin"}
    assert control("POST", "/faults", FAULT, headers=headers).status_code == 201
    assert control("DELETE", "/faults/1").status_code == 204


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "s2.localhost", "[::1]:8", "127.1.2.3"]
)
def test_hosts_of_this_machine(control: Control, host: str) -> None:
    assert control("GET", "", headers={"host": host}).status_code == 200
    assert is_loopback_host(host)


@pytest.mark.parametrize(
    "host",
    ["", "10.0.0.1", "[::1]evil", "localhost.evil", "127.0.0.1:80@evil", "::1x", "[fe80::1]"],
)
def test_other_hosts(host: str) -> None:
    assert not is_loopback_host(host)


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_peers_of_this_machine(peer: str) -> None:
    assert objection({**OWN, "REMOTE_ADDR": peer}, None) is None


@pytest.mark.parametrize("peer", ["172.17.0.2", "::ffff:10.0.0.1", "fe80::1%eth0", ""])
def test_other_peers(peer: str) -> None:
    environ = {**OWN, "REMOTE_ADDR": peer}
    assert "--control-token" in (objection(environ, None) or "")
    token = {"HTTP_S2MOCK_CONTROL_TOKEN": "secret"}
    assert objection({**environ, **token}, None) is not None
    assert objection({**environ, **token}, "secret") is None
    assert objection({**environ, **token}, "other") is not None
    container = {"HTTP_HOST": "s2mock:8080", **token}
    assert objection({**environ, **container}, "secret") is None
    page = {"HTTP_ORIGIN": "http://evil.example", **container}
    assert objection({**environ, **page}, "secret") is not None


def test_the_token_is_asked_for_where_one_is_brought() -> None:
    wrong = {**OWN, "HTTP_S2MOCK_CONTROL_TOKEN": "wrong"}
    assert "is not the token" in (objection(wrong, "secret") or "")
    assert objection(OWN, "secret") is None


def test_it_is_off_unless_asked_for() -> None:
    with S2Mock() as mock:
        for path in ("/_s2mock", "/_s2mock/faults", "/_s2mock/v1/basins"):
            assert httpx.get(f"{mock.url}{path}", trust_env=False).status_code == 404


def test_control_is_a_flag() -> None:
    with pytest.raises(TypeError, match="control must be True or False, not int: 1"):
        S2Mock(control=1)  # type: ignore[arg-type]


def own_address() -> str | None:
    """The address by which this machine is known to others, if there is one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address: str = probe.getsockname()[0]
    return None if address.startswith("127.") else address


def test_another_peer_needs_the_token() -> None:
    address = own_address()
    if address is None:
        pytest.skip("this machine has no address but its loopback")
    command = [sys.executable, "-m", "s2mock", "lite", "--port", "0", "--control-token", "secret"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().rstrip('"\n').rpartition(":")[2]
            url = f"http://{address}:{port}"
            with httpx.Client(base_url=url, trust_env=False) as http:
                assert http.get("/health").status_code == 200
                for headers in ({}, {"s2mock-control-token": "x"}, {"host": "localhost"}):
                    refused = http.post("/_s2mock/faults", json=FAULT, headers=headers)
                    assert refused.status_code == 403, headers
                # It asks for the token.
                assert http.get("/_s2mock/").headers["content-type"].startswith("text/html")
                assert http.get("/_s2mock/status").status_code == 403
                token = {"s2mock-control-token": "secret"}
                assert http.get("/_s2mock/faults", headers=token).json() == {"faults": []}
                made = http.post("/_s2mock/faults", json=FAULT, headers=token)
                assert made.status_code == 201
                page = {**token, "origin": "http://evil.example"}
                assert http.delete("/_s2mock/faults/1", headers=page).status_code == 403
                assert len(http.get("/_s2mock/faults", headers=token).json()["faults"]) == 1
            local = httpx.get(f"http://localhost:{port}/_s2mock", trust_env=False)
            assert local.status_code == 200
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("method", "path", "origin"),
    [
        ("POST", "/_s2mock/faults", "http://evil.example"),
        ("POST", "/_s2mock/nothing", None),
        ("PATCH", "/_s2mock/reset", None),
    ],
)
def test_what_is_refused_is_read_to_its_end(
    mock: S2Mock, method: str, path: str, origin: str | None
) -> None:
    """An answer before that ends the connection, on which the client may have the next request."""
    fields = (("host", "localhost"), ("content-length", "6"))
    if origin is not None:
        fields += (("origin", origin),)
    server = ("127.0.0.1", 80)
    environ = make_environ(method, path, path, "", fields, "HTTP/1.1", 1, {}, "127.0.0.1", server)
    conversation = mock._router.converse(environ)
    assert next(conversation) is READ
    assert conversation.send(b"123") is READ
    assert conversation.send(b"456") is READ
    head = conversation.send(b"")
    assert isinstance(head, Head)
    assert head.status >= 400
    conversation.close()
