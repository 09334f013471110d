"""A hook calls a function of the test at a point of an operation, and may decide how it goes on."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from queue import SimpleQueue
from typing import Any

import httpx
import pytest

from s2mock import (
    Answer,
    Cut,
    Delay,
    Drain,
    Drop,
    Exchange,
    Fail,
    Fault,
    Late,
    S2Mock,
)
from s2mock.powers import hook as hooks
from s2mock.powers.faults import Slow
from tests.backends import Make, make
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
    needs_this_process,
)
from tests.powers.frames import append_frame, frames
from tests.powers.leaving import ORDERLY, Leaver, append

__all__ = ["make"]

POINTS = ["arrival", "commit", "answer"]
each_point = pytest.mark.parametrize("at", POINTS)
CONDITIONAL = {"records": [{"body": "mine"}], "match_seq_num": 0}


def do_nothing(_: Exchange) -> None:
    """Let the operation go on."""


def text_of(exchange: Exchange) -> str:
    """Return the body of the only record that an append carries."""
    [record] = exchange.request.document["records"]
    body: str = record["body"]
    return body


def open_ways(mock: S2Mock, count: int) -> list[Way]:
    """Return that number of ways, of all kinds, each of which has been used once.

    Python 3.11 fails to compile modules that many threads import at once.
    """
    names = ["http1", "h2c", *(["wsgi"] if isinstance(mock, S2Mock) else [])]
    ways = [Way(names[number % len(names)], mock) for number in range(count)]
    for way in ways:
        assert way("GET", "/v1/streams").status == 200
    return ways


class TestCalls:
    def test_race_in_one_line(self, mock: S2Mock, way: Way) -> None:
        log = mock.stream(BASIN, "log")
        mock.on("append", lambda _: log.append(["theirs"]), times=1)
        answer = way("POST", RECORDS, CONDITIONAL)
        assert (answer.status, answer.json) == (412, {"seq_num_mismatch": 1})
        assert bodies(mock) == ["theirs"]

    @each_point
    def test_point_and_exchange(self, mock: S2Mock, way: Way, at: Any) -> None:
        seen: list[Any] = []
        with mock.on("append", lambda it: seen.append((it, bodies(mock))), at=at) as hook:
            assert way.append("a").status == 200
        [(exchange, there)] = seen
        assert there == (["a"] if at == "answer" else [])
        assert (exchange.operation, exchange.stream, exchange.response) == ("append", "log", None)
        assert text_of(exchange) == "a"
        assert exchange.effect.committed == (at == "answer")
        assert (hook.calls, hook.exchanges) == (1, (mock.journal[0],))

    def test_no_lock_is_held(self, mock: S2Mock, way: Way) -> None:
        """Another client reads, appends and creates while the function runs."""

        def use(_: Exchange) -> None:
            with closing(Way("http1", mock)) as other:
                assert other("GET", "/v1/streams").status == 200
                assert other("POST", "/v1/streams", {"stream": "new"}).status == 201
                assert other("GET", f"{RECORDS}/tail").status == 200

        with mock.on("append", use):
            assert way.append("a").status == 200
        assert "new" in mock.basin(BASIN).streams

    def test_pattern_skip_and_times(self, mock: S2Mock, http1: Way) -> None:
        with (
            mock.on(["append", "check-tail"], do_nothing, stream="orders/*") as by_stream,
            mock.on("append", do_nothing, skip=1, times=2) as limited,
            mock.on("append", do_nothing, basin="other-*") as elsewhere,
        ):
            for number in range(4):
                assert http1.append(str(number)).status == 200
            assert http1.append("b", stream="orders/eu").status == 200
            assert http1("GET", "/v1/streams/orders%2Feu/records/tail").status == 200
        assert [it.operation for it in by_stream.exchanges] == ["append", "check-tail"]
        assert [text_of(it) for it in limited.exchanges] == ["1", "2"]
        assert elsewhere.calls == 0

    def test_removed_hook_is_called_no_more(self, mock: S2Mock, http1: Way) -> None:
        hook = mock.on("append", do_nothing)
        http1.append("a")
        shown, exchange = repr(hook).splitlines()
        assert shown == "<on('append', at='commit'): 1 calls"
        assert exchange.endswith(": append my-basin log -> 200>>")
        hook.remove()
        hook.remove()
        http1.append("b")
        assert hook.calls == 1
        assert bodies(mock) == ["a", "b"]

    def test_hook_that_is_removed_during_a_call(self, mock: S2Mock, http1: Way) -> None:
        """What comes during that call is not of the hook."""
        has_begun, may_end = threading.Event(), threading.Event()

        def wait(_: Exchange) -> None:
            has_begun.set()
            may_end.wait(PATIENCE)

        hook = mock.on("append", wait)
        first = threading.Thread(target=http1.append, args=("a",))
        first.start()
        assert has_begun.wait(PATIENCE)
        hook.remove()
        with closing(Way("http1", mock)) as other:
            other.append("b")
        may_end.set()
        first.join(PATIENCE)
        assert hook.calls == 1
        assert len(hook.exchanges) == 1
        assert bodies(mock) == ["b", "a"]

    def test_hook_that_removes_itself_ends_its_call(self, mock: S2Mock, http1: Way) -> None:
        """The fault of the call in progress is applied all the same."""
        made: list[Any] = []

        def once(_: Exchange) -> Fault:
            made[0].remove()
            # An operation that went on would be applied before the answer to this.
            with closing(Way("http1", mock)) as other:
                other("GET", "/v1/streams")
            return Fail("unavailable")

        made.append(mock.on("append", once))
        assert http1.append("a").status == 503
        assert http1.append("b").status == 200
        assert bodies(mock) == ["b"]

    def test_never_called(self, mock: S2Mock) -> None:
        mock.on("append", do_nothing)
        with mock.on("append", do_nothing):
            pass
        assert mock._powers.injector.check() == []

    def test_clock(self, make: Make) -> None:
        mock = make(basins=SEEDS, clock="manual")
        begin = mock.clock.now()
        with mock.on("append", lambda _: mock.advance(60)), closing(Way("http1", mock)) as way:
            assert way.append("a").status == 200
        [exchange] = mock.journal.of("append")
        assert exchange.at >= begin + 60 * 10**9

    def test_hook_releases_a_hold(self, mock: S2Mock, http1: Way) -> None:
        with mock.hold(on="append", stream="orders/*") as held:
            other = Way("http1", mock)
            first = Started(lambda: other.append("held", stream="orders/eu"))
            held.wait(timeout=PATIENCE)
            with mock.on("append", lambda _: held.release(), stream="log"):
                assert http1.append("a").status == 200
            assert first.result().status == 200
            other.close()

    def test_operation_is_decided_again(self, mock: S2Mock, way: Way) -> None:
        with mock.on("append", lambda _: mock.basin(BASIN).stream("log").delete()):
            assert way.append("a").status in (404, 409)
        assert "log" not in mock.basin(BASIN).streams

    def test_32_threads(self, mock: S2Mock) -> None:
        """Each append meets a hook that appends to the same stream; all hooks meet at one place."""
        log = mock.stream(BASIN, "log")
        meeting = threading.Barrier(32, timeout=PATIENCE)

        def add(exchange: Exchange) -> None:
            meeting.wait()
            log.append([f"of {text_of(exchange)}"])

        ways = open_ways(mock, 32)
        with mock.on("append", add) as hook:
            started = [Started(partial(way.append, str(number))) for number, way in enumerate(ways)]
            assert [one.result().status for one in started] == [200] * 32
        assert hook.calls == 32
        found = bodies(mock)
        assert sorted(found) == sorted(
            [str(number) for number in range(32)] + [f"of {number}" for number in range(32)]
        )
        assert all(found.index(f"of {number}") < found.index(str(number)) for number in range(32))
        for way in ways:
            way.close()

    def test_32_threads_whose_hooks_raise_or_advance_the_clock(self, make: Make) -> None:
        mock = make(basins=SEEDS, clock="manual")
        begin = mock.clock.now()
        meeting = threading.Barrier(32, timeout=PATIENCE)

        def act(exchange: Exchange) -> None:
            meeting.wait()
            if (number := int(text_of(exchange))) % 2:
                raise KeyError(number)
            mock.advance(1)

        ways = open_ways(mock, 32)
        mock.on("append", act)
        started = [Started(partial(way.append, str(number))) for number, way in enumerate(ways)]
        assert [one.result().status for one in started] == [200] * 32
        assert mock.clock.now() == begin + 16 * 10**9
        complaints = mock._powers.injector.check()
        assert sorted(complaint.partition("\n")[0] for complaint in complaints) == sorted(
            f"a hook failed: on('append', at='commit'): KeyError: {number}"
            for number in range(1, 32, 2)
        )
        for way in ways:
            way.close()

    def test_hook_within_a_hook(self, mock: S2Mock, way: Way) -> None:
        """The function appends by a client, for which it is called again."""

        def add(exchange: Exchange) -> None:
            if (depth := int(text_of(exchange))) < 8:
                with closing(Way("http1", mock)) as other:
                    assert other.append(str(depth + 1)).status == 200

        with mock.on("append", add) as hook:
            assert way.append("0").status == 200
        assert hook.calls == 9
        assert bodies(mock) == [str(number) for number in reversed(range(9))]

    def test_batches_of_a_session(self, mock: S2Mock, way: Way) -> None:
        log = mock.stream(BASIN, "log")
        content = b"".join(map(append_frame, ["a", "b"]))
        with (
            mock.on("append", lambda it: log.append([f"before {text_of(it)}"])),
            mock.on("append-session", lambda _: log.append(["first"]), at="answer") as opening,
        ):
            received, broke_off = way.session(RECORDS, FRAMES, "POST", content)
        assert not broke_off
        assert [frame.acked for frame in frames(received)] == [(2, 3), (4, 5)]
        assert bodies(mock) == ["first", "before a", "a", "before b", "b"]
        assert opening.calls == 1

    def test_read_session(self, mock: S2Mock, way: Way) -> None:
        log = mock.stream(BASIN, "log")
        log.append(["a"])
        with mock.on("read", lambda _: log.append(["b"])):
            received, _ = way.session(f"{RECORDS}?seq_num=0&count=2", EVENTS)
        assert received.count(b"event: batch") >= 1
        assert b'"body":"b"' in received

    @pytest.mark.parametrize("leaver", ORDERLY)
    def test_client_that_leaves(self, mock: S2Mock, leaver: Callable[[S2Mock], Leaver]) -> None:
        """Its append is applied, and the hook's fault for its read fails no test."""
        began, goes_on = threading.Event(), threading.Event()

        def wait(_: Exchange) -> Fault:
            began.set()
            assert goes_on.wait(PATIENCE)
            return Slow(chunk=1)

        with mock.on(["append", "check-tail"], wait), leaver(mock) as client:
            append(client, "a")
            assert began.wait(PATIENCE)
            client.leave()
            goes_on.set()
            mock.stream(BASIN, "log").wait_for(1, timeout=PATIENCE)
            began.clear()
            goes_on.clear()
            with leaver(mock) as reader:
                reader.ask("GET", f"{RECORDS}/tail", {})
                reader.send(b"", end=True)
                assert began.wait(PATIENCE)
                reader.leave()
            goes_on.set()
        assert mock._powers.injector.check() == []


