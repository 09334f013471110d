"""`S2Mock(clock="loop")`: the account's time is that of an event loop."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest

from s2mock import Delay, Late, S2Mock
from s2mock.runtime.clock import NANOSECONDS
from s2mock.runtime.loop_clock import LoopClock
from s2mock.server.wsgi import GivenUpError
from tests.server.test_driver import PATIENCE

BASINS = [{"name": "my-basin", "streams": ["log"]}]
RECORDS = "/v1/streams/log/records"
HOUR = 3600.0


class FastLoop(asyncio.SelectorEventLoop):
    """A loop whose time goes on to its next timer when it has waited for input a moment."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def time(self) -> float:
        return super().time() + self.passed

    def _run_once(self) -> None:
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        is_idle = not self._ready and not self._selector.select(0.02)  # type: ignore[attr-defined]
        if is_idle and scheduled:
            self.passed += max(0.0, scheduled[0].when() - self.time())
        super()._run_once()  # type: ignore[misc]


@pytest.fixture
def run() -> Callable[[Callable[[], Coroutine[Any, Any, None]]], None]:
    def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with asyncio.Runner(loop_factory=FastLoop) as runner:
            runner.run(main())

    return run


Run = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


def client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=url, headers={"s2-basin": "my-basin"}, trust_env=False, timeout=None
    )


async def append(http: httpx.AsyncClient) -> httpx.Response:
    return await http.post(RECORDS, json={"records": [{"body": "a"}]})


def test_delay_and_dates_go_by_the_loop(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with S2Mock(basins=BASINS, clock="loop") as mock:
            mock.inject(Delay(HOUR), on="append")
            before, began = mock.clock.now(), loop.time()
            async with await mock.serve() as server, client(server.url) as http:
                assert (await append(http)).status_code == 200
            assert HOUR <= loop.time() - began < HOUR + 60
            [record] = mock.stream("my-basin", "log").records
            assert HOUR * 1000 <= record.timestamp - before / 1e6 < (HOUR + 60) * 1000

    run(main)


def test_long_poll_and_late_append_without_a_thread(run: Run) -> None:
    async def main() -> None:
        before = threading.active_count()
        with S2Mock(basins=BASINS, clock="loop") as mock:
            mock.inject(Late(300), on="append")
            async with await mock.serve() as server, client(server.url) as http:
                with pytest.raises(httpx.RemoteProtocolError):
                    await append(http)
                # Its wait is up to a minute, so each of these finds nothing.
                answers = [
                    await http.get(RECORDS, params={"seq_num": 0, "wait": 60, "clamp": True})
                    for _ in range(4)
                ]
                assert [one.json()["records"] for one in answers] == [[]] * 4
                last = await http.get(RECORDS, params={"seq_num": 0, "wait": 60, "clamp": True})
                assert [one["body"] for one in last.json()["records"]] == ["a"]
                assert threading.active_count() == before

    run(main)


def test_clock_that_is_made_without_a_loop_begins_with_serve(run: Run) -> None:
    mock = S2Mock(basins=BASINS, clock="loop")
    began = mock.clock.now()
    assert mock.clock.now() == began
    mock.inject(Delay(HOUR), on="append")

    async def main() -> None:
        with mock:
            async with await mock.serve() as server, client(server.url) as http:
                await append(http)
            assert mock.clock.now() >= began + HOUR * NANOSECONDS

    run(main)


def test_forks_go_by_the_same_loop(run: Run) -> None:
    async def main() -> None:
        with S2Mock(basins=BASINS, clock="loop") as mock:
            assert mock.fork().clock is mock.clock

    run(main)


def test_dates_begin_with_the_time_of_the_machine() -> None:
    before = time.time_ns()
    clock = LoopClock()
    assert before <= clock.now() <= time.time_ns()
    assert LoopClock(start=5).now() == 5


class Loop(asyncio.SelectorEventLoop):
    """A loop with a time that a test sets."""

    now = 10.0

    def time(self) -> float:
        return self.now


def test_timer_that_fires_early_is_due() -> None:
    """asyncio calls timers up to the resolution of its clock early, and uvloop half a ms."""
    loop = Loop()
    clock = LoopClock(loop, start=0)
    timers = []

    async def main() -> None:
        timers.append(clock.call_at(NANOSECONDS, loop.stop))
        loop.now = 11.0 - loop._clock_resolution / 2  # type: ignore[attr-defined]

    loop.create_task(main())
    loop.run_forever()
    loop.close()
    assert timers[0].is_due
    assert clock.now() == NANOSECONDS


def test_time_never_goes_back() -> None:
    loop = Loop()
    clock = LoopClock(loop, start=0)
    loop.now = 12.0
    assert clock.now() == 2 * NANOSECONDS
    loop.now = 11.0
    assert clock.now() == 2 * NANOSECONDS
    loop.close()


def test_wait_in_another_thread(run: Run) -> None:
    async def main() -> None:
        clock = LoopClock(start=0)
        condition = threading.Condition()

        def wait() -> int:
            with condition:
                clock.wait(condition, int(HOUR) * NANOSECONDS)
            return clock.now()

        assert await asyncio.to_thread(wait) >= HOUR * NANOSECONDS

    run(main)


def test_request_that_waits_in_the_thread_of_the_loop_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("s2mock.server.wsgi.PATIENCE", 0.01)

    async def main() -> None:
        path = f"{RECORDS}?seq_num=0&wait=60&clamp=true"
        with (
            S2Mock(basins=BASINS, clock="loop") as mock,
            pytest.raises(GivenUpError, match="waits for the clock of an event loop"),
        ):
            mock.client.get(path, headers={"s2-basin": "my-basin"})

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


def test_it_cannot_be_stopped() -> None:
    with S2Mock(clock="loop") as mock, pytest.raises(TypeError, match="goes with an event loop"):
        mock.clock.stopped()


def test_unknown_text_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match="'manual' for one that .* or 'loop' for that of an event"):
        S2Mock(clock="sundial")  # type: ignore[arg-type]  # on purpose
