"""`--control-origin`: pages of a named origin may use `/_s2mock`, with the control token."""

from collections.abc import Iterator

import httpx
import pytest

from s2mock import S2Mock
from s2mock.control.command_line.parser import make_parser
from s2mock.control.command_line.serve import main
from s2mock.control.settings import ControlSettings

ORIGIN = "http://localhost:5173"
TOKEN = {"s2mock-control-token": "secret"}
PAGE = {"origin": ORIGIN, "sec-fetch-site": "same-site"}
FAULT = {"on": "append", "fault": {"Drop": {}}}
ASKS = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,s2mock-control-token",
}


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with S2Mock(control=True) as mock:
        settings = ControlSettings(token="secret", origins=(ORIGIN,))
        mock._set_up_server(settings, own_hosts_only=False)
        with httpx.Client(base_url=f"{mock.url}/_s2mock", trust_env=False) as client:
            yield client


def test_a_page_of_the_origin_uses_all_of_it(http: httpx.Client) -> None:
    asked = http.options("/faults", headers=PAGE | ASKS)
    assert (asked.status_code, asked.content) == (204, b"")
    assert asked.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in asked.headers["access-control-allow-methods"]
    allowed = asked.headers["access-control-allow-headers"].split(", ")
    assert {"authorization", "content-type", "s2mock-control-token"} <= {*allowed}
    made = http.post("/faults", json=FAULT, headers=PAGE | TOKEN)
    assert made.status_code == 201
    assert made.headers["access-control-allow-origin"] == ORIGIN
    assert made.headers["vary"] == "origin"
    # Errors are for the page too, and direct calls.
    wrong = http.post("/faults", json={}, headers=PAGE | TOKEN)
    assert (wrong.status_code, wrong.headers["access-control-allow-origin"]) == (400, ORIGIN)
    direct = http.get("/v1/basins", headers=PAGE | TOKEN)
    assert direct.status_code == 200
    assert direct.headers.get_list("access-control-allow-origin") == [ORIGIN]
    assert http.delete("/faults/1", headers=PAGE | TOKEN).status_code == 204


def test_an_event_stream_may_be_read(http: httpx.Client) -> None:
    headers = PAGE | TOKEN | {"accept": "text/event-stream"}
    with http.stream("GET", "/journal", headers=headers) as answer:
        assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_a_page_without_the_token_is_refused(http: httpx.Client) -> None:
    """It reads why. Its browser sends it, as that of any page of that origin would."""
    for headers, reason in (
        (PAGE, f"a page of {ORIGIN} must send S2Mock-Control-Token, with the token of"),
        (PAGE | {"s2mock-control-token": "x"}, "S2Mock-Control-Token is not the token that"),
    ):
        answer = http.post("/faults", json=FAULT, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["message"].startswith(reason)
    assert http.get("/faults", headers=TOKEN).json() == {"faults": []}


@pytest.mark.parametrize(
    "origin", ["http://localhost:5174", "https://localhost:5173", "http://evil.example", "null"]
)
def test_a_page_of_another_origin_is_refused_with_the_token_too(
    http: httpx.Client, origin: str
) -> None:
    page = {"origin": origin, "sec-fetch-site": "cross-site"}
    for answer in (
        http.options("/faults", headers=page | ASKS),
        http.post("/faults", json=FAULT, headers=page | TOKEN),
    ):
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    assert http.get("/faults", headers=TOKEN).json() == {"faults": []}


def test_a_request_without_an_origin_is_answered_as_before(http: httpx.Client) -> None:
    answer = http.get("/faults")
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers
    assert http.options("/faults").status_code == 405


def test_a_page_from_a_network_may_use_this_machine(http: httpx.Client) -> None:
    asks = ASKS | {"access-control-request-private-network": "true"}
    asked = http.options("/faults", headers=PAGE | asks)
    assert asked.headers["access-control-allow-private-network"] == "true"


@pytest.mark.parametrize("text", ["localhost:5173", "http://localhost:5173/", "*", "null", ""])
def test_a_text_that_is_no_origin(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        make_parser("serve").parse_args([f"--control-origin={text}"])
    assert "must be an origin such as http://localhost:5173, without a path" in (
        capsys.readouterr().err
    )


def test_several_of_them() -> None:
    arguments = ["--control-origin=http://A.test", "--control-origin=https://b.test:1"]
    assert make_parser("serve").parse_args(arguments).control_origin == [
        "http://a.test",
        "https://b.test:1",
    ]


def test_it_needs_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main("serve", [f"--control-origin={ORIGIN}"], S2Mock)
    assert "--control-origin needs --control-token" in capsys.readouterr().err
