"""`S2Mock`, which joins the account, the app and the socket."""

import gc
import socket
import weakref
from typing import Any

import httpx
import pytest

from s2mock import (
    BasinConfig,
    BasinNotFound,
    ManualClock,
    ResourceAlreadyExists,
    S2Mock,
    StaleHandle,
)
from s2mock.powers import teardown_report
from tests.conftest import BASIN


def names_over_the_socket(url: str) -> list[str]:
    basins = httpx.get(f"{url}/v1/basins", trust_env=False).json()["basins"]
    return [basin["name"] for basin in basins]


def names_by_client(mock: S2Mock) -> list[str]:
    document: Any = mock.client.get("/v1/basins").json
    return [basin["name"] for basin in document["basins"]]


def test_all_ways_in_lead_to_one_account(mock: S2Mock) -> None:
    mock.create_basin("directly-made")
    mock.client.post("/v1/basins", json={"basin": "made-by-client"})
    httpx.post(f"{mock.url}/v1/basins", json={"basin": "over-the-socket"}, trust_env=False)
    expected = ["directly-made", "made-by-client", "over-the-socket"]
    assert list(mock.basins) == names_by_client(mock) == names_over_the_socket(mock.url) == expected
    mock.basin("made-by-client").delete()
    expected.remove("made-by-client")
    assert list(mock.basins) == names_by_client(mock) == names_over_the_socket(mock.url) == expected


def test_two_at_once_share_nothing(clock: ManualClock) -> None:
    with S2Mock() as one, S2Mock(clock=clock, deletion_delay=60) as two:
        assert one.url != two.url
        basin = one.create_basin(BASIN, request_token="t")
        assert two.basins == ()
        two.create_basin(BASIN, BasinConfig(create_stream_on_read=True)).create_stream("s")
        assert (basin.streams, basin.config) == ((), BasinConfig())
        two.basin(BASIN).delete()
        one.basin(BASIN).delete()
        assert (names_over_the_socket(one.url), names_over_the_socket(two.url)) == ([], [BASIN])
        one.close()
        assert names_over_the_socket(two.url) == [BASIN]


def test_reset_begins_again_behind_the_same_url(clock: ManualClock) -> None:
    with S2Mock(clock=clock, deletion_delay=60, basins=["first-basin"]) as mock:
        url, client, app = mock.url, mock.client, mock.wsgi_app
        old = mock.create_basin(BASIN, request_token="t")
        old.delete()
        clock.advance(1)
        mock.reset()
        assert mock.basins == ("first-basin",)
        assert mock.basin("first-basin").info.created_at == clock.now()
        assert mock.url == url
        assert mock.wsgi_app is app
        assert names_over_the_socket(url) == ["first-basin"]
        client.post("/v1/basins", json={"basin": BASIN})
        assert mock.basins == ("first-basin", BASIN)
        # What was due in the old account does nothing in the new one.
        clock.advance(60)
        assert mock.basins == ("first-basin", BASIN)
        # A handle from before is of the account that there was, not of what now has the name.
        with pytest.raises(StaleHandle, match="reset"):
            old.create_stream("s")
        assert mock.basin(BASIN).streams == ()


def test_reset_before_anything_is_used() -> None:
    mock = S2Mock(basins=[BASIN])
    mock.basin(BASIN).delete()
    mock.reset()
    assert mock.basins == (BASIN,)


