"""`clock="auto"`: a manual clock that advances by itself while every open request waits on it."""

import asyncio
import logging
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import httpx
import pytest
import uvloop

from s2mock import Delay, Drop, Fail, Late, ManualClock, S2Mock, Silence, Slow
from s2mock.runtime import failures
from tests.backends import Make
from tests.powers.conftest import (
    BASIN,
    EVENTS,
    FRAMES,
    PATIENCE,
    RECORDS,
    SEEDS,
    Started,
    Way,
    headers_of,
)
from tests.powers.frames import append_frame, frames
from tests.sampling import IS_WHOLE
from tests.sessions.h2_client import H2Client

pytestmark = pytest.mark.openapi_unchecked("faults answer what S2 does not")

HOUR = 3600
FOLLOW = f"{RECORDS}?tail_offset=0"
LONG_POLL = f"{RECORDS}?seq_num=0&wait=60"


@pytest.fixture
def auto(make: Make) -> Any:
    return make(clock="auto", basins=SEEDS)


@pytest.fixture(params=["http1", "h2c"])
def way(request: pytest.FixtureRequest, auto: Any) -> Iterator[Way]:
    with closing(Way(request.param, auto)) as way:
        yield way


@pytest.fixture
def own() -> Iterator[S2Mock]:
    """A mock in this process."""
    with S2Mock(clock="auto", basins=SEEDS) as mock:
        yield mock


def elapsed(mock: Any) -> float:
    """The seconds that have passed since the clock began."""
    seconds: float = (mock.clock.now() - ManualClock().now()) / 10**9
    return seconds


def pings(pieces: Iterator[bytes], count: int) -> list[bytes]:
    """The first heartbeats of a session of events."""
    found: list[bytes] = []
    received = b""
    for piece in pieces:
        received += piece
        found = [part for part in received.split(b"\n\n") if part.startswith(b"event: ping")]
        if len(found) >= count:
            break
    return found


class Follower:
    """A read session without an end, in the background."""

    def __init__(self, mock: Any) -> None:
        self.client = H2Client(mock.url, headers=headers_of(mock))
        self.stream = self.client.open("GET", FOLLOW, EVENTS)
        self.client.head(self.stream)
        mock.stream(BASIN, "log").wait_for_readers(timeout=PATIENCE)


@pytest.fixture
def follower(auto: Any) -> Iterator[Follower]:
    follower = Follower(auto)
    with follower.client:
        yield follower


# It advances.


def test_a_delay_of_an_hour(auto: Any, way: Way) -> None:
    auto.inject(Delay(HOUR), on="append")
    assert way.append("a").status == 200
    assert elapsed(auto) == HOUR
    # Without an open request the clock is still.
    assert elapsed(auto) == HOUR
    assert [*auto.stream(BASIN, "log").bodies] == [b"a"]


def test_append_latency(make: Make) -> None:
    mock = make(clock="auto", append_latency="cloud", basins=SEEDS)
    with closing(Way("http1", mock)) as way:
        for n in range(3):
            assert way.append(str(n)).status == 200
    assert elapsed(mock) == pytest.approx(0.12)


def test_a_long_poll(auto: Any, way: Way) -> None:
    assert way("GET", LONG_POLL).json["records"] == []
    assert elapsed(auto) == 60


def test_a_session_with_an_end(auto: Any, way: Way) -> None:
    received, broke_off = way.session(f"{FOLLOW}&wait=600", EVENTS)
    assert not broke_off
    assert received.endswith(b"data: [DONE]\n\n")
    assert elapsed(auto) == 600


def test_heartbeats_while_the_test_waits(auto: Any, follower: Follower) -> None:
    # The wait expires; until then the follower gets its heartbeats.
    with pytest.raises(TimeoutError):
        auto.journal.wait_for("append", timeout=1)
    assert elapsed(auto) >= 15
    received = follower.client.body(follower.stream, 1)
    while received.count(b"event: ping") < 3:
        received += follower.client.body(follower.stream, 1)


