"""`Late`: an operation without an answer that is applied later, after a time or after reads."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import httpx
import pytest

from s2mock import AppendRecord, Drop, Fail, Fault, Late, ManualClock, S2Mock
from s2mock.powers.exchange import Effect
from s2mock.powers.operations import WRITES
from s2mock.powers.timeline import make_timeline
from tests import own_token
from tests.backends import make_on
from tests.plugin.conftest import Run
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
)
from tests.powers.frames import TERMINAL, append_frame, frames

TAIL = f"{RECORDS}/tail"
TOKEN = {"id": "t", "scope": {"basins": {"prefix": ""}, "ops": ["list-streams"]}}
LOOK = f"{RECORDS}?seq_num=0&count=10&clamp=true"


@pytest.fixture(params=["in_process", "http"])
def mock(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A mock with a manual clock, on each backend in turn."""
    for make in make_on(request.param, request):
        yield make(basins=SEEDS, clock="manual")


def append_without_answer(way: Way, *texts: str, **more: Any) -> None:
    with pytest.raises(ConnectionError):
        way.append(*texts, **more)


class TestAfterSeconds:
    def test_append_is_applied_when_its_time_has_come(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Late(5), on="append")
        append_without_answer(way, "late")
        way.append("early")
        mock.advance(4.999)
        assert bodies(mock) == ["early"]
        mock.advance(0.001)
        assert bodies(mock) == ["early", "late"]

    @pytest.mark.parametrize("look", ["records", "tail", "request"])
    def test_next_look_sees_it_at_its_due_time(self, mock: S2Mock, http1: Way, look: str) -> None:
        began = mock.clock.now() // 1_000_000
        mock.inject(Late(5), on="append")
        append_without_answer(http1, "late")
        mock.advance(60)
        stream = mock.basin(BASIN).stream("log")
        if look == "records":
            [record] = stream.records
            timestamp = record.timestamp
        elif look == "tail":
            assert stream.tail.seq_num == 1
            timestamp = stream.tail.timestamp
        else:
            timestamp = http1("GET", TAIL).json["tail"]["timestamp"]
        assert timestamp == began + 5000

    def test_several_are_applied_in_the_order_of_their_times(
        self, mock: S2Mock, http1: Way
    ) -> None:
        mock.inject([Late(3), Late(1), Late(2), Late(1)], on="append")
        for text in ("3", "1", "2", "1 again"):
            append_without_answer(http1, text)
        mock.advance(60)
        assert bodies(mock) == ["1", "1 again", "2", "3"]

    def test_a_scheduled_deletion_before_it_is_finished_first(self) -> None:
        with S2Mock(basins=SEEDS, clock="manual", deletion_delay=2) as mock:
            with closing(Way("wsgi", mock)) as way:
                mock.inject([Late(1), Late(3)], on="append")
                append_without_answer(way, "in time")
                append_without_answer(way, "too late")
                log = mock.basin(BASIN).stream("log")
                log.delete()
                mock.advance(60)
                assert "log" not in mock.basin(BASIN).streams
            first, second = mock.journal.of("append")
            assert "stream_deletion_pending" in str(first.reason)
            assert "stream_not_found" in str(second.reason)

    def test_a_follower_gets_it_when_the_clock_is_advanced(self, mock: S2Mock, http1: Way) -> None:
        mock.inject(Late(5), on="append")
        append_without_answer(http1, "late")
        pieces = http1.pieces(f"{RECORDS}?seq_num=0&count=1&wait=60", EVENTS)
        first = next(pieces)
        assert b"ping" in first
        mock.basin(BASIN).stream("log").wait_for_readers()
        mock.advance(5)
        assert b"late" in next(pieces)

    def test_a_follower_gets_it_by_the_system_clock(self, way: Way) -> None:
        with S2Mock(basins=SEEDS) as own, closing(Way(way.name, own)) as way_in:
            own.inject(Late(0.05), on="append")
            append_without_answer(way_in, "late")
            received, broke_off = way_in.session(f"{RECORDS}?seq_num=0&count=1&wait=60", EVENTS)
            assert not broke_off
            assert b"late" in received

    def test_a_test_that_waits_for_records_needs_no_request(self) -> None:
        with S2Mock(basins=SEEDS) as mock, closing(Way("wsgi", mock)) as way:
            # The second is due first.
            mock.inject([Late(0.1), Late(0.001)], on="append")
            append_without_answer(way, "2")
            append_without_answer(way, "1")
            found = mock.basin(BASIN).stream("log").wait_for(2, timeout=30)
            assert [record.body for record in found] == [b"1", b"2"]

    def test_no_thread_is_left(self) -> None:
        def watchers() -> list[threading.Thread]:
            return [one for one in threading.enumerate() if one.name == "s2mock-late"]

        with S2Mock(basins=SEEDS) as mock, closing(Way("wsgi", mock)) as way:
            mock.inject([Late(0.001), Late(1000), Late(2000)], on="append")
            for text in ("a", "b", "c"):
                append_without_answer(way, text)
            # One for all of them.
            [watcher] = watchers()
            mock.basin(BASIN).stream("log").wait_for(1, timeout=PATIENCE)
            assert watcher.is_alive()
        watcher.join(PATIENCE)
        assert not watcher.is_alive()
        with S2Mock(basins=SEEDS) as mock, closing(Way("wsgi", mock)) as way:
            mock.inject(Late(0.001), on="append")
            append_without_answer(way, "a")
            mock.basin(BASIN).stream("log").wait_for(1, timeout=PATIENCE)
            for watcher in watchers():
                watcher.join(PATIENCE)
            assert watchers() == []

    def test_by_a_clock_of_the_users_own(self) -> None:
        """Its `wait` is called in one thread."""

        class Own:
            def __init__(self) -> None:
                self._clock = ManualClock()

            def now(self) -> int:
                return self._clock.now()

            def wait(self, condition: threading.Condition, until: int) -> None:
                self._clock.wait(condition, until)

            def advance(self, seconds: float) -> None:
                self._clock.wait_for_waiters()
                self._clock.advance(seconds)

        clock = Own()
        with S2Mock(basins=SEEDS, clock=clock) as mock, closing(Way("wsgi", mock)) as way:
            mock.inject(Late(5), on="append")
            append_without_answer(way, "late")
            waiting = Started(lambda: mock.basin(BASIN).stream("log").wait_for(1, timeout=PATIENCE))
            clock.advance(5)
            [record] = waiting.result()
            assert record.body == b"late"

    def test_on_the_loop_of_the_caller(self) -> None:
        async def main() -> bytes:
            with S2Mock(basins=SEEDS) as mock:
                mock.inject(Late(0.01), on="append")
                async with (
                    await mock.serve() as server,
                    httpx.AsyncClient(
                        base_url=server.url,
                        headers={"s2-basin": BASIN, **own_token.headers(mock)},
                        timeout=PATIENCE,
                        trust_env=False,
                    ) as client,
                ):
                    with pytest.raises(httpx.RemoteProtocolError):
                        await client.post(RECORDS, json={"records": [{"body": "late"}]})
                    session = f"{RECORDS}?seq_num=0&count=1&wait=60"
                    return (await client.get(session, headers=EVENTS)).content

        assert b"late" in asyncio.run(main())

    def test_it_is_none_of_the_waiters_of_a_clock(self, mock: S2Mock, http1: Way) -> None:
        mock.inject(Late(5), on="append")
        append_without_answer(http1, "late")
        with pytest.raises(TimeoutError, match="0 of 1"):
            mock.clock.wait_for_waiters(timeout=0.01)