class TestOrder:
    def test_hook_hold_and_fault_on_one_operation(self, mock: S2Mock, way: Way) -> None:
        """Hooks, oldest first; then the hold; then the fault."""
        order: list[str] = []
        began, goes_on = threading.Event(), threading.Event()

        def first(_: Exchange) -> None:
            began.set()
            order.append("first hook")
            assert goes_on.wait(PATIENCE)

        with (
            mock.hold(on="append", at="arrival") as held,
            mock.inject(Fail("unavailable"), on="append") as injected,
            mock.on("append", first, at="arrival") as one,
            mock.on("append", lambda _: order.append("second hook"), at="arrival") as two,
        ):
            appending = Started(lambda: way.append("a"))
            injected.wait(timeout=PATIENCE)
            # The first hook is called, and neither the second nor the hold has the operation.
            assert began.wait(PATIENCE)
            assert (one.calls, two.calls, held.exchanges) == (1, 0, ())
            goes_on.set()
            held.wait(timeout=PATIENCE)
            order.append("hold")
            assert not appending.is_over
            held.release()
            order.append(str(appending.result().status))
        assert order == ["first hook", "second hook", "hold", "503"]

    def test_hold_that_a_hook_makes(self, mock: S2Mock, way: Way) -> None:
        made: SimpleQueue[Any] = SimpleQueue()
        with mock.on("append", lambda _: made.put(mock.hold(on="append"))):
            appending = Started(lambda: way.append("a"))
            held = made.get(timeout=PATIENCE)
            held.wait(timeout=PATIENCE)
            assert not appending.is_over
            held.release()
            assert appending.result().status == 200

    @pytest.mark.parametrize("at", ["arrival", "commit"])
    def test_fault_that_a_hook_injects(self, mock: S2Mock, way: Way, at: Any) -> None:
        with mock.on("append", lambda _: mock.inject(Fail("unavailable"), on="append"), at=at):
            assert way.append("a").status == 503
        assert bodies(mock) == []


