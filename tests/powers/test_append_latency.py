"""`append_latency`: appends become durable in groups, by the account's clock, and not before."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from math import inf
from typing import Any

import pytest

from s2mock import ManualClock, S2Mock
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
    wait_for_pauses,
)
from tests.powers.frames import append_frame, frames
from tests.sessions.h2_client import H2Client

LATENCY = 0.005


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(0)


@pytest.fixture
def mock(clock: ManualClock) -> Iterator[S2Mock]:
    with S2Mock(basins=SEEDS, clock=clock, append_latency=LATENCY) as mock:
        yield mock


def test_nothing_is_seen_before(mock: S2Mock, clock: ManualClock, way: Way) -> None:
    with closing(Way("http1", mock)) as reader:
        appending = Started(lambda: way.append("a"))
        clock.wait_for_waiters(timeout=PATIENCE)
        mock.advance(LATENCY - 0.001)
        assert bodies(mock) == []
        assert reader("GET", f"{RECORDS}/tail").json["tail"]["seq_num"] == 0
        assert len(mock.journal.of("append")) == 0
        mock.advance(0.001)
        assert appending.result().status == 200
        assert bodies(mock) == ["a"]
        # The record has the date of when it became durable.
        assert appending.result().json["start"]["timestamp"] == 5


def test_a_hundred_at_once_take_one_pause(mock: S2Mock, clock: ManualClock) -> None:
    ways = [Way(name, mock) for name in ("http1", "wsgi", "http1", "wsgi")]
    # Made here, and not by several threads at once.
    assert all(way.http for way in ways if way.name != "wsgi")
    appending = [Started(lambda way=ways[n % 4], n=n: way.append(str(n))) for n in range(100)]  # type: ignore[misc]
    clock.wait_for_waiters(100, timeout=PATIENCE)
    assert bodies(mock) == []
    mock.advance(LATENCY)
    assert [one.result().status for one in appending] == [200] * 100
    assert sorted(map(int, bodies(mock))) == [*range(100)]
    for way in ways:
        way.close()


def test_a_later_append_waits_with_those_that_wait(
    mock: S2Mock, clock: ManualClock, http1: Way, h2c: Way
) -> None:
    first = Started(lambda: http1.append("a"))
    clock.wait_for_waiters(timeout=PATIENCE)
    mock.advance(0.004)
    second = Started(lambda: h2c.append("b"))
    clock.wait_for_waiters(2, timeout=PATIENCE)
    mock.advance(0.001)
    assert first.result().status == second.result().status == 200
    # The next one is of another group.
    third = Started(lambda: http1.append("c"))
    clock.wait_for_waiters(timeout=PATIENCE)
    mock.advance(0.004)
    assert not third.is_over
    mock.advance(0.001)
    assert third.result().status == 200


def test_the_batches_of_a_session_take_one_pause(
    mock: S2Mock, clock: ManualClock, way: Way
) -> None:
    content = b"".join(append_frame(str(number)) for number in range(100))
    session = Started(lambda: way.session(RECORDS, FRAMES, "POST", content))
    clock.wait_for_waiters(timeout=PATIENCE)
    assert bodies(mock) == []
    mock.advance(LATENCY)
    received, broke_off = session.result()
    assert not broke_off
    assert [frame.acked for frame in frames(received)] == [(n, n + 1) for n in range(100)]


def test_so_do_those_that_come_while_the_first_waits(mock: S2Mock, clock: ManualClock) -> None:
    with H2Client(mock.url) as client:
        session = client.open("POST", RECORDS, FRAMES, end=False)
        for body in ("a", "b", "c"):
            client.send(session, append_frame(body))
            clock.wait_for_waiters(timeout=PATIENCE)
        # What was sent before this is there by its answer.
        client.rest(client.open("GET", f"{RECORDS}/tail"))
        assert bodies(mock) == []
        mock.advance(LATENCY)
        for _ in range(3):
            client.frame(session)
        assert bodies(mock) == ["a", "b", "c"]
        # One that comes now waits by itself.
        client.send(session, append_frame("d"), end=True)
        clock.wait_for_waiters(timeout=PATIENCE)
        assert bodies(mock) == ["a", "b", "c"]
        mock.advance(LATENCY)
        assert len([*frames(client.rest(session))]) == 1


@pytest.mark.usefixtures("mock")
def test_what_s2_refuses_does_not_wait(way: Way) -> None:
    document = {"records": [{"body": "a"}], "match_seq_num": 5}
    assert way("POST", RECORDS, document).status == 412
    assert way.append("a", stream="no-such-stream").status == 404


def test_it_is_decided_when_it_is_durable(mock: S2Mock, clock: ManualClock, http1: Way) -> None:
    appending = Started(
        lambda: http1("POST", RECORDS, {"records": [{"body": "a"}], "match_seq_num": 0})
    )
    clock.wait_for_waiters(timeout=PATIENCE)
    mock.basin(BASIN).stream("log").append(["b"])
    mock.advance(LATENCY)
    assert appending.result().json == {"seq_num_mismatch": 1}


def test_a_direct_call_does_not_wait(mock: S2Mock) -> None:
    mock.basin(BASIN).stream("log").append(["a"])
    assert bodies(mock) == ["a"]


@pytest.mark.parametrize("end", [S2Mock.reset, S2Mock.close])
def test_with_its_account_it_ends(mock: S2Mock, clock: ManualClock, way: Way, end: Any) -> None:
    appending = Started(lambda: way.append("a"))
    clock.wait_for_waiters(timeout=PATIENCE)
    end(mock)
    assert isinstance(appending.result(), ConnectionResetError)


def test_by_the_clock_of_the_machine() -> None:
    with S2Mock(basins=SEEDS, append_latency=LATENCY) as mock:
        assert Way("wsgi", mock).append("a").status == 200
        assert bodies(mock) == ["a"]


@pytest.mark.parametrize("latency", [3e6, 1e10, 1e300, 10**400])
@pytest.mark.parametrize("name", ["http1", "h2c", "wsgi"])
def test_a_latency_of_months_or_longer_is_waited_for(name: str, latency: float) -> None:
    with S2Mock(basins=SEEDS, append_latency=latency) as mock, closing(Way(name, mock)) as way:
        appending = Started(lambda: way.append("a"))
        wait_for_pauses(mock)
        with closing(Way(name, mock)) as other:
            assert other("GET", f"{RECORDS}/tail").json["tail"]["seq_num"] == 0
        assert not appending.is_over
        mock.reset()
        assert isinstance(appending.result(), ConnectionResetError)


def test_a_call_in_the_thread_that_would_turn_the_clock(
    mock: S2Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s2mock.server.wsgi.PATIENCE", 0.01)
    with pytest.raises(Exception, match="append_latency to be durable, by a manual clock"):
        Way("wsgi", mock).append("a")


def test_a_fork_has_it_too(mock: S2Mock, clock: ManualClock) -> None:
    with mock.fork() as fork:
        appending = Started(lambda: Way("wsgi", fork).append("a"))
        assert isinstance(fork.clock, ManualClock)
        fork.clock.wait_for_waiters(timeout=PATIENCE)
        fork.advance(LATENCY)
        assert appending.result().status == 200
        assert not clock.now()


@pytest.mark.parametrize(
    ("latency", "error"),
    [(-1, ValueError), (inf, ValueError), ("1", ValueError), (True, TypeError), (None, TypeError)],
)
def test_what_makes_no_sense_is_said(latency: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="append_latency must be "):
        S2Mock(append_latency=latency)


def test_each_way_to_say_it(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ns2mock_append_latency = 7")
    module = """
        import threading
        import pytest

        @pytest.mark.s2_mock(basins=["my-basin"], clock="manual")
        @pytest.mark.parametrize("latency", [{latency}])
        def test_latency(s2_mock, latency):
            s2_mock.basin("my-basin").create_stream("log")
            answers = []
            def append():
                answers.append(s2_mock.client.post(
                    "/v1/streams/log/records",
                    json={{"records": [{{"body": "a"}}]}}, headers={{"s2-basin": "my-basin"}},
                ).status_code)
            thread = threading.Thread(target=append)
            thread.start()
            s2_mock.clock.wait_for_waiters(timeout=30)
            s2_mock.advance(latency - 1)
            assert not s2_mock.basin("my-basin").stream("log").records
            s2_mock.advance(1)
            thread.join(30)
            assert answers == [200]
        """
    run(module.format(latency=7)).assert_outcomes(passed=1)
    run(module.format(latency=9), "--s2mock-append-latency=9").assert_outcomes(passed=1)
    bad = run(module.format(latency=9), "--s2mock-append-latency=soon")
    bad.stdout.fnmatch_lines(
        ["*s2mock_append_latency must be a number of seconds, or 'cloud', not 'soon'"]
    )


def test_an_sdk_that_waits_for_the_clock_in_its_own_loop(mock: S2Mock, clock: ManualClock) -> None:
    """The twin for asyncio lets the loop go on during the wait."""

    async def append() -> int:
        way = Way("http1", mock)
        asked = asyncio.create_task(asyncio.to_thread(way.append, "a"))
        await clock.async_wait_for_waiters(timeout=PATIENCE)
        mock.advance(LATENCY)
        answer = await asked
        way.close()
        return answer.status

    assert asyncio.run(append()) == 200
