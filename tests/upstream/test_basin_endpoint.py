"""An upstream that takes the basin from the host, as the hosted service does."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from s2mock import Drop, Late, S2Mock
from tests.ports import unused_port
from tests.powers.conftest import BASIN, EVENTS, FRAMES, RECORDS, SEEDS, Way
from tests.powers.frames import append_frame, frames


@pytest.fixture(autouse=True)
def _hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each host of `.test` is this machine."""
    resolve = socket.getaddrinfo

    def resolved(host: Any, *arguments: Any, **named: Any) -> Any:
        is_here = isinstance(host, str) and host.endswith(".test")
        return resolve("127.0.0.1" if is_here else host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


@pytest.fixture(params=[None, "ci-"], ids=["", "prefix"])
def mock(request: pytest.FixtureRequest, real: S2Mock) -> Iterator[S2Mock]:
    port = real.url.rpartition(":")[2]
    with S2Mock(
        upstream=real.url,
        upstream_basin_endpoint=f"http://{{basin}}.b.test:{port}",
        basin_prefix=request.param,
        basins=SEEDS,
    ) as mock:
        yield mock


def assert_by_host(real: S2Mock) -> None:
    """Check that each request for streams went to the host of its basin, without a header."""
    port = real.url.rpartition(":")[2]
    [name] = real.basins
    for exchange in real.journal:
        is_of_basin = exchange.request.path.startswith("/v1/streams")
        host = exchange.request.headers["host"]
        assert host == (f"{name}.b.test:{port}" if is_of_basin else f"127.0.0.1:{port}")
        assert not is_of_basin or "s2-basin" not in exchange.request.headers


def test_unary_calls_sessions_and_direct_calls(real: S2Mock, mock: S2Mock, way: Way) -> None:
    assert way.append("a").status == 200
    assert way("GET", "/v1/basins").status == 200
    content = b"".join(map(append_frame, ("b", "c")))
    acknowledged, _ = way.session(RECORDS, FRAMES, "POST", content)
    events, _ = way.session(f"{RECORDS}?seq_num=0&count=3", EVENTS)
    stream = mock.stream(BASIN, "log")
    stream.append(["d"])

    assert [frame.acked for frame in frames(acknowledged)] == [(1, 2), (2, 3)]
    assert b'"body":"c"' in events
    assert stream.bodies == (b"a", b"b", b"c", b"d")
    assert mock.basins == (BASIN,)
    assert_by_host(real)
    # The client has named the basin in the header.
    assert {one.basin for one in mock.journal if one.operation != "list-basins"} == {BASIN}


def test_faults_and_late_appends(real: S2Mock, mock: S2Mock) -> None:
    with closing(Way("http1", mock)) as way:
        for fault in (Drop(), Drop(committed=True), Late(reads=1)):
            mock.inject(fault, on="append")
            with pytest.raises(ConnectionError):
                way.append(str(fault))
        way("GET", f"{RECORDS}?seq_num=0")
    assert mock.stream(BASIN, "log").wait_for(2, timeout=60)

    [name] = real.basins
    bodies = real.stream(name, "log").bodies
    assert bodies == (b"Drop(committed=True)", b"Late(reads=1)")
    assert_by_host(real)


def test_a_basin_whose_host_is_down_is_named(real: S2Mock) -> None:
    """A name that no basin can have goes to the upstream, which refuses it."""
    port = unused_port()
    with (
        S2Mock(upstream=real.url, upstream_basin_endpoint=f"http://{{basin}}.test:{port}") as mock,
        closing(Way("http1", mock)) as way,
    ):
        reply = way.append("a")
        refused = way("GET", "/v1/streams", headers={"s2-basin": "NO"})

    assert reply.status == 502
    message = json.loads(reply.body)["message"]
    assert message.startswith(f"the upstream http://{BASIN}.test:{port} cannot be reached: ")
    assert (refused.status, refused.json["code"]) == (400, "bad_header")
