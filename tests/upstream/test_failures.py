"""An upstream that fails is told apart from an injected fault: the code `upstream`, and why."""

import json
import socket
import struct
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from s2mock import Drain, Drop, Fail, S2Mock
from s2mock.upstream.connections import UpstreamConnections
from tests.ports import unused_port
from tests.powers.conftest import BASIN, EVENTS, FRAMES, RECORDS, Way
from tests.powers.frames import RECONNECT, TERMINAL, append_frame, frames
from tests.sessions.h2_client import H2Client
from tests.upstream.conftest import Serve, answer, request_on

PROTOCOLS = ["http1", "h2c"]
HTML = b"<html><body>Bad gateway</body></html>"
TEXT = b"content-type: text/html"


def closes(connected: socket.socket) -> None:
    request_on(connected)
    connected.close()


def resets(connected: socket.socket) -> None:
    request_on(connected)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connected.close()


def cuts(connected: socket.socket) -> None:
    request_on(connected)
    connected.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
    connected.close()


def answers_html(connected: socket.socket) -> None:
    request_on(connected)
    answer(connected, 503, HTML, TEXT)


def answers_what_is_not_http(connected: socket.socket) -> None:
    request_on(connected)
    connected.sendall(b"220 mail.example.com ESMTP\r\n\r\n")


BROKEN: list[tuple[Callable[[socket.socket], None], str]] = [
    (closes, "closed the connection without an answer"),
    (resets, "was lost: "),
    (cuts, "broke its answer off"),
    (answers_html, "answered 503 with a page of HTML"),
    (answers_what_is_not_http, "answered with what is not HTTP"),
]


def told(reply: Any) -> str:
    """The message of an answer with the code `upstream`."""
    assert reply.status == 502
    document = json.loads(reply.body)
    assert document["code"] == "upstream"
    return str(document["message"])


@pytest.mark.parametrize(("handle", "why"), BROKEN, ids=[one[0].__name__ for one in BROKEN])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_broken_upstream_is_a_502_with_the_code_upstream(
    serve: Serve, method: str, handle: Callable[[socket.socket], None], why: str
) -> None:
    url = serve(handle).url
    document = {"records": [{"body": "a"}]} if method == "POST" else None
    with S2Mock(upstream=url) as mock, closing(Way("http1", mock)) as way:
        message = told(way(method, RECORDS, document))
        [exchange] = mock.journal

    assert message.startswith(f"the upstream {url} ")
    assert why in message
    assert (exchange.fault, exchange.effect.committed) == (None, False)
    assert exchange.response is not None
    assert exchange.response.code == "upstream"
    assert exchange.reason == f"{message}: no fault was injected here"


@pytest.mark.parametrize("name", ["http1", "h2c", "wsgi"])
def test_an_upstream_that_is_down_is_named_in_answer_journal_and_report(name: str) -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    with S2Mock(upstream=url) as mock, closing(Way(name, mock)) as way:
        message = told(way.append("one"))
        way.append("two")
        [first, _] = mock.journal

    assert message == f"the upstream {url} cannot be reached: Connection refused"
    assert first.reason == f"{message}: no fault was injected here"


