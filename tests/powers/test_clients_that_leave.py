"""An operation that waits takes effect, whether or not its client waits for it; a read ends."""

import gzip
from collections.abc import Callable, Iterator
from math import inf
from typing import Any

import pytest

from s2mock import AppendRecord, Delay, Fail, ManualClock, S2Mock
from s2mock.api import zstd
from s2mock.api.wire.messages import AppendInput
from tests.powers.conftest import (
    BASIN,
    EVENTS,
    FRAMES,
    PATIENCE,
    RECORDS,
    SEEDS,
    Way,
    bodies,
)
from tests.powers.frames import append_frame
from tests.powers.leaving import (
    LEAVERS,
    ORDERLY,
    ClosesHttp1,
    ClosesHttp2,
    Leaver,
    ResetsHttp1,
    append,
    ask,
)
from tests.server_view import call, context_at, lasting, open_conversations

Make = Callable[[S2Mock], Leaver]
each_leaver = pytest.mark.parametrize("leaver", LEAVERS)
each_orderly = pytest.mark.parametrize("leaver", ORDERLY)
undecided = pytest.mark.parametrize("at", ["arrival", "commit"])
LATENCY = 0.05


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(0)


@pytest.fixture
def timed(clock: ManualClock) -> Iterator[S2Mock]:
    with S2Mock(basins=SEEDS, clock=clock) as mock:
        yield mock


