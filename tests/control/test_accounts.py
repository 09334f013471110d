"""Accounts on one port, and what becomes of an account as a whole."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import httpx
import pytest

from s2mock import S2Mock
from s2mock.control.settings import ControlSettings
from s2mock.runtime import failures
from tests.control.conftest import BASIN, PATIENCE, SEEDS, Control
from tests.powers.conftest import Started


def basins(control: Control) -> list[str]:
    return [basin["name"] for basin in control.http.get("/v1/basins").json()["basins"]]


def test_accounts_do_not_meet(control: Control) -> None:
    one, other = control.account(), control.account()
    assert one.token != other.token
    # Each begins as the first began.
    assert basins(one) == basins(other) == basins(control) == [BASIN]
    one("POST", "/faults", {"on": "append", "fault": {"Drop": {"committed": True}}})
    with pytest.raises(httpx.RemoteProtocolError):
        one.append("mine")
    assert other.append("yours").status_code == 200
    assert (one.read(), other.read(), control.read()) == (["mine"], ["yours"], [])
    for each in (one, other):
        assert len(each("GET", "/journal?operation=append").json()["exchanges"]) == 1
    assert control("GET", "/journal?operation=append").json()["exchanges"] == []
    assert other("GET", "/faults").json() == {"faults": []}


def test_an_unknown_token_is_the_first_account(mock: S2Mock, control: Control) -> None:
    for token in ("anything", mock.token):
        assert control.as_(token).append("a").status_code == 200
    assert control.read() == ["a", "a"]


@pytest.mark.parametrize("auth", ["open", "required"])
def test_token_that_no_account_has_is_refused(auth: Any) -> None:
    options: Any = {"control": True, "auth": auth, "token": "mine"}
    with S2Mock(**options) as mock, closing(Control(mock.url)) as control:
        mistyped = control.as_("mien")
        for method, path in (
            ("GET", ""),
            ("GET", "/journal"),
            ("POST", "/reset"),
            ("POST", "/accounts"),
            ("DELETE", "/accounts"),
            ("GET", "/no-such-path"),
        ):
            status, message = mistyped.refused(method, path)
            assert status == 401
            assert message == (
                "no account of this server has that access token: without a token a request acts "
                "on the first one, and POST /_s2mock/accounts makes one, and answers its token"
            )
        assert mistyped("POST", "/v1/basins", {"basin": "my-basin"}).status_code == 401
        assert mock.basins == ()
        # It does not get as far as the account, so nothing was begun again.
        for known in (control, control.as_(mock.token), control.account()):
            assert known("GET", "/journal").status_code == 200
        issued = mock.issue_token("svc", ops=["read"])
        assert control.as_(issued.secret)("GET", "/journal").status_code == 200
        issued.revoke()
        assert control.as_(issued.secret)("GET", "/journal").status_code == 200


class TestAccountsOnly:
    """A server without a first account."""

    MESSAGE = (
        "this server has no first account (--accounts-only): POST /_s2mock/accounts makes one, and "
        "answers its token"
    )

    @pytest.fixture
    def only(self) -> Iterator[Control]:
        with S2Mock(basins=SEEDS, control=True, token="s2mock", auth="open") as mock:
            mock._set_up_server(ControlSettings(has_first_account=False), own_hosts_only=False)
            with closing(Control(mock.url)) as control:
                yield control

    @pytest.mark.parametrize("token", [None, "s2mock", "any"])
    def test_s2_api_without_an_account_is_refused(self, only: Control, token: str | None) -> None:
        asking = only if token is None else only.as_(token)
        for method, path in (
            ("GET", "/v1/basins"),
            ("PUT", "/v1/basins/new-basin"),
            ("GET", "/v1/streams"),
            ("DELETE", "/v1/access-tokens/s2mock"),
            ("POST", "/v1/basins"),
        ):
            answer = asking.http.request(method, path, headers={"s2-basin": BASIN})
            assert answer.status_code == 401
            assert answer.json() == {"code": "authn", "message": self.MESSAGE}
        assert asking.append("a").status_code == 401
        for path in ("/health", "/ping", "/metrics"):
            assert asking.http.get(path).status_code == 200
        assert asking.http.get("/v1/else").status_code == 404

    def test_control_api_without_an_account_is_refused(self, only: Control) -> None:
        for method, path in (
            ("GET", "/journal"),
            ("GET", "/status"),
            ("POST", "/reset"),
            ("POST", "/fork"),
            ("DELETE", "/accounts"),
            ("POST", "/snapshots"),
            ("GET", "/v1/basins"),
        ):
            assert only.refused(method, path) == (401, self.MESSAGE)
        for token in ("s2mock", "any"):
            status, message = only.as_(token).refused("GET", "/journal")
            assert status == 401
            assert message == (
                "no account of this server has that access token: POST /_s2mock/accounts makes "
                "one, and answers its token"
            )

    def test_what_needs_no_account_is_answered(self, only: Control) -> None:
        for path in ("", "/", "/openapi.json"):
            assert only("GET", path).status_code == 200
        assert only("GET", "/accounts").json() == {"accounts": []}

    def test_account_begins_as_the_server_was_started(self, only: Control) -> None:
        one = only.account()
        assert basins(one) == [BASIN]
        assert one.append("a").status_code == 200
        [told] = only("GET", "/accounts").json()["accounts"]
        assert told["token"] == one.token
        assert told["name"].startswith("account 1, ")
        snapshot = one("POST", "/snapshots").json()["number"]
        file = only("GET", f"/snapshots/{snapshot}").content
        headers = {"content-type": "application/json"}
        loaded = only("POST", "/snapshots", content=file, headers=headers).json()["number"]
        assert only.account(snapshot=loaded).read() == ["a"]
        assert one("DELETE", "/accounts").status_code == 204
        assert one.http.get("/v1/basins").status_code == 401


def test_an_account_with_options(control: Control) -> None:
    made = control.account(
        basins=["other-basin"],
        clock={"manual": 1_000_000_000},
        deletion_delay=60,
        faults=[{"on": "list-streams", "fault": {"Fail": {"code": "unavailable"}}}],
        journal_limit=1,
    )
    assert basins(made) == ["other-basin"]
    assert made("GET", "/clock").json()["date"] == "2001-09-09T01:46:40Z"
    assert made.http.get("/v1/streams", headers={"s2-basin": "other-basin"}).status_code == 503
    assert made.http.delete("/v1/basins/other-basin").status_code == 202
    assert basins(made) == ["other-basin"]
    journal = made("GET", "/journal").json()
    assert (len(journal["exchanges"]), journal["last"], journal["dropped"]) == (1, 4, 3)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"basin": []}, "did you mean 'basins'?"),
        ({"basins": "my-basin"}, "basins must be a list of names or mappings"),
        ({"basins": ["x"]}, "basin name should be at least 8 bytes"),
        ({"clock": "fast"}, 'clock must be "system", "manual"'),
        ({"clock": {"manual": -1}}, "clock.manual must be seconds since 1970"),
        (
            {"clock": {"manual": 1e300}},
            "clock.manual must be seconds since 1970, up to the year 9999, not 1e+300",
        ),
        ({"deletion_delay": -1}, "deletion_delay must be 0 or more"),
        ({"faults": {}}, "faults must be a list"),
        ({"faults": [{"on": "append"}]}, "faults must be objects such as"),
        ({"snapshot": "1"}, "snapshot must be the number of a snapshot"),
        ({"profile": "fast"}, "profile"),
        ({"journal_limit": -1}, "journal_limit must be 0 or more"),
    ],
)
def test_an_account_that_makes_no_sense(
    control: Control, options: dict[str, object], reason: str
) -> None:
    status, message = control.refused("POST", "/accounts", options)
    assert status == 400
    assert reason in message


def test_an_account_that_has_ended(control: Control) -> None:
    made = control.account()
    document = {"id": "svc", "scope": {"ops": ["list-basins"]}}
    secret = made.http.post("/v1/access-tokens", json=document).json()["access_token"]
    issued = {"authorization": f"Bearer {secret}"}
    assert made.http.get("/v1/basins", headers=issued).status_code == 200
    assert made("DELETE", "/accounts").status_code == 204
    assert made.http.get("/v1/basins").status_code == 401
    assert made.refused("GET", "/journal")[0] == 401
    assert made.http.get("/v1/basins", headers=issued).status_code == 401
    assert made("GET", "/journal", headers=issued).status_code == 401
    status, message = control.refused("DELETE", "/accounts")
    assert status == 409
    assert "the first account ends with the server" in message
    assert basins(control) == [BASIN]


def test_an_account_ends_with_its_mock() -> None:
    with S2Mock(control=True) as mock, closing(Control(mock.url)) as control:
        made = control.account()
        assert basins(made) == []
        mock.close()
        with pytest.raises(httpx.TransportError):
            made.http.get("/v1/basins")


def test_reset(control: Control) -> None:
    made = control.account()
    made.http.delete(f"/v1/basins/{BASIN}")
    made.append("a")
    made("POST", "/faults", {"on": "append", "fault": {"Drop": {}}, "required": False})
    made("POST", "/holds", {"on": "append", "required": False})
    control.append("a")
    assert made("POST", "/reset").status_code == 204
    assert (basins(made), made.read(), control.read()) == ([BASIN], [], ["a"])
    assert made("GET", "/faults").json() == {"faults": []}
    assert made("GET", "/holds").json() == {"holds": []}
    assert made.append("b").status_code == 200


def test_reset_ends_what_goes_on(control: Control) -> None:
    made = control.account()
    reading = Started(lambda: list(_follow(made)))
    made("GET", f"/readers?basin={BASIN}&stream=log&wait=30")
    other = Started(lambda: next(iter(_follow(control))))
    control("GET", f"/readers?basin={BASIN}&stream=log&wait=30")
    assert made("POST", "/reset").status_code == 204
    assert isinstance(reading.result(), httpx.TransportError)
    control.append("a")
    assert b'"a"' in other.result()


def _follow(control: Control) -> "list[bytes]":
    headers = {"s2-basin": BASIN, "accept": "text/event-stream"}
    got = []
    with (
        httpx.Client(base_url=control.url, headers=control.http.headers, trust_env=False) as http,
        http.stream("GET", "/v1/streams/log/records?seq_num=0", headers=headers) as answer,
    ):
        for piece in answer.iter_raw():
            if b"event: batch" in piece:
                got.append(piece)
                break
    return got


@pytest.mark.parametrize("path", ["/journal", "/timeline"])
def test_deleting_an_account_completes_its_event_streams(control: Control, path: str) -> None:
    made = control.account()
    made.append("a")
    events = {"accept": "text/event-stream"}
    with made.http.stream("GET", f"/_s2mock{path}", headers=events) as answer:
        coming = answer.iter_text()
        text = next(coming)
        assert made("DELETE", "/accounts").status_code == 204
        # Where the end of the body were missing, this would raise.
        text += "".join(coming)
    assert text.startswith("event: ")
    assert "HTTP/1.1 " not in text.replace('"HTTP/1.1"', "")


@pytest.mark.parametrize(
    "waiting",
    [
        "/journal?count=9&wait=30",
        f"/readers?basin={BASIN}&stream=log&wait=30",
        "/clock?waiters=9&wait=30",
        "/holds/1?wait=30",
    ],
)
def test_deleting_an_account_ends_waiting_requests_with_401(control: Control, waiting: str) -> None:
    made = control.account(clock="manual")
    made("POST", "/holds", {"on": "append", "required": False})
    headers = {"authorization": f"Bearer {made.token}"}
    with closing(HTTPConnection(made.http.base_url.netloc.decode(), timeout=PATIENCE)) as other:
        other.request("GET", f"/_s2mock{waiting}", headers=headers)
        # One thread serves both: by the last of these answers it has read that request.
        for _ in range(3):
            made("GET", "")
        assert made("DELETE", "/accounts").status_code == 204
        answer = other.getresponse()
        message = json.loads(answer.read())["message"]
    assert answer.status == 401
    assert message.startswith("the access token is that of an account that has ended")


def test_failure_behind_the_head_of_an_event_stream_breaks_it_off(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a fault of s2mock's own")

    monkeypatch.setattr("s2mock.control.views.exchange_events.exchange_to_json", fail)
    control.append("a")
    address = (control.http.base_url.host, control.http.base_url.port)
    with socket.create_connection(address, timeout=PATIENCE) as client:
        request = (
            "GET /_s2mock/journal HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n"
        )
        client.sendall(f"{request}\r\n".encode())
        received = b"".join(iter(lambda: client.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.count(b"HTTP/1.1 ") == 1
    # Not ended as a body that is whole.
    assert not received.endswith(b"0\r\n\r\n")
    [failure] = failures.take()
    assert "a fault of s2mock's own" in failure


def test_snapshots(control: Control) -> None:
    control.append("a")
    taken = control("POST", "/snapshots")
    assert (taken.status_code, taken.json()["number"]) == (201, 1)
    control.append("b")
    made = control.account(snapshot=1)
    assert made.read() == ["a"]
    assert control("POST", "/snapshots/1/restore").status_code == 204
    assert control.read() == ["a"]
    other = control.account(basins=[])
    assert other("POST", "/snapshots/1/restore").status_code == 204
    assert other.read() == ["a"]
    saved = control("GET", "/snapshots/1")
    first = json.loads(saved.text.splitlines()[0])
    assert first["s2mock_snapshot"] == 1
    headers = {"content-type": "application/json"}
    loaded = control("POST", "/snapshots", content=saved.content, headers=headers)
    assert loaded.json() == {"number": 2, "time": taken.json()["time"]}
    assert control.account(snapshot=2).read() == ["a"]
    assert control("GET", "/snapshots/2").content == saved.content
    damaged = saved.content.replace(b'"lines"', b'"line"')
    status, message = control.refused("POST", "/snapshots", content=damaged, headers=headers)
    assert status == 400
    assert message.startswith("the body, line 1")
    assert control("DELETE", "/snapshots/1").status_code == 204
    assert control.refused("POST", "/snapshots/1/restore")[0] == 404
    assert control.refused("POST", "/accounts", {"snapshot": 1})[0] == 404


def test_an_outage_is_that_of_one_account(control: Control) -> None:
    made = control.account()
    reading = Started(lambda: _follow(made))
    made("GET", f"/readers?basin={BASIN}&stream=log&wait=30")
    assert made("POST", "/outage").status_code == 204
    assert made("POST", "/outage").status_code == 204
    assert isinstance(reading.result(), httpx.TransportError)
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            made.append("a")
    assert control.append("b").status_code == 200
    assert made("DELETE", "/outage").status_code == 204
    assert made.append("c").status_code == 200
    assert (made.read(), control.read()) == (["c"], ["b"])
    assert len(made("GET", "/journal?operation=append").json()["exchanges"]) == 1


def test_an_outage_over_http_is_one_for_wsgi_too(mock: S2Mock, control: Control) -> None:
    url = "/v1/streams/log/records?seq_num=0"
    headers = {"s2-basin": BASIN}

    def read() -> int:
        answer = mock.client.get(f"{url}&wait=60", headers=headers)
        return answer.status_code

    with mock.hold(on="read", at="arrival") as held:
        reading = Started(read)
        held.wait()
        control("POST", "/outage")
        assert isinstance(reading.result(), ConnectionResetError)
    with pytest.raises(ConnectionRefusedError):
        read()
    # The port has to be reached, so it refuses no connection.
    assert mock.url == control.url
    assert control("GET", "/status").json()["is_out"]
    # A block of the test ends as itself.
    with mock.outage():
        pass
    with pytest.raises(httpx.TransportError):
        control.append("a")
    assert control("GET", "/status").json()["is_out"]
    control("DELETE", "/outage")
    assert control.append("b").status_code == 200
    assert control.read() == ["b"]


def test_a_token_that_an_account_has_issued_leads_to_it(control: Control) -> None:
    made, other = control.account(auth="required"), control.account()
    scope = {"basins": {"prefix": ""}, "op_groups": {"account": {"read": True}}}
    secrets = [
        each.http.post("/v1/access-tokens", json={"id": "one", "scope": scope}).json()
        for each in (made, other)
    ]
    assert secrets[0]["access_token"] != secrets[1]["access_token"]
    bearer = control.as_(secrets[0]["access_token"])
    made.http.put("/v1/basins/other-basin")
    assert basins(bearer) == basins(made) == [BASIN, "other-basin"]


def test_direct_calls_meet_nothing(control: Control) -> None:
    control("POST", "/faults", {"on": "append", "fault": {"Drop": {}}, "required": False})
    answer = control.http.post(
        "/_s2mock/v1/streams/log/records",
        json={"records": [{"body": "a"}]},
        headers={"s2-basin": BASIN},
    )
    assert answer.status_code == 200
    assert control.read() == ["a"]
    assert control("GET", "/faults/1").json()["hits"] == 0
    assert control("GET", "/journal").json()["exchanges"] == []
    missing = control.http.get("/_s2mock/v1/streams/nope", headers={"s2-basin": BASIN})
    assert (missing.status_code, missing.json()["code"]) == (404, "stream_not_found")


@pytest.mark.parametrize("http2", [False, True])
def test_what_ends_an_account_leaves_the_others_of_a_client_alone(
    control: Control, http2: bool
) -> None:
    """Clients keep connections, and use them with any token that they have."""
    made, other = control.account(), control.account()
    with httpx.Client(
        base_url=control.url, http1=not http2, http2=http2, trust_env=False, timeout=PATIENCE
    ) as http:

        def get(control: Control) -> int:
            headers = {"authorization": f"Bearer {control.token}"}
            return http.get("/v1/basins", headers=headers).status_code

        assert (get(made), get(other)) == (200, 200)
        [connection] = http._transport._pool.connections  # type: ignore[attr-defined]
        made("POST", "/reset")
        made("POST", "/snapshots")
        made("POST", "/snapshots/1/restore")
        made("DELETE", "/accounts")
        assert get(other) == 200
        assert http._transport._pool.connections == [connection]  # type: ignore[attr-defined]


def test_a_fork_begins_as_its_origin_is_and_goes_its_own_way(control: Control) -> None:
    origin = control.account(clock={"manual": 1_000_000_000}, deletion_delay=60)
    origin.append("a")
    made = origin("POST", "/fork")
    assert made.status_code == 201
    fork = control.as_(made.json()["token"])
    fork.append("b")
    origin.append("c")
    assert (origin.read(), fork.read()) == (["a", "c"], ["a", "b"])
    fork("POST", "/clock/advance", {"seconds": 60})
    dates = [each("GET", "/clock").json()["date"] for each in (origin, fork)]
    assert dates == ["2001-09-09T01:46:40Z", "2001-09-09T01:47:40Z"]
    # The options are those of its origin, and not of the server.
    assert fork.http.delete(f"/v1/basins/{BASIN}").status_code == 202
    assert basins(fork) == [BASIN]
    assert control.read() == []
    assert origin("DELETE", "/accounts").status_code == 204
    assert fork.read() == ["a", "b"]


def test_account_has_the_name_that_it_was_given(control: Control) -> None:
    named = control.account(name="orders are placed once")
    named.append("a")
    control.as_(named("POST", "/fork").json()["token"])
    campaign = {"kind": "crash", "on": "append", "options": {"name": "a crash"}}
    number = control("POST", "/campaigns", campaign).json()["number"]
    control("POST", f"/campaigns/{number}/attempts")
    names = [account["name"] for account in control("GET", "/accounts").json()["accounts"]]
    assert names[1:] == [
        "orders are placed once, 1 exchange",
        "orders are placed once, forked, 0 exchanges",
        "a crash, attempt 1 of campaign 1, 0 exchanges",
    ]
    for name in (" ", 1):
        status, message = control.refused("POST", "/accounts", {"name": name})
        assert (status, message.startswith("name must be a text")) == (400, True)
