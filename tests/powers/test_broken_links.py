"""Links that end, fall silent or are slow: what arrives at a socket, and what is in the account."""

import re
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from s2mock import Cut, Delay, Drop, ManualClock, S2Mock, Silence, Slow
from s2mock.powers.faults import Fault, fault_from_json, fault_to_json
from tests.powers.conftest import (
    BASIN,
    EVENTS,
    FRAMES,
    PATIENCE,
    RECORDS,
    SEEDS,
    Started,
    Way,
    bodies,
    headers_of,
)
from tests.sessions.h2_client import H2Client

END, RST = "end", "reset"


@contextmanager
def sent(mock: S2Mock, method: str, target: str, **fields: str) -> Iterator[socket.socket]:
    """Send the head of a request on a connection of its own."""
    url = urlsplit(mock.url)
    with socket.create_connection((url.hostname, url.port), PATIENCE) as client:
        lines = {"host": "localhost", "s2-basin": BASIN, **headers_of(mock), **fields}
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
        client.sendall(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode())
        yield client


def received(client: socket.socket) -> tuple[bytes, str]:
    """Return all bytes that arrive, and how the connection ends."""
    data = b""
    while True:
        try:
            piece = client.recv(65536)
        except ConnectionResetError:
            return data, RST
        if not piece:
            return data, END
        data += piece


def received_until(client: socket.socket, wanted: bytes) -> bytes:
    data = b""
    while wanted not in data:
        piece = client.recv(65536)
        assert piece, f"ended after {data!r}"
        data += piece
    return data


def is_quiet(client: socket.socket) -> bool:
    """True if nothing has arrived, and the connection is open."""
    client.setblocking(False)
    try:
        client.recv(1)
    except BlockingIOError:
        return True
    finally:
        client.settimeout(PATIENCE)
    return False


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


class TestTheEndOfTheConnection:
    @pytest.mark.parametrize(
        ("fault", "how"),
        [
            (Drop(), END),
            (Drop(committed=True), END),
            (Drop(connection=False), END),
            (Drop(refused=True), END),
            (Drop(connection="reset"), RST),
        ],
        ids=repr,
    )
    def test_of_a_drop_on_http_1(self, mock: S2Mock, fault: Drop, how: str) -> None:
        mock.inject(fault, on="check-tail")
        with sent(mock, "GET", f"{RECORDS}/tail") as client:
            assert received(client) == (b"", how)

    @pytest.mark.parametrize(("connection", "how"), [(True, END), ("reset", RST)])
    def test_of_a_cut_comes_after_what_was_sent(
        self, mock: S2Mock, connection: Any, how: str
    ) -> None:
        mock.basin(BASIN).stream("log").append(["x" * 5000])
        mock.inject(Cut(bytes=4000, connection=connection), on="read")
        with sent(mock, "GET", f"{RECORDS}?seq_num=0") as client:
            answer, end = received(client)
        assert len(body_of(answer)) == 4000
        assert end == how

    @pytest.mark.parametrize("fault", [Drop(), Cut(bytes=0)], ids=repr)
    def test_takes_all_streams_of_http_2(self, mock: S2Mock, fault: Fault) -> None:
        mock.inject(fault, on="check-tail")
        with H2Client(mock.url, headers=headers_of(mock)) as client:
            reading = client.open("GET", f"{RECORDS}?seq_num=0", FRAMES)
            assert client.head(reading)[":status"] == "200"
            client.open("GET", f"{RECORDS}/tail")
            with pytest.raises(ConnectionError, match="closed the connection"):
                client.rest(reading)
        [broken] = mock.journal.wait_for("check-tail")
        [read] = mock.journal.wait_for("read")
        assert read.reason == f"its connection was ended by {fault!r} of exchange {broken.number}"
        assert read.ended is not None

    @pytest.mark.parametrize("fault", [Drop(connection=False), Cut(bytes=0, connection=False)])
    def test_one_stream_alone(self, mock: S2Mock, fault: Fault) -> None:
        mock.inject(fault, on="check-tail")
        with H2Client(mock.url, headers=headers_of(mock)) as client:
            reading = client.open("GET", f"{RECORDS}?seq_num=0", FRAMES)
            assert client.head(reading)[":status"] == "200"
            tail = client.open("GET", f"{RECORDS}/tail")
            with pytest.raises(ConnectionResetError, match="was reset"):
                client.rest(tail)
            assert client.reset_codes[tail] == 2
            mock.basin(BASIN).stream("log").append(["still there"])
            while b"still there" not in client.bodies[reading]:
                client.receive()
        assert mock.journal.wait_for("read")[0].reason is None

    def test_an_outage_over_http_ends_connections(self, mock: S2Mock) -> None:
        with sent(mock, "GET", f"{RECORDS}?seq_num=0", accept=EVENTS["accept"]) as client:
            received_until(client, b"event: ping")
            with mock.outage():
                assert received(client)[1] == END


