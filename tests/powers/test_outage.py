"""The service is gone, and comes back on the same port with nothing changed."""

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from s2mock import RemoteS2Mock, S2Mock
from tests.plugin.conftest import Run
from tests.powers.conftest import BASIN, EVENTS, RECORDS, SEEDS, Started, Way, bodies


def refused(mock: S2Mock) -> type[ConnectionError]:
    """How a new connection fails; one to a port that others share breaks with its first request."""
    return ConnectionResetError if isinstance(mock, RemoteS2Mock) else ConnectionRefusedError


def test_connections_are_refused_until_it_ends(mock: S2Mock, way: Way) -> None:
    assert way.append("a").status == 200
    with mock.outage():
        with pytest.raises(ConnectionError):
            way.append("b")
        with pytest.raises(refused(mock)):
            way.append("c")
    assert way.append("d").status == 200
    assert bodies(mock) == ["a", "d"]
    # A connection that was not accepted is no exchange.
    assert len(mock.journal) == 2


def test_open_sessions_are_dropped(mock: S2Mock, way: Way) -> None:
    pieces = way.pieces(f"{RECORDS}?seq_num=0", EVENTS)
    assert next(pieces).startswith(b"event: ping")
    log = mock.basin(BASIN).stream("log")
    log.wait_for_readers()
    with mock.outage():
        rest = Started(lambda: list(pieces))
        assert isinstance(rest.result(), ConnectionResetError)
    # The readers have ended; a new one gets what there is.
    log.append(["a"])
    received, _ = way.session(f"{RECORDS}?seq_num=0&count=1", EVENTS)
    assert b'"a"' in received


def test_what_is_held_does_not_take_effect(mock: S2Mock, way: Way) -> None:
    with mock.hold(on="append") as held:
        appending = Started(lambda: way.append("a"))
        held.wait()
        with mock.outage():
            assert isinstance(appending.result(), ConnectionResetError)
    assert bodies(mock) == []


def test_the_port_stays_ours(mock: S2Mock) -> None:
    target = urlsplit(mock.url)
    with mock.outage(), socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((target.hostname or "", target.port or 0))
    assert mock.url == target.geturl()
    assert httpx.get(f"{mock.url}/health").status_code == 200


def test_one_that_begins_before_the_url_is_asked_for() -> None:
    with S2Mock() as mock:
        with mock.outage():
            url = mock.url
            with pytest.raises(httpx.ConnectError):
                httpx.get(url)
        assert httpx.get(f"{url}/health").status_code == 200


def test_within_another(mock: S2Mock, http1: Way) -> None:
    with mock.outage():
        with mock.outage():
            pass
        with pytest.raises(refused(mock)):
            http1.append("a")
    assert http1.append("a").status == 200


def test_one_that_the_mock_does_not_outlive(mock: S2Mock) -> None:
    with S2Mock(basins=SEEDS) as other, other.outage():
        other.close()
    assert mock.client.get("/v1/basins").status_code == 200


def test_ends_with_its_test(run: Run) -> None:
    """The next test, behind the same port, has a service."""
    result = run(
        """
        import httpx

        def test_one(s2_mock):
            s2_mock.url
            global outage
            outage = s2_mock.outage()
            outage.__enter__()

        def test_two(s2_mock):
            assert httpx.get(s2_mock.url + "/health").status_code == 200
        """
    )
    result.assert_outcomes(passed=2)
