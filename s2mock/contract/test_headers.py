"""Request headers of the control plane (reference: control_plane §2.1, §1.3)."""

from collections.abc import Callable

import pytest

from s2mock.contract.basins import unused_name
from s2mock.contract.client import Client
from s2mock.contract.control_cases import control_case
from s2mock.contract.dialogue import AUTHORIZATION
from s2mock.contract.errors import NO_BASIN_HEADER, bad_header, basin_not_found

TOKEN_TOO_LONG = "request token was longer than 36 bytes in length: {}"

STREAM_ROUTES = [
    ("GET", "/v1/streams"),
    ("POST", "/v1/streams"),
    ("GET", "/v1/streams/s"),
    ("PUT", "/v1/streams/s"),
    ("PATCH", "/v1/streams/s"),
    ("DELETE", "/v1/streams/s"),
    ("GET", "/v1/streams/s/records"),
    ("POST", "/v1/streams/s/records"),
    ("GET", "/v1/streams/s/records/tail"),
]


@control_case(53)
@pytest.mark.parametrize(("method", "path"), STREAM_ROUTES)
def test_no_basin(target: Client, method: str, path: str) -> None:
    """Every stream route needs the header `s2-basin` (§1.3)."""
    answer = target.request(method, path, {"stream": "s", "records": []})
    assert answer.error == NO_BASIN_HEADER


@pytest.mark.basin_header
@pytest.mark.parametrize("name", ["café-basin", "日本-basin", "basin\xff\xfe"])
def test_a_basin_that_is_not_ascii(target: Client, name: str) -> None:
    """Header values are ASCII: anything else is called "not UTF-8", also valid UTF-8 (§2.1)."""
    raw = name.encode("utf-8").decode("latin-1")
    error = target.in_basin(raw).request("GET", "/v1/streams").error
    assert error == bad_header("s2-basin", "not UTF-8")


@pytest.mark.basin_header
@pytest.mark.parametrize("name", ["tab\tbasin", "basin, basin", "basin basin"])
def test_a_basin_of_printable_ascii_and_tabs(target: Client, name: str) -> None:
    """What is ASCII is measured by the rules of names (§2.1)."""
    error = target.in_basin(name).request("GET", "/v1/streams").error
    rule = "basin name must comprise lowercase letters, numbers, and hyphens"
    assert error == bad_header("s2-basin", rule)


@pytest.mark.basin_header
def test_blanks_around_a_value(shared: Client) -> None:
    """The blanks around a value are not part of it (§1.3)."""
    padded = shared.in_basin(f"  {shared.basin}\t ")
    assert padded.request("GET", "/v1/streams").status == 200


def test_of_a_repeated_header_the_first(s2: Client, fresh: Callable[[], str]) -> None:
    """The first `s2-basin` counts (§1.3)."""
    other = fresh()
    request = "GET /v1/streams HTTP/1.1\r\nhost: x\r\ns2-basin: {}\r\ns2-basin: {}\r\n"
    end = AUTHORIZATION + b"\r\n"
    assert s2.raw(request.format(s2.basin, other).encode() + end).status == 200
    answer = s2.raw(request.format(other, s2.basin).encode() + end)
    assert answer.error == basin_not_found(other)


@pytest.mark.parametrize(
    "path",
    ["/v1/basins", "/v1/access-tokens", "/v1/metrics?set=account-ops&start=0&end=0"],
)
def test_account_routes_need_no_basin(target: Client, path: str) -> None:
    """They do not read the header, also an invalid one (§1.3)."""
    assert target.in_basin("BAD").request("GET", path).status in (200, 501)


@pytest.mark.parametrize("value", [None, "", "garbage", "Bearer ", "Basic eDp5"])
def test_authorization(s2: Client, value: str | None) -> None:
    """s2-lite knows no access tokens and takes any `authorization`, also none (§2.1)."""
    answer = s2.request("GET", "/v1/streams", headers={"authorization": value})
    if answer.status == 401:
        pytest.skip("the target asks for an access token")
    assert answer.status == 200


@control_case(17)
@pytest.mark.parametrize("length", [36, 37, 100])
def test_the_length_of_a_token(target: Client, fresh: Callable[[], str], length: int) -> None:
    """A request token has 36 bytes at most (§2.1)."""
    s2, token = target.in_basin(fresh()), {"s2-request-token": "t" * length}
    too_long = bad_header("s2-request-token", TOKEN_TOO_LONG.format(length))
    for path, document in (("basins", {"basin": s2.basin}), ("streams", {"stream": "s"})):
        answer = s2.request("POST", f"/v1/{path}", document, headers=token)
        assert answer.status == 201 if length == 36 else answer.error == too_long


@pytest.mark.parametrize("token", ["", "a b", '"\\', "tab\tx", "~!@#$%^&*()"])
def test_any_ascii_is_a_token(s2: Client, token: str) -> None:
    """The empty token too: it makes replays like any other (§2.1, §5.5)."""
    headers = {"s2-request-token": token}
    for result in ("created", "noop"):
        answer = s2.request("POST", "/v1/streams", {"stream": "s"}, headers=headers)
        assert (answer.status, answer.result) == (201, result)
    another = s2.request("POST", "/v1/streams", {"stream": "s"}, headers={"s2-request-token": "-"})
    assert another.error.code == "resource_already_exists"


def test_a_token_that_is_not_ascii(s2: Client) -> None:
    """As with every header: "not UTF-8" (§2.1)."""
    headers = {"s2-request-token": "é"}
    for path, document in (("basins", {"basin": unused_name()}), ("streams", {"stream": "s"})):
        answer = s2.request("POST", f"/v1/{path}", document, headers=headers)
        assert answer.error == bad_header("s2-request-token", "not UTF-8")


def test_blanks_around_a_token(s2: Client) -> None:
    """They are not part of the token (§1.3)."""
    for token, result in (("  t ", "created"), ("t", "noop")):
        headers = {"s2-request-token": token}
        answer = s2.request("POST", "/v1/streams", {"stream": "s"}, headers=headers)
        assert answer.result == result


@pytest.mark.parametrize("token", ["t" * 37, "é"])
def test_where_a_token_is_not_looked_at(s2: Client, token: str) -> None:
    """Only the two creates have tokens; elsewhere the header is not even checked (§2.1)."""
    headers = {"s2-request-token": token}
    basin = f"/v1/basins/{s2.basin}"
    for method, path, document in (
        ("PUT", "/v1/streams/s", {}),
        ("PATCH", "/v1/streams/s", {}),
        ("PUT", basin, {}),
        ("PATCH", basin, {}),
        ("GET", "/v1/streams", ...),
        ("GET", "/v1/basins", ...),
        ("DELETE", "/v1/streams/s", ...),
        ("DELETE", basin, ...),
    ):
        assert s2.request(method, path, document, headers=headers).status in (200, 201, 202)


def test_the_result_is_said_where_something_is_provisioned(s2: Client) -> None:
    """Only successful creates and ensures have `s2-provision-result` (§2.1)."""
    assert s2.request("PUT", "/v1/streams/s").result == "created"
    for method, path, document in (
        ("GET", "/v1/streams/s", ...),
        ("PATCH", "/v1/streams/s", {}),
        ("GET", "/v1/streams", ...),
        ("POST", "/v1/streams", {"stream": "s"}),
        ("POST", "/v1/streams", {"stream": ""}),
        ("DELETE", "/v1/streams/s", ...),
    ):
        assert s2.request(method, path, document).result is None
