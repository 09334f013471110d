"""Read sessions and long polls over HTTP/1.1, and clients that go. Source: §4.4, §5, §6.5."""

from collections.abc import Callable
from contextlib import ExitStack

import pytest

from s2mock import Stream
from s2mock.api.wire.messages import ReadBatch
from s2mock.contract.records import Stream as Remote
from s2mock.contract.records import batch
from s2mock.contract.sessions import Session
from tests.records.reads import following_of
from tests.sessions.endings import released, silent
from tests.time.watched_clock import WatchedClock

WEEK = 7 * 24 * 60 * 60

OPENERS: dict[str, Callable[..., Session]] = {
    "sse": Remote.sse,
    "s2s": Remote.read_session,
    "poll": Remote.poll,
}
each_form = pytest.mark.parametrize("form", OPENERS)
each_stream = pytest.mark.parametrize("form", ["sse", "s2s"])


def opened(form: str, remote: Remote, **query: object) -> Session:
    return OPENERS[form](remote, **query)


def heartbeat(form: str, session: Session) -> int:
    """The sequence number of the tail in the next output, which is a heartbeat."""
    if form == "sse":
        event = next(session.events())
        assert event.name == "ping"
        tail: int = event.json["tail"]["seq_num"]
        return tail
    message = next(session.frames()).message(ReadBatch)
    assert not message.records
    assert message.HasField("tail")
    return int(message.tail.seq_num)


def seq_nums(form: str, session: Session) -> list[int]:
    """The sequence numbers in the next output, which is a batch."""
    if form == "sse":
        event = next(session.events())
        assert event.name == "batch"
        return [record["seq_num"] for record in event.json["records"]]
    return [record.seq_num for record in next(session.frames()).message(ReadBatch).records]


@each_stream
def test_headers_and_heartbeat_at_once(remote: Remote, clock: WatchedClock, form: str) -> None:
    with opened(form, remote) as session:
        assert session.status == 200
        assert session.headers["cache-control"] == "no-cache, no-transform"
        assert heartbeat(form, session) == 0
        clock.await_waiters(1)
        assert silent(session)


@each_stream
def test_each_append_as_it_comes(remote: Remote, stream: Stream, form: str) -> None:
    with opened(form, remote) as session:
        assert heartbeat(form, session) == 0
        for number in range(40):
            stream.append([b"a"])
            assert seq_nums(form, session) == [number]


@each_stream
def test_heartbeats_by_the_clock(remote: Remote, clock: WatchedClock, form: str) -> None:
    """One at most every 5 s and at least every 15 s; after seven days in one step, one."""
    with opened(form, remote) as session:
        assert heartbeat(form, session) == 0
        clock.await_waiters(1)
        clock.advance(4.999)
        assert silent(session)
        clock.advance(10.001)
        assert heartbeat(form, session) == 0
        clock.await_waiters(1)
        clock.advance(WEEK)
        assert heartbeat(form, session) == 0
        clock.await_waiters(1)
        assert silent(session)


@each_stream
def test_wait_that_ends(remote: Remote, clock: WatchedClock, stream: Stream, form: str) -> None:
    with opened(form, remote, wait=3) as session:
        assert heartbeat(form, session) == 0
        clock.await_waiters(1)
        clock.advance(2.999)
        assert silent(session)
        clock.advance(0.001)
        assert session.rest() == (b"data: [DONE]\n\n" if form == "sse" else b"")
    assert released(stream)