class TestAfterReads:
    @pytest.mark.parametrize("look", [TAIL, LOOK])
    def test_append_is_applied_once_they_were_answered(
        self, mock: S2Mock, way: Way, look: str
    ) -> None:
        mock.inject(Late(reads=2), on="append")
        append_without_answer(way, "late")
        for _ in range(2):
            assert bodies(mock) == []
            answer = way("GET", look)
            assert answer.status == (200 if look == TAIL else 416)
            assert answer.json["tail"]["seq_num"] == 0
        assert bodies(mock) == ["late"]
        assert way("GET", TAIL).json["tail"]["seq_num"] == 1

    def test_reads_of_other_streams_and_direct_calls_are_not_counted(
        self, mock: S2Mock, http1: Way
    ) -> None:
        mock.inject(Late(reads=1), on="append")
        append_without_answer(http1, "late")
        http1("GET", "/v1/streams/orders%2Feu/records/tail")
        assert mock.basin(BASIN).stream("log").tail.seq_num == 0
        assert mock.basin(BASIN).stream("log").records == ()
        http1("GET", "/v1/streams/log")
        assert bodies(mock) == []
        http1("GET", TAIL)
        assert bodies(mock) == ["late"]

    @pytest.mark.parametrize("fault", [Fail("unavailable"), Drop(), Drop(committed=True)])
    def test_a_read_whose_answer_a_fault_takes_is_not_counted(
        self, mock: S2Mock, http1: Way, fault: Fault
    ) -> None:
        mock.inject(Late(reads=1), on="append")
        mock.inject(fault, on="check-tail")
        append_without_answer(http1, "late")
        with suppress(ConnectionError):
            http1("GET", TAIL)
        assert bodies(mock) == []
        http1("GET", TAIL)
        assert bodies(mock) == ["late"]

    def test_a_refusal_is_an_answer(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Late(reads=1), on="create-stream")
        with pytest.raises(ConnectionError):
            way("POST", "/v1/streams", {"stream": "new"})
        assert way("GET", "/v1/streams/new/records/tail").status == 404
        assert way("GET", "/v1/streams/new/records/tail").status == 200

    def test_a_held_read_is_answered_when_it_is_released(self, mock: S2Mock, http1: Way) -> None:
        mock.inject(Late(reads=1), on="append")
        append_without_answer(http1, "late")
        with mock.hold(on="check-tail", at="answer") as held:
            started = Started(lambda: http1("GET", TAIL))
            held.wait()
            assert bodies(mock) == []
        assert started.result().json["tail"]["seq_num"] == 0
        assert bodies(mock) == ["late"]

    @pytest.mark.parametrize("form", [EVENTS, FRAMES], ids=["events", "frames"])
    def test_a_read_session_is_answered_at_its_end(
        self, mock: S2Mock, way: Way, form: dict[str, str]
    ) -> None:
        mock.basin(BASIN).stream("log").append(["a"])
        mock.inject(Late(reads=1), on="append")
        append_without_answer(way, "late")
        received, broke_off = way.session(f"{RECORDS}?seq_num=0&wait=0", form)
        assert not broke_off
        assert b"late" not in received
        assert bodies(mock) == ["a", "late"]

    def test_a_read_session_is_answered_when_it_waits_at_the_tail(
        self, mock: S2Mock, http1: Way
    ) -> None:
        mock.basin(BASIN).stream("log").append(["a"])
        mock.inject(Late(reads=1), on="append")
        append_without_answer(http1, "late")
        received = b""
        with closing(http1.pieces(f"{RECORDS}?seq_num=0", EVENTS)) as pieces:
            while b"late" not in received:
                received += next(pieces)
        # It has told of the tail before that.
        assert 0 < received.index(b'"tail":{"seq_num":1') < received.index(b"late")
        assert bodies(mock) == ["a", "late"]

    def test_one_that_waits_for_its_time_is_applied_by_the_clock_all_the_same(
        self, mock: S2Mock, http1: Way
    ) -> None:
        """The first is due at once, before the other, and nothing looks after the `advance`."""
        mock.inject([Late(reads=1), Late(5)], on="append")
        append_without_answer(http1, "by reads")
        append_without_answer(http1, "by time")
        http1("GET", TAIL)
        mock.advance(5)
        [_, late] = mock.journal.of("append")
        assert late.effect.committed

    def test_a_read_that_was_open_before_is_not_counted(self, mock: S2Mock, http1: Way) -> None:
        with closing(http1.pieces(f"{RECORDS}?seq_num=0&clamp=true", EVENTS)) as pieces:
            next(pieces)
            mock.basin(BASIN).stream("log").wait_for_readers()
            with closing(Way("http1", mock)) as other:
                mock.inject(Late(reads=1), on="append")
                append_without_answer(other, "late")
                mock.advance(60)
                assert bodies(mock) == []
                other("GET", TAIL)
            assert bodies(mock) == ["late"]


