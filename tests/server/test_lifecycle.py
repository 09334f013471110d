"""From the first use of the URL to the stop, alone and side by side."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from s2mock import S2Mock
from s2mock.connections import drop_connections
from s2mock.server import Server
from tests.conftest import BASIN
from tests.server.conftest import Raw, port_of


@pytest.fixture
def unused_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def get(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False)


def refuses_connections(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_nothing_listens_before_the_url_is_used(unused_port: int) -> None:
    with S2Mock(port=unused_port) as mock:
        mock.create_basin(BASIN)
        assert mock.client.get("/health").status_code == 200
        assert refuses_connections(unused_port)
        assert mock.url == f"http://127.0.0.1:{unused_port}"
        assert get(f"{mock.url}/health").text == "OK"
    assert refuses_connections(unused_port)


def test_several_side_by_side_share_nothing() -> None:
    mocks = [S2Mock(basins=[BASIN]) for _ in range(5)]
    assert len({mock.url for mock in mocks}) == 5
    for number, mock in enumerate(mocks):
        path = f"{mock.url}/v1/streams/s{number}"
        headers = {"s2-basin": BASIN}
        assert httpx.put(path, headers=headers, trust_env=False).status_code == 201
    mocks[0].close()
    for number, mock in enumerate(mocks[1:], start=1):
        assert mock.basin(BASIN).streams == (f"s{number}",)
        assert get(f"{mock.url}/health").status_code == 200
        mock.close()


def test_started_and_stopped_again_and_again_on_one_port(unused_port: int) -> None:
    before = threading.active_count()
    for _ in range(20):
        with S2Mock(port=unused_port) as mock:
            assert get(f"{mock.url}/health").status_code == 200
    assert threading.active_count() == before


def test_url_listens_again_after_a_close() -> None:
    mock = S2Mock(basins=[BASIN])
    assert get(f"{mock.url}/health").status_code == 200
    mock.close()
    mock.close()
    assert get(f"{mock.url}/v1/basins/{BASIN}").status_code == 200
    mock.close()


def test_server_stops_twice() -> None:
    with S2Mock() as mock:
        server = Server(mock.wsgi_app)
        assert get(f"{server.url}/health").status_code == 200
        server.stop()
        server.stop()
        assert refuses_connections(server.port)


def test_port_in_use(unused_port: int) -> None:
    with S2Mock(port=unused_port) as first, S2Mock(port=unused_port) as second:
        assert first.url
        with pytest.raises(OSError, match="Address already in use"):
            _ = second.url
        # The first one has not noticed, and the second one gets it when it is free.
        assert get(f"{first.url}/health").status_code == 200
        first.close()
        assert get(f"{second.url}/health").status_code == 200


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_address_that_is_not_ours(host: str) -> None:
    with S2Mock(host=host) as mock, pytest.raises(OSError, match="."):
        _ = mock.url


def test_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with S2Mock(host="::1") as mock:
        assert mock.url.startswith("http://[::1]:")
        assert get(f"{mock.url}/health").text == "OK"


HEAD = (
    "POST /v1/streams HTTP/1.1",
    "host: x",
    "s2-basin: my-basin",
    "content-type: application/json",
)


def open_and_send_nothing(port: int) -> Raw:
    return Raw(port)


def open_and_wait_after_an_answer(port: int) -> Raw:
    raw = Raw(port)
    raw.send("GET /health HTTP/1.1")
    assert raw.socket.recv(65536).endswith(b"OK")
    return raw


def open_and_send_half_a_head(port: int) -> Raw:
    raw = Raw(port)
    raw.socket.sendall(b"GET /hea")
    return raw


def open_and_send_half_a_body(port: int) -> Raw:
    raw = Raw(port)
    raw.send(*HEAD, "content-length: 100", body=b'{"stream":')
    return raw


def open_and_send_half_a_chunk(port: int) -> Raw:
    raw = Raw(port)
    raw.send(*HEAD, "transfer-encoding: chunked", body=b'e\r\n{"stream":"s"}\r\n')
    return raw


def open_http2(port: int) -> Raw:
    raw = Raw(port)
    settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    raw.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings)
    assert raw.socket.recv(65536)
    return raw


@pytest.fixture(
    params=[
        open_and_send_nothing,
        open_and_wait_after_an_answer,
        open_and_send_half_a_head,
        open_and_send_half_a_body,
        open_and_send_half_a_chunk,
        open_http2,
    ],
    ids=lambda function: function.__name__,
)
def left_open(mock: S2Mock, request: pytest.FixtureRequest) -> Iterator[Raw]:
    """A connection that its client will not close."""
    mock.create_basin(BASIN)
    raw: Raw = request.param(port_of(mock))
    # What has come so far has been seen when a later request has been answered.
    assert get(f"{mock.url}/health").status_code == 200
    with raw.socket:
        yield raw


def test_connection_that_is_left_open_does_not_keep_it_from_stopping(
    mock: S2Mock, left_open: Raw
) -> None:
    port = port_of(mock)
    stopped = threading.Thread(target=mock.close, daemon=True)
    stopped.start()
    # Far less than any of the limits that such a connection would run into by itself.
    stopped.join(timeout=10)
    assert not stopped.is_alive()
    assert refuses_connections(port)
    # It is closed and not just left alone.
    try:
        while left_open.socket.recv(65536):
            pass
    except ConnectionResetError:
        pass
    assert mock.basin(BASIN).streams == ()


def test_stop_drops_its_own_connections_only() -> None:
    with S2Mock() as mock, S2Mock() as other:
        stuck = open_and_send_half_a_head(port_of(mock))
        kept = open_and_send_half_a_head(port_of(other))
        with stuck.socket, kept.socket:
            mock.close()
            kept.socket.sendall(b"lth HTTP/1.1\r\nconnection: close\r\n\r\n")
            assert kept.receive().endswith(b"OK")


def test_dropping_connections_leaves_the_listener_alone() -> None:
    with S2Mock() as mock:
        port = port_of(mock)
        stuck = open_and_send_half_a_head(port)
        with stuck.socket:
            assert get(f"{mock.url}/health").status_code == 200
            drop_connections("127.0.0.1", port)
            assert stuck.socket.recv(65536) == b""
        assert get(f"{mock.url}/health").status_code == 200


def test_server_of_any_wsgi_app() -> None:
    def hello(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("X-Path", environ["PATH_INFO"])])
        return [b"hello ", b"world"]

    server = Server(hello)
    reply = get(f"{server.url}/a%20b")
    server.stop()
    assert (reply.text, reply.headers["x-path"]) == ("hello world", "/a b")


def test_app_that_fails_does_not_take_the_server_down(capfd: pytest.CaptureFixture[str]) -> None:
    def fail(environ, _):
        if environ["PATH_INFO"] == "/fail":
            raise RuntimeError("broken on purpose")
        _("200 OK", [])
        return []

    server = Server(fail)
    assert get(f"{server.url}/fail").status_code == 500
    assert get(f"{server.url}/").status_code == 200
    server.stop()
    capfd.readouterr()


def test_threads_are_named_and_do_not_keep_the_process(mock: S2Mock) -> None:
    port = port_of(mock)
    [thread] = [t for t in threading.enumerate() if t.name == f"s2mock-{port}"]
    assert thread.daemon
    mock.close()
    assert not thread.is_alive()


def test_what_a_session_says_is_not_held_back() -> None:
    """Else the end of a response waits until the client has acknowledged its beginning."""
    with S2Mock() as mock, httpx.stream("GET", f"{mock.url}/health", trust_env=False) as response:
        ours = response.extensions["network_stream"].get_extra_info("socket").getsockname()
        sides = [side for side in sockets() if side[0] == ours]
    assert sides == [(ours, True)]


def sockets() -> Iterator[tuple[object, bool]]:
    """The peers of all connections of this process, and whether what is sent goes off at once."""
    for descriptor in [int(entry.name) for entry in Path("/dev/fd").iterdir()]:
        with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as connection:
            at_once = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            yield connection.getpeername(), bool(at_once)