APPLIED = [
    # The fault, the point, the status or None, and True if the append was applied.
    (Fail("unavailable"), "arrival", 503, False),
    (Fail("unavailable"), "commit", 503, False),
    (Fail("unavailable", committed=True), "arrival", 503, True),
    (Fail("unavailable", committed=True), "commit", 503, True),
    (Fail("unavailable", committed=True), "answer", 503, True),
    (Drop(), "arrival", None, False),
    (Drop(), "commit", None, False),
    (Drop(committed=True), "commit", None, True),
    (Drop(committed=True), "answer", None, True),
    (Cut(bytes=3), "commit", None, True),
    (Cut(bytes=3), "answer", None, True),
    (Answer(502, b"<html>"), "commit", 502, False),
    (Slow(chunk=1), "answer", 200, True),
    (Delay(0), "commit", 200, True),
    (Delay(0), "answer", 200, True),
    (Drain(), "commit", 503, False),
]


class TestFaults:
    @pytest.mark.parametrize(("fault", "at", "status", "is_applied"), APPLIED)
    def test_fault_of_a_hook(
        self, mock: S2Mock, way: Way, fault: Fault, at: Any, status: int, is_applied: bool
    ) -> None:
        """The hook is removed before the answer, and its fault is applied all the same."""
        hook = mock.on("append", lambda _: fault, at=at, times=1)
        if status is None:
            with pytest.raises(ConnectionError):
                way.append("a")
        else:
            assert way.append("a").status == status
        hook.remove()
        assert bodies(mock) == (["a"] if is_applied else [])
        assert mock.journal.of("append")[0].fault == fault
        with closing(Way("http1", mock)) as other:
            assert other.append("b").status == 200
        assert mock._powers.injector.check() == []

    @pytest.mark.parametrize(("fault", "at", "status", "is_applied"), APPLIED)
    def test_fault_of_a_release(
        self, mock: S2Mock, way: Way, fault: Fault, at: Any, status: int, is_applied: bool
    ) -> None:
        held = mock.hold(on="append", at=at)
        appending = Started(lambda: way.append("a"))
        held.wait(timeout=PATIENCE)
        held.release(fault=fault)
        got = appending.result()
        assert isinstance(got, ConnectionError) if status is None else got.status == status
        assert bodies(mock) == (["a"] if is_applied else [])
        [exchange] = held.exchanges
        assert exchange.fault == fault
        assert mock._powers.injector.check() == []

    def test_nothing_observes_any_more(self, mock: S2Mock, way: Way) -> None:
        needs_this_process(mock, "it looks at the engine")
        engine = mock.account.engine
        assert engine.observers == ()
        with mock.on("append", lambda _: Drop(committed=True), at="arrival"):
            assert len(engine.observers) == 1
            with pytest.raises(ConnectionError):
                way.append("a")
        assert engine.observers == ()
        held = mock.hold(on="append")
        appending = Started(lambda: way.append("a"))
        held.wait(timeout=PATIENCE)
        held.release(fault=Drop(committed=True))
        assert isinstance(appending.result(), ConnectionError)
        assert engine.observers == ()

    @pytest.mark.parametrize("decided", ["hook", "release"])
    def test_it_takes_precedence_and_the_injected_one_keeps_its_count(
        self, mock: S2Mock, way: Way, decided: str
    ) -> None:
        injected = mock.inject(Fail("storage"), on="append")
        if decided == "hook":
            mock.on("append", lambda _: Fail("unavailable"), at="arrival", times=1)
            assert way.append("a").status == 503
        else:
            held = mock.hold(on="append", at="arrival")
            appending = Started(lambda: way.append("a"))
            held.wait(timeout=PATIENCE)
            held.release(fault=Fail("unavailable"))
            assert appending.result().status == 503
        assert (injected.hits, injected.remaining, injected.exchanges) == (0, 1, ())
        assert way.append("b").status == 500
        assert (injected.hits, injected.remaining) == (1, 0)
        assert [it.fault for it in mock.journal.of("append")] == [
            Fail("unavailable"),
            Fail("storage"),
        ]
        assert bodies(mock) == []

    def test_list_of_faults_begins_with_the_one_that_came_back(
        self, mock: S2Mock, way: Way
    ) -> None:
        faults = [Fail("storage"), None, Fail("other")]
        injected = mock.inject(faults, on="append")
        mock.on("append", lambda _: Fail("unavailable"), at="arrival", times=1)
        found = [way.append(str(number)).status for number in range(5)]
        assert found == [503, 500, 200, 500, 200]
        assert [it.fault for it in injected.exchanges] == [Fail("storage"), Fail("other")]

    def test_fault_of_a_list_comes_back_while_a_later_one_is_taken(self, mock: S2Mock) -> None:
        ways = [Way("http1", mock) for _ in range(3)]
        injected = mock.inject([Fail("storage"), Fail("other")], on="append")
        with mock.hold(on="append", at="arrival", times=2) as held:
            appending = []
            for number in range(2):
                appending.append(Started(partial(ways[number].append, "a")))
                held.wait(number + 1, timeout=PATIENCE)
            held.release(exchange=held.exchanges[0], fault=Fail("unavailable"))
            assert appending[0].result().status == 503
            assert ways[2].append("a").status == 500
        assert appending[1].result().status == 500
        assert [it.fault for it in injected.exchanges] == [Fail("other"), Fail("storage")]
        for way in ways:
            way.close()

    def test_an_injected_fault_that_was_applied_counts(self, make: Make) -> None:
        mock = make(basins=SEEDS, clock="manual")
        with closing(Way("http1", mock)) as way:
            injected = mock.inject(Delay(5), on="append")
            with mock.on("append", lambda _: Fail("unavailable"), times=1):
                appending = Started(lambda: way.append("a"))
                mock.wait_for_waiters(timeout=PATIENCE)
                mock.advance(5)
                assert appending.result().status == 503
            assert (injected.hits, injected.remaining) == (1, 0)

    def test_the_latest_decision_holds(self, mock: S2Mock, way: Way) -> None:
        with (
            mock.on("append", lambda _: Fail("storage")),
            mock.on("append", do_nothing),
            mock.on("append", lambda _: Fail("unavailable")),
        ):
            assert way.append("a").status == 503

    @pytest.mark.parametrize(
        ("fault", "on", "at", "says"),
        [
            (Fail("unavailable"), "append", "answer", "the operation is applied, and this fault"),
            (Drop(), "append", "answer", "denies that; Drop(committed=True), "),
            (Drop(refused=True), "append", "answer", "the operation is applied"),
            (Answer(502), "append", "answer", "at='commit' is before its effect"),
            (Drain(), "append", "answer", "the operation is applied"),
            (Fail("rate_limited"), "append", "answer", "the operation is applied"),
            (Late(1), "append", "answer", "the operation is applied"),
            (Late(reads=1), "append", "answer", "the operation is applied"),
            (Late(1, code="unavailable"), "append", "answer", "the operation is applied"),
            (Cut(records=1), "append", "commit", "only the answer to a read is counted in records"),
        ],
    )
    def test_without_meaning(
        self, mock: S2Mock, way: Way, fault: Fault, on: str, at: Any, says: str
    ) -> None:
        """A release raises it and releases nothing; a hook fails the test."""
        with mock.hold(on=on, at=at) as held:
            appending = Started(lambda: way.append("a"))
            [exchange] = held.wait(timeout=PATIENCE)
            for chosen in ({}, {"exchange": exchange}):
                with pytest.raises(ValueError, match="^") as caught:
                    held.release(fault=fault, **chosen)  # type: ignore[arg-type]
                assert says in str(caught.value)
                assert repr(fault) in str(caught.value)
            assert not appending.is_over
        assert appending.result().status == 200

        hook = mock.on(on, lambda _: fault, at=at)
        assert way.append("b").status == 200
        [complaint] = mock._powers.injector.check()
        assert complaint.startswith(f"a hook failed: on({on!r}, at={at!r}): ValueError: {fault!r} ")
        assert says in complaint
        hook.remove()
        assert bodies(mock) == ["a", "b"]

    @pytest.mark.parametrize("fault", [Fail("unavailable"), Drop(), Late(1), Late(reads=1)])
    def test_denial_on_a_batch_at_its_answer(self, mock: S2Mock, h2c: Way, fault: Fault) -> None:
        with mock.hold(on="append", at="answer") as held:
            session = Started(lambda: h2c.session(RECORDS, FRAMES, "POST", append_frame("a")))
            held.wait(timeout=PATIENCE)
            with pytest.raises(ValueError, match="the operation is applied, and this fault denies"):
                held.release(fault=fault)
        assert not session.result()[1]
        hook = mock.on("append", lambda _: fault, at="answer")
        assert not h2c.session(RECORDS, FRAMES, "POST", append_frame("b"))[1]
        [complaint] = mock._powers.injector.check()
        assert "the operation is applied, and this fault denies" in complaint
        hook.remove()
        assert bodies(mock) == ["a", "b"]

    def test_an_answer_on_a_batch_in_a_session(self, mock: S2Mock, way: Way) -> None:
        with mock.hold(on="append") as held:
            session = Started(lambda: way.session(RECORDS, FRAMES, "POST", append_frame("a")))
            held.wait(timeout=PATIENCE)
            with pytest.raises(ValueError, match="on='append-session' is the opening"):
                held.release(fault=Answer(502))
        assert not session.result()[1]
        with mock.on("append", lambda _: Drop(committed=True), times=1):
            assert way.session(RECORDS, FRAMES, "POST", append_frame("b"))[1]
        assert bodies(mock) == ["a", "b"]

    def test_fault_of_a_read(self, mock: S2Mock, way: Way) -> None:
        mock.stream(BASIN, "log").append(["a", "b"])
        with mock.on("read", lambda _: Cut(records=1), at="answer"):
            received, broke_off = way.session(f"{RECORDS}?seq_num=0", EVENTS)
        assert broke_off
        assert b'"body":"a"' in received
        assert b'"body":"b"' not in received