class TestItsAnswer:
    def test_with_a_code_it_is_that_error(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Late(reads=1, code="unavailable"), on="append")
        answer = way.append("late")
        assert (answer.status, answer.json["code"]) == (503, "unavailable")
        assert bodies(mock) == []
        way("GET", TAIL)
        assert bodies(mock) == ["late"]

    def test_each_operation_with_an_effect_is_applied_late(self, mock: S2Mock, way: Way) -> None:
        calls: dict[str, tuple[Any, ...]] = {
            "create-stream": ("POST", "/v1/streams", {"stream": "new"}),
            "ensure-stream": ("PUT", "/v1/streams/other", {}),
            "reconfigure-stream": ("PATCH", "/v1/streams/log", {"storage_class": "express"}),
            "delete-stream": ("DELETE", "/v1/streams/orders%2Feu"),
            "create-basin": ("POST", "/v1/basins", {"basin": "new-basin"}),
            "ensure-basin": ("PUT", "/v1/basins/second-basin", {}),
            "reconfigure-basin": ("PATCH", f"/v1/basins/{BASIN}", {"create_stream_on_read": True}),
            "issue-access-token": ("POST", "/v1/access-tokens", TOKEN),
            "set-default-location": ("PUT", "/v1/locations/default", "aws:us-west-2"),
            "append": ("POST", RECORDS, {"records": [{"body": "late"}]}),
            "trim": (
                "POST",
                RECORDS,
                {"records": [{"headers": [["", "trim"]], "body": "\0" * 8}]},
            ),
            "fence": ("POST", RECORDS, {"records": [{"headers": [["", "fence"]], "body": "f"}]}),
            "delete-basin": ("DELETE", "/v1/basins/third-basin"),
            "revoke-access-token": ("DELETE", "/v1/access-tokens/issued"),
        }
        assert calls.keys() == WRITES
        way("POST", "/v1/basins", {"basin": "third-basin"})
        mock.issue_token("issued", ops=["append"], basins="*", streams="*")
        for operation, call in calls.items():
            mock.inject(Late(5), on=operation)
            with pytest.raises(ConnectionError):
                way(*call)
        late = [one for one in mock.journal if isinstance(one.fault, Late)]
        assert not any(one.effect.committed for one in late)
        mock.advance(5)
        late = [one for one in mock.journal if isinstance(one.fault, Late)]
        assert len(late) == len(calls)
        assert [one for one in late if not one.effect.committed] == []


