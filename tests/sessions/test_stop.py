"""The end of a server ends all that it serves, in each state of its clients."""

import socket
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from s2mock import S2Mock, Stream
from s2mock.contract.records import Stream as Remote
from s2mock.contract.records import append_input, frame
from s2mock.contract.sessions import Session
from tests import own_token
from tests.sessions.endings import ends, released
from tests.time.watched_clock import WatchedClock

HEADERS = b"host: s2\r\ns2-basin: my-basin\r\n"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# A frame of length 0, type 4, no flags, on stream 0.
SETTINGS = b"\0\0\0\4\0\0\0\0\0"

OPENERS: dict[str, Callable[[Remote], Session]] = {
    "idle SSE": lambda remote: remote.sse(),
    "idle S2S read": lambda remote: remote.read_session(),
    "long poll": lambda remote: remote.poll(wait=60),
    "append session": lambda remote: remote.append_session(),
    "SSE without a reader": lambda remote: remote.sse(seq_num=0),
    "S2S read without a reader": lambda remote: remote.read_session(seq_num=0),
}


def fill(stream: Stream) -> None:
    """More than lies about between a server and a client that does not read."""
    for _ in range(30):
        stream.append([bytes(1000)] * 1000)


@pytest.mark.sample(3)
@pytest.mark.parametrize("opener", OPENERS)
def test_open_session(
    mock: S2Mock, remote: Remote, stream: Stream, clock: WatchedClock, opener: str
) -> None:
    fill(stream)
    with OPENERS[opener](remote) as session:
        if opener == "long poll":
            clock.await_waiters(1)
        else:
            assert session.status == 200
        assert ends(mock.close)
        assert released(stream)
        # Never an answer that looks like one of a living server.
        with pytest.raises(ConnectionError):
            session.rest()


def test_all_at_once(mock: S2Mock, remote: Remote, stream: Stream, clock: WatchedClock) -> None:
    sessions = [OPENERS[opener](remote) for opener in list(OPENERS)[:4] * 20]
    clock.await_waiters(60)
    assert stream.readers == 60

    assert ends(mock.close)
    assert released(stream)
    for session in sessions:
        session.close()


def test_append_session_with_frames_under_way(mock: S2Mock, remote: Remote, stream: Stream) -> None:
    """What was acknowledged is there; of the rest, each input is or is not."""
    with remote.append_session() as session:
        for _ in range(200):
            session.send(frame(append_input(b"a")))
        acked = 0
        for received in session.frames():
            assert not received.terminal
            acked += 1
            if acked == 10:
                break
        assert ends(mock.close)
        assert released()
    assert acked <= stream.tail.seq_num <= 200


STUCK = {
    "has said nothing": b"",
    "is in the head of a request": b"GET /v1/streams/s/rec",
    "has its answer and keeps the connection": b"GET /health HTTP/1.1\r\n" + HEADERS + b"\r\n",
    "is in the body of a request": b"POST /v1/streams/s/records HTTP/1.1\r\n"
    + HEADERS
    + b"content-type: application/json\r\ncontent-length: 100\r\n\r\n{",
    "does not read its answers": (
        b"GET /v1/streams/s/records?seq_num=0 HTTP/1.1\r\n" + HEADERS + b"\r\n"
    )
    * 20,
    "speaks HTTP/2 and does not read": PREFACE + SETTINGS,
    "is in the preface of HTTP/2": PREFACE[:17],
}


@pytest.mark.sample(4)
@pytest.mark.parametrize("stuck", STUCK)
def test_client_that(mock: S2Mock, stream: Stream, stuck: str) -> None:
    """No client can keep the server from ending."""
    fill(stream)
    port = httpx.URL(mock.url).port
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        own = own_token.head(mock.url)
        client.sendall(STUCK[stuck].replace(HEADERS, HEADERS + own))
        assert httpx.get(f"{mock.url}/health").status_code == 200
        assert ends(mock.close)
        client.settimeout(10)
        try:
            while client.recv(65536):
                pass
        except ConnectionResetError:
            pass


def test_connections_to_others_are_left_alone() -> None:
    """Also where they are of this process."""
    with S2Mock() as one, S2Mock() as other, httpx.Client(http2=True, http1=False) as client:
        assert client.get(f"{other.url}/health").status_code == 200
        port = httpx.URL(one.url).port
        with socket.create_connection(("127.0.0.1", port)) as stuck:
            stuck.sendall(PREFACE + SETTINGS)
            assert client.get(f"{one.url}/health").status_code == 200
            assert ends(one.close)
        # On the connection that it had.
        assert client.get(f"{other.url}/health").status_code == 200


def test_an_http2_client_that_is_idle() -> None:
    """Such as a pool that was not closed, whose owner does nothing at the moment."""
    mock = S2Mock()
    with httpx.Client(http2=True, http1=False) as client:
        assert client.get(f"{mock.url}/health").http_version == "HTTP/2"
        assert ends(mock.close)


@pytest.fixture
def blocked_writer() -> Iterator[Callable[[Callable[[], object]], threading.Thread]]:
    threads: list[threading.Thread] = []

    def start(target: Callable[[], object]) -> threading.Thread:
        threads.append(threading.Thread(target=target, daemon=True))
        threads[-1].start()
        return threads[-1]

    yield start
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.slow
def test_during_a_write(
    mock: S2Mock,
    remote: Remote,
    stream: Stream,
    blocked_writer: Callable[[Callable[[], object]], threading.Thread],
) -> None:
    """Appends meet readers that are being released, and do not get stuck with them."""
    sessions = [remote.sse() for _ in range(10)]
    stopped = threading.Event()

    def write() -> None:
        # Without a pause it would take the turns of the threads that end, on a busy machine.
        while not stopped.wait(0.001):
            stream.append([b"a"])

    blocked_writer(write)
    for session in sessions:
        next(session.events())
    assert ends(mock.close)
    stopped.set()
    assert released(stream)
    for session in sessions:
        session.close()