class TestHeld:
    @undecided
    @each_leaver
    def test_append_is_applied_on_release(self, mock: S2Mock, at: Any, leaver: Make) -> None:
        with mock.hold(on="append", at=at) as held, leaver(mock) as client:
            append(client, "a")
            held.wait(timeout=PATIENCE)
            client.leave()
            assert (bodies(mock), mock.journal.of("append")) == ([], ())
        [exchange] = mock.journal.wait_for("append", timeout=PATIENCE)
        assert bodies(mock) == ["a"]
        # Its answer went nowhere.
        assert exchange.response is None
        assert (exchange.effect.committed, exchange.effect.first_seq_num) == (True, 0)
        assert held.exchanges == (exchange,)

    @each_leaver
    def test_append_that_was_applied_ends_at_once(self, mock: S2Mock, leaver: Make) -> None:
        with mock.hold(on="append", at="answer") as held, leaver(mock) as client:
            append(client, "a")
            held.wait(timeout=PATIENCE)
            client.leave()
            [exchange] = mock.journal.wait_for("append", timeout=PATIENCE)
            assert (exchange.response, exchange.effect.committed) == (None, True)
        assert bodies(mock) == ["a"]

    def test_append_at_two_points_ends_behind_its_effect(self, mock: S2Mock) -> None:
        first, last = mock.hold(on="append", at="commit"), mock.hold(on="append", at="answer")
        with ClosesHttp1(mock) as client:
            append(client, "a")
            first.wait(timeout=PATIENCE)
            client.leave()
            first.release()
            # The second one keeps nothing waiting.
            [exchange] = mock.journal.wait_for("append", timeout=PATIENCE)
            assert (exchange.response, exchange.effect.committed) == (None, True)
            last.release()

    def test_append_is_decided_again(self, mock: S2Mock) -> None:
        stream = mock.basin(BASIN).stream("log")
        with mock.hold(on="append") as held, ClosesHttp1(mock) as client:
            append(client, "a", match_seq_num=0)
            held.wait(timeout=PATIENCE)
            client.leave()
            stream.append(["b"])
        [exchange] = mock.journal.wait_for("append", timeout=PATIENCE)
        assert bodies(mock) == ["b"]
        assert (exchange.response, exchange.effect.committed) == (None, False)
        assert exchange.reason is not None
        assert "match_seq_num=0" in exchange.reason

    def test_append_meets_the_fault_behind_its_effect(self, mock: S2Mock) -> None:
        mock.inject(Fail("unavailable", committed=True), on="append")
        with mock.hold(on="append") as held, ClosesHttp2(mock) as client:
            append(client, "a")
            held.wait(timeout=PATIENCE)
            client.leave()
        [exchange] = mock.journal.wait_for("append", timeout=PATIENCE)
        assert (exchange.response, exchange.fault) == (None, Fail("unavailable", committed=True))
        assert bodies(mock) == ["a"]

    def test_append_tried_again_is_there_twice_and_says_so(self, mock: S2Mock) -> None:
        with mock.hold(on="append") as held, ClosesHttp1(mock) as client:
            append(client, "a")
            held.wait(timeout=PATIENCE)
            client.leave()
        mock.journal.wait_for("append", timeout=PATIENCE)
        again = Way("http1", mock)
        assert again.append("a").status == 200
        again.close()
        assert bodies(mock) == ["a", "a"]
        assert "the same batch as that of exchange" in mock.journal[-1].advice[0]

    @pytest.mark.parametrize("leaver", [ClosesHttp1, ResetsHttp1])
    def test_append_with_a_long_body(self, mock: S2Mock, leaver: Make) -> None:
        """It is decoded by a worker, and compressed answers are made there."""
        body = "x" * 100_000
        with mock.hold(on="append") as held, leaver(mock) as client:
            append(client, body)
            held.wait(timeout=PATIENCE)
            client.leave()
        mock.journal.wait_for("append", timeout=PATIENCE)
        assert bodies(mock) == [body]

    @undecided
    @pytest.mark.parametrize(
        ("operation", "method", "path", "document", "is_done"),
        [
            (
                "create-basin",
                "POST",
                "/v1/basins",
                {"basin": "new-basin"},
                lambda mock: "new-basin" in mock.basins,
            ),
            (
                "create-stream",
                "POST",
                "/v1/streams",
                {"stream": "new"},
                lambda mock: "new" in mock.basin(BASIN).streams,
            ),
            (
                "ensure-stream",
                "PUT",
                "/v1/streams/new",
                {},
                lambda mock: "new" in mock.basin(BASIN).streams,
            ),
            (
                "delete-stream",
                "DELETE",
                "/v1/streams/log",
                None,
                lambda mock: "log" not in mock.basin(BASIN).streams,
            ),
            (
                "reconfigure-stream",
                "PATCH",
                "/v1/streams/log",
                {"storage_class": "standard"},
                lambda mock: mock.basin(BASIN).stream("log").config.storage_class == "standard",
            ),
            (
                "issue-access-token",
                "POST",
                "/v1/access-tokens",
                {"id": "t", "scope": {"op_groups": {"account": {"read": True}}}},
                lambda mock: "t" in mock.tokens,
            ),
        ],
    )
    def test_all_that_writes_takes_effect(
        self,
        mock: S2Mock,
        at: Any,
        operation: str,
        method: str,
        path: str,
        document: Any,
        is_done: Callable[[S2Mock], bool],
    ) -> None:
        with mock.hold(on=operation, at=at) as held, ClosesHttp1(mock) as client:
            ask(client, method, path, document)
            held.wait(timeout=PATIENCE)
            client.leave()
            assert not is_done(mock)
        [exchange] = mock.journal.wait_for(operation, timeout=PATIENCE)
        assert is_done(mock)
        assert (exchange.response, exchange.effect.committed) == (None, True)

    @pytest.mark.sample(4)
    @pytest.mark.parametrize("at", ["arrival", "commit", "answer"])
    @pytest.mark.parametrize(
        ("operation", "path", "headers"),
        [
            ("read", f"{RECORDS}?seq_num=0", {}),
            ("read", f"{RECORDS}?seq_num=0", FRAMES),
            ("read", f"{RECORDS}?seq_num=0", EVENTS),
            ("check-tail", f"{RECORDS}/tail", {}),
            ("list-basins", "/v1/basins", {}),
        ],
    )
    @each_leaver
    def test_what_reads_ends(
        self,
        mock: S2Mock,
        at: Any,
        operation: str,
        path: str,
        headers: dict[str, str],
        leaver: Make,
    ) -> None:
        stream = mock.basin(BASIN).stream("log")
        stream.append(["a"])
        held = mock.hold(on=operation, at=at)
        with leaver(mock) as client:
            client.ask("GET", path, headers)
            client.send(b"", end=True)
            held.wait(timeout=PATIENCE)
            client.leave()
            # Before it is released.
            [exchange] = mock.journal.wait_for(operation, timeout=PATIENCE)
            assert (exchange.response, exchange.effect.committed) == (None, False)
            assert stream.readers == 0
        held.release()