class TestHolds:
    @pytest.mark.parametrize("point", ["arrival", "commit"])
    def test_it_reaches_an_operation_that_is_held(
        self, mock: S2Mock, http1: Way, point: Any
    ) -> None:
        with mock.hold(on="append", at=point) as held:
            started = Started(lambda: http1.append("late"))
            held.wait()
            mock.inject(Late(5), on="append")
            assert bodies(mock) == []
        assert isinstance(started.result(), ConnectionError)
        assert bodies(mock) == []
        mock.advance(5)
        assert bodies(mock) == ["late"]

    def test_its_time_begins_when_a_hold_at_its_arrival_is_released(
        self, mock: S2Mock, http1: Way
    ) -> None:
        mock.inject(Late(5), on="append")
        with mock.hold(on="append", at="arrival") as held:
            started = Started(lambda: http1.append("late"))
            held.wait()
            mock.advance(60)
        assert isinstance(started.result(), ConnectionError)
        mock.advance(4)
        assert bodies(mock) == []
        mock.advance(1)
        assert bodies(mock) == ["late"]

    def test_it_is_applied_without_points(self, mock: S2Mock, http1: Way) -> None:
        """It is not held, and meets no other fault, when it is applied."""
        mock.inject(Late(5), on="append")
        append_without_answer(http1, "late")
        mock.inject(Fail("storage"), on="append", required=False)
        with mock.hold(on="append", times=None, required=False) as held:
            mock.advance(5)
            assert bodies(mock) == ["late"]
            assert held.exchanges == ()


