"""Sessions through a mock to its upstream: both directions at once, and no faster than is read."""

import os
import threading
from contextlib import closing
from typing import Any

import pytest

from s2mock import S2Mock
from s2mock.contract.client import Client
from s2mock.contract.sessions import Session
from tests.powers.conftest import BASIN, EVENTS, FRAMES, RECORDS, Started, Way, bodies
from tests.powers.frames import append_frame
from tests.sessions.h2_client import H2Client
from tests.upstream.in_flight import (
    IN_FLIGHT_BYTES,
    append_in_one_session,
    assert_in_order,
    watched,
)


def over_http1(mock: S2Mock, method: str, path: str, **options: Any) -> Session:
    return Session(Client(mock.url, token=mock.token, basin=BASIN), method, path, **options)


def test_a_batch_is_acknowledged_while_the_client_goes_on_over_http_1(mock: S2Mock) -> None:
    with over_http1(mock, "POST", RECORDS, headers=FRAMES, body_open=True) as session:
        received = session.frames()
        for number in range(20):
            session.send(append_frame(f"{number}"))
            assert not next(received).terminal
        session.half_close()
        assert list(received) == []

    assert bodies(mock) == [str(number) for number in range(20)]


def test_a_batch_is_acknowledged_while_the_client_goes_on_over_h2c(mock: S2Mock) -> None:
    with H2Client(mock.url) as client:
        session = client.open("POST", RECORDS, FRAMES, end=False)
        for number in range(20):
            client.send(session, append_frame(f"{number}"))
            client.frame(session)
        client.send(session, end=True)
        assert client.rest(session) == b""

    assert bodies(mock) == [str(number) for number in range(20)]


def test_batches_are_forwarded_without_waiting_for_acknowledgements(
    real: S2Mock, mock: S2Mock
) -> None:
    """The upstream holds the first; the others have been forwarded by then."""
    with real.hold(on="append", at="answer") as held, H2Client(mock.url) as client:
        session = client.open("POST", RECORDS, FRAMES, end=False)
        client.head(session)
        for number in range(2_000):
            client.send(session, append_frame(f"{number}"))
        held.wait()
        assert len(mock.journal.of("append")) == 0
        held.release()
        for _ in range(2_000):
            client.frame(session)

    assert bodies(mock) == [str(number) for number in range(2_000)]


# `make upstream` has the larger number.
COUNT = 50_000 if "S2MOCK_TEST_UPSTREAM" in os.environ else 2_000


@pytest.mark.timeout(600)
@pytest.mark.parametrize("count", [COUNT])
@pytest.mark.parametrize("name", ["http1", "h2c"])
def test_many_batches_in_flight_keep_their_order(mock: S2Mock, name: str, count: int) -> None:
    with watched(mock) as largest:
        acknowledged = append_in_one_session(mock, name, count)

    assert acknowledged == [(number, number + 1) for number in range(count)]
    assert_in_order(bodies(mock), count)
    assert largest[0] <= IN_FLIGHT_BYTES


@pytest.mark.parametrize("way_out", ["close", "cancel"])
def test_a_client_that_leaves_cancels_its_read(real: S2Mock, mock: S2Mock, way_out: str) -> None:
    following = real.stream(BASIN, "log")
    with H2Client(mock.url) as client:
        stream = client.open("GET", f"{RECORDS}?seq_num=0", FRAMES)
        client.head(stream)
        following.wait_for_readers(1)
        if way_out == "cancel":
            client.cancel(stream)
            real.journal.wait_for("read")
        else:
            client.close()
        while following.readers:
            threading.Event().wait(0.001)


def test_a_client_that_leaves_http_1_cancels_its_read(real: S2Mock, mock: S2Mock) -> None:
    following = real.stream(BASIN, "log")
    with over_http1(mock, "GET", f"{RECORDS}?seq_num=0", headers=EVENTS) as session:
        assert session.status == 200
        following.wait_for_readers(1)
    while following.readers:
        threading.Event().wait(0.001)


