"""An upstream over TLS, and a mock that itself serves TLS in front of an upstream."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from s2mock import Drain, Drop, Late, S2Mock
from s2mock.powers.errors import UpstreamUnreachable
from s2mock.server.tls import ALPN
from tests.certificates import trusting
from tests.plugin.conftest import Run, run
from tests.powers.conftest import BASIN, EVENTS, FRAMES, RECORDS, SEEDS, Way
from tests.powers.frames import append_frame, frames
from tests.server.tls_client import address_of
from tests.sessions.h2_client import H2Client
from tests.upstream.conftest import Serve

__all__ = ["run"]

pytestmark = pytest.mark.usefixtures("_trust_as_usual")

UNTRUSTED = "has a certificate that is not trusted: "
HINT = "SSL_CERT_FILE names the file of a certificate authority to trust"


@pytest.fixture
def real() -> Iterator[S2Mock]:
    with S2Mock(auth="open", tls=True) as real:
        assert real.url.startswith("https://")
        yield real


@pytest.fixture(params=["SSL_CERT_FILE", "env"])
def trust(
    request: pytest.FixtureRequest, real: S2Mock, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Trust the upstream: by that variable, or by all those of `env`."""
    variables = {"SSL_CERT_FILE": real.ca_file} if request.param != "env" else real.env
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
def mock(real: S2Mock, trust: dict[str, str]) -> Iterator[S2Mock]:
    assert "SSL_CERT_FILE" in trust
    with S2Mock(upstream=real.url, basins=SEEDS) as mock:
        yield mock


@pytest.fixture(params=["http1", "h2c", "wsgi"])
def way(request: pytest.FixtureRequest, mock: S2Mock) -> Iterator[Way]:
    with closing(Way(request.param, mock)) as way:
        yield way


@pytest.fixture
def make_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., S2Mock]]:
    """What starts an upstream with a certificate of its own, whose authority is trusted."""
    made: list[S2Mock] = []

    def make(*names: str, alpn: tuple[str, ...] = ALPN, **options: Any) -> S2Mock:
        authority = trustme.CA()
        certificate = authority.issue_cert(*(names or ("127.0.0.1",)), **options)
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
        certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        monkeypatch.setattr("s2mock.server.tls.ALPN", alpn)
        made.append(S2Mock(auth="open"))
        made[-1]._use_certificate(tmp_path / "cert.pem", tmp_path / "key.pem")
        return made[-1]

    yield make
    for mock in made:
        mock.close()