class TestLongPoll:
    def test_data(self, remote: Remote, clock: WatchedClock, stream: Stream) -> None:
        with remote.poll(wait=30) as session:
            clock.await_waiters(1)
            assert silent(session)
            stream.append([b"a", b"b"])
            answer = session.answer()
        assert [record["body"] for record in answer.json["records"]] == ["a", "b"]
        assert answer.json["tail"]["seq_num"] == 2
        assert released(stream)

    def test_expiry(self, remote: Remote, clock: WatchedClock, stream: Stream) -> None:
        with remote.poll(wait=30) as session:
            clock.await_waiters(1)
            for _ in range(29):
                clock.advance(1)
                assert silent(session)
            clock.advance(1)
            answer = session.answer()
        assert (answer.status, answer.json) == (200, {"records": []})
        assert released(stream)

    @pytest.mark.parametrize("query", ["w%61it=30", "%77ait=30", "wait=%33%30", "count=5&wait=+30"])
    def test_spelled_oddly(
        self, remote: Remote, clock: WatchedClock, stream: Stream, query: str
    ) -> None:
        """For each spelling of the query, no other request waits."""
        if "+" in query:
            query = query.replace("+", "%2B")
        with Session(remote.client, "GET", f"{remote.path}?{query}") as session:
            clock.await_waiters(1)
            assert remote.tail().status == 200
            stream.append([b"a"])
            assert len(session.answer().json["records"]) == 1

    def test_each_wakes_at_its_time(self, remote: Remote, clock: WatchedClock) -> None:
        waits = [50, 10, 40, 20, 30]
        with ExitStack() as still_open:
            polls = {wait: still_open.enter_context(remote.poll(wait=wait)) for wait in waits}
            # A poll is woken for its heartbeats, too, which it keeps to itself.
            clock.await_waiters(5)
            for wait in sorted(waits):
                clock.advance(9.999)
                assert all(silent(poll) for poll in polls.values())
                clock.advance(0.001)
                assert polls.pop(wait).answer().json == {"records": []}

    def test_longest_wait(self, remote: Remote, clock: WatchedClock) -> None:
        """At most a minute (§4.2)."""
        with remote.poll(wait=2**32 - 1) as session:
            clock.await_waiters(1)
            clock.advance(59.999)
            assert silent(session)
            clock.advance(0.001)
            assert session.answer().json == {"records": []}

    def test_seven_days(self, remote: Remote, clock: WatchedClock) -> None:
        with remote.poll(wait=60) as session:
            clock.await_waiters(1)
            clock.advance(WEEK)
            assert session.answer().json == {"records": []}


class TestClientThatGoes:
    @pytest.mark.sample(3)
    @each_form
    def test_while_it_follows(
        self, remote: Remote, clock: WatchedClock, stream: Stream, form: str
    ) -> None:
        with opened(form, remote, wait=60):
            clock.await_waiters(1)
            assert stream.readers == 1
            assert released(left=1)
        assert released(stream)

    @pytest.mark.sample(3)
    @each_form
    def test_at_once(self, remote: Remote, stream: Stream, form: str) -> None:
        for _ in range(30):
            opened(form, remote, wait=60).close()
        assert released(stream)

    @pytest.mark.sample(3)
    @each_form
    def test_one_of_several(
        self, remote: Remote, clock: WatchedClock, stream: Stream, form: str
    ) -> None:
        """The others do not notice."""
        with opened("s2s", remote) as stays:
            with opened(form, remote, wait=60):
                clock.await_waiters(2)
            stream.append([b"a"])
            assert [record.body for record in batch(stays).records] == [b"a"]
        assert released(stream)

    @pytest.mark.sample(2)
    @each_stream
    def test_within_a_catch_up_that_it_does_not_read(
        self, remote: Remote, stream: Stream, form: str
    ) -> None:
        for _ in range(40):
            stream.append([bytes(1000)] * 1000)
        with opened(form, remote, seq_num=0) as session:
            assert session.status == 200
        assert released(stream)

    @pytest.mark.sample(2)
    @each_stream
    def test_follower_that_stops_reading(
        self, remote: Remote, clock: WatchedClock, stream: Stream, form: str
    ) -> None:
        """The server keeps a bounded number of appends for it, and lets it go with its client."""
        with opened(form, remote) as session:
            assert heartbeat(form, session) == 0
            clock.await_waiters(1)
            for _ in range(60):
                stream.append([bytes(1000)] * 1000)
            assert following_of(stream)[1] <= 25
        assert released(stream)


@each_stream
def test_a_slow_reader_gets_everything(remote: Remote, stream: Stream, form: str) -> None:
    """Though it lags far behind, in order and once (§4.4)."""
    with opened(form, remote) as session:
        assert heartbeat(form, session) == 0
        size = 100 if form == "sse" else 10_000
        for _ in range(60):
            stream.append([bytes(size)] * 50)
        received: list[int] = []
        while len(received) < 3000:
            received += (
                [record.seq_num for record in batch(session).records]
                if form == "s2s"
                else _next_batch(session)
            )
    assert received == list(range(3000))


def _next_batch(session: Session) -> list[int]:
    for event in session.events():
        if event.name == "batch":
            return [record["seq_num"] for record in event.json["records"]]
    raise AssertionError("the session ended")
