"""TLS at the socket: handshakes, ends, faults, and clients that do something else than they ought.

Each test runs on the server with a thread of its own, and on servers of asyncio loops.
"""

import asyncio
import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest

from s2mock import Cut, Drop, ManualClock, S2Mock, Silence, Slow
from s2mock.powers.faults import Fault
from s2mock.server import frames
from s2mock.server.protocols import PREFACE
from s2mock.server.tls import ALPN
from tests import own_token
from tests.certificates import trusting
from tests.server.test_server import run
from tests.server.tls_client import PATIENCE, ByteClient, address_of, connect, received
from tests.sessions.h2_client import H2Client

BASINS = [{"name": "my-basin", "streams": ["log"]}]
RECORDS = "/v1/streams/log/records"
HEALTH = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"
LAST = b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


def _servers() -> list[Any]:
    servers = ["thread", pytest.param("asyncio", marks=pytest.mark.slow)]
    if find_spec("uvloop") is not None:
        servers.append(pytest.param("uvloop", marks=pytest.mark.slow))
    return servers


@pytest.fixture
def mock() -> Iterator[S2Mock]:
    with S2Mock(tls=True, basins=BASINS, clock=ManualClock()) as mock:
        yield mock


@pytest.fixture(params=_servers())
def url(request: pytest.FixtureRequest, mock: S2Mock) -> Iterator[str]:
    """The URL of the mock on a server of each kind."""
    if request.param == "thread":
        yield mock.url
        return
    with _loop_of(request.param) as runner:
        server = runner(mock.serve).result(PATIENCE)
        yield server.url
        runner(server.close).result(PATIENCE)