@pytest.mark.parametrize("name", ["http1", "h2c", "wsgi"])
def test_heartbeats_that_the_test_itself_reads(own: S2Mock, name: str) -> None:
    with closing(Way(name, own)) as way, closing(way.pieces(FOLLOW, EVENTS)) as pieces:  # type: ignore[type-var]
        assert len(pings(pieces, 4)) == 4
    # The first one is sent at once.
    assert 15 <= elapsed(own) <= 45


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_heartbeats_that_the_test_reads_in_its_event_loop(
    own: S2Mock, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def read() -> int:
        fields = {"s2-basin": BASIN, **EVENTS, **headers_of(own)}
        async with (
            httpx.AsyncClient(base_url=own.url, timeout=PATIENCE, verify=False) as client,
            client.stream("GET", FOLLOW, headers=fields) as answer,
        ):
            count = 0
            async for line in answer.aiter_lines():
                count += line == "event: ping"
                if count == 3:
                    break
            return count

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(read()) == 3


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="the system has no epoll")
def test_heartbeats_that_the_test_reads_in_a_loop_of_its_own(own: S2Mock) -> None:
    """As that of trio, which calls epoll itself."""
    follower = Follower(own)
    with follower.client, select.epoll() as poll:
        # On the same connection.
        client = follower.client.socket
        client.setblocking(False)
        poll.register(client, select.EPOLLIN)
        received = b""
        while received.count(b"event: ping") < 3:
            assert poll.poll(PATIENCE)
            received += client.recv(1 << 16)
        client.setblocking(True)


def test_on_the_loop_of_the_test(own: S2Mock) -> None:
    own.inject(Delay(HOUR), on="append")

    async def append() -> int:
        async with await own.serve() as server:
            fields = {"s2-basin": BASIN, **headers_of(own)}
            async with httpx.AsyncClient(
                base_url=server.url, timeout=PATIENCE, verify=False
            ) as client:
                document = {"records": [{"body": "a"}]}
                answer = await client.post(RECORDS, json=document, headers=fields)
                return answer.status_code

    assert asyncio.run(append()) == 200
    assert elapsed(own) == HOUR


def test_a_session_above_the_limits(make: Make) -> None:
    mock = make(clock="auto", limits={"batches_per_second": 10}, basins=SEEDS)
    content = b"".join(append_frame(str(n)) for n in range(40))
    with closing(Way("http1", mock)) as way:
        received, broke_off = way.session(RECORDS, FRAMES, "POST", content)
    assert not broke_off
    assert [frame.acked for frame in frames(received)] == [(n, n + 1) for n in range(40)]
    assert elapsed(mock) == pytest.approx(3)


def test_requests_that_wait_together(auto: Any) -> None:
    """Each gets its answer at its own time, the earliest first."""
    auto.inject([Delay(HOUR), Delay(2 * HOUR), Delay(3 * HOUR)], on="append")
    ways = [Way("http1", auto) for _ in range(3)]
    assert all(way.http for way in ways)
    with auto.clock.stopped():
        started = [Started(lambda way=way: way.append("a")) for way in ways]  # type: ignore[misc]
        auto.wait_for_waiters(3, timeout=PATIENCE)
    assert [one.result().status for one in started] == [200] * 3
    assert elapsed(auto) == 3 * HOUR
    for way in ways:
        way.close()


def test_a_delay_beside_a_follower_and_an_idle_session(auto: Any, follower: Follower) -> None:
    """The heartbeats are due before; a session that waits for its client is idle."""
    assert follower
    with H2Client(auto.url, headers=headers_of(auto)) as client:
        session = client.open("POST", RECORDS, FRAMES, end=False)
        client.send(session, append_frame("a"))
        client.frame(session)
        auto.inject(Delay(60), on="append")
        client.send(session, append_frame("b"))
        client.frame(session)
    assert elapsed(auto) == 60


def test_a_client_that_leaves_does_not_take_its_append_along(auto: Any) -> None:
    auto.inject(Delay(HOUR), on="append")
    with H2Client(auto.url, headers=headers_of(auto)) as client, auto.clock.stopped():
        stream = client.open("POST", RECORDS, {"content-type": "application/json"}, end=False)
        client.send(stream, b'{"records": [{"body": "a"}]}', end=True)
        auto.wait_for_waiters(timeout=PATIENCE)
    assert next(iter(auto.stream(BASIN, "log").wait_for(1, timeout=PATIENCE))).body == b"a"
    assert elapsed(auto) == HOUR


