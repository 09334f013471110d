"""Sessions over HTTP/2 with prior knowledge: many on one connection, each with its own end."""

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest

from s2mock import S2Mock, Stream
from s2mock.api.wire.messages import AppendAck, ReadBatch
from s2mock.contract.records import append_input, frame
from tests.sessions.endings import ends, released
from tests.sessions.h2_client import H2Client
from tests.time.watched_clock import WatchedClock

RECORDS = "/v1/streams/s/records"
S2S = {"content-type": "s2s/proto"}
PROTOBUF = {"content-type": "application/protobuf"}


@pytest.fixture
def client(mock: S2Mock) -> Iterator[H2Client]:
    with H2Client(mock.url) as client:
        yield client


def ack(client: H2Client, stream: int) -> tuple[int, int]:
    message = AppendAck.FromString(client.frame(stream))
    return message.start.seq_num, message.end.seq_num


def batch(client: H2Client, stream: int) -> list[int]:
    """The sequence numbers of the next output; none for a heartbeat."""
    message = ReadBatch.FromString(client.frame(stream))
    return [record.seq_num for record in message.records]


class TestAppendSession:
    def test_headers_before_any_frame(self, client: H2Client) -> None:
        session = client.open("POST", RECORDS, S2S, end=False)
        head = client.head(session)
        assert (head[":status"], head["content-type"]) == ("200", "s2s/proto")
        assert session not in client.ended

    def test_each_ack_right_after_its_frame(self, client: H2Client) -> None:
        session = client.open("POST", RECORDS, S2S, end=False)
        for number in range(50):
            client.send(session, frame(append_input(b"a")))
            assert ack(client, session) == (number, number + 1)
        client.send(session, end=True)
        assert client.rest(session) == b""
        assert released()

    def test_half_close_with_inputs_pending(self, client: H2Client) -> None:
        session = client.open("POST", RECORDS, S2S, end=False)
        client.send(session, frame(append_input(b"a")) * 30, end=True)
        assert [ack(client, session) for _ in range(30)] == [(n, n + 1) for n in range(30)]
        assert client.rest(session) == b""

    def test_nothing_but_a_half_close(self, client: H2Client) -> None:
        session = client.open("POST", RECORDS, S2S, end=True)
        assert client.rest(session) == b""
        assert client.head(session)[":status"] == "200"

    def test_a_failure_ends_it_though_the_request_is_open(self, client: H2Client) -> None:
        session = client.open("POST", RECORDS, S2S, end=False)
        client.send(session, frame(append_input(b"a", match_seq_num=7)))
        body = client.rest(session)
        assert body[3] == 0x80
        assert int.from_bytes(body[4:6], "big") == 412
        assert json.loads(body[6:]) == {"seq_num_mismatch": 0}
        # The connection is as good as before.
        assert client.head(client.open("GET", f"{RECORDS}/tail"))[":status"] == "200"
        assert released()

    def test_refused_when_it_is_opened(self, client: H2Client) -> None:
        session = client.open("POST", "/v1/streams/none/records", S2S, end=False)
        assert client.head(session)[":status"] == "404"
        assert json.loads(client.rest(session))["code"] == "stream_not_found"

    def test_acks_that_find_no_room(self, mock: S2Mock, stream: Stream) -> None:
        """A client that takes nothing holds up its own session only, and gets all in the end."""
        with H2Client(mock.url, window=0) as client:
            session = client.open("POST", RECORDS, S2S, end=False)
            client.head(session)
            client.acknowledges = True
            client.send(session, frame(append_input(b"a")) * 20, end=True)
            other = client.open("GET", f"{RECORDS}/tail")
            assert client.head(other)[":status"] == "200"
            client.h2.increment_flow_control_window(10_000, session)
            client.h2.increment_flow_control_window(10_000, other)
            client.flush()
            assert [ack(client, session) for _ in range(20)] == [(n, n + 1) for n in range(20)]
            assert client.rest(session) == b""
        assert stream.tail.seq_num == 20