class TestTrusted:
    def test_unary_calls_and_sessions(self, real: S2Mock, way: Way) -> None:
        content = b"".join(map(append_frame, ("b", "c")))
        assert way.append("a").status == 200
        acknowledged, is_cut = way.session(RECORDS, FRAMES, "POST", content)
        events, _ = way.session(f"{RECORDS}?seq_num=0&count=3", EVENTS)
        read, _ = way.session(f"{RECORDS}?seq_num=0&count=3", FRAMES)

        assert [frame.acked for frame in frames(acknowledged)] == [(1, 2), (2, 3)]
        assert not is_cut
        assert [f'"body":"{body}"'.encode() in events for body in "abc"] == [True] * 3
        assert [body for frame in frames(read) for body in frame.bodies] == ["a", "b", "c"]
        assert real.stream(BASIN, "log").bodies == (b"a", b"b", b"c")

    def test_the_upstream_is_asked_by_the_protocol_of_the_client(
        self, real: S2Mock, way: Way
    ) -> None:
        real.journal.clear()
        assert way("GET", "/v1/basins").status == 200
        [exchange] = real.journal

        expected = "h2" if way.name == "h2c" else "HTTP/1.1 over TLS"
        assert exchange.protocol == expected
        assert exchange.request.headers["host"] == real.url.removeprefix("https://")

    def test_the_upstream_is_asked_by_the_name_that_its_certificate_has(
        self, real: S2Mock, mock: S2Mock
    ) -> None:
        headers = {"host": "s2mock.docker:8080"}
        assert httpx.get(f"{mock.url}/v1/basins", headers=headers, trust_env=False).is_success
        assert real.journal[-1].request.headers["host"] == real.url.removeprefix("https://")

    def test_a_host_that_names_a_basin_is_kept(self, mock: S2Mock) -> None:
        headers = {"host": f"{BASIN}.b.s2.dev"}
        answer = httpx.get(f"{mock.url}/v1/streams", headers=headers, trust_env=False)
        assert [stream["name"] for stream in answer.json()["streams"]] == ["log", "orders/eu"]

    def test_a_session_is_full_duplex(self, mock: S2Mock) -> None:
        with H2Client(mock.url) as client:
            stream = client.open("POST", RECORDS, FRAMES, end=False)
            for number in range(3):
                client.send(stream, append_frame(str(number)))
                while not client.bodies[stream]:
                    client.receive()
                [frame] = frames(client.bodies.pop(stream))
                assert frame.acked == (number, number + 1)
            client.send(stream, end=True)
            assert client.rest(stream) == b""

    @pytest.mark.parametrize("name", ["http1", "h2c"])
    def test_faults_decide_what_the_upstream_has(
        self, real: S2Mock, mock: S2Mock, name: str
    ) -> None:
        with closing(Way(name, mock)) as way:
            for fault in (Drop(), Drop(committed=True)):
                mock.inject(fault, on="append")
                with pytest.raises(ConnectionError):
                    way.append(str(fault))
        assert real.stream(BASIN, "log").bodies == (b"Drop(committed=True)",)

    def test_an_upstream_that_breaks_off_is_told_apart(self, real: S2Mock, way: Way) -> None:
        real.inject(Drop(), on="append")
        reply = way.append("a")
        [exchange] = way.mock.journal

        assert (reply.status, reply.json["code"]) == (502, "upstream")
        assert exchange.fault is None
        assert "no fault was injected here" in (exchange.reason or "")

    def test_a_body_that_the_client_breaks_off_is_broken_off(
        self, real: S2Mock, mock: S2Mock
    ) -> None:
        """Over TLS a connection cannot be ended in one direction, so it ends as a whole."""
        host, port = address_of(mock.url)
        head = f"POST {RECORDS} HTTP/1.1\r\nhost: x\r\ns2-basin: {BASIN}\r\ncontent-length: 99\r\n"
        with socket.create_connection((host, port), timeout=60) as client:
            client.sendall(f"{head}content-type: application/json\r\n\r\n{{".encode())
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
        [exchange] = mock.journal.wait_for("append", timeout=60)

        assert not exchange.effect.committed
        assert real.stream(BASIN, "log").bodies == ()
        # The mock goes on.
        with closing(Way("http1", mock)) as way:
            assert way.append("a").status == 200

    def test_a_late_append_and_direct_calls(self, real: S2Mock, mock: S2Mock) -> None:
        with closing(Way("http1", mock)) as way:
            mock.inject(Late(reads=1), on="append")
            with pytest.raises(ConnectionError):
                way.append("late")
            assert way("GET", f"{RECORDS}?seq_num=0").status == 416
        assert mock.stream(BASIN, "log").wait_for(1, timeout=60)
        mock.stream(BASIN, "log").append(["direct"])

        assert real.stream(BASIN, "log").bodies == (b"late", b"direct")

    @pytest.mark.asyncio
    async def test_it_is_reached_from_a_loop_of_the_test(self, mock: S2Mock) -> None:
        async with await mock.serve() as server, httpx.AsyncClient(base_url=server.url) as client:
            answer = await client.get("/v1/basins")
        assert answer.json()["basins"][0]["name"] == BASIN