def test_slow_and_silence_and_endless_delays(auto: Any, way: Way) -> None:
    auto.inject(Slow(bytes_per_second=1, chunk=10), on="check-tail")
    assert way("GET", f"{RECORDS}/tail").status == 200
    before = elapsed(auto)
    assert before >= 20
    # What waits for the end of the test keeps the clock from nothing.
    auto.inject(Delay(float("inf")), on="append", times=1)
    with closing(Way("http1", auto)) as other:
        endless = Started(lambda: other.append("a"))
        auto.inject(Delay(HOUR), on="check-tail")
        assert way("GET", f"{RECORDS}/tail").status == 200
        assert elapsed(auto) == before + HOUR
        assert not endless.is_over
        auto.reset()
        assert isinstance(endless.result(), ConnectionError)


def test_late_lands_while_another_request_waits(auto: Any, way: Way) -> None:
    auto.inject(Late(10), on="append")
    with pytest.raises(ConnectionError):
        way.append("a")
    assert [*auto.stream(BASIN, "log").bodies] == []
    answer = way("GET", LONG_POLL)
    assert [record["body"] for record in answer.json["records"]] == ["a"]
    assert elapsed(auto) == 10


# It is still.


def test_a_follower_alone_does_not_advance_it(auto: Any, follower: Follower) -> None:
    """Its test does something else, here for as long as the clock would need several times."""
    assert follower
    threading.Event().wait(0.3)
    assert elapsed(auto) == 0


def test_a_socket_that_the_test_does_not_read_keeps_it_still(own: S2Mock) -> None:
    """One in a variable of a function that does something else."""
    follower = Follower(own)
    with follower.client:
        client = follower.client.socket
        # For as long as the clock would need several times.
        time.sleep(0.3)
        # A heartbeat at most, which it has not read.
        assert elapsed(own) <= 15
        assert client.fileno() >= 0


def test_objects_of_the_test_run_no_code_in_another_thread(own: S2Mock) -> None:
    """Such as those that wrap another object, and make it when they are first used."""
    used: list[object] = []

    class Lazy:
        @property  # type: ignore[misc]
        def __class__(self) -> type:
            used.append(threading.current_thread())
            return socket.socket

        @property
        def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
            used.append(threading.current_thread())
            return {}

    def work(self: Lazy, timeout: Lazy) -> None:
        assert self is not timeout
        time.sleep(0.1)

    follower = Follower(own)
    with follower.client:
        work(Lazy(), Lazy())
    assert used == []


def test_a_thread_that_has_ended_left_the_test_to_the_main_thread() -> None:
    made = []

    def make_mock() -> None:
        made.append(S2Mock(clock="auto", basins=SEEDS))

    thread = threading.Thread(target=make_mock)
    thread.start()
    thread.join()
    with (
        made[0] as mock,
        closing(Way("http1", mock)) as way,
        closing(way.pieces(FOLLOW, EVENTS)) as pieces,  # type: ignore[type-var]
    ):
        assert len(pings(pieces, 3)) == 3


def test_a_held_operation_keeps_it_still(auto: Any) -> None:
    auto.inject(Delay(HOUR), on="check-tail")
    with closing(Way("http1", auto)) as one, closing(Way("http1", auto)) as other:
        with auto.hold(on="append", at="commit") as held:
            appending = Started(lambda: one.append("a"))
            held.wait(timeout=PATIENCE)
            asked = Started(lambda: other("GET", f"{RECORDS}/tail"))
            auto.wait_for_waiters(timeout=PATIENCE)
            with pytest.raises(TimeoutError) as raised:
                auto.journal.wait_for("check-tail", timeout=0.5)
            assert not asked.is_over
            assert elapsed(auto) == 0
        assert appending.result().status == asked.result().status == 200
    assert elapsed(auto) == HOUR
    assert str(raised.value).endswith(
        '; the clock, which is "auto", does not advance: POST /v1/streams/log/records is held, or '
        "waits for something other than the clock"
    )


