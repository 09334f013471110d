"""Accounts that no request has used for a while end by themselves."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from s2mock import S2Mock
from s2mock.control import hosted_account, hosted_accounts
from s2mock.control.settings import ControlSettings
from tests.control.conftest import BASIN, SEEDS, Control
from tests.powers.conftest import Started

HOUR = 3600.0


class RealTime:
    """Seconds of real time, which go on when a test says so."""

    def __init__(self) -> None:
        self._now = 1000.0
        self.control: Control | None = None

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time go on, once the server is done with all that was asked of it."""
        assert self.control is not None
        assert self.control("GET", "/accounts").status_code == 200
        self._now += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> RealTime:
    time = RealTime()
    for module in (hosted_accounts, hosted_account):
        monkeypatch.setattr(module, "monotonic", time)
    return time


@pytest.fixture
def mock(time: RealTime) -> Iterator[S2Mock]:  # noqa: ARG001  # it has to be there first
    with S2Mock(basins=SEEDS, control=True, auth="open") as mock:
        mock._set_up_server(ControlSettings(account_idle=HOUR), own_hosts_only=False)
        yield mock


@pytest.fixture
def control(mock: S2Mock, time: RealTime) -> Iterator[Control]:
    with closing(Control(mock.url)) as time.control:
        yield time.control


def is_there(control: Control, made: Control) -> bool:
    """Asked of the server, which is no use of that account."""
    told = control("GET", "/accounts").json()["accounts"]
    return made.token in [one["token"] for one in told]


def test_account_ends_after_its_time_and_not_before(control: Control, time: RealTime) -> None:
    made = control.account()
    time.advance(HOUR - 1)
    assert is_there(control, made)
    time.advance(1)
    assert not is_there(control, made)
    assert made.http.get("/v1/basins").status_code == 401
    status, message = made.refused("GET", "/journal")
    assert status == 401
    assert "--account-idle" in message


def test_first_request_after_that_time_is_refused(control: Control, time: RealTime) -> None:
    """Also where it is the one that would have used the account."""
    made, other = control.account(), control.account()
    time.advance(HOUR)
    assert made.http.get("/v1/basins").status_code == 401
    assert other.refused("GET", "/journal")[0] == 401


@pytest.mark.parametrize("how", ["s2", "control", "direct", "issued"])
def test_any_request_of_the_account_is_a_use(control: Control, time: RealTime, how: str) -> None:
    made = control.account()
    document = {"id": "svc", "scope": {"ops": ["list-basins"]}}
    secret = made.http.post("/v1/access-tokens", json=document).json()["access_token"]
    for _ in range(3):
        time.advance(HOUR - 1)
        if how == "s2":
            assert made.http.get("/v1/basins").status_code == 200
        elif how == "control":
            assert made("GET", "/journal").status_code == 200
        elif how == "direct":
            assert made("GET", "/v1/basins").status_code == 200
        else:
            headers = {"authorization": f"Bearer {secret}"}
            assert control.http.get("/v1/basins", headers=headers).status_code == 200
    time.advance(HOUR)
    assert not is_there(control, made)


def test_each_account_has_its_own_time(control: Control, time: RealTime) -> None:
    one = control.account()
    time.advance(HOUR / 2)
    other = control.account()
    time.advance(HOUR / 2)
    assert not is_there(control, one)
    assert is_there(control, other)
    time.advance(HOUR / 2)
    assert not is_there(control, other)


def test_first_account_stays(control: Control, time: RealTime) -> None:
    control.append("a")
    made = control.account()
    time.advance(100 * HOUR)
    assert control.read() == ["a"]
    assert not is_there(control, made)


def test_held_request_is_a_use(control: Control, time: RealTime) -> None:
    made = control.account()
    hold = made("POST", "/holds", {"on": "append"}).json()["number"]
    held = Started(lambda: made.append("a").status_code)
    with closing(control.as_(str(made.token))) as other:
        assert other("GET", f"/holds/{hold}?count=1&wait=30").status_code == 200
        time.advance(2 * HOUR)
        assert is_there(control, made)
        assert other("POST", f"/holds/{hold}/release").status_code == 200
    assert held.result() == 200
    # From its end on.
    time.advance(HOUR - 1)
    assert is_there(control, made)
    time.advance(1)
    assert not is_there(control, made)


@pytest.mark.parametrize("path", ["/v1/streams/log/records?seq_num=0", "/_s2mock/journal"])
def test_open_session_and_a_follower_are_a_use(
    control: Control, mock: S2Mock, time: RealTime, path: str
) -> None:
    made = control.account()
    made.append("a")
    headers = {"accept": "text/event-stream", "s2-basin": BASIN}
    with (
        closing(control.as_(str(made.token))) as other,
        other.http.stream("GET", path, headers=headers) as answer,
    ):
        assert answer.status_code == 200
        pieces = answer.iter_bytes()
        assert next(pieces)
        time.advance(2 * HOUR)
        assert is_there(control, made)
    # The server learns of the end of the connection by itself.
    last = mock._router.accounts.others[str(made.token)]
    while last.is_in_use:
        assert control("GET", "/accounts").status_code == 200
    time.advance(HOUR)
    assert not is_there(control, made)


def test_fork_of_an_account_outlives_it(control: Control, time: RealTime) -> None:
    made = control.account()
    time.advance(HOUR - 1)
    token = made("POST", "/fork").json()["token"]
    fork = control.as_(token)
    time.advance(HOUR - 1)
    assert fork("GET", "/journal").status_code == 200
    time.advance(1)
    assert not is_there(control, made)
    assert is_there(control, fork)


def test_without_the_option_accounts_stay(time: RealTime) -> None:
    with S2Mock(control=True, auth="open") as mock, closing(Control(mock.url)) as time.control:
        made = time.control.account()
        time.advance(1e9)
        assert is_there(time.control, made)
        assert made.http.get("/v1/basins").status_code == 200