class TestRefusedWhenItIsDue:
    @pytest.mark.parametrize(
        ("condition", "code"),
        [({"match_seq_num": 0}, "seq_num_mismatch"), ({"fencing_token": "f"}, "fencing")],
    )
    def test_a_condition_that_no_longer_holds(
        self, mock: S2Mock, http1: Way, condition: dict[str, Any], code: str
    ) -> None:
        mock.inject(Late(5), on="append")
        if "fencing_token" in condition:
            http_fence(mock, "f")
        with pytest.raises(ConnectionError):
            http1("POST", RECORDS, {"records": [{"body": "late"}], **condition})
        if "fencing_token" in condition:
            http_fence(mock, "g")
        http1.append("other")
        before = bodies(mock)
        mock.advance(5)
        assert bodies(mock) == before
        late = mock.journal.of("append")[0]
        assert late.fault == Late(5)
        assert not late.effect.committed
        assert "S2 refused it when it was due" in str(late.reason)
        assert code in str(late.reason)

    def test_a_stream_that_was_deleted_and_made_again(self, mock: S2Mock, http1: Way) -> None:
        """A unary append is for the stream of that name, as the real server writes it."""
        mock.inject([Late(5), Late(10)], on="append")
        append_without_answer(http1, "first")
        append_without_answer(http1, "second")
        mock.basin(BASIN).stream("log").delete()
        mock.advance(5)
        mock.basin(BASIN).create_stream("log")
        mock.advance(5)
        assert bodies(mock) == ["second"]

    def test_a_token_that_was_revoked(self, mock: S2Mock, http1: Way) -> None:
        token = mock.issue_token("t", ops=["append"], basins="*", streams="*")
        mock.inject(Late(5), on="append")
        with pytest.raises(ConnectionError):
            http1(
                "POST",
                RECORDS,
                {"records": [{"body": "late"}]},
                headers={"authorization": f"Bearer {token.secret}"},
            )
        token.revoke()
        mock.advance(5)
        assert bodies(mock) == []


class TestDropped:
    @pytest.mark.parametrize("how", ["reset", "restore"])
    @pytest.mark.parametrize("fault", [Late(5), Late(reads=1)])
    def test_by_reset_and_by_restore(self, mock: S2Mock, http1: Way, fault: Late, how: str) -> None:
        snapshot = mock.snapshot()
        mock.inject(fault, on="append", required=False)
        append_without_answer(http1, "late")
        if how == "reset":
            mock.reset()
        else:
            mock.restore(snapshot)
            [exchange] = mock.journal.of("append")
            assert "never applied" in str(exchange.reason)
        with closing(Way("http1", mock)) as way:
            way("GET", TAIL)
            mock.advance(60)
            way("GET", TAIL)
        assert bodies(mock) == []

    def test_a_snapshot_and_a_fork_have_none(self) -> None:
        with S2Mock(basins=SEEDS, clock="manual") as mock, closing(Way("wsgi", mock)) as way:
            mock.inject(Late(5), on="append")
            append_without_answer(way, "late")
            with mock.fork() as fork:
                fork.advance(60)
                assert bodies(fork) == []
            mock.advance(60)
            assert bodies(mock) == ["late"]

    def test_a_remark_is_beside_a_failure_only(self, mock: S2Mock, http1: Way) -> None:
        mock.inject(Late(5), on="append")
        append_without_answer(http1, "a")
        injector = mock._powers.injector  # type: ignore[union-attr]  # of both backends
        assert injector.check() == []
        mock.advance(60)
        assert bodies(mock) == []
        mock.inject(Late(reads=3), on="append")
        append_without_answer(http1, "a")
        http1("GET", TAIL)
        [remark] = injector.check(has_failed=True)
        assert remark == (
            f"an operation was never applied: append {BASIN} log, by Late(reads=3); "
            "1 of 3 reads or tail checks of its stream were answered"
        )
        for _ in range(3):
            http1("GET", TAIL)
        assert bodies(mock) == []

    def test_a_report_of_a_failure_says_so(self, run: Run) -> None:
        result = run(
            """
            import pytest
            from s2mock import Late, S2Mock
            from tests.powers.test_late import append_once

            BASINS = [{"name": "my-basin", "streams": ["log"]}]

            @pytest.mark.s2_mock(basins=BASINS, clock="manual")
            def test_fails(s2_mock):
                s2_mock.inject([Late(5), Late(reads=2)], on="append")
                append_once(s2_mock, "a")
                append_once(s2_mock, "b")
                assert 1 == 2

            @pytest.mark.s2_mock(basins=BASINS, clock="manual")
            def test_passes(s2_mock):
                s2_mock.inject(Late(5), on="append")
                append_once(s2_mock, "a")
            """
        )
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(
            [
                "an operation was never applied: append my-basin log, by Late(5); its time had *",
                "an operation was never applied: append my-basin log, by Late(reads=2); 0 of 2 *",
                "*append  my-basin  log  ---  Late(5)  not applied",
            ]
        )