def test_a_stopped_clock(auto: Any, way: Way) -> None:
    auto.inject(Delay(HOUR), on="append")
    with auto.clock.stopped():
        with auto.clock.stopped():
            appending = Started(lambda: way.append("a"))
            auto.wait_for_waiters(timeout=PATIENCE)
        with pytest.raises(TimeoutError, match=r'"auto", does not advance: stopped\(\) keeps it'):
            auto.stream(BASIN, "log").wait_for(1, timeout=0.3)
        assert elapsed(auto) == 0
        # It can be advanced by hand.
        auto.advance(60)
        assert elapsed(auto) == 60
        assert not appending.is_over
    assert appending.result().status == 200
    assert elapsed(auto) == HOUR


def test_a_request_that_is_being_received_keeps_it_still(auto: Any) -> None:
    auto.inject(Delay(HOUR), on="check-tail")
    with H2Client(auto.url, headers=headers_of(auto)) as client:
        half = client.open("POST", RECORDS, {"content-type": "application/json"}, end=False)
        client.send(half, b'{"records": ')
        with closing(Way("http1", auto)) as way:
            asked = Started(lambda: way("GET", f"{RECORDS}/tail"))
            auto.wait_for_waiters(timeout=PATIENCE)
            with pytest.raises(TimeoutError, match="is being received or answered"):
                auto.journal.wait_for("append", timeout=0.3)
            assert elapsed(auto) == 0
            client.send(half, b'[{"body": "a"}]}', end=True)
            client.rest(half)
            assert asked.result().status == 200


def test_wait_for_waiters_keeps_it_still(auto: Any, way: Way) -> None:
    """The test is to advance it then."""
    auto.inject(Delay(HOUR), on="append")
    appending = Started(lambda: way.append("a"))
    with pytest.raises(TimeoutError, match=r"wait_for_waiters\(\) is called"):
        auto.wait_for_waiters(2, timeout=0.5)
    assert appending.result().status == 200


