"""A hold stops one operation and no other, at each of its points."""

import asyncio
import threading
from contextlib import closing
from typing import Any

import httpx
import pytest

from s2mock import (
    Answer,
    AppendRecord,
    Cut,
    Delay,
    Drain,
    Drop,
    Fail,
    Fault,
    ManualClock,
    S2Mock,
    UnusedFault,
)
from s2mock.server import wsgi
from tests.plugin.conftest import Run
from tests.powers.conftest import (
    BASIN,
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
from tests.powers.leaving import ClosesHttp1, append

POINTS = ["arrival", "commit", "answer"]
each_point = pytest.mark.parametrize("at", POINTS)


@each_point
def test_one_waits_and_goes_on(mock: S2Mock, way: Way, at: str) -> None:
    with mock.hold(on="append", stream="log", at=at) as held:  # type: ignore[arg-type]
        first = Started(lambda: way.append("a"))
        [exchange] = held.wait()
        assert bodies(mock) == (["a"] if at == "answer" else [])
        assert (exchange.operation, exchange.stream, exchange.number) == ("append", "log", 0)
        assert exchange.request.document == {"records": [{"body": "a"}]}
        assert (exchange.response, exchange.ended) == (None, None)
        assert not first.is_over
        assert len(mock.journal) == 0
    assert first.result().status == 200
    assert bodies(mock) == ["a"]
    assert held.exchanges == (mock.journal[0],)


@pytest.mark.sample(3)
@each_point
def test_no_other_waits(mock: S2Mock, at: str) -> None:
    """32 threads append to the same stream, list, read and create while one append is held."""
    stream = mock.basin(BASIN).stream("log")
    names = ["http1", "h2c", "wsgi", "http1"]

    def work(number: int) -> None:
        with closing(Way(names[number % len(names)], mock)) as way:
            assert way.append(str(number)).status == 200
            assert way("GET", "/v1/streams").status == 200
            assert way("GET", f"{RECORDS}?seq_num=0&count=1").status == 200
            assert way("POST", "/v1/streams", {"stream": f"new-{number}"}).status == 201
        stream.append(["direct"])

    needs_this_process(mock, "calls by WSGI are among those that go on")
    own = Way("http1", mock)
    with mock.hold(on="append", at=at) as held:  # type: ignore[arg-type]
        first = Started(lambda: own.append("held"))
        held.wait()
        for one in [Started(lambda number=number: work(number)) for number in range(32)]:  # type: ignore[misc]
            assert one.result() is None
        assert not first.is_over
    assert first.result().status == 200
    assert len(bodies(mock)) == 32 + 32 + 1
    assert (bodies(mock)[-1] == "held") == (at != "answer")
    own.close()


@each_point
def test_a_held_batch_holds_the_later_ones_of_its_session(mock: S2Mock, way: Way, at: str) -> None:
    content = b"".join(map(append_frame, ["a", "b", "c"]))
    with mock.hold(on="append", at=at, skip=1) as held:  # type: ignore[arg-type]
        session = Started(lambda: way.session(RECORDS, FRAMES, "POST", content))
        [exchange] = held.wait()
        assert exchange.request.document == {"records": [{"body": "b"}]}
        assert exchange.session == mock.journal.of("append-session")[0].number
        assert bodies(mock) == (["a", "b"] if at == "answer" else ["a"])
        with closing(Way("http1", mock)) as other:
            assert other.append("between").status == 200
    received, broke_off = session.result()
    assert not broke_off
    assert len(list(frames(received))) == 3


def test_append_held_at_its_commit_is_decided_again(mock: S2Mock, way: Way) -> None:
    """The fencing token changes during the hold, so that it is refused on release."""
    stream = mock.basin(BASIN).stream("log")
    stream.append([AppendRecord.fence("mine")])
    document = {"records": [{"body": "a"}], "fencing_token": "mine"}
    with mock.hold(on="append", at="commit") as held:
        appending = Started(lambda: way("POST", RECORDS, document))
        held.wait()
        stream.append([AppendRecord.fence("theirs")])
    answer = appending.result()
    assert (answer.status, answer.json) == (412, {"fencing_token_mismatch": "theirs"})


def test_what_s2_refuses_never_comes_to_its_commit(mock: S2Mock, way: Way) -> None:
    with mock.hold(on="append", at="commit", required=False) as held:
        assert way.append("a", stream="no-such-stream").status == 404
        with pytest.raises(TimeoutError, match="0 of 1 operations were held by hold\\(on='append'"):
            held.wait(timeout=0)


@pytest.mark.parametrize("at", ["arrival", "commit"])
def test_a_stream_made_on_append_is_not_there_before_the_release(at: str) -> None:
    config = {"create_stream_on_append": True}
    with S2Mock(basins=[{"name": BASIN, "config": config}]) as mock:
        with closing(Way("http1", mock)) as way, mock.hold(on="append", at=at) as held:  # type: ignore[arg-type]
            appending = Started(lambda: way.append("a", stream="new"))
            held.wait()
            assert mock.basin(BASIN).streams == ()
            held.release()
            assert appending.result().status == 200
        assert mock.basin(BASIN).streams == ("new",)


def test_times_and_skip(mock: S2Mock) -> None:
    ways = [Way("http1", mock) for _ in range(4)]
    with mock.hold(on="append", skip=1, times=2) as held:
        assert ways[0].append("skipped").status == 200
        first = Started(lambda: ways[1].append("a"))
        held.wait(1)
        second = Started(lambda: ways[2].append("b"))
        assert len(held.wait(2)) == 2
        assert ways[3].append("c").status == 200
    assert first.result().status == second.result().status == 200
    for way in ways:
        way.close()


def test_until_released_it_holds_all(mock: S2Mock) -> None:
    ways = [Way("http1", mock) for _ in range(3)]
    with mock.hold(on="append", times=None) as held:
        appending = [Started(lambda way=way: way.append("x")) for way in ways]  # type: ignore[misc]
        held.wait(3)
        held.release()
        assert [one.result().status for one in appending] == [200] * 3
        # It holds nothing more.
        assert ways[0].append("y").status == 200
    for way in ways:
        way.close()


@each_point
@pytest.mark.parametrize("name", ["http1", "h2c", "wsgi"])
def test_whose_mock_ends_is_gone(at: str, name: str) -> None:
    before = threading.active_count()
    with S2Mock(basins=SEEDS) as mock:
        way = Way(name, mock)
        held = mock.hold(on="append", at=at)  # type: ignore[arg-type]
        appending = Started(lambda: way.append("a"))
        held.wait()
        stream = mock.basin(BASIN).stream("log")
    assert isinstance(appending.result(), ConnectionResetError)
    assert len(stream.records) == (1 if at == "answer" else 0)
    way.close()
    assert threading.active_count() <= before


def test_whose_test_ends_is_gone(run: Run) -> None:
    result = run(
        """
        import threading
        import httpx
        import pytest

        answers = []

        def append(url):
            try:
                answers.append(httpx.put(url + "/v1/basins/my-basin", timeout=30))
            except httpx.TransportError as error:
                answers.append(error)

        def test_that_leaves_it(s2_mock):
            held = s2_mock.hold(on="ensure-basin")
            global thread
            thread = threading.Thread(target=append, args=(s2_mock.url,))
            thread.start()
            held.wait()

        def test_after(s2_mock):
            thread.join(1)
            assert not thread.is_alive()
            assert isinstance(answers[0], httpx.TransportError)
            assert s2_mock.basins == ()
        """
    )
    result.assert_outcomes(passed=2)


class TestThatNothingReached:
    """It fails its test, as a fault does that was not used."""

    def test_at_the_end_of_its_block(self, mock: S2Mock, http1: Way) -> None:
        with (
            pytest.raises(UnusedFault) as caught,
            mock.hold(on="append", stream="orders/*", at="arrival"),
        ):
            http1.append("a")
        assert str(caught.value) == (
            "a hold held nothing: hold(on='append', stream='orders/*', at='arrival'); 1 append "
            "arrived, to `log`; the hold waits for `orders/*`"
        )
        # It is said once.
        assert mock._powers.injector.check() == []

    def test_that_skipped_what_came(self, mock: S2Mock, http1: Way) -> None:
        with pytest.raises(UnusedFault, match="skip=3, and 1 arrived;"):  # noqa: SIM117
            with mock.hold(on="append", skip=3):
                http1.append("a")

    def test_released_within_its_block(self, mock: S2Mock) -> None:
        with (
            pytest.raises(UnusedFault, match="no append arrived, and nothing else"),
            mock.hold(on="append") as held,
        ):
            held.release()

    def test_with_an_exception_on_its_way(self, mock: S2Mock) -> None:
        with pytest.raises(KeyError), mock.hold(on="append"):
            raise KeyError
        assert mock._powers.injector.check() == []

    def test_that_need_not_be_reached(self, mock: S2Mock) -> None:
        with mock.hold(on="append", required=False):
            pass
        mock.hold(on="append", required=False)

    @each_point
    def test_one_that_was_reached_says_nothing(self, mock: S2Mock, http1: Way, at: Any) -> None:
        with mock.hold(on="append", at=at, times=2) as held:
            appending = Started(lambda: http1.append("a"))
            held.wait(timeout=PATIENCE)
        assert appending.result().status == 200
        assert mock._powers.injector.check() == []

    @pytest.mark.parametrize(
        "end", [lambda _, __: None, lambda _, held: held.release(), lambda mock, _: mock.reset()]
    )
    def test_at_the_end_of_its_mock(self, end: Any) -> None:
        def hold() -> None:
            with S2Mock() as mock:
                end(mock, mock.hold(on="append"))

        with pytest.raises(UnusedFault, match=r"^a hold held nothing: hold\(on='append', at="):
            hold()

    def test_at_the_end_of_its_test(self, run: Run) -> None:
        result = run(
            """
            import pytest
            from s2mock import S2Mock

            def test_in_a_block(s2_mock):
                with s2_mock.hold(on="append"):
                    pass

            def test_left_open(s2_mock):
                s2_mock.hold(on="append")

            def test_released(s2_mock):
                s2_mock.hold(on="append").release()

            def test_that_fails_otherwise(s2_mock):
                s2_mock.hold(on="append")
                assert 1 == 2

            def test_of_a_mock_that_was_left_open():
                global left
                left = S2Mock()
                left.hold(on="append")

            def test_of_a_mock_that_has_ended():
                mock = S2Mock()
                mock.hold(on="append")
                mock.close()

            @pytest.fixture
            def held(s2_mock):
                with s2_mock.hold(on="append") as held:
                    yield held

            @pytest.mark.usefixtures("held")
            def test_of_a_fixture():
                pass

            @pytest.fixture(scope="module")
            def shared():
                with S2Mock() as mock:
                    yield mock

            def test_of_a_mock_of_the_module(shared):
                shared.hold(on="append")

            def test_the_next_of_that_mock(shared):
                shared.client.get("/v1/basins")

            def test_that_need_not_be(s2_mock):
                s2_mock.hold(on="append", required=False)

            def test_is_skipped(s2_mock):
                s2_mock.hold(on="append")
                pytest.skip("for a reason")
            """,
            "-v",
        )
        result.assert_outcomes(passed=2, failed=8, skipped=1)
        text = result.stdout.str()
        assert " ERROR " not in text
        for name in ("test_that_need_not_be", "test_the_next_of_that_mock"):
            result.stdout.fnmatch_lines([f"*::{name} PASSED*"])
        assert (
            text.count("a hold held nothing: hold(on='append', at='commit'); no append arrived")
            >= 8
        )
        summary = text[text.rindex("short test summary info") :]
        assert "test_that_fails_otherwise - assert 1 == 2" in summary


def test_its_wait_says_what_came(mock: S2Mock, http1: Way) -> None:
    with mock.hold(on="append", stream="orders/*", required=False) as held:
        http1.append("a")
        with pytest.raises(TimeoutError) as caught:
            held.wait(2, timeout=0)
    assert str(caught.value) == (
        "0 of 2 operations were held by hold(on='append', stream='orders/*', at='commit') within "
        "0 s; 1 append arrived, to `log`; the hold waits for `orders/*`"
    )


def test_in_an_event_loop(mock: S2Mock) -> None:
    async def run() -> None:
        async with httpx.AsyncClient(
            base_url=mock.url, headers={"s2-basin": BASIN, **headers_of(mock)}
        ) as client:
            with mock.hold(on="append") as held:
                document = {"records": [{"body": "a"}]}
                appending = asyncio.create_task(client.post(RECORDS, json=document))
                assert len(await held.async_wait()) == 1
                with pytest.raises(TimeoutError, match="1 of 2"):
                    await held.async_wait(2, timeout=0)
                with pytest.raises(TimeoutError, match="`await` the method"):
                    held.wait(2, timeout=0)
            assert (await appending).status_code == 200

    asyncio.run(run())


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        ({"on": "append", "at": "comit"}, ValueError, 'at must be "arrival", "commit" or "answer"'),
        ({"on": "apend"}, ValueError, "did you mean 'append'"),
        ({"on": "append", "times": 0}, ValueError, "times must be 1 or more"),
        ({"on": "append", "skip": "1"}, TypeError, "skip must be a whole number"),
        ({"on": "append", "required": 1}, TypeError, "required must be True or False"),
    ],
)
def test_what_makes_no_sense_is_refused(
    mock: S2Mock, arguments: dict[str, object], kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=says):
        mock.hold(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("count", "timeout", "kind"),
    [(0, 1, ValueError), ("1", 1, TypeError), (1, -1, ValueError), (1, None, TypeError)],
)
def test_a_wait_that_makes_no_sense_is_refused(
    mock: S2Mock, count: int, timeout: float, kind: type[Exception]
) -> None:
    with mock.hold(on="append", required=False) as held, pytest.raises(kind):
        held.wait(count, timeout=timeout)