def test_a_slow_upstream_is_given_up_after_its_time(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(UpstreamConnections.__init__, "__kwdefaults__", {"answer_seconds": 0.05})
    server = serve(request_on)
    with S2Mock(upstream=server.url) as mock, closing(Way("http1", mock)) as way:
        assert "sent no answer within 0.05 s" in told(way("GET", "/v1/basins"))


def test_a_pause_that_is_shorter_is_none(serve: Serve) -> None:
    def pause(connected: socket.socket) -> None:
        request_on(connected)
        connected.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
        connected.sendall(b"content-length: 30\r\n\r\n")
        for byte in b'{"basins":[],"has_more":false}':
            connected.sendall(bytes([byte]))

    with S2Mock(upstream=serve(pause).url) as mock, closing(Way("http1", mock)) as way:
        assert way("GET", "/v1/basins").json == {"basins": [], "has_more": False}


@pytest.mark.parametrize("headers", [EVENTS, FRAMES], ids=["events", "frames"])
def test_a_read_session_that_the_upstream_breaks_off_ends_with_that_error(
    serve: Serve, headers: dict[str, str]
) -> None:
    kind = next(iter(headers.values())).encode()
    first = b"event: ping\ndata: {}\n\n" if headers is EVENTS else b"\0\0\1\0"

    def cut(connected: socket.socket) -> None:
        request_on(connected)
        connected.sendall(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: " + kind + b"\r\n\r\n"
        )
        connected.sendall(b"%x\r\n%b\r\n" % (len(first), first))
        connected.close()

    with S2Mock(upstream=serve(cut).url) as mock, closing(Way("http1", mock)) as way:
        received, broke_off = way.session(f"{RECORDS}?seq_num=0", headers)
        [exchange] = mock.journal.of("read")

    # Behind the error the connection ends as the upstream's did.
    assert broke_off
    assert received.startswith(first)
    assert b'"code":"upstream"' in received
    assert "broke" in (exchange.reason or "")


def test_an_append_session_that_the_upstream_breaks_off_ends_with_that_error(serve: Serve) -> None:
    def cut(connected: socket.socket) -> None:
        request_on(connected)
        connected.sendall(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: s2s/proto\r\n\r\n"
        )
        connected.recv(100)
        connected.close()

    with S2Mock(upstream=serve(cut).url) as mock, closing(Way("http1", mock)) as way:
        received, broke_off = way.session(RECORDS, FRAMES, "POST", append_frame("a"))
        batch, session = mock.journal.of("append"), mock.journal.of("append-session")

    assert broke_off
    [terminal] = frames(received)
    assert terminal.flag == TERMINAL
    assert int.from_bytes(terminal.payload[:2], "big") == 502
    assert json.loads(terminal.payload[2:])["code"] == "upstream"
    assert [exchange.fault for exchange in (*batch, *session)] == [None, None]
    assert not batch[0].effect.committed


def test_a_reset_of_the_upstream_is_passed_on_in_kind(real: S2Mock, mock: S2Mock) -> None:
    """`REFUSED_STREAM` promises that nothing happened, so that a client may send it again."""
    real.inject(Drop(refused=True), on="check-tail")
    real.inject(Drop(connection=False), on="list-streams")
    with H2Client(mock.url) as client:
        refused = client.open("GET", f"{RECORDS}/tail")
        with pytest.raises(ConnectionResetError):
            client.head(refused)
        other = client.open("GET", "/v1/streams")
        with pytest.raises(ConnectionResetError):
            client.head(other)
        assert [client.reset_codes[stream] for stream in (refused, other)] == [7, 2]
        # The connection goes on.
        assert client.head(client.open("GET", "/v1/basins"))[":status"] == "200"
    assert [exchange.fault for exchange in mock.journal] == [None, None, None]


def test_a_goaway_of_the_upstream_is_passed_on_in_kind(real: S2Mock, mock: S2Mock) -> None:
    real.basin(BASIN).stream("log").append(["a"])
    for url in (real.url, mock.url):
        real.inject(Drain(), on="read")
        with H2Client(url) as client:
            stream = client.open("GET", f"{RECORDS}?seq_num=0&count=1", FRAMES)
            [frame] = frames(client.rest(stream))
            assert (frame.bodies, frame.flag & RECONNECT) == (["a"], RECONNECT)
            assert client.until_goaway() == 0


def test_a_connection_that_the_upstream_closes_after_its_answer_is_closed(serve: Serve) -> None:
    def close(connected: socket.socket) -> None:
        request_on(connected)
        answer(connected, 200, b'{"basins":[],"has_more":false}', b"connection: close")
        connected.close()

    with S2Mock(upstream=serve(close).url) as mock:
        host, port = mock.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(b"GET /v1/basins HTTP/1.1\r\nhost: x\r\n\r\n")
            received = b""
            while data := client.recv(4096):
                received += data

    assert received.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in received


def test_a_read_on_a_connection_that_was_closed_idle_is_sent_again(serve: Serve) -> None:
    def one_each(connected: socket.socket) -> None:
        request_on(connected)
        answer(connected, 200, b'{"basins":[],"has_more":false}')
        request_on(connected)
        connected.close()

    server = serve(one_each)
    with S2Mock(upstream=server.url) as mock, closing(Way("http1", mock)) as way:
        assert way("GET", "/v1/basins").status == 200
        assert way("GET", "/v1/basins").status == 200
        # An append may have been applied.
        assert "closed the connection" in told(way.append("a"))
    assert len(server.connections) == 2


def test_a_missing_basin_is_explained_without_names_that_the_upstream_alone_knows(
    real: S2Mock, mock: S2Mock
) -> None:
    """The upstream has a basin, and this mock knows of none."""
    assert real.basins == (BASIN,)
    assert mock.client.get("/v1/streams").status_code == 400
    [exchange] = mock.journal

    hint = "name the basin, as in -H 's2-basin: my-basin', for the upstream"
    assert exchange.reason == f"{hint} (reference: control_plane §2.1)"


def test_what_is_injected_says_so(mock: S2Mock) -> None:
    mock.inject(Fail("unavailable"), on="append")
    with closing(Way("http1", mock)) as way:
        assert way.append("one").json["code"] == "unavailable"
    [exchange] = mock.journal

    assert exchange.reason == "injected: Fail('unavailable')"


def test_the_basins_of_a_mock_need_the_upstream() -> None:
    from s2mock.powers.errors import UpstreamUnreachable

    url = f"http://127.0.0.1:{unused_port()}"
    with pytest.raises(UpstreamUnreachable, match=f"the upstream {url} cannot be reached"):
        S2Mock(upstream=url, basins=[BASIN])