class TestWithoutHttp2:
    """An upstream without HTTP/2 over TLS, as behind a proxy of a company, gets HTTP/1.1."""

    @pytest.fixture(params=[("http/1.1",), ()], ids=["http1", "no-alpn"])
    def real(self, request: pytest.FixtureRequest, make_real: Callable[..., S2Mock]) -> S2Mock:
        return make_real(alpn=request.param)

    @pytest.fixture
    def mock(self, real: S2Mock) -> Iterator[S2Mock]:
        with S2Mock(upstream=real.url, basins=SEEDS) as mock:
            yield mock

    def test_a_client_of_http2_is_served_by_http1(self, real: S2Mock, mock: S2Mock) -> None:
        real.journal.clear()
        with closing(Way("h2c", mock)) as way:
            assert way.append("a").status == 200
            content = b"".join(map(append_frame, ("b", "c")))
            acknowledged, is_cut = way.session(RECORDS, FRAMES, "POST", content)
            read, _ = way.session(f"{RECORDS}?seq_num=0&count=3", FRAMES)
            events, _ = way.session(f"{RECORDS}?seq_num=0&count=3", EVENTS)

        assert [frame.acked for frame in frames(acknowledged)] == [(1, 2), (2, 3)]
        assert not is_cut
        assert [body for frame in frames(read) for body in frame.bodies] == ["a", "b", "c"]
        assert b'"body":"c"' in events
        assert {exchange.protocol for exchange in real.journal} == {"HTTP/1.1 over TLS"}
        assert {exchange.protocol for exchange in mock.journal} == {"h2c"}

    def test_sessions_are_full_duplex_and_concurrent(self, real: S2Mock, mock: S2Mock) -> None:
        with H2Client(mock.url) as client:
            trailers = {**FRAMES, "te": "trailers"}
            streams = [client.open("POST", RECORDS, trailers, end=False) for _ in range(3)]
            for number, stream in enumerate(streams * 2):
                client.send(stream, append_frame(str(number)))
                while not client.bodies[stream]:
                    client.receive()
                [frame] = frames(client.bodies.pop(stream))
                assert frame.acked == (number, number + 1)
            # One that is cancelled takes no other with it.
            client.cancel(streams[0])
            client.send(streams[1], end=True)
            client.send(streams[2], end=True)
            assert [client.rest(stream) for stream in streams[1:]] == [b"", b""]
            assert client.head(client.open("GET", "/v1/basins"))[":status"] == "200"
        # Over HTTP/1.1 it would be of the connection.
        sessions = real.journal.of("append-session")
        assert [exchange.request.headers.get("te") for exchange in sessions] == [None] * 3

    def test_an_end_of_an_upstream_connection_is_not_that_of_the_clients(
        self, real: S2Mock, mock: S2Mock
    ) -> None:
        real.inject(Drain(), on="list-streams")
        with H2Client(mock.url) as client:
            # This one ends its connection to the upstream.
            stream = client.open("GET", "/v1/streams")
            assert client.head(stream)[":status"] == "503"
            assert b"server_draining" in client.rest(stream)
            for _ in range(3):
                # An idle one ends, too.
                assert client.head(client.open("GET", "/v1/basins"))[":status"] == "200"
                with real.outage():
                    pass
            assert client.goaway_code is None

    def test_faults_decide_what_the_upstream_has(self, real: S2Mock, mock: S2Mock) -> None:
        with closing(Way("h2c", mock)) as way:
            for fault in (Drop(), Drop(committed=True)):
                mock.inject(fault, on="append")
                with pytest.raises(ConnectionError):
                    way.append(str(fault))
        assert real.stream(BASIN, "log").bodies == (b"Drop(committed=True)",)


def test_an_append_on_an_idle_connection_is_not_sent_twice(
    make_real: Callable[..., S2Mock],
) -> None:
    """Over HTTP/1.1, a connection that ends without an answer says nothing of the request."""
    real = make_real(alpn=("http/1.1",))
    with S2Mock(upstream=real.url, basins=SEEDS) as mock, closing(Way("h2c", mock)) as way:
        assert way.append("a").status == 200
        real.inject(Drop(committed=True), on="append")
        reply = way.append("b")
        assert (reply.status, reply.json["code"]) == (502, "upstream")
        assert real.stream(BASIN, "log").bodies == (b"a", b"b")