class TestReset:
    """A reset stream is a client that has gone, on a connection that has not."""

    @pytest.mark.sample(3)
    @pytest.mark.parametrize(
        "request_",
        [("", S2S), ("", {"accept": "text/event-stream"}), ("?wait=60", {})],
        ids=["s2s", "sse", "poll"],
    )
    def test_of_a_follower(
        self,
        client: H2Client,
        mock: S2Mock,
        stream: Stream,
        request_: tuple[str, dict[str, str]],
    ) -> None:
        query, headers = request_
        clock = mock.clock
        assert isinstance(clock, WatchedClock)
        follower = client.open("GET", RECORDS + query, headers)
        clock.await_waiters(1)
        assert stream.readers == 1
        client.cancel(follower)
        assert released(stream)
        assert client.head(client.open("GET", f"{RECORDS}/tail"))[":status"] == "200"

    def test_of_one_of_many(self, client: H2Client, stream: Stream, clock: WatchedClock) -> None:
        followers = [client.open("GET", RECORDS, S2S) for _ in range(20)]
        clock.await_waiters(20)
        for follower in followers[::2]:
            client.cancel(follower)
        stream.append([b"a"])
        for follower in followers[1::2]:
            assert batch(client, follower) == []
            assert batch(client, follower) == [0]
        assert released(left=10)
        assert stream.readers == 10
        client.close()
        assert released(stream)

    def test_of_an_append_session(self, client: H2Client, stream: Stream) -> None:
        session = client.open("POST", RECORDS, S2S, end=False)
        client.send(session, frame(append_input(b"a")))
        assert ack(client, session) == (0, 1)
        client.send(session, frame(append_input(b"b"))[:-1])
        client.cancel(session)
        assert released(stream)
        assert stream.tail.seq_num == 1

    @pytest.mark.parametrize("query", ["", "?wait=1"], ids=["inline", "in-a-thread"])
    def test_within_the_body_of_an_append(self, client: H2Client, mock: S2Mock, query: str) -> None:
        """What had come of it is not taken for the whole."""
        whole, part = (append_input(*bodies).SerializeToString() for bodies in ([b"a"] * 2, [b"a"]))
        assert whole.startswith(part)
        request = client.open("POST", RECORDS + query, PROTOBUF, end=False)
        client.send(request, part)
        client.cancel(request)
        assert released()
        request = client.open("POST", RECORDS, PROTOBUF, end=False)
        client.send(request, whole, end=True)
        assert json.loads(client.rest(request))["start"]["seq_num"] == 0
        assert len(mock.basin("my-basin").stream("s").records) == 2


class TestOneConnection:
    def test_followers_writers_and_calls_between_them(
        self, client: H2Client, stream: Stream, clock: WatchedClock
    ) -> None:
        followers = [client.open("GET", RECORDS, S2S) for _ in range(40)]
        writers = [client.open("POST", RECORDS, S2S, end=False) for _ in range(10)]
        clock.await_waiters(40)
        for number in range(30):
            client.send(writers[number % 10], frame(append_input(b"a")))
            assert ack(client, writers[number % 10]) == (number, number + 1)
            tail = client.open("GET", f"{RECORDS}/tail")
            assert json.loads(client.rest(tail))["tail"]["seq_num"] == number + 1
        for follower in followers:
            assert batch(client, follower) == []
            assert [batch(client, follower) for _ in range(30)] == [[n] for n in range(30)]
        for writer in writers:
            client.send(writer, end=True)
            assert client.rest(writer) == b""
        client.close()
        assert released(stream)

    def test_dropped(self, client: H2Client, stream: Stream, clock: WatchedClock) -> None:
        for _ in range(20):
            client.open("GET", RECORDS, S2S)
        for _ in range(20):
            client.open("POST", RECORDS, S2S, end=False)
        clock.await_waiters(20)
        client.close()
        assert released(stream)

    def test_a_stop(
        self, client: H2Client, mock: S2Mock, stream: Stream, clock: WatchedClock
    ) -> None:
        """Though the client does not read its connection during the wait."""
        client.open("GET", RECORDS, S2S)
        client.open("POST", RECORDS, S2S, end=False)
        clock.await_waiters(1)
        assert ends(mock.close)
        assert released(stream)
        # What the server has not read by then ends the connection by a reset.
        with suppress(ConnectionResetError):
            while client.socket.recv(65536):
                pass