class TestOfTheTestsOwnClient:
    """A call of WSGI in the thread that would have to end its wait is told so, and ends."""

    @pytest.fixture(autouse=True)
    def short_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Shorten the five seconds after which such a call ends."""
        assert wsgi.PATIENCE == 5.0
        monkeypatch.setattr(wsgi, "PATIENCE", 0.2)

    def test_held(self, mock: S2Mock) -> None:
        needs_this_process(mock, "a call by WSGI")
        held = mock.hold(on="append")
        with pytest.raises(TimeoutError, match=r"0\.2 s: .*make it in another thread, or rel"):
            Way("wsgi", mock).append("a")
        held.release()
        assert bodies(mock) == []

    def test_waiting_for_a_manual_clock(self) -> None:
        with (
            S2Mock(basins=SEEDS, clock=ManualClock()) as mock,
            pytest.raises(TimeoutError, match=r"0\.2 s: .*waits for a manual clock"),
        ):
            Way("wsgi", mock)("GET", f"{RECORDS}?seq_num=0&wait=10")

    def test_in_another_thread_it_waits(self, mock: S2Mock) -> None:
        needs_this_process(mock, "a call by WSGI")
        with mock.hold(on="append") as held:
            appending = Started(lambda: Way("wsgi", mock).append("a"))
            held.wait()
        assert appending.result().status == 200


class TestReaders:
    def test_wait_for_them(self, mock: S2Mock, way: Way) -> None:
        stream = mock.basin(BASIN).stream("log")
        assert stream.readers == 0
        reading = Started(
            lambda: way.session(
                f"{RECORDS}?seq_num=0&count=1&wait=60", {"content-type": "s2s/proto"}
            )
        )
        stream.wait_for_readers()
        assert stream.readers == 1
        # Those that are there already count.
        stream.wait_for_readers(1, timeout=0)
        stream.append(["a"])
        received, _ = reading.result()
        assert [body for frame in frames(received) for body in frame.bodies] == ["a"]

    def test_too_few(self, mock: S2Mock) -> None:
        stream = mock.basin(BASIN).stream("log")
        with pytest.raises(TimeoutError, match="0 of 2 read sessions followed at the tail of"):
            stream.wait_for_readers(2, timeout=0)
        with pytest.raises(ValueError, match="count must be 1 or more"):
            stream.wait_for_readers(0)

    def test_in_an_event_loop(self, mock: S2Mock, http1: Way) -> None:
        stream = mock.basin(BASIN).stream("log")

        async def run() -> None:
            waiting = asyncio.create_task(stream.async_wait_for_readers(timeout=PATIENCE))
            reading = asyncio.create_task(
                asyncio.to_thread(
                    http1.session,
                    f"{RECORDS}?seq_num=0&count=1&wait=60",
                    {"content-type": "s2s/proto"},
                )
            )
            await waiting
            stream.append(["a"])
            await reading
            with pytest.raises(TimeoutError, match="of 5 read sessions"):
                await stream.async_wait_for_readers(5, timeout=0)

        asyncio.run(run())


class TestTwoOnOneOperation:
    @each_point
    def test_both_are_told_at_once(self, mock: S2Mock, way: Way, at: Any) -> None:
        with mock.hold(on="append", at=at) as first, mock.hold(on="append", at=at) as second:
            # One waits before the operation is there, and is woken by it; the other looks later.
            waiting = Started(lambda: second.wait(timeout=PATIENCE))
            appending = Started(lambda: way.append("a"))
            assert len(waiting.result()) == 1
            assert len(first.wait(timeout=0)) == 1
        assert appending.result().status == 200

    @pytest.mark.sample(3)
    @each_point
    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_it_goes_on_when_both_have_released_it(
        self, mock: S2Mock, way: Way, at: Any, order: tuple[int, int]
    ) -> None:
        holds = [mock.hold(on="append", at=at) for _ in range(2)]
        appending = Started(lambda: way.append("a"))
        for hold in holds:
            hold.wait(timeout=PATIENCE)
        holds[order[0]].release()
        # All that it could do by now is done when another request is answered.
        with closing(Way("http1", mock)) as other:
            assert other("GET", "/v1/basins").status == 200
        assert not appending.is_over
        assert bodies(mock) == (["a"] if at == "answer" else [])
        holds[order[1]].release()
        assert appending.result().status == 200
        assert bodies(mock) == ["a"]

    def test_at_two_points_it_is_told_in_turn(self, mock: S2Mock, http1: Way) -> None:
        with (
            mock.hold(on="append", at="arrival") as first,
            mock.hold(on="append", at="commit") as second,
        ):
            appending = Started(lambda: http1.append("a"))
            first.wait(timeout=PATIENCE)
            with pytest.raises(TimeoutError, match="0 of 1"):
                second.wait(timeout=0)
            first.release()
            second.wait(timeout=PATIENCE)
        assert appending.result().status == 200

    def test_in_an_event_loop(self, mock: S2Mock, http1: Way) -> None:
        async def run() -> None:
            with mock.hold(on="append") as first, mock.hold(on="append") as second:
                waiting = asyncio.create_task(second.async_wait(timeout=PATIENCE))
                await asyncio.sleep(0)
                appending = asyncio.create_task(asyncio.to_thread(http1.append, "a"))
                assert len(await waiting) == 1
                assert len(await first.async_wait(timeout=0)) == 1
            assert (await appending).status == 200

        asyncio.run(run())


each_before = pytest.mark.parametrize("at", ["arrival", "commit"])


class TestInjectedMeanwhile:
    """A fault reaches the operations that are held, before their effect."""

    @pytest.mark.sample(4)
    @each_before
    @pytest.mark.parametrize(
        ("fault", "status", "is_there"),
        [
            (Fail("unavailable"), 503, False),
            (Fail("unavailable", committed=True), 503, True),
            (Answer(502, b"<html>"), 502, False),
            (Drop(), None, False),
            (Drop(committed=True), None, True),
            (Cut(bytes=5), None, True),
            (Drain(), 503, False),
        ],
    )
    def test_it_is_met_on_release(
        self,
        mock: S2Mock,
        way: Way,
        at: Any,
        fault: Fault,
        status: int | None,
        is_there: bool,
    ) -> None:
        with mock.hold(on="append", at=at) as held:
            appending = Started(lambda: way.append("a"))
            held.wait(timeout=PATIENCE)
            injected = mock.inject(fault, on="append")
            assert (injected.hits, injected.remaining) == (1, 0)
            assert injected.wait(timeout=0) == held.exchanges
            assert held.exchanges[0].fault == fault
            assert not appending.is_over
        result = appending.result()
        if status is None:
            broke_off = isinstance(result, ConnectionResetError) or len(result.body) == 5
            assert broke_off, result
        else:
            assert result.status == status
        assert bodies(mock) == (["a"] if is_there else [])
        [exchange] = mock.journal.of("append")
        assert (exchange.fault, exchange.effect.committed) == (fault, is_there)
        # The next one meets nothing.
        assert way.append("b").status == 200

    @each_before
    @pytest.mark.parametrize("committed", [False, True])
    def test_a_delay(self, at: Any, committed: bool) -> None:
        clock = ManualClock(0)
        with S2Mock(basins=SEEDS, clock=clock) as mock, closing(Way("http1", mock)) as way:
            held = mock.hold(on="append", at=at)
            appending = Started(lambda: way.append("a"))
            held.wait(timeout=PATIENCE)
            mock.inject(Delay(5, committed=committed), on="append")
            held.release()
            clock.wait_for_waiters(timeout=PATIENCE)
            assert bodies(mock) == (["a"] if committed else [])
            mock.advance(5)
            assert appending.result().status == 200
            assert bodies(mock) == ["a"]

    def test_a_delay_that_is_over_is_not_made_again(self) -> None:
        clock = ManualClock(0)
        with S2Mock(basins=SEEDS, clock=clock) as mock, closing(Way("http1", mock)) as way:
            mock.inject(Delay(5), on="append")
            held = mock.hold(on="append", at="commit")
            appending = Started(lambda: way.append("a"))
            clock.wait_for_waiters(timeout=PATIENCE)
            mock.advance(5)
            held.wait(timeout=PATIENCE)
            held.release()
            assert appending.result().status == 200

    def test_held_at_its_answer_it_is_not_matched(self, mock: S2Mock, http1: Way) -> None:
        """The effect remains, and a fault may deny it."""
        with mock.hold(on="append", at="answer") as held:
            appending = Started(lambda: http1.append("a"))
            held.wait(timeout=PATIENCE)
            injected = mock.inject(Fail("unavailable"), on="append")
            assert injected.hits == 0
        assert appending.result().status == 200
        assert http1.append("b").status == 503

    @each_before
    def test_which_operations(self, mock: S2Mock, at: Any) -> None:
        """As if they came now, in the order in which they came."""
        ways = [Way("http1", mock) for _ in range(4)]
        with mock.hold(on="append", at=at, times=None) as held:
            answers = []
            for number, way in enumerate(ways):
                stream = "orders/eu" if number == 0 else "log"
                answers.append(
                    Started(lambda way=way, s=stream, n=number: way.append(str(n), stream=s))  # type: ignore[misc]
                )
                held.wait(number + 1, timeout=PATIENCE)
            injected = mock.inject(Fail("unavailable"), on="append", stream="log", skip=1)
            other = mock.inject(Fail("storage"), on="append", stream="log", times=2)
            read = mock.inject(Drop(), on="read", required=False)
            assert (injected.hits, other.hits, read.hits) == (1, 2, 0)
        assert [one.result().status for one in answers] == [200, 500, 503, 500]
        for way in ways:
            way.close()

    def test_one_that_has_a_fault_meets_no_other(self, mock: S2Mock, http1: Way) -> None:
        mock.inject(Fail("unavailable", committed=True), on="append")
        with mock.hold(on="append") as held:
            appending = Started(lambda: http1.append("a"))
            held.wait(timeout=PATIENCE)
            assert mock.inject(Drop(), on="append", required=False).hits == 0
        assert appending.result().status == 503

    def test_a_batch_of_a_session(self, mock: S2Mock, way: Way) -> None:
        content = append_frame("a") + append_frame("b")
        with mock.hold(on="append") as held:
            session = Started(lambda: way.session(RECORDS, FRAMES, "POST", content))
            held.wait(timeout=PATIENCE)
            mock.inject(Fail("unavailable"), on="append")
            # This means nothing for a batch.
            misplaced = mock.inject(Answer(502), on="append", required=False)
        received, _ = session.result()
        assert b"unavailable" in received
        assert bodies(mock) == []
        assert misplaced.hits == 0

    def test_a_read_session_is_shaped_by_it(self, mock: S2Mock, way: Way) -> None:
        mock.basin(BASIN).stream("log").append(["a", "b"])
        with mock.hold(on="read") as held:
            reading = Started(lambda: way.session(f"{RECORDS}?seq_num=0", FRAMES))
            held.wait(timeout=PATIENCE)
            mock.inject(Cut(records=1), on="read")
        received, broke_off = reading.result()
        assert broke_off
        assert [body for frame in frames(received) for body in frame.bodies] == ["a"]

    def test_one_that_is_gone_is_not_matched(self, mock: S2Mock, http1: Way) -> None:
        """A read whose client has left meets nothing."""
        with mock.hold(on="read", at="arrival") as held, ClosesHttp1(mock) as client:
            client.ask("GET", f"{RECORDS}?seq_num=0", FRAMES)
            client.send(b"", end=True)
            held.wait(timeout=PATIENCE)
            client.leave()
            mock.journal.wait_for("read", timeout=PATIENCE)
            injected = mock.inject(Fail("unavailable"), on="read")
            assert injected.hits == 0
        assert http1("GET", f"{RECORDS}?seq_num=0").status == 503

    def test_whose_client_has_left_is_matched(self, mock: S2Mock) -> None:
        with mock.hold(on="append") as held, ClosesHttp1(mock) as client:
            append(client, "a")
            held.wait(timeout=PATIENCE)
            client.leave()
            assert mock.inject(Fail("unavailable"), on="append").hits == 1
        mock.journal.wait_for("append", timeout=PATIENCE)
        assert bodies(mock) == []

    def test_it_waits_to_be_durable_first(self) -> None:
        """An append that takes its time to be durable is held from its commit on."""
        clock = ManualClock(0)
        with S2Mock(basins=SEEDS, clock=clock, append_latency=5) as mock:
            held = mock.hold(on="append", at="commit")
            waiting = Started(lambda: held.wait(timeout=PATIENCE))
            with closing(Way("http1", mock)) as way:
                appending = Started(lambda: way.append("a"))
                clock.wait_for_waiters(timeout=PATIENCE)
                assert len(waiting.result()) == 1
                mock.inject(Fail("unavailable"), on="append")
                held.release()
                mock.advance(5)
                assert appending.result().status == 503
            assert bodies(mock) == []

    def test_one_that_was_given_up_before_is_not_matched(self) -> None:
        clock = ManualClock(0)
        with S2Mock(basins=SEEDS, clock=clock, append_latency=5) as mock:
            held = mock.hold(on="append", at="commit")
            with closing(Way("http1", mock)) as way:
                appending = Started(lambda: way.append("a"))
                clock.wait_for_waiters(timeout=PATIENCE)
                with mock.outage():
                    assert isinstance(appending.result(), ConnectionResetError)
                assert mock.inject(Drop(), on="append", required=False).hits == 0
            held.release()

    def test_in_the_middle_of_two_holds(self, mock: S2Mock, http1: Way) -> None:
        first, second = mock.hold(on="append"), mock.hold(on="append")
        appending = Started(lambda: http1.append("a"))
        second.wait(timeout=PATIENCE)
        first.release()
        mock.inject(Fail("unavailable"), on="append")
        second.release()
        assert appending.result().status == 503
        assert bodies(mock) == []
