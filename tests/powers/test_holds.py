"""A hold stops one operation and no other, at each of its points."""

import asyncio
import threading
from contextlib import closing

import httpx
import pytest

from s2mock import AppendRecord, ManualClock, S2Mock
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


def test_who_is_held_at_its_commit_is_decided_again(mock: S2Mock, way: Way) -> None:
    """The fencing token changes meanwhile, so that it is refused on release."""
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
    with mock.hold(on="append", at="commit") as held:
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


def test_one_that_nothing_reached_fails_no_test(mock: S2Mock) -> None:
    with mock.hold(on="append"):
        pass
    mock.hold(on="append")


def test_its_wait_says_what_came(mock: S2Mock, http1: Way) -> None:
    with mock.hold(on="append", stream="orders/*") as held:
        http1.append("a")
        with pytest.raises(TimeoutError) as caught:
            held.wait(2, timeout=0)
    assert str(caught.value) == (
        "0 of 2 operations were held by hold(on='append', stream='orders/*', at='commit') within "
        "0 s; 1 append came, to `log`; the hold waits for `orders/*`"
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
                with pytest.raises(TimeoutError, match="`await` its twin"):
                    held.wait(2, timeout=0)
            assert (await appending).status_code == 200

    asyncio.run(run())


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        ({"on": "append", "at": "comit"}, ValueError, "at must be one of 'arrival', 'commit'"),
        ({"on": "apend"}, ValueError, "did you mean 'append'"),
        ({"on": "append", "times": 0}, ValueError, "times must be 1 or more"),
        ({"on": "append", "skip": "1"}, TypeError, "skip must be a whole number"),
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
    with mock.hold(on="append") as held, pytest.raises(kind):
        held.wait(count, timeout=timeout)


class TestOfTheTestsOwnClient:
    """A call of WSGI in the thread that would have to end its wait is told so, and ends."""

    @pytest.mark.slow
    def test_held(self, mock: S2Mock) -> None:
        needs_this_process(mock, "a call by WSGI")
        held = mock.hold(on="append")
        with pytest.raises(TimeoutError, match="make it in another thread, or release the hold"):
            Way("wsgi", mock).append("a")
        held.release()
        assert bodies(mock) == []

    @pytest.mark.slow
    def test_waiting_for_a_manual_clock(self) -> None:
        with (
            S2Mock(basins=SEEDS, clock=ManualClock()) as mock,
            pytest.raises(TimeoutError, match="waits for a manual clock"),
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