class TestNotTrusted:
    @pytest.fixture(params=["http1", "h2c", "wsgi"])
    def told(self, request: pytest.FixtureRequest) -> Callable[[str], str]:
        """What returns the message of the answer to a request to that upstream."""

        def told(url: str) -> str:
            with S2Mock(upstream=url) as mock, closing(Way(request.param, mock)) as way:
                reply = way.append("a")
                [exchange] = mock.journal
            assert (reply.status, reply.json["code"]) == (502, "upstream")
            message = str(reply.json["message"])
            assert (exchange.fault, exchange.effect.committed) == (None, False)
            assert exchange.response is not None
            assert exchange.response.code == "upstream"
            assert exchange.reason == f"{message}: no fault was injected here"
            assert message.startswith(f"the upstream {url} ")
            return message.removeprefix(f"the upstream {url} ")

        return told

    def test_an_unknown_authority(
        self, real: S2Mock, told: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        message = told(real.url)

        assert message.startswith(UNTRUSTED)
        assert message.endswith(HINT)

    def test_a_variable_that_names_no_file(
        self,
        real: S2Mock,
        told: Callable[[str], str],
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "no.pem"))
        assert told(real.url).endswith(f"{HINT}, and there is no file {tmp_path / 'no.pem'}")

    def test_a_certificate_for_another_name(
        self, make_real: Callable[..., S2Mock], told: Callable[[str], str]
    ) -> None:
        assert told(make_real("s2.example.com").url) == (
            "has a certificate for another name: IP address mismatch, certificate is not valid "
            "for '127.0.0.1'; use a name that its certificate has"
        )

    def test_a_certificate_that_has_expired(
        self, make_real: Callable[..., S2Mock], told: Callable[[str], str]
    ) -> None:
        over = datetime(2020, 1, 1, tzinfo=UTC)
        assert told(make_real(not_after=over, not_before=over - timedelta(1)).url) == (
            "has a certificate that is refused: certificate has expired"
        )

    def test_an_upstream_of_plain_http(self, told: Callable[[str], str]) -> None:
        with S2Mock() as plain:
            message = told(plain.url.replace("http:", "https:"))
        assert message == "does not speak TLS at that port: use http:// for plain HTTP"

    def test_an_upstream_of_tls_by_plain_http(
        self, serve: Serve, told: Callable[[str], str]
    ) -> None:
        def alert(connected: socket.socket) -> None:
            connected.recv(65536)
            # protocol_version, as other servers than s2mock send it.
            connected.sendall(b"\x15\x03\x01\x00\x02\x02\x46")
            connected.shutdown(socket.SHUT_WR)
            while connected.recv(65536):
                pass

        assert told(serve(alert).url) == "speaks TLS at that port: use https://"

    def test_an_upstream_that_takes_no_protocol(
        self, serve: Serve, told: Callable[[str], str]
    ) -> None:
        def refuse(connected: socket.socket) -> None:
            connected.recv(65536)
            # no_application_protocol, as s2-lite sends it.
            connected.sendall(b"\x15\x03\x03\x00\x02\x02\x78")
            connected.shutdown(socket.SHUT_WR)
            while connected.recv(65536):
                pass

        url = serve(refuse).url.replace("http:", "https:")
        assert told(url) == (
            "takes no protocol that this client offers in the TLS handshake (ALPN)"
        )

    def test_direct_calls_say_it_too(self, real: S2Mock, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        with pytest.raises(UpstreamUnreachable) as caught:
            S2Mock(upstream=real.url, basins=[BASIN])

        assert str(caught.value).startswith(f"the upstream {real.url} {UNTRUSTED}")
        assert str(caught.value).endswith(HINT)

    @pytest.mark.long
    def test_the_report_of_a_failed_test_says_it(self, real: S2Mock, run: Run) -> None:
        result = run(
            """
            import httpx

            def test_append(s2_mock):
                assert httpx.get(s2_mock.url + "/v1/basins", trust_env=False).is_success
            """,
            f"--s2mock-upstream={real.url}",
        )
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            ["*list-basins*502*upstream*", f"*{UNTRUSTED}*{HINT}: no fault was injected here*"]
        )


class TestServedByTls:
    """The mock itself has a certificate, in front of either kind of upstream."""

    @pytest.mark.parametrize("is_secure", [False, True], ids=["http", "https"])
    @pytest.mark.parametrize("is_http2", [False, True], ids=["http1", "h2"])
    def test_a_mock_with_tls(
        self, is_secure: bool, is_http2: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with S2Mock(auth="open", tls=is_secure) as real:
            if is_secure:
                monkeypatch.setenv("SSL_CERT_FILE", real.ca_file)
            with (
                S2Mock(upstream=real.url, tls=True, basins=SEEDS) as mock,
                httpx.Client(
                    http1=not is_http2,
                    http2=is_http2,
                    verify=trusting(mock.ca_file),
                    trust_env=False,
                    headers={"s2-basin": BASIN},
                ) as client,
            ):
                document = {"records": [{"body": "a"}]}
                assert client.post(f"{mock.url}{RECORDS}", json=document).status_code == 200
                mock.inject(Drop(committed=True), on="append")
                with pytest.raises(httpx.TransportError):
                    client.post(f"{mock.url}{RECORDS}", json=document)
                assert mock.env["SSL_CERT_FILE"] == mock.ca_file
                assert mock.url.startswith("https://")
                exchange = mock.journal[-1]
                assert mock.stream(BASIN, "log").bodies == (b"a", b"a")

        assert exchange.protocol == ("h2" if is_http2 else "HTTP/1.1 over TLS")
        assert exchange.effect.committed