class TestRelease:
    def test_one_by_one(self, mock: S2Mock) -> None:
        """Three appends are held; each goes on with another outcome, in an order of choice."""
        ways = [Way("http1", mock) for _ in range(4)]
        with mock.hold(on="append", times=3) as held:
            appending = []
            for number in range(3):
                appending.append(Started(partial(ways[number].append, str(number))))
                held.wait(number + 1, timeout=PATIENCE)
            first, second, third = held.exchanges
            assert [it.held for it in held.exchanges] == [1, 2, 3]
            assert [text_of(it) for it in held.exchanges] == ["0", "1", "2"]
            held.release(exchange=third)
            assert appending[2].result().status == 200
            held.release(exchange=first, fault=Fail("unavailable"))
            assert appending[0].result().status == 503
            assert not appending[1].is_over
            held.release(exchange=third)
            with pytest.raises(ValueError, match=r"does not hold the operation 3 now .*holds 2$"):
                held.release(exchange=third, fault=Drop())
            # It holds three in all.
            assert ways[3].append("3").status == 200
            held.release(exchange=second, fault=Drop(committed=True))
            assert isinstance(appending[1].result(), ConnectionError)
        assert bodies(mock) == ["2", "3", "1"]
        for way in ways:
            way.close()

    def test_all_with_a_fault(self, mock: S2Mock) -> None:
        ways = [Way("http1", mock) for _ in range(2)]
        with mock.hold(on="append", times=None) as held:
            appending = [Started(partial(way.append, "a")) for way in ways]
            held.wait(2, timeout=PATIENCE)
            held.release(fault=Fail("unavailable"))
            assert [one.result().status for one in appending] == [503, 503]
            assert ways[0].append("b").status == 200
        assert bodies(mock) == ["b"]
        for way in ways:
            way.close()

    def test_two_holds_name_it_alike(self, mock: S2Mock, http1: Way) -> None:
        """An exchange of one hold is known to another that holds it, and to no other."""
        other = Way("http1", mock)
        with (
            mock.hold(on="append", stream="log") as first,
            mock.hold(on="append", times=2) as both,
            mock.hold(on="append", stream="orders/*") as last,
        ):
            appending = Started(lambda: http1.append("a"))
            both.wait(timeout=PATIENCE)
            ordering = Started(lambda: other.append("b", stream="orders/eu"))
            [order] = last.wait(timeout=PATIENCE)
            both.wait(2, timeout=PATIENCE)
            [exchange] = first.exchanges
            with pytest.raises(ValueError, match="does not hold the operation 2 now"):
                first.release(exchange=order)
            both.release(exchange=exchange)
            first.release(exchange=exchange)
            assert appending.result().status == 200
            assert not ordering.is_over
        assert ordering.result().status == 200
        other.close()

    def test_of_nothing(self, mock: S2Mock, http1: Way) -> None:
        http1.append("a")
        with mock.hold(on="append", required=False) as held:
            with pytest.raises(ValueError, match=r"holds nothing now.*call wait\(\) before"):
                held.release(fault=Drop())
            with pytest.raises(ValueError, match="was not held: take an exchange of held"):
                held.release(exchange=mock.journal[0])
            for wrong in (1, "a"):
                with pytest.raises(TypeError, match="exchange must be an Exchange of held"):
                    held.release(exchange=wrong)  # type: ignore[arg-type]
            for fault in (Drop, "Drop()", [Drop()]):
                with pytest.raises(TypeError, match="fault"):
                    held.release(fault=fault)  # type: ignore[arg-type]
            # Nothing of that has released it.
            appending = Started(lambda: http1.append("b"))
            held.wait(timeout=PATIENCE)
            assert not appending.is_over
        assert appending.result().status == 200

    def test_after_a_reset(self, mock: S2Mock, http1: Way) -> None:
        held = mock.hold(on="append")
        appending = Started(lambda: http1.append("a"))
        [exchange] = held.wait(timeout=PATIENCE)
        mock.reset()
        held.release()
        with pytest.raises(ValueError, match="hold"):
            held.release(exchange=exchange, fault=Drop())
        assert isinstance(appending.result(), ConnectionError)