def test_a_client_that_leaves_does_not_cancel_its_append(real: S2Mock, mock: S2Mock) -> None:
    with real.hold(on="append") as held, H2Client(mock.url) as client:
        stream = client.open("POST", RECORDS, {"content-type": "application/json"}, end=False)
        client.send(stream, b'{"records":[{"body":"kept"}]}', end=True)
        held.wait()
        # The client has left, and its append is the upstream's to carry out.
    real.stream(BASIN, "log").wait_for(1)
    [exchange] = mock.journal.wait_for("append")

    assert bodies(mock) == ["kept"]
    assert exchange.effect.committed


def test_a_batch_of_a_client_that_leaves_is_forwarded(real: S2Mock, mock: S2Mock) -> None:
    with real.hold(on="append", skip=1) as held, H2Client(mock.url) as client:
        session = client.open("POST", RECORDS, FRAMES, end=False)
        client.send(session, append_frame("one") + append_frame("two"))
        client.frame(session)
        held.wait()
    real.stream(BASIN, "log").wait_for(2)
    mock.journal.wait_for("append", 2)

    assert bodies(mock) == ["one", "two"]


def test_a_held_append_of_a_client_that_has_left_is_forwarded_when_released(
    real: S2Mock, mock: S2Mock
) -> None:
    with mock.hold(on="append", at="arrival") as held:
        with H2Client(mock.url) as client:
            stream = client.open("POST", RECORDS, {"content-type": "application/json"}, end=False)
            client.send(stream, b'{"records":[{"body":"kept"}]}', end=True)
            held.wait()
        assert bodies(mock) == []
    real.stream(BASIN, "log").wait_for(1)


def test_many_requests_on_one_connection_share_one_to_the_upstream(
    real: S2Mock, mock: S2Mock
) -> None:
    with H2Client(mock.url) as client:
        # As many as are allowed at a time.
        streams = [client.open("GET", "/v1/basins") for _ in range(200)]
        statuses = [client.head(stream)[":status"] for stream in streams]
    connections = {exchange.connection for exchange in real.journal.of("list-basins")}

    assert statuses == ["200"] * 200
    assert len(connections) == 1


@pytest.mark.parametrize("name", ["http1", "h2c"])
def test_requests_go_out_by_the_protocol_that_they_came_in_by(
    real: S2Mock, mock: S2Mock, name: str
) -> None:
    with closing(Way(name, mock)) as way:
        way("GET", "/v1/basins")
    exchange = real.journal.of("list-basins")[-1]

    assert exchange.protocol == ("HTTP/1.1" if name == "http1" else "h2c")


def test_the_token_of_the_client_is_not_forwarded(real: S2Mock, mock: S2Mock) -> None:
    with closing(Way("http1", mock)) as way:
        way("GET", "/v1/basins", headers={"authorization": "Bearer of-the-client"})
    exchange = real.journal.of("list-basins")[-1]

    assert "authorization" not in exchange.request.headers


def test_the_upstream_gets_its_own_token(real: S2Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSTREAM_TOKEN", "of-the-upstream")
    with S2Mock(upstream=real.url, upstream_token_env="UPSTREAM_TOKEN") as mock:
        for name in ("http1", "h2c", "wsgi"):
            with closing(Way(name, mock)) as way:
                way("GET", "/v1/basins")
        _ = mock.basins
        found = {one.request.headers["authorization"] for one in real.journal.of("list-basins")}
        texts = [repr(exchange) + exchange.curl() for exchange in mock.journal]

    assert found == {"Bearer of-the-upstream"}
    assert not any("of-the-upstream" in text for text in texts)


def test_a_request_that_waits_at_the_upstream_stops_no_other(real: S2Mock, mock: S2Mock) -> None:
    with closing(Way("http1", mock)) as way, closing(Way("http1", mock)) as other:
        waiting = Started(lambda: way("GET", f"{RECORDS}?seq_num=0&wait=30"))
        real.journal  # noqa: B018
        while not real.stream(BASIN, "log").readers:
            threading.Event().wait(0.001)
        assert other.append("news").status == 200
        assert [record["body"] for record in waiting.result().json["records"]] == ["news"]