class TestDelayed:
    @each_leaver
    def test_append_is_applied_when_its_time_has_come(
        self, timed: S2Mock, clock: ManualClock, leaver: Make
    ) -> None:
        timed.inject(Delay(5), on="append")
        with leaver(timed) as client:
            append(client, "a")
            clock.wait_for_waiters(timeout=PATIENCE)
            client.leave()
        assert (bodies(timed), timed.journal.of("append")) == ([], ())
        timed.advance(5)
        [exchange] = timed.journal.wait_for("append", timeout=PATIENCE)
        assert bodies(timed) == ["a"]
        assert (exchange.response, exchange.fault) == (None, Delay(5))
        assert exchange.effect.committed

    @each_leaver
    def test_append_is_applied_before_its_delay(
        self, timed: S2Mock, clock: ManualClock, leaver: Make
    ) -> None:
        timed.inject(Delay(5, committed=True), on="append")
        with leaver(timed) as client:
            append(client, "a")
            clock.wait_for_waiters(timeout=PATIENCE)
            client.leave()
            [exchange] = timed.journal.wait_for("append", timeout=PATIENCE)
        assert bodies(timed) == ["a"]
        assert (exchange.response, exchange.effect.committed) == (None, True)

    def test_all_that_writes_takes_effect(self, timed: S2Mock, clock: ManualClock) -> None:
        timed.inject(Delay(5), on="delete-basin")
        with ClosesHttp1(timed) as client:
            ask(client, "DELETE", f"/v1/basins/{BASIN}")
            clock.wait_for_waiters(timeout=PATIENCE)
            client.leave()
        timed.advance(5)
        timed.journal.wait_for("delete-basin", timeout=PATIENCE)
        assert timed.basins == ()

    def test_read_ends(self, timed: S2Mock, clock: ManualClock) -> None:
        timed.inject(Delay(5), on="read")
        with ClosesHttp1(timed) as client:
            client.ask("GET", f"{RECORDS}?seq_num=0", FRAMES)
            client.send(b"", end=True)
            clock.wait_for_waiters(timeout=PATIENCE)
            client.leave()
            timed.journal.wait_for("read", timeout=PATIENCE)
        assert clock.waiters == 0

    @pytest.mark.parametrize("committed", [False, True])
    @each_leaver
    def test_batches_of_a_session(
        self, timed: S2Mock, clock: ManualClock, leaver: Make, committed: bool
    ) -> None:
        timed.inject(Delay(5, committed=committed), on="append")
        with leaver(timed) as client:
            client.ask("POST", RECORDS, FRAMES)
            client.send(append_frame("a") + append_frame("b"))
            clock.wait_for_waiters(timeout=PATIENCE)
            client.leave()
        timed.advance(5)
        timed.journal.wait_for("append", 2, timeout=PATIENCE)
        assert bodies(timed) == ["a", "b"]


class TestUntilItIsDurable:
    """With `append_latency`."""

    @pytest.fixture
    def mock(self, clock: ManualClock) -> Iterator[S2Mock]:
        with S2Mock(basins=SEEDS, clock=clock, append_latency=LATENCY) as mock:
            yield mock

    @each_leaver
    def test_append_is_applied(self, mock: S2Mock, clock: ManualClock, leaver: Make) -> None:
        with leaver(mock) as client:
            append(client, "a")
            clock.wait_for_waiters(timeout=PATIENCE)
            client.leave()
        assert bodies(mock) == []
        mock.advance(LATENCY)
        [exchange] = mock.journal.wait_for("append", timeout=PATIENCE)
        assert bodies(mock) == ["a"]
        assert (exchange.response, exchange.effect.committed) == (None, True)

    @each_leaver
    def test_all_of_many(self, mock: S2Mock, clock: ManualClock, leaver: Make) -> None:
        for number in range(20):
            with leaver(mock) as client:
                append(client, str(number))
                clock.wait_for_waiters(number + 1, timeout=PATIENCE)
                client.leave()
        mock.advance(LATENCY)
        mock.journal.wait_for("append", 20, timeout=PATIENCE)
        assert sorted(map(int, bodies(mock))) == [*range(20)]

    @each_leaver
    def test_batches_of_a_session(self, mock: S2Mock, clock: ManualClock, leaver: Make) -> None:
        with leaver(mock) as client:
            client.ask("POST", RECORDS, FRAMES)
            client.send(b"".join(append_frame(str(number)) for number in range(100)))
            clock.wait_for_waiters(timeout=PATIENCE)
            client.leave()
        mock.advance(LATENCY)
        mock.journal.wait_for("append", 100, timeout=PATIENCE)
        assert bodies(mock) == [str(number) for number in range(100)]