@contextmanager
def _loop_of(kind: str) -> Iterator[Callable[[Any], Any]]:
    """Run a loop in a thread; what is yielded runs a coroutine function on it."""
    loop: asyncio.AbstractEventLoop
    if kind == "uvloop":
        import uvloop

        loop = uvloop.new_event_loop()
    else:
        loop = asyncio.SelectorEventLoop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield lambda make: asyncio.run_coroutine_threadsafe(make(), loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def trusted(mock: S2Mock) -> ssl.SSLContext:
    return trusting(mock.ca_file)


def ask(client: ssl.SSLSocket, request: bytes = HEALTH) -> bytes:
    """Return the answer to a request that is answered with OK."""
    client.sendall(request)
    data = b""
    while not data.endswith(b"OK"):
        piece = client.recv(65536)
        assert piece, f"ended after {data!r}"
        data += piece
    return data


@contextmanager
def opened(url: str, context: ssl.SSLContext) -> Iterator[ByteClient]:
    """A client that has completed its handshake."""
    with ByteClient(url, context) as client:
        client.shake_hands()
        yield client


def is_quiet(client: ByteClient, url: str, context: ssl.SSLContext) -> bool:
    """True if the server has sent nothing, and has not ended the connection.

    Another connection is served first: the server would have sent it by then.
    """
    for _ in range(2):
        with connect(url, context) as other:
            ask(other)
    client.socket.setblocking(False)
    try:
        client.socket.recv(1)
    except BlockingIOError:
        return True
    finally:
        client.socket.settimeout(PATIENCE)
    return False


def read_records(url: str) -> bytes:
    own = b"".join(line.encode() + b"\r\n" for line in own_token.lines(url))
    return b"GET %b?seq_num=0 HTTP/1.1\r\nhost: x\r\ns2-basin: my-basin\r\n%b\r\n" % (
        RECORDS.encode(),
        own,
    )


class TestHandshakes:
    @pytest.mark.parametrize(
        ("offered", "chosen"),
        [
            (("h2", "http/1.1"), "h2"),
            (("http/1.1", "h2"), "h2"),
            (("http/1.1",), "http/1.1"),
            (("h2",), "h2"),
            ((), None),
            (("spdy/3",), None),
        ],
    )
    def test_alpn_chooses(
        self, mock: S2Mock, url: str, offered: tuple[str, ...], chosen: str | None
    ) -> None:
        with connect(url, trusting(mock.ca_file, *offered)) as client:
            assert client.selected_alpn_protocol() == chosen
            if chosen != "h2":
                assert ask(client).startswith(b"HTTP/1.1 200 OK")

    @pytest.mark.parametrize("is_http2", [False, True])
    def test_a_client_gets_the_version_that_it_can(
        self, mock: S2Mock, url: str, is_http2: bool
    ) -> None:
        offered = ALPN if is_http2 else ALPN[1:]
        with httpx.Client(
            verify=trusting(mock.ca_file, *offered), http2=is_http2, trust_env=False
        ) as http:
            headers = {"s2-basin": "my-basin"} | own_token.authorization(url)
            answer = http.post(
                f"{url}{RECORDS}", json={"records": [{"body": "x"}]}, headers=headers
            )
        assert (answer.http_version, answer.status_code) == (
            "HTTP/2" if is_http2 else "HTTP/1.1",
            200,
        )
        [exchange] = mock.journal.of("append")
        assert exchange.protocol == ("h2" if is_http2 else "HTTP/1.1 over TLS")
        assert exchange.curl().startswith(f"curl --insecure {url}{RECORDS} ")

    @pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "::1"])
    def test_each_name_of_this_machine_is_in_the_certificate(
        self, url: str, trusted: ssl.SSLContext, name: str
    ) -> None:
        with connect(url, trusted, name) as client:
            assert ask(client)

    @pytest.mark.parametrize("name", ["example.com", "127.0.0.2"])
    def test_another_host_name_is_refused_by_the_client(
        self, url: str, trusted: ssl.SSLContext, name: str
    ) -> None:
        with pytest.raises(ssl.SSLCertVerificationError, match=r"(Hostname|IP address) mismatch"):
            connect(url, trusted, name)
        # The next one is served.
        with connect(url, trusted) as client:
            assert ask(client)

    def test_the_authority_is_not_trusted_unless_it_is_named(self, url: str) -> None:
        with pytest.raises(ssl.SSLCertVerificationError, match=r"unable to get local issuer"):
            connect(url, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    @pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
    def test_an_old_version_is_refused(
        self, url: str, trusted: ssl.SSLContext, version: ssl.TLSVersion
    ) -> None:
        trusted.set_ciphers("DEFAULT:@SECLEVEL=0")
        trusted.minimum_version = trusted.maximum_version = version
        with pytest.raises(ssl.SSLError, match=r"ALERT_PROTOCOL_VERSION"):
            connect(url, trusted)

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_a_present_version_is_served(
        self, url: str, trusted: ssl.SSLContext, version: ssl.TLSVersion
    ) -> None:
        trusted.minimum_version = trusted.maximum_version = version
        with connect(url, trusted) as client:
            assert client.version() == version.name.replace("_", ".")
            assert ask(client)

    @pytest.mark.slow
    @pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on the PATH")
    def test_a_client_cannot_begin_another_handshake(self, url: str) -> None:
        host, port = address_of(url)
        ended = subprocess.run(
            ["openssl", "s_client", "-tls1_2", "-connect", f"{host}:{port}"],
            input="R\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert "no renegotiation" in ended.stderr

    def test_no_data_waits_for_a_client_that_only_sends(
        self, url: str, trusted: ssl.SSLContext
    ) -> None:
        """Else its socket would be reset when it is closed, and its request could be lost."""
        with opened(url, trusted) as client:
            assert is_quiet(client, url, trusted)


class TestClientsThatDoNotSpeakTls:
    @pytest.mark.parametrize("size", [1000, 1])
    def test_http_1_gets_an_answer_that_says_so(self, url: str, size: int) -> None:
        with socket.create_connection(address_of(url), PATIENCE) as client:
            for first in range(0, len(HEALTH), size):
                # What is sent behind the answer is read, and discarded.
                client.sendall(HEALTH[first : first + size])
            answer, end = received(client)
        assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert answer.endswith(b"\r\n\r\nthis port speaks TLS: use https://, not http://\n")
        assert b"connection: close\r\n" in answer
        assert end == "FIN"

    def test_http_2_gets_a_goaway_that_says_so(self, url: str) -> None:
        with socket.create_connection(address_of(url), PATIENCE) as client:
            client.sendall(PREFACE + frames.settings({}))
            answer, end = received(client)
        settings = frames.settings({})
        assert answer.startswith(settings)
        goaway = answer.removeprefix(settings)
        assert goaway[3] == frames.GOAWAY
        assert int.from_bytes(goaway[13:17], "big") == frames.INADEQUATE_SECURITY
        assert goaway[17:] == b"this port speaks TLS: use https://, not http://"
        assert end == "FIN"

    @pytest.mark.parametrize("sent", [b"\0" * 100, b"ssh-2.0-x\r\n", b"\x16\x03\x01\x00\x05hello"])
    def test_anything_else_gets_an_alert_or_an_end(self, url: str, sent: bytes) -> None:
        with socket.create_connection(address_of(url), PATIENCE) as client:
            client.sendall(sent)
            answer, end = received(client)
        # An alert is a record of type 21.
        assert answer == b"" or answer[0] == 21
        assert end in ("FIN", "RST")

    @pytest.mark.parametrize("sent", [b"", b"P", b"GE", b"\x16\x03"])
    def test_an_end_before_anything_is_decided(self, url: str, sent: bytes) -> None:
        with socket.create_connection(address_of(url), PATIENCE) as client:
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
            assert received(client) == (b"", "FIN")

    def test_a_record_that_is_changed_on_its_way_ends_the_connection(
        self, url: str, trusted: ssl.SSLContext
    ) -> None:
        with opened(url, trusted) as client:
            sent = bytearray(client.encrypt(HEALTH))
            sent[-1] ^= 1
            client.socket.sendall(sent)
            with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
                client.read()
            assert received(client.socket) == (b"", "FIN")

    def test_a_server_of_plain_http_has_an_answer_for_tls(self) -> None:
        with S2Mock() as mock, socket.create_connection(address_of(mock.url), PATIENCE) as client:
            hello = ssl.MemoryBIO()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            tls = context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
            with pytest.raises(ssl.SSLWantReadError):
                tls.do_handshake()
            client.sendall(hello.read())
            assert received(client)[0].startswith(b"HTTP/1.1 400 Bad Request\r\n")


class TestEnds:
    def test_of_a_connection_that_the_client_has_closed_with_its_last_request(
        self, url: str, trusted: ssl.SSLContext
    ) -> None:
        with opened(url, trusted) as client:
            client.socket.sendall(client.encrypt(LAST))
            answer, end = received(client)
        assert answer.endswith(b"OK")
        assert end == "close_notify"

    def test_of_one_whose_client_is_still_sending(self, url: str, trusted: ssl.SSLContext) -> None:
        sent = b"POST /health HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc"
        with opened(url, trusted) as client:
            client.socket.sendall(client.encrypt(sent))
            answer, end = received(client)
        assert answer.startswith(b"HTTP/1.1 405 ")
        assert end == "close_notify"

    @pytest.mark.parametrize("has_close_notify", [True, False])
    def test_of_the_clients_sending_is_the_end_of_a_body(
        self, mock: S2Mock, url: str, trusted: ssl.SSLContext, has_close_notify: bool
    ) -> None:
        """As on a plain connection: the request is not complete, and nothing takes effect."""
        own = "".join(f"{line}\r\n" for line in own_token.lines(url))
        head = (
            f"POST {RECORDS} HTTP/1.1\r\nhost: x\r\ns2-basin: my-basin\r\n{own}"
            "content-type: application/json\r\ncontent-length: 100\r\n\r\n{"
        )
        with opened(url, trusted) as client:
            client.socket.sendall(client.encrypt(head.encode()))
            if has_close_notify:
                client.socket.sendall(client.close_notify())
            else:
                client.socket.shutdown(socket.SHUT_WR)
            while client.socket.recv(65536):
                pass
        assert not mock.basin("my-basin").stream("log").records

    def test_a_close_notify_leaves_what_is_asked_for_to_be_answered(
        self, url: str, trusted: ssl.SSLContext
    ) -> None:
        with opened(url, trusted) as client:
            client.socket.sendall(client.encrypt(HEALTH) + client.close_notify())
            answer = b""
            while piece := client.read():
                answer += piece
        assert answer.endswith(b"OK")

    def test_a_body_that_is_there_unread_does_not_end_the_connection(
        self, url: str, trusted: ssl.SSLContext
    ) -> None:
        """The rest of it is taken from behind the TLS."""
        body = b"x" * 5000
        head = b"POST /health HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
        with opened(url, trusted) as client:
            # Two records in one piece: the server decrypts the first when it answers.
            client.socket.sendall(client.encrypt(head) + client.encrypt(body))
            assert client.read().startswith(b"HTTP/1.1 405 ")
            assert client.ask(HEALTH).endswith(b"OK")

    def test_of_an_outage_takes_handshakes_too(
        self, mock: S2Mock, url: str, trusted: ssl.SSLContext
    ) -> None:
        with ByteClient(url, trusted) as half, opened(url, trusted) as whole:
            half.socket.sendall(half.step()[:50])
            assert whole.ask(HEALTH).endswith(b"OK")
            with mock.outage():
                assert received(whole) == (b"", "FIN")
                assert received(half.socket)[0] == b""
                with pytest.raises((ConnectionError, ssl.SSLEOFError)):
                    connect(url, trusted)
        with connect(url, trusted) as client:
            assert ask(client)

    def test_of_the_mock_takes_all_connections(self) -> None:
        with ExitStack() as stack:
            with S2Mock(tls=True) as mock:
                trusted = trusting(mock.ca_file)
                half = stack.enter_context(ByteClient(mock.url, trusted))
                half.socket.sendall(half.step()[:50])
                whole = stack.enter_context(opened(mock.url, trusted))
                assert whole.ask(HEALTH).endswith(b"OK")
            assert received(whole) == (b"", "FIN")
            assert received(half.socket)[0] == b""


def headers_of(url: str) -> dict[str, str]:
    return {"s2-basin": "my-basin", **own_token.authorization(url)}


class TestFaults:
    @pytest.fixture(autouse=True)
    def _records(self, mock: S2Mock) -> None:
        mock.basin("my-basin").stream("log").append(["x" * 5000])

    @pytest.mark.parametrize(
        ("fault", "how"),
        [
            (Drop(), "FIN"),
            (Drop(committed=True), "FIN"),
            (Drop(connection=False), "FIN"),
            (Drop(connection="reset"), "RST"),
        ],
        ids=repr,
    )
    def test_a_drop_looks_like_a_network_that_fails(
        self, mock: S2Mock, url: str, trusted: ssl.SSLContext, fault: Drop, how: str
    ) -> None:
        mock.inject(fault, on="read")
        with opened(url, trusted) as client:
            client.socket.sendall(client.encrypt(read_records(url)))
            assert received(client) == (b"", how)

    @pytest.mark.parametrize(("connection", "how"), [(True, "FIN"), ("reset", "RST")])
    def test_a_cut_comes_after_what_was_sent(
        self, mock: S2Mock, url: str, trusted: ssl.SSLContext, connection: Any, how: str
    ) -> None:
        mock.inject(Cut(bytes=4000, connection=connection), on="read")
        with opened(url, trusted) as client:
            client.socket.sendall(client.encrypt(read_records(url)))
            answer, end = received(client)
        assert len(answer.partition(b"\r\n\r\n")[2]) == 4000
        assert end == how

    @pytest.mark.parametrize("fault", [Drop(), Cut(bytes=0), Drop(connection="reset")], ids=repr)
    def test_an_end_takes_all_streams_of_http_2(self, mock: S2Mock, url: str, fault: Fault) -> None:
        mock.inject(fault, on="check-tail")
        tls = trusting(mock.ca_file, "h2")
        with H2Client(url, headers=headers_of(url), tls=tls) as client:
            reading = client.open("GET", f"{RECORDS}?seq_num=0&wait=60")
            mock.journal.wait_for("read")
            client.open("GET", f"{RECORDS}/tail")
            with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
                client.rest(reading + 100)

    def test_only_the_stream_of_http_2_is_reset(self, mock: S2Mock, url: str) -> None:
        mock.inject(Drop(connection=False), on="check-tail")
        tls = trusting(mock.ca_file, "h2")
        with H2Client(url, headers=headers_of(url), tls=tls) as client:
            stream = client.open("GET", f"{RECORDS}/tail")
            with pytest.raises(ConnectionResetError, match=f"stream {stream} was reset"):
                client.rest(stream)
            assert b"seq_num" in client.rest(client.open("GET", f"{RECORDS}/tail"))

    def test_silence_leaves_the_connection_open(
        self, mock: S2Mock, url: str, trusted: ssl.SSLContext
    ) -> None:
        mock.inject(Silence(bytes=100), on="read")
        with opened(url, trusted) as client:
            client.socket.sendall(client.encrypt(read_records(url) + HEALTH))
            data = b""
            while len(data.partition(b"\r\n\r\n")[2]) < 100:
                data += client.read()
            assert len(data.partition(b"\r\n\r\n")[2]) == 100
            assert is_quiet(client, url, trusted)
            # Neither an alert for a record that is wrong, nor an end.
            sent = bytearray(client.encrypt(HEALTH))
            sent[-1] ^= 1
            client.socket.sendall(sent)
            assert is_quiet(client, url, trusted)
            mock.close()
            assert received(client) == (b"", "FIN")

    def test_slow_sends_a_record_for_each_piece(
        self, mock: S2Mock, url: str, trusted: ssl.SSLContext
    ) -> None:
        mock.inject(Slow(bytes_per_second=1000, chunk=1000), on="read")
        with connect(url, trusted) as client:
            client.sendall(read_records(url))
            pieces: list[bytes] = []
            while sum(map(len, pieces)) < 5000:
                if pieces:
                    mock.wait_for_waiters()
                    mock.advance(1)
                pieces.append(client.recv(65536))
        assert len(pieces) > 5
        assert max(map(len, pieces[1:])) <= 1000


class TestOthersAreNotDelayed:
    """The other one is answered before what goes on beside it is over."""

    def test_by_handshakes_that_do_not_go_on(self, url: str, trusted: ssl.SSLContext) -> None:
        with ExitStack() as stack:
            slow = [stack.enter_context(ByteClient(url, trusted)) for _ in range(100)]
            for number, client in enumerate(slow):
                # Each stops at another place, the last ones behind the server's answer.
                sent = client.step()
                client.socket.sendall(sent[: number * len(sent) // 90])
            with connect(url, trusted) as other:
                assert ask(other)
            # They are no worse for the wait. The first ones go on byte by byte.
            for number, client in enumerate(slow[90:95]):
                client.receive()
                client.shake_hands(1 if number == 0 else 1 << 20)
                assert client.ask(HEALTH).endswith(b"OK")

    @pytest.mark.parametrize("size", [1, 7, 100])
    def test_a_handshake_byte_by_byte_is_completed(
        self, url: str, trusted: ssl.SSLContext, size: int
    ) -> None:
        with ByteClient(url, trusted) as client:
            client.shake_hands(size)
            assert client.ask(HEALTH).endswith(b"OK")

    def test_by_a_flood_of_handshakes(self, url: str, trusted: ssl.SSLContext) -> None:
        answered = threading.Event()
        counts = []

        def flood() -> None:
            count = 0
            # It ends only after the other one is answered.
            while not answered.is_set():
                connect(url, trusted).close()
                count += 1
            counts.append(count)

        flooding = [threading.Thread(target=flood) for _ in range(2)]
        for thread in flooding:
            thread.start()
        try:
            with connect(url, trusted) as other:
                assert ask(other)
        finally:
            answered.set()
            for thread in flooding:
                thread.join()
        assert len(counts) == 2

    def test_by_a_flood_of_data(self, url: str, trusted: ssl.SSLContext) -> None:
        """It goes on until the other one is answered, which is then certainly before its end."""
        answered, has_begun = threading.Event(), threading.Event()
        own = "".join(f"{line}\r\n" for line in own_token.lines(url))

        def flood() -> None:
            with closing(connect(url, trusted)) as client:
                client.sendall(
                    f"POST {RECORDS} HTTP/1.1\r\nhost: x\r\ns2-basin: my-basin\r\n{own}"
                    "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n".encode()
                )
                with_chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
                try:
                    while not answered.is_set():
                        client.sendall(with_chunk * 16)
                        has_begun.set()
                except OSError:
                    # More than a body may have: the next one.
                    pass
            if not answered.is_set():
                flood()

        flooding = threading.Thread(target=flood)
        flooding.start()
        try:
            assert has_begun.wait(PATIENCE)
            with connect(url, trusted) as other:
                for _ in range(20):
                    assert ask(other)
        finally:
            answered.set()
            flooding.join()

    def test_by_a_client_that_does_not_read(
        self, mock: S2Mock, url: str, trusted: ssl.SSLContext
    ) -> None:
        log = mock.basin("my-basin").stream("log")
        for _ in range(20):
            log.append(["x" * 500_000])
        with connect(url, trusted) as idle:
            idle.sendall(read_records(url).replace(b"seq_num=0", b"seq_num=0&clamp=true") * 40)
            with connect(url, trusted) as other:
                assert ask(other)
            # All of it is there when it reads.
            answers = b""
            while answers.count(b"HTTP/1.1 200 OK") < 3:
                answers += idle.recv(1 << 20)
        assert len(answers) > 1_000_000


def test_large_bodies_in_both_directions(mock: S2Mock, url: str) -> None:
    text = "x" * 1_000_000
    with httpx.Client(
        base_url=url,
        verify=trusting(mock.ca_file, *ALPN),
        http2=True,
        trust_env=False,
        headers=headers_of(url),
        timeout=60,
    ) as http:
        appended = http.post(RECORDS, json={"records": [{"body": text}]})
        assert appended.status_code == 200
        [record] = http.get(RECORDS, params={"seq_num": 0}).json()["records"]
    assert record["body"] == text


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on the PATH")
@pytest.mark.parametrize("version", ["2", "1.1"])
def test_curl(mock: S2Mock, url: str, version: str) -> None:
    if (
        version == "2"
        and "HTTP2"
        not in subprocess.run(
            ["curl", "--version"], capture_output=True, text=True, check=True
        ).stdout
    ):
        pytest.skip("curl has no HTTP/2")
    own = [part for line in own_token.lines(url) for part in ("-H", line)]
    ended = subprocess.run(
        ["curl", "--silent", "--show-error", f"--http{version}", "--cacert", mock.ca_file, *own]
        + ["--write-out", "%{http_version}", f"{url}{RECORDS}/tail", "-H", "s2-basin: my-basin"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout.removesuffix(version))["tail"]["seq_num"] == 0
    # Without the authority it does not trust the server.
    refused = subprocess.run(["curl", "-s", url], capture_output=True, check=False, timeout=60)
    assert refused.returncode == 60


@pytest.mark.slow
def test_a_fork_of_the_process() -> None:
    """The child has a port of its own, with a certificate of the same authority."""
    code = """
    import faulthandler, os, ssl, sys, threading
    from pathlib import Path
    from s2mock import S2Mock
    from tests.certificates import trusting
    from tests.server.test_tls import HEALTH, ask
    from tests.server.tls_client import ByteClient, connect, received

    mock = S2Mock(tls=True, basins=["my-basin"])
    url, ca_file = mock.url, mock.ca_file
    trusted = trusting(ca_file)
    over = threading.Event()

    def shake_hands():
        while not over.is_set():
            with connect(url, trusted) as client:
                ask(client)

    users = [threading.Thread(target=shake_hands, daemon=True) for _ in range(2)]
    for user in users:
        user.start()
    half = ByteClient(url, trusted)
    sent = half.step()
    half.socket.sendall(sent[:50])
    whole = connect(url, trusted)
    ask(whole)
    for number in range(10):
        child = os.fork()
        if child == 0:
            faulthandler.dump_traceback_later(30, exit=True)
            assert mock.url != url
            assert mock.ca_file == ca_file
            with connect(mock.url, trusted) as client:
                ask(client)
            mock.close()
            # With its finalizers, which leave the parent's file alone.
            sys.exit(0) if number == 0 else os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert Path(ca_file).exists()
    over.set()
    for user in users:
        user.join()
    # The parent's connections are not disturbed.
    ask(whole)
    half.socket.sendall(sent[50:])
    half.receive()
    half.shake_hands()
    assert half.ask(HEALTH).endswith(b"OK")
    half.socket.close()
    # A child that goes on does not keep the parent's connections open.
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    mock.close()
    try:
        assert whole.recv(1) == b"", "as at the end of the mock"
    except ssl.SSLEOFError:
        pass
    os.close(writing)
    assert os.waitpid(child, 0)[1] == 0
    whole.close()
    print(ca_file)
    """
    ca_file = run(code).splitlines()[-1]
    assert re.fullmatch(r".*/s2mock-ca-\w+\.pem", ca_file)
    with pytest.raises(FileNotFoundError):
        Path(ca_file).read_bytes()