class TestSilence:
    @pytest.mark.parametrize(("fault", "seen"), [(Silence(), 0), (Silence(bytes=7), 7)], ids=repr)
    def test_after_bytes_of_a_whole_response(self, mock: S2Mock, fault: Silence, seen: int) -> None:
        log = mock.basin(BASIN).stream("log")
        log.append(["abc"])
        with closing(Way("http1", mock)) as way:
            whole = way("GET", f"{RECORDS}?seq_num=0").body
        silent = mock.inject(fault, on="read")
        with sent(mock, "GET", f"{RECORDS}?seq_num=0") as client:
            silent.wait()
            if seen:
                assert body_of(received_until(client, whole[:seen])) == whole[:seen]
            with sent(mock, "GET", f"{RECORDS}/tail") as other:
                received_until(other, b"tail")
            assert is_quiet(client)
            mock.reset()
            assert received(client)[0] == b""

    @pytest.mark.parametrize("fields", [EVENTS, FRAMES], ids=["events", "frames"])
    def test_after_records_of_a_session(self, mock: S2Mock, fields: dict[str, str]) -> None:
        log = mock.basin(BASIN).stream("log")
        log.append(["first", "second"])
        mock.inject(Silence(records=1), on="read")
        named = {name.replace("-", "_"): value for name, value in fields.items()}
        with sent(mock, "GET", f"{RECORDS}?seq_num=0", **named) as client:
            assert b"second" not in received_until(client, b"first")
            log.append(["third"])
            with sent(mock, "GET", f"{RECORDS}?seq_num=2&count=1", **named) as other:
                received_until(other, b"third")
            assert is_quiet(client)
        [read, _] = mock.journal.wait_for("read", 2)
        assert (read.effect.first_seq_num, read.effect.last_seq_num) == (0, 0)

    def test_takes_effect(self, mock: S2Mock) -> None:
        silent = mock.inject(Silence(), on="create-stream")
        content = b'{"stream":"made"}'
        fields = {"content_type": "application/json", "content_length": str(len(content))}
        with sent(mock, "POST", "/v1/streams", **fields) as client:
            client.sendall(content)
            silent.wait()
            mock.journal.wait_for("create-stream")
            assert mock.basin(BASIN).stream("made").tail.seq_num == 0
            assert is_quiet(client)