class TestFailures:
    @each_point
    def test_the_operation_goes_on(self, mock: S2Mock, way: Way, at: Any) -> None:
        def fail(_: Exchange) -> None:
            raise KeyError("of the hook")

        with pytest.raises(KeyError, match="of the hook") as caught, mock.on("append", fail, at=at):
            assert way.append("a").status == 200
        assert caught.traceback[-1].name == "fail"
        assert bodies(mock) == ["a"]
        # It is reported once.
        assert mock._powers.injector.check() == []

    def test_several(self, mock: S2Mock, http1: Way) -> None:
        def fail(exchange: Exchange) -> None:
            raise KeyError(text_of(exchange))

        def use() -> None:
            with mock.on("append", fail):
                for number in range(3):
                    http1.append(str(number))

        with pytest.raises(KeyError, match="0") as caught:
            use()
        assert caught.value.__notes__ == ["2 more calls of hooks have raised an exception"]

    def test_with_another_exception_on_its_way(self, mock: S2Mock, http1: Way) -> None:
        def fail(_: Exchange) -> None:
            raise KeyError("of the hook")

        def use() -> None:
            with mock.on("append", fail):
                http1.append("a")
                raise LookupError("of the test")

        with pytest.raises(LookupError, match="of the test"):
            use()
        [complaint] = mock._powers.injector.check()
        assert "KeyError: 'of the hook'" in complaint

    def test_at_the_end_of_its_mock(self, make: Make) -> None:
        def fail(_: Exchange) -> None:
            raise KeyError("of the hook")

        def use() -> None:
            with make(basins=SEEDS) as mock, closing(Way("http1", mock)) as way:
                mock.on("append", fail)
                mock.hold(on="read")
                assert way.append("a").status == 200

        with pytest.raises(KeyError, match="of the hook") as caught:
            use()
        assert any("a hold held nothing" in note for note in caught.value.__notes__)

    @pytest.mark.parametrize(
        ("result", "says"),
        [(Drop, "Drop is a kind of fault: make one, as in Drop()"), (0, "nothing awaits")],
    )
    def test_wrong_result(self, mock: S2Mock, http1: Way, result: Any, says: str) -> None:
        async def wait() -> None:
            pass

        with (
            pytest.raises(TypeError, match="fault|coroutine") as caught,
            mock.on("append", lambda _: wait() if result == 0 else result),
        ):
            assert http1.append("a").status == 200
        assert says in str(caught.value)

    def test_a_call_that_lasts(
        self, mock: S2Mock, http1: Way, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It fails its test, and what it raises later fails no other."""
        assert hooks.PATIENCE == 5.0
        monkeypatch.setattr(hooks, "PATIENCE", 0.05)
        began, goes_on, is_over = (threading.Event() for _ in range(3))

        def wait(_: Exchange) -> None:
            began.set()
            try:
                assert goes_on.wait(PATIENCE)
                raise KeyError
            finally:
                is_over.set()

        mock.on("append", wait)
        appending = Started(lambda: http1.append("a"))
        assert began.wait(PATIENCE)
        assert mock._powers.injector.check() == [
            "a hook has not returned 0.05 s after the end of its test: on('append', at='commit')"
        ]
        assert appending.result().status == 200
        goes_on.set()
        assert is_over.wait(PATIENCE)
        assert mock._powers.injector.check() == []

    @pytest.mark.parametrize("end", [S2Mock.close, S2Mock.reset])
    def test_the_mock_ends_during_a_call(self, end: Callable[[S2Mock], None]) -> None:
        """The operation is dropped without an effect, in the function too."""
        has_ended = threading.Event()

        def end_mock(_: object) -> None:
            end(mock)
            has_ended.set()

        with S2Mock(basins=SEEDS) as mock, closing(Way("http1", mock)) as way:
            log = mock.stream(BASIN, "log")
            mock.on("append", end_mock)
            with pytest.raises(ConnectionError):
                way.append("a")
            # Until then it may end another connection, too.
            assert has_ended.wait(PATIENCE)
            if end is S2Mock.close:
                assert log.records == ()
            else:
                assert bodies(mock) == []
                assert way.append("b").status == 200

    def test_threads_end(self, make: Make) -> None:
        before = set(threading.enumerate())
        with make(basins=SEEDS) as mock, closing(Way("http1", mock)) as way:
            mock.on("append", do_nothing)
            assert way.append("a").status == 200
        left = {thread for thread in threading.enumerate() if "hook" in thread.name} - before
        assert not left

    @pytest.mark.parametrize(
        ("arguments", "kind", "says"),
        [
            ({"operation": "append", "do": None}, TypeError, "do must be a function that takes"),
            ({"operation": "apend"}, ValueError, "did you mean 'append'"),
            ({"operation": "append", "at": "comit"}, ValueError, 'at must be "arrival", "commit"'),
            ({"operation": "append", "times": 0}, ValueError, "times must be 1 or more"),
            ({"operation": "append", "skip": -1}, ValueError, "skip must be 0 or more"),
            ({"operation": "append", "stream": ""}, ValueError, "stream must be a name or a glob"),
        ],
    )
    def test_wrong_arguments(
        self, mock: S2Mock, arguments: dict[str, Any], kind: type[Exception], says: str
    ) -> None:
        with pytest.raises(kind, match=says):
            mock.on(**{"do": do_nothing, **arguments})


MODULE = """
    import pytest
    from s2mock import S2Mock

    def fail(exchange):
        raise KeyError("of the hook")

    def append(s2_mock):
        document = {"records": [{"body": "a"}]}
        headers = {"s2-basin": "my-basin"}
        path = "/v1/streams/log/records"
        return s2_mock.client.post(path, json=document, headers=headers).status_code

    pytestmark = pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": [{"name": "log"}]}])

    def test_that_passes_otherwise(s2_mock):
        s2_mock.on("append", fail)
        assert append(s2_mock) == 200

    def test_that_fails_otherwise(s2_mock):
        s2_mock.on("append", fail)
        assert append(s2_mock) == 200
        assert 1 == 2

    def test_of_an_assertion(s2_mock):
        def check(exchange):
            assert exchange.stream == "other"
        s2_mock.on("append", check)
        append(s2_mock)

    @pytest.fixture(scope="module")
    def shop():
        with S2Mock(basins=[{"name": "my-basin", "streams": [{"name": "log"}]}]) as mock:
            yield mock

    def test_of_a_mock_of_the_module(shop):
        shop.on("append", fail)
        append(shop)

    def test_the_next_of_that_mock(shop):
        assert append(shop) == 200

    def test_never_called(s2_mock):
        s2_mock.on("append", fail)

    def test_without_hooks(s2_mock):
        assert append(s2_mock) == 200
"""


def test_at_the_end_of_its_test(run: Any) -> None:
    result = run(MODULE, "-v", "-p", "no:randomly")
    result.assert_outcomes(passed=3, failed=4)
    text = result.stdout.str()
    assert " ERROR " not in text
    for name in ("the_next_of_that_mock", "never_called", "without_hooks"):
        result.stdout.fnmatch_lines([f"*::test_{name} PASSED*"])
    assert (
        text.count("\na hook failed: on('append', at='commit'): KeyError: 'of the hook'\nTrace")
        == 3
    )
    assert text.count('raise KeyError("of the hook")\nKeyError: ') == 3
    assert "in check\n" in text
    summary = text[text.rindex("short test summary info") :]
    assert "test_that_fails_otherwise - assert 1 == 2" in summary
    assert "test_that_passes_otherwise - Failed: a" in summary


class TestCoroutines:
    def test_it_runs_on_the_loop_of_serve(self) -> None:
        async def use() -> None:
            loops: list[Any] = []

            async def add(exchange: Exchange) -> Fault | None:
                await asyncio.sleep(0)
                loops.append(asyncio.get_running_loop())
                return Fail("unavailable") if text_of(exchange) == "b" else None

            with S2Mock(basins=SEEDS) as mock:
                async with (
                    await mock.serve() as server,
                    httpx.AsyncClient(base_url=server.url, headers=headers_of(mock)) as client,
                ):
                    with mock.on("append", add) as hook, mock.on("append", do_nothing):
                        found = []
                        for body in "ab":
                            answer = await client.post(
                                RECORDS,
                                json={"records": [{"body": body}]},
                                headers={"s2-basin": BASIN},
                            )
                            found.append(answer.status_code)
                        # A call by another way runs there too.
                        way = Way("wsgi", mock)
                        found.append((await asyncio.to_thread(way.append, "c")).status)
                    assert found == [200, 503, 200]
                    assert (hook.calls, set(loops)) == (3, {asyncio.get_running_loop()})

        asyncio.run(use())

    def test_it_fails(self) -> None:
        async def fail(_: Exchange) -> None:
            raise KeyError("of the hook")

        async def use() -> None:
            with S2Mock(basins=SEEDS) as mock:
                async with await mock.serve():
                    with mock.on("append", fail):
                        way = Way("wsgi", mock)
                        assert (await asyncio.to_thread(way.append, "a")).status == 200

        with pytest.raises(KeyError, match="of the hook"):
            asyncio.run(use())

    def test_the_loop_ends_during_a_call(self) -> None:
        """The loop cancels it, which fails no test, and the operation goes on."""

        began = asyncio.Event()

        async def last(_: Exchange) -> None:
            began.set()
            await asyncio.Event().wait()

        with S2Mock(basins=SEEDS) as mock, closing(Way("http1", mock)) as way:

            async def use() -> Started:
                await mock.serve()
                mock.on("append", last)
                appending = Started(lambda: way.append("a"))
                await began.wait()
                return appending

            assert asyncio.run(use()).result().status == 200

    def test_the_loop_has_ended(self) -> None:
        async def last(_: Exchange) -> None:
            pass

        async def serve(mock: S2Mock) -> None:
            await mock.serve()
            mock.on("append", last)

        def use() -> None:
            with S2Mock(basins=SEEDS) as mock, closing(Way("http1", mock)) as way:
                asyncio.run(serve(mock))
                assert way.append("b").status == 200

        with pytest.raises(RuntimeError, match="Event loop is closed"):
            use()

    def test_without_a_loop(self, mock: S2Mock) -> None:
        async def add(_: Exchange) -> None:
            pass

        class Adding:
            async def __call__(self, _: Exchange) -> None:
                pass

        for do in (add, partial(add), Adding()):
            with pytest.raises(
                TypeError, match=r"loop of serve\(\).*call `await s2_mock.serve\(\)"
            ):
                mock.on("append", do)


def test_equal_results(make: Make) -> None:
    """Exchanges say by which number they were held, on either backend."""
    mock = make(basins=SEEDS)
    with closing(Way("http1", mock)) as way, mock.on("append", do_nothing) as hook:
        way.append("a")
        way("GET", "/v1/streams")
        way.append("b")
    assert [it.held for it in mock.journal] == [1, None, 2]
    assert hook.exchanges == (mock.journal[0], mock.journal[2])


def test_in_a_sweep_it_is_a_failure_of_the_attempt(run: Any) -> None:
    result = run(
        """
        from s2mock import Drop

        def fail(exchange):
            raise KeyError("of the hook")

        def test_it(s2_sweep):
            basins = [{"name": "my-basin", "streams": [{"name": "log"}]}]
            for attempt in s2_sweep([Drop(committed=True)], on="append", basins=basins):
                with attempt as s2_mock:
                    # The third append is there after a fault only.
                    s2_mock.on("append", fail, skip=2)
                    answers = []
                    while len(answers) < 2:
                        try:
                            answers.append(
                                s2_mock.client.post(
                                    "/v1/streams/log/records",
                                    json={"records": [{"body": "a"}]},
                                    headers={"s2-basin": "my-basin"},
                                )
                            )
                        except ConnectionError:
                            pass
        """
    )
    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    assert "2 of 2" in text
    assert "KeyError: 'of the hook'" in text
