"""How the parameters of a path are decoded (reference: control_plane §1.2).

The path is split at its slashes as it was sent, then each parameter is percent-decoded once.
"""

import pytest

from s2mock.contract.client import Client
from s2mock.contract.control_cases import control_case
from s2mock.contract.dialogue import AUTHORIZATION
from s2mock.contract.errors import bad_path

EMPTY_STREAM = bad_path("stream name must not be empty")


@pytest.mark.sample(3)
@control_case(81)
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a%2Fb", "a/b"),
        ("a%2fb", "a/b"),
        ("a%2Frecords", "a/records"),
        ("a%2Fb%2Frecords", "a/b/records"),
        ("records", "records"),
        ("%61%62", "ab"),
        ("a+b", "a+b"),
        ("%20", " "),
        ("%0A", "\n"),
        ("%25", "%"),
        ("%2525", "%25"),
        ("%", "%"),
        ("%zz", "%zz"),
        ("a%2", "a%2"),
        ("%C3%A9", "é"),
        ("%F0%9F%98%80", "😀"),
        ("...", "..."),
        ("%2E%2E%2E", "..."),
        ("..%2Fx", "../x"),
        ("a;b=c", "a;b=c"),
        ("a:b@c", "a:b@c"),
        ("*", "*"),
        ('"{}|\\^', '"{}|\\^'),
        ("a?b", "a"),
    ],
)
def test_a_name(s2: Client, path: str, name: str) -> None:
    """An invalid escape is literal text; a plus is a plus (§1.2)."""
    made = s2.request("PUT", f"/v1/streams/{path}")
    assert (made.status, made.json["name"]) == (201, name)
    assert s2.request("GET", f"/v1/streams/{path}").status == 200
    [info] = s2.request("GET", "/v1/streams").json["streams"]
    assert info["name"] == name


@control_case(81)
def test_the_tail_of_a_name_with_a_slash(s2: Client) -> None:
    """`a%2Fb` is one segment, before `/records/tail` too (§1.2)."""
    s2.request("PUT", "/v1/streams/a%2Fb")
    answer = s2.request("GET", "/v1/streams/a%2Fb/records/tail")
    assert (answer.status, answer.json) == (200, {"tail": {"seq_num": 0, "timestamp": 0}})


def test_bytes_beyond_ascii(s2: Client) -> None:
    """A path may hold UTF-8 as it is (§1.2)."""
    head = f"PUT /v1/streams/é HTTP/1.1\r\nhost: x\r\ns2-basin: {s2.basin}\r\n"
    assert s2.raw(head.encode() + AUTHORIZATION + b"\r\n").json["name"] == "é"
    assert s2.request("GET", "/v1/streams/%C3%A9").status == 200


def test_a_fragment(s2: Client) -> None:
    """A fragment is dropped (§1.2)."""
    assert s2.request("PUT", "/v1/streams/s#t/records").json["name"] == "s"


def test_a_target_with_scheme_and_host(s2: Client) -> None:
    """The absolute form of a request target names the same path (§1.2)."""
    head = f"PUT http://x.example/v1/streams/s HTTP/1.1\r\nhost: x\r\ns2-basin: {s2.basin}\r\n"
    assert s2.raw(head.encode() + AUTHORIZATION + b"\r\n").json["name"] == "s"


NO_UTF8 = pytest.mark.parametrize("raw", ["%FF", "a%C3", "%ED%A0%80", "%C0%AF", "x%80"])


@control_case(82)
@NO_UTF8
def test_bytes_that_are_no_utf8(shared: Client, raw: str) -> None:
    """The message names the parameter (§1.2)."""
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        for parameter, path in (("stream", "streams"), ("basin", "basins")):
            error = shared.request(method, f"/v1/{path}/{raw}", {}).error
            assert error == bad_path(f"Invalid UTF-8 in `{parameter}`")


@pytest.mark.account
@NO_UTF8
def test_an_id_of_a_token_that_is_no_utf8(shared: Client, raw: str) -> None:
    """The message names the parameter (§1.2)."""
    error = shared.request("DELETE", f"/v1/access-tokens/{raw}").error
    assert error == bad_path("Invalid UTF-8 in `id`")


@control_case(83)
@pytest.mark.parametrize("raw", [".", "..", "%2E", "%2e%2E", ".%2E"])
def test_dots(shared: Client, raw: str) -> None:
    """No segment is taken for a direction (§1.2)."""
    error = shared.request("PUT", f"/v1/streams/{raw}").error
    assert error == bad_path('stream name must not be "." or ".."')
    error = shared.request("GET", f"/v1/basins/{raw}").error
    assert error == bad_path("basin name should be at least 8 bytes in length")


@pytest.mark.parametrize("path", ["/v1/streams//records", "/v1/streams//records/tail"])
def test_an_empty_parameter(shared: Client, path: str) -> None:
    """In the middle of a path it is a parameter, and no name (§1.1)."""
    assert shared.request("GET", path).error == EMPTY_STREAM
    assert shared.request("HEAD", path).status == 400


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("short/%FF", "Invalid UTF-8 in `stream`"),
        ("%FF/%FF", "Invalid UTF-8 in `basin`"),
        ("%FF/.", "Invalid UTF-8 in `basin`"),
        ("short/.", "basin name should be at least 8 bytes in length"),
        ("/.", "basin name should be at least 8 bytes in length"),
        ("abcdefgh/.", 'stream name must not be "." or ".."'),
    ],
)
def test_two_parameters(target: Client, path: str, reason: str) -> None:
    """All are decoded before any is checked, then the first fault counts (§1.2)."""
    answer = target.request("GET", f"/v1/metrics/{path}?set=storage")
    assert answer.error == bad_path(reason)