class TestSlow:
    def test_in_pieces_of_a_number_of_bytes(self, mock: S2Mock) -> None:
        mock.basin(BASIN).stream("log").append(["a", "b"])
        with closing(Way("http1", mock)) as way:
            whole = way("GET", f"{RECORDS}?seq_num=0&count=2", headers=EVENTS).body
        mock.inject(Slow(chunk=9), on="read")
        with sent(mock, "GET", f"{RECORDS}?seq_num=0&count=2", **EVENTS) as client:
            rest = body_of(received_until(client, b"\r\n0\r\n\r\n"))
        pieces = []
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            pieces.append(rest[: int(size, 16)])
            rest = rest[int(size, 16) + 2 :]
        assert pieces.pop() == b""
        assert b"".join(pieces) == whole
        assert {len(piece) for piece in pieces[:-1]} <= set(range(1, 10))
        assert 9 in map(len, pieces)

    def test_at_a_pace_by_the_clock_of_the_account(self) -> None:
        clock = ManualClock()
        with S2Mock(basins=SEEDS, clock=clock) as mock:
            way = Way("h2c", mock)
            whole = way("GET", f"{RECORDS}/tail").body
            mock.inject(Slow(bytes_per_second=len(whole) / 60, chunk=len(whole)), on="check-tail")
            answering = Started(lambda: way("GET", f"{RECORDS}/tail"))
            clock.wait_for_waiters(1)
            clock.advance(59)
            assert not answering.is_over
            clock.advance(1.001)
            assert answering.result().body == whole
            way.close()

    def test_acknowledgements_arrive_in_pieces(self, mock: S2Mock) -> None:
        with H2Client(mock.url, headers=headers_of(mock)) as client:
            session = client.open("POST", RECORDS, FRAMES, end=False)
            mock.inject(Slow(chunk=5), on="append")
            client.send(session, append_frame("a"), end=True)
            whole = client.rest(session)
        assert len(whole) > 5
        assert bodies(mock) == ["a"]


def append_frame(text: str) -> bytes:
    from s2mock.api.wire.frames import encode_frame
    from s2mock.api.wire.messages import AppendInput

    message = AppendInput()
    message.records.add().body = text.encode()
    return encode_frame(message.SerializeToString(), None)


class TestJitter:
    def test_is_drawn_from_the_seed_of_the_mock(self) -> None:
        def delays() -> list[int]:
            clock = ManualClock()
            with S2Mock(basins=SEEDS, clock=clock) as mock:
                way, found = Way("http1", mock), []
                mock.inject(Delay(10, jitter=10), on="check-tail", times=5)
                for _ in range(5):
                    answering = Started(lambda: way("GET", f"{RECORDS}/tail"))
                    clock.wait_for_waiters(1)
                    [until] = [one.until for one in mock.account.engine.sessions.waiters]
                    with mock.account.engine.lock as moment:
                        found.append(until - moment.monotonic)
                    clock.advance(20)
                    answering.result()
                way.close()
                return found

        first = delays()
        assert all(10e9 <= delay <= 20e9 for delay in first)
        assert len(set(first)) == 5
        assert delays() == first


class TestValues:
    @pytest.mark.parametrize(
        "fault",
        [
            Drop(connection="reset"),
            Drop(connection=False),
            Cut(records=1, connection="reset"),
            Cut(bytes=1, connection=False),
            Delay(1, jitter=0.5),
            Silence(),
            Silence(records=2),
            Silence(bytes=3),
            Slow(chunk=1),
            Slow(bytes_per_second=10.5),
        ],
        ids=repr,
    )
    def test_survive_their_json(self, fault: Fault) -> None:
        assert fault_from_json(fault_to_json(fault)) == fault
        assert eval(repr(fault)) == fault  # the call that makes it

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: Drop(connection="rst"), "connection must be True"),  # type: ignore[arg-type]
            (lambda: Cut(bytes=1, connection=2), "connection must be True"),  # type: ignore[arg-type]
            (lambda: Drop(refused=True, connection=True), "leave one of them out"),
            (lambda: Drop(refused=True, connection="reset"), "leave one of them out"),
            (lambda: Silence(records=1, bytes=1), "give one of them"),
            (lambda: Silence(bytes=-1), "bytes"),
            (Slow, "Slow(chunk=1)"),
            (lambda: Slow(chunk=0), "chunk"),
            (lambda: Slow(bytes_per_second=0), "must be above 0"),
            (lambda: Delay(float("inf"), jitter=1), "jitter has no meaning"),
            (lambda: Delay(1, jitter=-1), "jitter"),
        ],
    )
    def test_without_meaning_are_refused(self, make: Any, words: str) -> None:
        with pytest.raises((TypeError, ValueError), match=re.escape(words)):
            make()

    def test_records_are_those_of_a_read(self, mock: S2Mock) -> None:
        with pytest.raises(ValueError, match=r"Silence\(bytes=\.\.\.\) ends in any answer"):
            mock.inject(Silence(records=1), on="append")
