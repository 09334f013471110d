"""`Silence` is a half-open link: its whole connection falls silent, and what arrives has effect."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from s2mock import Drop, Fault, RemoteS2Mock, S2Mock, Silence
from s2mock.server import frames
from tests.powers.conftest import (
    BASIN,
    EVENTS,
    FRAMES,
    RECORDS,
    SEEDS,
    Started,
    Way,
    bodies,
    headers_of,
)
from tests.powers.test_broken_links import (
    END,
    append_frame,
    is_quiet,
    received,
    received_until,
    sent,
)
from tests.sessions.h2_client import H2Client

SILENCES = [Silence(), Silence(bytes=3)]
JSON = {"content-type": "application/json"}


class Link(H2Client):
    """A client whose connection a `Silence` on a tail check has muted."""

    def __init__(
        self, mock: S2Mock, fault: Silence | None = None, *, url: str | None = None
    ) -> None:
        super().__init__(url or mock.url, headers=headers_of(mock))
        self.mock = mock
        self.reading = self.open("GET", f"{RECORDS}?seq_num=0", FRAMES)
        assert self.head(self.reading)[":status"] == "200"
        # The heartbeat is here, and so is the acknowledgement of the settings.
        self.frame(self.reading)
        silent = mock.inject(fault or Silence(), on="check-tail")
        self.silent = self.open("GET", f"{RECORDS}/tail")
        silent.wait()
        # An upstream has answered it then.
        mock.journal.wait_for("check-tail")
        while fault is not None and len(self.bodies[self.silent]) < (fault.bytes or 0):
            self.receive()

    def append(self, text: str, *, count: int) -> None:
        """Append a record, as the append with that count in the journal."""
        stream = self.open("POST", RECORDS, JSON, end=False)
        self.send(stream, b'{"records":[{"body":"%b"}]}' % text.encode(), end=True)
        self.mock.journal.wait_for("append", count)

    def assert_is_quiet(self) -> None:
        """Check that the server sends nothing now; of what it has handled, a turn has passed."""
        count = len(self.mock.journal.of("append"))
        self.append("for a turn", count=count + 1)
        self.append("and its end", count=count + 2)
        assert is_quiet(self.socket)


def reason(fault: Fault, number: int) -> str:
    return f"its connection was muted by {fault!r} of exchange {number}"


def until_end(client: socket.socket) -> None:
    """Check that nothing arrives any more but the end."""
    assert received(client)[0] == b""


class TestNothingIsSent:
    @pytest.mark.parametrize("fault", SILENCES, ids=repr)
    def test_no_answer_and_no_frame_of_the_protocol(self, mock: S2Mock, fault: Silence) -> None:
        with Link(mock, fault) as link:
            link.append("first", count=1)
            link.h2.ping(b"12345678")
            link.h2.update_settings({4: 100_000})
            link.flush()
            large = link.open("POST", RECORDS, JSON, end=False)
            # More than half a window, at which an update of the window would be due.
            link.send(large, b'{"records":[{"body":"')
            for _ in range(40):
                link.send(large, b"x" * 16_000)
            link.send(large, b'"}]}', end=True)
            mock.journal.wait_for("append", 2)
            link.open("GET", "/v1/unknown")
            link.assert_is_quiet()
        assert [len(body) for body in bodies(mock)][:2] == [5, 640_000]

    def test_no_reset_and_no_end(self, mock: S2Mock) -> None:
        mock.inject(Drop(committed=True), on="create-stream")
        mock.inject(Drop(connection=False, committed=True), on="create-basin")
        with Link(mock) as link:
            for path, body in (
                ("/v1/streams", b'{"stream":"made"}'),
                ("/v1/basins", b'{"basin":"made-basin"}'),
            ):
                link.send(link.open("POST", path, JSON, end=False), body, end=True)
            mock.journal.wait_for("create-basin")
            link.assert_is_quiet()
            assert mock.basin(BASIN).stream("made").tail.seq_num == 0
        [dropped] = mock.journal.of("create-stream")
        assert dropped.reason == reason(Silence(), 2)

    def test_no_goaway(self, mock: S2Mock) -> None:
        """A client that breaks the protocol is not told, and has no effect from there on."""
        with Link(mock) as link:
            link.append("before", count=1)
            link.socket.sendall(frames.frame(frames.PING, 0, 1, b"12345678"))
            stream = link.open("POST", RECORDS, JSON, end=False)
            link.send(stream, b'{"records":[{"body":"after"}]}', end=True)
            # Another connection goes on; by its second answer, that one has been read.
            with H2Client(mock.url, headers=headers_of(mock)) as other:
                for _ in range(2):
                    other.rest(other.open("GET", f"{RECORDS}/tail"))
            assert is_quiet(link.socket)
            link.socket.shutdown(socket.SHUT_WR)
            until_end(link.socket)
        assert bodies(mock) == ["before"]

    def test_what_waits_for_a_window_is_sent_before(self, mock: S2Mock) -> None:
        mock.basin(BASIN).stream("log").append(["x" * 50_000])
        silent = mock.inject(Silence(bytes=30_000), on="read")
        with H2Client(mock.url, headers=headers_of(mock), window=10_000) as client:
            stream = client.open("GET", f"{RECORDS}?seq_num=0")
            silent.wait()
            for _ in range(3):
                assert len(client.body(stream, 10_000)) == 10_000
                client.take(stream, 10_000)
            tail = client.open("GET", f"{RECORDS}/tail")
            mock.journal.wait_for("check-tail")
            assert mock.journal.of("check-tail")[0].reason == reason(Silence(bytes=30_000), 1)
            assert is_quiet(client.socket)
            assert tail not in client.heads


class TestItsEnd:
    def test_with_the_account(self, mock: S2Mock) -> None:
        with Link(mock) as link:
            mock.reset()
            until_end(link.socket)

    def test_with_the_account_after_the_client_has_cancelled_the_request(
        self, mock: S2Mock
    ) -> None:
        with Link(mock) as link:
            link.cancel(link.silent)
            link.cancel(link.reading)
            link.assert_is_quiet()
            mock.reset()
            until_end(link.socket)

    def test_with_an_outage(self, mock: S2Mock) -> None:
        with Link(mock) as link:
            link.cancel(link.silent)
            link.cancel(link.reading)
            link.assert_is_quiet()
            with mock.outage():
                until_end(link.socket)

    def test_with_the_client_on_http_2(self, mock: S2Mock) -> None:
        with Link(mock) as link:
            link.socket.shutdown(socket.SHUT_WR)
            until_end(link.socket)

    def test_with_the_client_on_http_1(self, mock: S2Mock) -> None:
        silent = mock.inject(Silence(), on="check-tail")
        with sent(mock, "GET", f"{RECORDS}/tail") as client:
            silent.wait()
            client.shutdown(socket.SHUT_WR)
            assert received(client) == (b"", END)

    def test_with_the_server(self) -> None:
        with S2Mock(basins=SEEDS) as mock:
            link = Link(mock)
        until_end(link.socket)
        link.close()

    def test_other_connections_go_on(self, mock: S2Mock) -> None:
        with Link(mock), H2Client(mock.url, headers=headers_of(mock)) as other:
            assert other.rest(other.open("GET", f"{RECORDS}/tail"))


class TestJournal:
    def test_each_other_exchange_names_the_one_that_muted_it(self, mock: S2Mock) -> None:
        with Link(mock) as link:
            link.append("a", count=1)
            [silent] = mock.journal.of("check-tail")
            # The session is open.
            [read] = mock.journal.of("read")
            assert (read.reason, read.ended) == (reason(Silence(), silent.number), None)
            link.open("GET", f"{RECORDS}?seq_num=0&count=1")
            mock.journal.wait_for("read", 2)
            link.open("GET", "/v1/streams/missing/records/tail")
            mock.journal.wait_for("check-tail", 2)
        assert (silent.fault, silent.reason) == (Silence(), None)
        for operation, index in (("append", 0), ("read", 1), ("check-tail", 1)):
            other = mock.journal.of(operation)[index]
            assert other.reason == reason(Silence(), silent.number)
            assert other.response is None
        assert mock.journal.of("append")[0].effect.committed

    def test_sessions(self, mock: S2Mock) -> None:
        with Link(mock) as link:
            session = link.open("POST", RECORDS, FRAMES, end=False)
            link.send(session, append_frame("a"))
            [append] = mock.journal.wait_for("append")
            [opening] = mock.journal.wait_for("append-session")
            assert (opening.reason, opening.ended) == (append.reason, None)
            link.send(session, end=True)
            link.append("b", count=2)
        assert append.reason == reason(Silence(), 2)
        assert (append.response, append.session) == (None, opening.number)
        [opening] = mock.journal.of("append-session")
        assert opening.reason == append.reason
        assert opening.ended is not None
        # Nothing was delivered of what was appended since.
        [read] = mock.journal.wait_for("read")
        assert read.effect.last_seq_num is None
        assert bodies(mock) == ["a", "b"]

    def test_earlier_exchanges_have_no_reason(self, mock: S2Mock) -> None:
        with H2Client(mock.url, headers=headers_of(mock)) as client:
            client.rest(client.open("GET", f"{RECORDS}/tail"))
            silent = mock.inject(Silence(), on="check-tail")
            client.open("GET", f"{RECORDS}/tail")
            silent.wait()
            client.open("GET", f"{RECORDS}?seq_num=0&count=1")
            mock.journal.wait_for("read")
            assert [one.reason for one in mock.journal.wait_for("check-tail", 2)] == [None, None]

    def test_a_second_silence_changes_nothing(self, mock: S2Mock) -> None:
        with Link(mock) as link:
            mock.inject(Silence(bytes=1), on="append")
            link.append("a", count=1)
            link.append("b", count=2)
        first, second = mock.journal.of("append")
        assert first.fault == Silence(bytes=1)
        assert {first.reason, second.reason} == {reason(Silence(), 2)}
        assert bodies(mock) == ["a", "b"]

    def test_a_batch(self, mock: S2Mock) -> None:
        """Later batches of its session are appended, and their acknowledgements are lost."""
        with H2Client(mock.url, headers=headers_of(mock)) as client:
            session = client.open("POST", RECORDS, FRAMES, end=False)
            client.send(session, append_frame("a"))
            assert client.frame(session)
            silent = mock.inject(Silence(bytes=2), on="append")
            client.send(session, append_frame("b"))
            silent.wait()
            assert len(client.body(session, 2)) == 2
            client.send(session, append_frame("c"))
            client.send(session, append_frame("d"), end=True)
            mock.journal.wait_for("append", 4)
            client.open("GET", f"{RECORDS}/tail")
            mock.journal.wait_for("check-tail")
            assert is_quiet(client.socket)
        first, second, third, fourth = mock.journal.of("append")
        assert [first.reason, second.reason, second.fault] == [None, None, Silence(bytes=2)]
        assert {third.reason, fourth.reason} == {reason(Silence(bytes=2), second.number)}
        # It has ended as usual, which its client has not noticed.
        [opening] = mock.journal.of("append-session")
        assert opening.reason == third.reason
        assert opening.ended is not None
        assert bodies(mock) == ["a", "b", "c", "d"]

    def test_the_fault_of_a_batch_is_named_by_what_it_ends(self, mock: S2Mock) -> None:
        with H2Client(mock.url, headers=headers_of(mock)) as client:
            reading = client.open("GET", f"{RECORDS}?seq_num=0", EVENTS)
            client.head(reading)
            session = client.open("POST", RECORDS, FRAMES, end=False)
            client.head(session)
            mock.inject(Drop(), on="append")
            client.send(session, append_frame("a"))
            with pytest.raises(ConnectionError, match="closed the connection"):
                client.rest(reading)
        [dropped] = mock.journal.wait_for("append")
        [read] = mock.journal.wait_for("read")
        assert read.reason == f"its connection was ended by Drop() of exchange {dropped.number}"

    def test_another_account(self, make: Callable[..., Any]) -> None:
        mock, other = make(basins=SEEDS), make(basins=SEEDS)
        if not isinstance(mock, RemoteS2Mock):
            pytest.skip("two mocks in this process share no connection")
        with Link(mock) as link:
            link.headers = headers_of(other)
            stream = link.open("POST", RECORDS, JSON, end=False)
            link.send(stream, b'{"records":[{"body":"a"}]}', end=True)
            [append] = other.journal.wait_for("append")
            assert append.reason == "its connection was muted by Silence() of another account"
            assert append.effect.committed
            assert is_quiet(link.socket)
            # The end of the other account is not that of the connection.
            other.reset()
            with sent(mock, "GET", f"{RECORDS}/tail") as client:
                received_until(client, b"tail")
            assert is_quiet(link.socket)
            mock.reset()
            until_end(link.socket)


def test_on_a_loop_of_the_test() -> None:
    async def main() -> None:
        with S2Mock(basins=SEEDS) as mock:
            async with await mock.serve() as server:

                def use() -> None:
                    with Link(mock, url=server.url) as link:
                        link.cancel(link.silent)
                        link.append("a", count=1)
                        link.assert_is_quiet()
                        mock.reset()
                        until_end(link.socket)

                await asyncio.to_thread(use)

    asyncio.run(main())


def test_by_wsgi_a_call_waits(mock: S2Mock) -> None:
    if isinstance(mock, RemoteS2Mock):
        pytest.skip("a call by WSGI needs the mock in this process")
    way = Way("wsgi", mock)
    silent = mock.inject(Silence(), on="check-tail", times=1)
    asking = Started(lambda: way("GET", f"{RECORDS}/tail"))
    silent.wait()
    assert way.append("a").status == 200
    assert not asking.is_over
    mock.reset()
    assert isinstance(asking.result(), ConnectionResetError)