CODINGS = {"gzip": gzip.compress, "zstd": zstd.compress}


class TestSessions:
    @undecided
    @each_orderly
    def test_all_batches_that_were_received_are_applied(
        self, mock: S2Mock, at: Any, leaver: Make
    ) -> None:
        """Those with the one that is held, and those that came while it was; no half of one."""
        with mock.hold(on="append", at=at) as held, leaver(mock) as client:
            client.ask("POST", RECORDS, FRAMES)
            client.send(append_frame("a") + append_frame("b"))
            held.wait(timeout=PATIENCE)
            client.send(append_frame("c") + append_frame("d")[:-1])
            client.leave()
            assert bodies(mock) == []
        exchanges = mock.journal.wait_for("append", 3, timeout=PATIENCE)
        assert bodies(mock) == ["a", "b", "c"]
        assert [one.response for one in exchanges] == [None] * 3
        assert [one.effect.first_seq_num for one in exchanges] == [0, 1, 2]
        [session] = mock.journal.of("append-session")
        assert (session.effect.first_seq_num, session.effect.last_seq_num) == (0, 2)
        assert session.ended is not None

    @pytest.mark.parametrize("coding", ["gzip", "zstd"])
    @each_orderly
    def test_batches_that_were_received_compressed_are_applied(
        self, mock: S2Mock, leaver: Make, coding: str
    ) -> None:
        # Longer than what is inflated at once.
        texts = [letter * 200_000 for letter in "abc"]
        sent = CODINGS[coding](b"".join(map(append_frame, texts)))
        with mock.hold(on="append") as held, leaver(mock) as client:
            client.ask("POST", RECORDS, {**FRAMES, "content-encoding": coding})
            client.send(sent)
            held.wait(timeout=PATIENCE)
            client.leave()
        mock.journal.wait_for("append", 3, timeout=PATIENCE)
        assert bodies(mock) == texts

    @each_orderly
    def test_one_that_was_received_in_part_is_not_applied(self, mock: S2Mock, leaver: Make) -> None:
        with mock.hold(on="append") as held, leaver(mock) as client:
            client.ask("POST", RECORDS, FRAMES)
            client.send(append_frame("a"))
            held.wait(timeout=PATIENCE)
            client.send(append_frame("b")[:-1])
            client.leave()
        mock.journal.wait_for("append", timeout=PATIENCE)
        again = Way("http1", mock)
        assert again.append("last").status == 200
        again.close()
        assert bodies(mock) == ["a", "last"]

    @each_orderly
    def test_held_at_the_answer_of_its_last_batch_it_ends(self, mock: S2Mock, leaver: Make) -> None:
        with mock.hold(on="append", at="answer") as held, leaver(mock) as client:
            client.ask("POST", RECORDS, FRAMES)
            client.send(append_frame("a"))
            held.wait(timeout=PATIENCE)
            client.leave()
            [exchange] = mock.journal.wait_for("append", timeout=PATIENCE)
            assert (exchange.response, exchange.effect.committed) == (None, True)

    @each_orderly
    def test_held_at_the_answer_of_another_it_goes_on(self, mock: S2Mock, leaver: Make) -> None:
        with mock.hold(on="append", at="answer") as held, leaver(mock) as client:
            client.ask("POST", RECORDS, FRAMES)
            client.send(append_frame("a"))
            held.wait(timeout=PATIENCE)
            client.send(append_frame("b"))
            client.leave()
            assert bodies(mock) == ["a"]
        mock.journal.wait_for("append", 2, timeout=PATIENCE)
        assert bodies(mock) == ["a", "b"]

    @undecided
    @each_orderly
    def test_held_at_its_opening(self, mock: S2Mock, at: Any, leaver: Make) -> None:
        """Its batches were received as a part of the same request."""
        with mock.hold(on="append-session", at=at) as held, leaver(mock) as client:
            client.ask("POST", RECORDS, FRAMES)
            held.wait(timeout=PATIENCE)
            client.send(append_frame("a"))
            client.leave()
            assert mock.journal.of("append-session") == ()
        mock.journal.wait_for("append", timeout=PATIENCE)
        assert bodies(mock) == ["a"]
        [opening] = mock.journal.of("append-session")
        assert opening.response is None

    @each_orderly
    def test_one_that_is_refused_ends_it(self, mock: S2Mock, leaver: Make) -> None:
        with mock.hold(on="append", at="arrival") as held, leaver(mock) as client:
            client.ask("POST", RECORDS, FRAMES)
            client.send(fenced_frame("mine") + append_frame("b"))
            held.wait(timeout=PATIENCE)
            client.leave()
            mock.basin(BASIN).stream("log").append([AppendRecord.fence("theirs")])
        [exchange] = mock.journal.wait_for("append", timeout=PATIENCE)
        assert (exchange.response, exchange.effect.committed) == (None, False)
        assert len(mock.basin(BASIN).stream("log").records) == 1

    def test_what_was_sent_right_before_the_end(self, mock: S2Mock) -> None:
        """A batch and the end of its stream come together, in an open session."""
        with ClosesHttp2(mock) as client:
            client.ask("POST", RECORDS, FRAMES)
            assert client.client.head(client.stream)[":status"] == "200"
            h2 = client.client.h2
            h2.send_data(client.stream, append_frame("a"))
            h2.reset_stream(client.stream, error_code=8)
            client.client.socket.sendall(h2.data_to_send())
            mock.journal.wait_for("append", timeout=PATIENCE)
        assert bodies(mock) == ["a"]