class TestInASession:
    def test_its_batch_is_applied_alone(self, mock: S2Mock, way: Way) -> None:
        mock.inject([None, Late(5)], on="append")
        received, broke_off = way.session(
            RECORDS, FRAMES, "POST", b"".join(map(append_frame, ("1", "2", "3")))
        )
        assert broke_off
        assert [frame.acked for frame in frames(received)] in ([(0, 1)], [])
        assert bodies(mock) == ["1"]
        way.append("other")
        mock.advance(5)
        assert bodies(mock) == ["1", "other", "2"]
        first, second, _ = mock.journal.of("append")
        assert (first.effect.first_seq_num, second.effect.first_seq_num) == (0, 2)
        assert second.fault == Late(5)
        assert second.session == first.session

    def test_with_a_code_it_ends_with_that(self, mock: S2Mock, way: Way) -> None:
        mock.inject(Late(reads=1, code="storage"), on="append")
        received, broke_off = way.session(RECORDS, FRAMES, "POST", append_frame("late"))
        assert not broke_off
        [terminal] = frames(received)
        assert terminal.flag == TERMINAL
        assert b"storage" in terminal.payload
        way("GET", TAIL)
        assert bodies(mock) == ["late"]

    def test_a_stream_that_was_made_again_gets_nothing_of_it(
        self, mock: S2Mock, http1: Way
    ) -> None:
        mock.inject(Late(5), on="append")
        http1.session(RECORDS, FRAMES, "POST", append_frame("late"))
        mock.basin(BASIN).stream("log").delete()
        mock.basin(BASIN).create_stream("log")
        mock.advance(5)
        assert bodies(mock) == []
        assert "unavailable" in str(mock.journal.of("append")[0].reason)


class TestJournal:
    def test_its_exchange_has_the_effect_once_it_is_applied(self, mock: S2Mock, http1: Way) -> None:
        injected = mock.inject(Late(5), on="append")
        append_without_answer(http1, "a", "b")
        [before] = mock.journal
        assert (before.fault, before.response, before.effect) == (Late(5), None, Effect())
        assert before.reason == "injected: Late(5); not applied yet"
        assert injected.exchanges == (before,)
        http1.append("other")
        mock.advance(60)
        after, _ = mock.journal
        assert after.effect == Effect(True, "appended", None, 1, 2)
        assert after.number == before.number
        assert after.reason == "injected: Late(5); applied late"
        assert before.at is not None
        assert after.at is not None
        assert after.at == mock.clock.now() - 55 * 1_000_000_000
        assert injected.exchanges == (after,)

    @pytest.mark.parametrize("fault", [Late(reads=1), Late(5), Late(5, code="storage")])
    def test_advice_knows_it(self, mock: S2Mock, http1: Way, fault: Late) -> None:
        mock.inject(fault, on="append")
        with suppress(ConnectionError):
            http1.append("a")
        http1("GET", LOOK)
        http1.append("a")
        # Read before it is applied, too.
        assert len(mock.journal[:]) == 3
        mock.advance(5)
        late, _, second = mock.journal
        assert bodies(mock) == ["a", "a"]
        assert late.advice == ()
        [advice] = second.advice
        assert "the same batch as that of exchange 1" in advice

    def test_no_advice_for_what_was_refused_when_it_was_due(self, mock: S2Mock, http1: Way) -> None:
        mock.inject(Late(5), on="append")
        batch = {"records": [{"body": "a"}], "match_seq_num": 0}
        with pytest.raises(ConnectionError):
            http1("POST", RECORDS, batch)
        http1("POST", RECORDS, batch)
        mock.advance(5)
        assert [one.advice for one in mock.journal] == [(), ()]

    def test_timeline(self) -> None:
        with S2Mock(basins=SEEDS, clock="manual") as mock, closing(Way("wsgi", mock)) as way:
            mock.inject([Late(5), Late(10)], on="append")
            append_without_answer(way, "a")
            append_without_answer(way, "b")
            way.append("a")
            mock.advance(5)
            lines = make_timeline(mock.journal[:]).splitlines()
        assert lines[0].endswith("---  1 record, 1..1  Late(5)  applied late")
        assert lines[1].endswith("---  Late(10)  not applied")
        assert "the same batch as 1" in lines[2]


def append_once(mock: Any, text: str) -> None:
    """Append one record by WSGI, whose answer may be lost."""
    with suppress(ConnectionError):
        mock.client.post(RECORDS, json={"records": [{"body": text}]}, headers={"s2-basin": BASIN})


def http_fence(mock: S2Mock, token: str) -> None:
    mock.basin(BASIN).stream("log").append([AppendRecord.fence(token)])