def test_it_never_moves_during_a_direct_call(own: S2Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A direct call that takes long, while a request waits on the clock."""
    engine = own.account.engine
    own.inject(Delay(HOUR), on="append")
    entered, leave = threading.Event(), threading.Event()
    commit = engine.store.commit
    seen: list[int] = []

    def slow_commit(change: Any, moment: Any) -> None:
        entered.set()
        assert leave.wait(PATIENCE)
        seen.append(own.clock._now)  # type: ignore[attr-defined]
        commit(change, moment)

    with closing(Way("http1", own)) as way:
        own.clock.stop()  # type: ignore[attr-defined]
        appending = Started(lambda: way.append("a"))
        own.wait_for_waiters(timeout=PATIENCE)
        monkeypatch.setattr(engine, "_carry_out_change", slow_commit)
        before = own.clock._now  # type: ignore[attr-defined]
        calling = Started(lambda: own.stream(BASIN, "log").append(["direct"]))
        assert entered.wait(PATIENCE)
        own.clock.go_on()  # type: ignore[attr-defined]
        # For much longer than the clock would take.
        threading.Event().wait(0.3)
        assert own.clock._now == before  # type: ignore[attr-defined]
        monkeypatch.setattr(engine, "_carry_out_change", commit)
        leave.set()
        calling.result()
        assert seen == [before]
        assert appending.result().status == 200


def test_a_test_that_polls_does_not_keep_it_still(auto: Any, way: Way) -> None:
    """Its direct calls, and its looks at the clock, are nothing that is sent or received."""
    auto.inject(Delay(HOUR), on="append")
    appending = Started(lambda: way.append("a"))
    log = auto.stream(BASIN, "log")
    pause = threading.Event()
    while not log.records:
        pause.wait(0.002)
        assert elapsed(auto) in (0, HOUR)
    assert appending.result().status == 200


def test_a_request_that_a_direct_call_wakes_goes_on_at_its_time(own: S2Mock) -> None:
    """The clock does not move between the append and the answer."""
    log = own.stream(BASIN, "log")
    with closing(Way("http1", own)) as way:
        for number in range(20):
            with own.clock.stopped():
                path = f"{RECORDS}?seq_num={number}&wait=60"
                polling = Started(lambda path=path: way("GET", path))  # type: ignore[misc]
                own.wait_for_waiters(timeout=PATIENCE)
                before = elapsed(own)
                log.append(["a"])
            assert len(polling.result().json["records"]) == 1
            assert elapsed(own) == before


# A test that would wait for ever.


def test_a_call_by_wsgi_that_would_wait_for_ever(
    own: S2Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s2mock.server.wsgi.PATIENCE", 0.2)
    own.inject([Delay(HOUR), Delay(750)], on="append")
    with own.clock.stopped():
        with pytest.raises(TimeoutError) as raised:
            Way("wsgi", own).append("a")
        assert str(raised.value) == (
            "nothing came of the request within 0.2 s: the request waits for a clock that advances "
            'by itself; the clock, which is "auto", does not advance: stopped() keeps it still'
        )
    # While the clock goes on, as it does here for 75 heartbeats, a call may take longer.
    monkeypatch.setattr("s2mock.server.wsgi.PATIENCE", 1.0)
    follower = Follower(own)
    with follower.client:
        assert Way("wsgi", own).append("b").status == 200


def test_a_request_that_would_wait_for_ever(
    own: S2Mock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """By a socket without a timeout: its connection is dropped, and the test fails."""
    monkeypatch.setattr("s2mock.runtime.auto_clock.PATIENCE", 0.3)
    own.inject(Delay(HOUR), on="append")
    with own.hold(on="check-tail", at="arrival") as held, closing(Way("http1", own)) as one:
        Started(lambda: one("GET", f"{RECORDS}/tail"))
        held.wait(timeout=PATIENCE)
        document = {"records": [{"body": "a"}]}
        fields = {"s2-basin": BASIN, **headers_of(own)}
        with (
            caplog.at_level(logging.WARNING, "s2mock"),
            httpx.Client(base_url=own.url, timeout=None, verify=False) as client,
            pytest.raises(httpx.TransportError),
        ):
            client.post(RECORDS, json=document, headers=fields)
    text = (
        'the clock, which is "auto", has not advanced for {} s: GET /v1/streams/log/records/tail '
        "is held, or waits for something other than the clock"
    )
    assert [record.message for record in caplog.records if "auto" in record.message] == [
        text.format(0.15)
    ]
    [failure] = failures.take()
    text = text.format(0.3)
    assert f"a test that waits for POST /v1/streams/log/records: {text}" in failure


def test_a_request_in_the_loop_of_the_test_that_would_wait_for_ever(
    own: S2Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s2mock.runtime.auto_clock.PATIENCE", 0.3)
    follower = Follower(own)

    async def append() -> None:
        fields = {"s2-basin": BASIN, **headers_of(own)}
        async with httpx.AsyncClient(base_url=own.url, timeout=None, verify=False) as client:
            with pytest.raises(httpx.TransportError):
                await client.post(RECORDS, json={"records": [{"body": "a"}]}, headers=fields)

    with follower.client, own.hold(on="append", at="arrival"):
        asyncio.run(append())
    [failure] = failures.take()
    assert "a test that waits for POST /v1/streams/log/records: " in failure
    assert "POST /v1/streams/log/records is held" in failure


def test_a_background_request_is_not_dropped(
    own: S2Mock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The test itself does not wait for it: a line in the log is all."""
    monkeypatch.setattr("s2mock.runtime.auto_clock.PATIENCE", 0.2)
    follower = Follower(own)
    with follower.client, caplog.at_level(logging.WARNING, "s2mock"):
        threading.Event().wait(0.6)
        [line] = [one.message for one in caplog.records if "auto" in one.message]
        assert "heartbeats advance the clock only while the test waits" in line
        assert failures.take() == []
        assert own.stream(BASIN, "log").readers == 1


# As a clock.


def test_another_account_and_a_fork_have_such_a_clock(make: Make) -> None:
    mock = make(clock="auto", basins=SEEDS)
    mock.advance(5)
    fork = mock.fork()
    fork.inject(Delay(HOUR), on="append")
    with closing(Way("http1", fork)) as way:
        assert way.append("a").status == 200
    assert elapsed(fork) == HOUR + 5
    assert elapsed(mock) == 5


def test_after_a_reset_it_goes_on(auto: Any, way: Way) -> None:
    auto.reset()
    auto.inject(Delay(HOUR), on="append")
    with closing(Way(way.name, auto)) as again:
        assert again.append("a").status == 200
    assert elapsed(auto) == HOUR


def test_the_thread_ends_with_the_requests(own: S2Mock) -> None:
    own.inject(Delay(HOUR), on="append")
    with closing(Way("http1", own)) as way:
        assert way.append("a").status == 200
    thread = own.clock._thread  # type: ignore[attr-defined]
    if thread is not None:
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.mark.parametrize("fault", [Drop(), Fail("unavailable"), Silence(records=1)])
def test_faults_leave_no_request_behind(own: S2Mock, fault: Any) -> None:
    own.stream(BASIN, "log").append(["a", "b"])
    own.inject(fault, on="read")
    with H2Client(own.url, headers=headers_of(own)) as client:
        stream = client.open("GET", f"{RECORDS}?seq_num=0", EVENTS)
        with suppress(ConnectionError):
            client.body(stream, 10)
        own.inject(Delay(HOUR), on="check-tail")
        with closing(Way("http1", own)) as way:
            assert way("GET", f"{RECORDS}/tail").status == 200
    assert elapsed(own) == HOUR


def test_over_http(standalone: str) -> None:
    with httpx.Client(base_url=standalone, verify=False) as client:

        def call(method: str, path: str, token: str, document: Any = None) -> httpx.Response:
            fields = {"authorization": f"Bearer {token}"} if token else {}
            return client.request(method, f"/_s2mock{path}", json=document, headers=fields)

        token = call("POST", "/accounts", "", {"clock": "auto"}).json()["token"]
        assert call("GET", "/clock", token).json()["clock"] == "auto"
        assert call("POST", "/clock/stop", token).status_code == 204
        assert call("DELETE", "/clock/stop", token).status_code == 204
        again = call("DELETE", "/clock/stop", token)
        assert (again.status_code, again.json()["message"]) == (
            409,
            "the clock is not stopped: call stop() first",
        )
        manual = call("POST", "/accounts", "", {"clock": "manual"}).json()["token"]
        refused = call("POST", "/clock/stop", manual)
        assert refused.status_code == 409
        assert "does not advance by itself" in refused.json()["message"]
        bad = call("POST", "/accounts", "", {"clock": "fast"})
        assert bad.status_code == 400
        assert '"system", "manual", "auto", or' in bad.json()["message"]
        for made in (token, manual):
            call("DELETE", "/accounts", made)


@pytest.mark.slow
@pytest.mark.whole
@pytest.mark.timeout(1200)
def test_two_hundred_repetitions_under_load(own: S2Mock) -> None:
    """Each of the times is exact, however late this process gets its turns.

    In `make pace`; `make test` has a sample of it.
    """
    # More than a week passes.
    own.stream(BASIN, "log").reconfigure(retention_policy="infinite")
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    try:
        with closing(Way("http1", own)) as one, closing(Way("h2c", own)) as other:
            for number in range(200 if IS_WHOLE else 5):
                before = elapsed(own)
                own.inject(Delay(HOUR), on="append")
                assert one.append("a").status == 200
                assert elapsed(own) == pytest.approx(before + HOUR)
                path = f"{RECORDS}?seq_num={number + 1}&wait=60"
                assert other("GET", path).json["records"] == []
                assert elapsed(own) == pytest.approx(before + HOUR + 60)
                with closing(one.pieces(FOLLOW, EVENTS)) as pieces:  # type: ignore[type-var]
                    assert len(pings(pieces, 2)) == 2
                assert before + HOUR + 65 <= elapsed(own) <= before + HOUR + 75
                # Nothing is open: it is still.
                still = elapsed(own)
                own.stream(BASIN, "log").wait_for(number + 1, timeout=PATIENCE)
                assert elapsed(own) == still
    finally:
        for process in busy:
            process.kill()
            process.wait()