class TestEnd:
    """What was not decided by the end of the test is dropped, and nothing of it is left."""

    @pytest.fixture
    def left(self) -> Iterator[S2Mock]:
        """A mock whose held append, delayed append and held session have no clients any more."""
        with S2Mock(basins=SEEDS) as mock:
            delay = mock.inject([Delay(inf), None, None], on="append")
            held = mock.hold(on="append", skip=0, times=None)
            with ClosesHttp1(mock) as first, ClosesHttp2(mock) as second, ClosesHttp1(mock) as last:
                append(first, "delayed")
                delay.wait(timeout=PATIENCE)
                append(second, "held")
                last.ask("POST", RECORDS, FRAMES)
                last.send(append_frame("batch"))
                held.wait(2, timeout=PATIENCE)
                for client in (first, second, last):
                    client.leave()
            assert len(lasting(mock.url)) == 3
            yield mock

    @pytest.mark.parametrize("end", [S2Mock.close, S2Mock.reset])
    def test_of_the_mock(self, left: S2Mock, end: Callable[[S2Mock], None]) -> None:
        stream = left.basin(BASIN).stream("log")
        context = context_at(left.url)
        assert open_conversations(context) == 3
        end(left)
        assert open_conversations(context) == 0
        assert not context.lasting
        if end is S2Mock.close:
            assert stream.records == ()
        else:
            assert bodies(left) == []
        assert not left.account.engine.sessions.waiters

    def test_of_the_service(self, left: S2Mock) -> None:
        with left.outage():
            assert lasting(left.url) == []
        assert bodies(left) == []

    def test_of_what_it_waited_for(self, left: S2Mock) -> None:
        """Released, they are over too."""
        for hold in left._powers.injector.holds:
            hold.release()
        left.journal.wait_for("append", 2, timeout=PATIENCE)
        assert sorted(bodies(left)) == ["batch", "held"]
        assert call(context_at(left.url), lambda: None)
        assert len(lasting(left.url)) == 1

    def test_of_an_account_of_a_server(self) -> None:
        with S2Mock(basins=SEEDS, control=True) as server:
            made = Way("http1", server)
            token = made("POST", "/_s2mock/accounts", {"basins": SEEDS}).json["token"]
            bearer = {"authorization": f"Bearer {token}"}
            hold = {"on": "append"}
            made("POST", "/_s2mock/holds", hold, headers=bearer)
            with ClosesHttp1(server) as client:
                client.ask("POST", RECORDS, {"content-type": "application/json", **bearer})
                client.send(b'{"records":[{"body":"a"}]}', end=True)
                made("GET", "/_s2mock/holds/1?wait=30", headers=bearer)
                client.leave()
            assert len(lasting(server.url)) == 1
            made("DELETE", "/_s2mock/accounts", headers=bearer)
            assert lasting(server.url) == []
            made.close()


def fenced_frame(token: str) -> bytes:
    """A batch that is refused unless the stream has that fencing token."""
    payload: bytes = AppendInput(records=[{"body": b"a"}], fencing_token=token).SerializeToString()
    return (len(payload) + 1).to_bytes(3, "big") + b"\0" + payload