def test_env_and_use_env(mock: S2Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    expected = {
        "S2_ACCOUNT_ENDPOINT": mock.url,
        "S2_BASIN_ENDPOINT": mock.url,
        "S2_ACCESS_TOKEN": mock.token,
    }
    assert mock.env == expected
    with monkeypatch.context() as patched:
        mock.use_env(patched)
        assert {name: os.environ[name] for name in expected} == expected
    assert os.environ.get("S2_BASIN_ENDPOINT") != mock.url


def test_the_token_is_each_mocks_own_unless_it_is_given() -> None:
    with S2Mock() as one, S2Mock() as two, one.fork() as fork, S2Mock(token="mine") as mine:
        assert len({one.token, two.token, fork.token, mine.token}) == 4
        assert mine.env["S2_ACCESS_TOKEN"] == mine.token == "mine"
        before = one.token
        one.reset()
        one.restore(two.snapshot())
        assert one.token == before


@pytest.mark.parametrize("token", ["", "two words", "tök", "a\nb"])
def test_a_token_that_fits_into_no_header(token: str) -> None:
    with pytest.raises(ValueError, match="token must be text that fits into a header"):
        S2Mock(token=token)


def test_a_token_that_is_no_text() -> None:
    with pytest.raises(TypeError, match="token must be text, not bytes: b'mine': decode it first"):
        S2Mock(token=b"mine")  # type: ignore[arg-type]


def test_close_and_with(clock: ManualClock) -> None:
    with S2Mock(clock=clock) as mock:
        url = mock.url
        mock.create_basin(BASIN)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health", trust_env=False)
    mock.close()
    # What needs no socket goes on.
    assert names_by_client(mock) == [BASIN]
    urls: list[str] = []

    def fail() -> None:
        with S2Mock() as mock:
            urls.append(mock.url)
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fail()
    [url] = urls
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health", trust_env=False)


def test_close_without_use() -> None:
    with S2Mock():
        pass
    S2Mock().close()


def test_direct_calls_keep_the_rules(mock: S2Mock) -> None:
    basin = mock.create_basin(BASIN, request_token="t")
    assert mock.create_basin(BASIN, request_token="t") == basin
    with pytest.raises(ResourceAlreadyExists):
        mock.create_basin(BASIN)
    assert mock.ensure_basin(BASIN, BasinConfig(create_stream_on_append=True)) == basin
    assert basin.config.create_stream_on_append
    with pytest.raises(BasinNotFound):
        mock.basin("no-such-basin")
    assert repr(mock) == "<S2Mock at no URL with 1 basin>"
    url = mock.url
    assert repr(mock) == f"<S2Mock at {url} with 1 basin>"
    mock.close()
    # Looking at it opens no socket.
    assert repr(mock) == "<S2Mock at no URL with 1 basin>"
    assert not mock._connections.lazy_server.started


def test_fresh_basins(mock: S2Mock) -> None:
    mock.create_basin(mock.basin_name())
    names = {mock.fresh_basin() for _ in range(3)} | {mock.basin_name()}
    assert len(names) == 4
    assert len(mock.basins) == 4
    name = mock.fresh_basin(BasinConfig(create_stream_on_read=True))
    assert mock.basin(name).config.create_stream_on_read


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"basins": BASIN}, "basins must be a list of names or mappings, not 'my-basin'"),
        ({"basins": {"name": BASIN}}, "basins must be a list of names or mappings"),
        ({"basins": 5}, "basins must be a list of names or mappings, not 5"),
        ({"basins": ["x"]}, "basin name should be at least 8 bytes in length"),
        ({"basins": [{"name": BASIN, "streams": [5]}]}, "invalid type"),
        ({"basins": [BASIN, BASIN]}, "duplicate basin name: 'my-basin'"),
        ({"basins": [{"name": BASIN, "config": {1}}]}, "basins must hold names and JSON"),
        ({"deletion_delay": -1}, "deletion_delay must be 0 or more seconds, not -1"),
        ({"profile": "Real"}, 'profile must be "real" or "documented", not \'Real\''),
        ({"port": 65_536}, "port must be a number from 0 to 65535, not 65536"),
    ],
    ids=lambda part: part if isinstance(part, str) else next(iter(part)),
)
def test_arguments_that_make_no_sense(arguments: dict[str, Any], error: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # its text is compared below
        S2Mock(**arguments)
    assert error in str(caught.value)


def test_arguments_have_names() -> None:
    with pytest.raises(TypeError):
        S2Mock([BASIN])


def test_closed_mock_has_no_url_and_opens_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    with S2Mock() as mock:
        pass

    def listen(*_: object) -> None:
        raise AssertionError("a socket listens")

    monkeypatch.setattr(socket.socket, "listen", listen)
    for ask in (lambda: mock.url, lambda: mock.env, lambda: mock.use_env(monkeypatch)):
        with pytest.raises(RuntimeError, match="this S2Mock is closed, and has no URL any more"):
            ask()


def test_an_account_that_is_done_with_is_let_go() -> None:
    mock = S2Mock(basins=[BASIN])
    mock.client.get("/v1/basins")
    _ = mock.url
    mock.close()
    gone = [weakref.ref(mock), weakref.ref(mock.account), weakref.ref(mock.account.engine)]
    del mock
    # The report of a failed test shows them; the next test has none.
    teardown_report.begin_test()
    gc.collect()
    assert not any(reference() for reference in gone)
