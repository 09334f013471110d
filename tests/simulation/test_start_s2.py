"""`start_s2`: options, powers and the end of an account in a world."""

import asyncio
import contextlib
import gc
import threading
import time
import weakref
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from s2mock import Delay, Drop, Late, S2Mock, UnusedFault
from s2mock.runtime import monotonic
from tests.simulation.worlds import BASIN, LOG, check, run

RECORDS = "/v1/streams/log/records"
HOUR = 3600.0


@contextlib.asynccontextmanager
async def client(mock: S2Mock) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=mock.url, headers={"s2-basin": BASIN}, timeout=None, trust_env=False
    ) as http:
        yield http


async def append(mock: S2Mock, body: str = "a") -> httpx.Response:
    async with client(mock) as http:
        return await http.post(RECORDS, json={"records": [{"body": body}]})


async def start(world: Any, **options: Any) -> S2Mock:
    from s2mock.simulation import start_s2

    return await start_s2(world, **{"basins": LOG, **options})


def test_url_token_and_dates_are_the_same_in_each_world() -> None:
    async def main(world: Any) -> None:
        mock = await start(world)
        assert (mock.url, mock.token) == ("http://s2.test", "s2mock")
        assert mock.env["S2_ACCOUNT_ENDPOINT"].startswith("http://s2.test")
        assert repr(mock) == "<S2Mock in a world at http://s2.test with 1 basin>"
        assert mock.clock.now() == 1_704_067_200 * 1_000_000_000
        await world.sleep(HOUR)
        assert mock.clock.now() == (1_704_067_200 + 3600) * 1_000_000_000
        other = await start(world, host="other.test", port=8080, token="own")
        assert (other.url, other.token) == ("http://other.test:8080", "own")
        assert other.clock.now() == mock.clock.now()

    check(main, 1)
    check(main, 1, virtual_time=False)


def test_dates_begin_with_the_wall_clock_of_the_world() -> None:
    async def main(world: Any) -> int:
        await world.sleep(10)
        return (await start(world)).clock.now()

    assert check(main, 1, wall_epoch=1_900_000_000.0) == 1_900_000_010 * 1_000_000_000


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"clock": "manual"}, "the clock of a simulation is that of its world"),
        ({"tls": True}, "use http://"),
        ({"control": True}, "cannot reach a world"),
        ({"upstream": "http://127.0.0.1:1"}, "sockets of the operating system"),
        ({"port": 0}, "from 1 on"),
        ({"port": -1}, "port must be"),
        ({"host": ""}, "host must be"),
        ({"deletion_delay": -1}, "deletion_delay"),
    ],
)
def test_option_without_a_meaning_is_refused(option: dict[str, Any], message: str) -> None:
    async def main(world: Any) -> None:
        with pytest.raises(ValueError, match=message):
            await start(world, **option)

    check(main, 1)


def test_address_in_use_and_what_is_no_world_are_refused() -> None:
    async def main(world: Any) -> None:
        await start(world)
        with pytest.raises(OSError, match="in use"):
            await start(world)
        with pytest.raises(TypeError, match="world must be the World"):
            await start(None)

    check(main, 1)


def test_outside_of_a_run_it_is_refused() -> None:
    worlds: list[Any] = []

    async def main(world: Any) -> None:
        worlds.append(world)

    check(main, 1)
    with pytest.raises(RuntimeError, match="outside of a run"):
        asyncio.run(start(worlds[0]))


def test_faults_take_time_of_the_world() -> None:
    async def main(world: Any) -> None:
        mock = await start(world)
        mock.inject([Delay(HOUR, jitter=HOUR), Late(HOUR), Drop(committed=True)], on="append")
        threads = threading.active_count()
        assert (await append(mock)).status_code == 200
        assert HOUR <= world.time <= 2 * HOUR + 1
        with pytest.raises(httpx.RemoteProtocolError):
            await append(mock, "late")
        assert len(mock.stream(BASIN, "log").bodies) == 1
        await world.sleep(HOUR + 1)
        # Applied at its time, not with the next operation: a follower would have it by then.
        [_, late] = mock.stream(BASIN, "log").records
        assert late.timestamp <= mock.clock.now() // 1_000_000
        with pytest.raises(httpx.RemoteProtocolError):
            await append(mock, "dropped")
        assert mock.stream(BASIN, "log").bodies[-1] == b"dropped"
        assert threading.active_count() == threads

    check(main, 1)


def test_late_append_reaches_a_follower_at_its_time() -> None:
    async def main(world: Any) -> None:
        mock = await start(world)
        mock.inject(Late(30), on="append")
        with pytest.raises(httpx.RemoteProtocolError):
            await append(mock, "late")
        async with client(mock) as http:
            answer = await http.get(RECORDS, params={"seq_num": 0, "wait": 60, "clamp": True})
        assert [record["body"] for record in answer.json()["records"]] == ["late"]
        assert 30 <= world.time < 31

    check(main, 1)


def test_hold_and_waits_take_time_of_the_world() -> None:
    async def main(world: Any) -> None:
        mock = await start(world)
        with mock.hold(on="append") as held:
            appending = asyncio.create_task(append(mock))
            await held.async_wait(timeout=5)
            await world.sleep(HOUR)
            assert not appending.done()
        assert (await appending).status_code == 200
        began = world.time
        with pytest.raises(TimeoutError, match="1 of 2"):
            await mock.journal.async_wait_for("append", 2, timeout=HOUR)
        assert HOUR <= world.time - began < HOUR + 1

    real = time.monotonic()
    check(main, 1)
    assert time.monotonic() - real < HOUR


@pytest.mark.parametrize("is_async", [False, True])
def test_hook_is_called_without_a_thread(is_async: bool) -> None:
    async def main(world: Any) -> None:
        mock = await start(world)
        log = mock.stream(BASIN, "log")
        callers = []

        def write(_: Any) -> None:
            callers.append(threading.current_thread())
            log.append(["theirs"])

        async def write_later(exchange: Any) -> None:
            await world.sleep(10)
            write(exchange)

        mock.on("append", write_later if is_async else write)
        assert (await append(mock, "mine")).status_code == 200
        assert log.bodies == (b"theirs", b"mine")
        assert callers == [threading.current_thread()]

    check(main, 1)


def test_long_body_is_read_without_a_thread() -> None:
    async def main(world: Any) -> None:
        mock = await start(world)
        body = {"records": [{"body": "x" * 1000} for _ in range(900)]}
        async with client(mock) as http:
            assert (await http.post(RECORDS, json=body)).status_code == 200
            answer = await http.get(RECORDS, params={"seq_num": 0})
        assert len(answer.json()["records"]) == 900

    check(main, 1)


def test_outage_and_reset() -> None:
    async def main(world: Any) -> None:
        mock = await start(world)
        with mock.outage(), pytest.raises(httpx.TransportError):
            await append(mock)
        assert (await append(mock)).status_code == 200
        mock.reset()
        assert mock.stream(BASIN, "log").bodies == ()
        assert (await append(mock)).status_code == 200

    check(main, 1)


def test_fork_is_served_in_the_world() -> None:
    async def main(world: Any) -> None:
        mock = await start(world)
        await append(mock, "both")
        fork = mock.fork()
        with pytest.raises(RuntimeError, match=r"call `await s2_mock.serve\(host=..., port=80\)`"):
            _ = fork.url
        with pytest.raises(ValueError, match="from 1 on"):
            await fork.serve(host="fork.test")
        await fork.serve(host="fork.test", port=80)
        assert fork.url == "http://fork.test"
        await append(fork, "fork")
        assert fork.stream(BASIN, "log").bodies == (b"both", b"fork")
        assert mock.stream(BASIN, "log").bodies == (b"both",)
        mock.close()
        with pytest.raises(RuntimeError, match="closed"):
            _ = mock.url

    check(main, 1)


def test_fault_that_is_never_used_fails_the_world() -> None:
    async def main(world: Any) -> None:
        (await start(world)).inject(Drop(), on="append")

    error = run(main, 1).error
    assert "a fault never fired: inject(Drop(), on='append')" in str(error)
    assert isinstance(error.__cause__, UnusedFault)


def test_fault_that_is_never_used_is_no_failure_of_a_world_that_fails_by_itself() -> None:
    async def main(world: Any) -> None:
        (await start(world)).inject(Drop(), on="append")
        raise KeyError("its own")

    assert isinstance(run(main, 1).error, KeyError)


def test_hook_that_fails_fails_the_world() -> None:
    async def main(world: Any) -> None:
        mock = await start(world)

        def fail(_: Any) -> None:
            raise KeyError("of the hook")

        mock.on("append", fail)
        await append(mock)

    assert isinstance(run(main, 1).error.__cause__, KeyError)


def test_failure_of_the_fake_itself_fails_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    from s2mock.api.app import App

    def respond(*_: Any) -> None:
        raise KeyError("a bug")

    async def main(world: Any) -> None:
        mock = await start(world)
        monkeypatch.setattr(App, "respond", respond)
        assert (await append(mock)).status_code == 500

    assert isinstance(run(main, 1).error.__cause__, KeyError)


def test_world_that_has_ended_leaves_nothing() -> None:
    made = []

    async def main(world: Any) -> None:
        mock = await start(world)
        made.append(weakref.ref(mock))
        await append(mock)

    check(main, 1)
    gc.collect()
    assert made[0]() is None
    assert monotonic.monotonic() == pytest.approx(time.monotonic(), abs=60)


def test_another_thread_keeps_the_time_of_the_machine() -> None:
    seen = []

    async def main(world: Any) -> None:
        await start(world)
        assert monotonic.monotonic() == world.time == 0
        asking = threading.Thread(target=lambda: seen.append(monotonic.monotonic()))
        asking.start()
        asking.join()

    # The thread leaves the world, which `run` would notice.
    import simloom

    before = monotonic.monotonic()
    simloom.run(main, seed=1)
    assert before <= seen[0] <= monotonic.monotonic()


def test_journal_can_be_read_after_the_world() -> None:
    async def main(world: Any) -> S2Mock:
        mock = await start(world)
        await append(mock)
        return mock

    [exchange] = check(main, 1).journal
    assert exchange.request.document == {"records": [{"body": "a"}]}


PYTEST = """
import httpx, simloom
from s2mock import Drop
from s2mock.simulation import start_s2

async def place(url, order):
    headers = {{"s2-basin": "my-basin"}}
    async with httpx.AsyncClient(base_url=url, headers=headers, verify=False) as http:
        body = {{"records": [{{"body": order}}]}}
        while True:
            try:
                await http.post("/v1/streams/log/records", json=body)
                return
            except httpx.TransportError:
                pass

@simloom.test(runs=30, shrink_budget=20)
async def test_order(world):
    s2_mock = await start_s2(world, basins=[{{"name": "my-basin", "streams": ["log"]}}])
    placing = world.host("shop").spawn(lambda: place(s2_mock.url, "tea"))
    await world.sleep(simloom.draw("reset", 10) / 100)
    world.net.reset_connections(world.host("shop"), world.host("s2.test"))
    await placing
    assert len(s2_mock.stream("my-basin", "log").bodies) {condition}
"""


def test_failing_test_shows_the_timeline_of_one_world(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PYTEST.format(condition="== 1"))
    result = pytester.runpytest("-o", "s2mock_advice=off")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*simloom found a failing universe*", "*s2mock: 2 exchanges*"])
    assert result.stdout.str().count("s2mock: 2 exchanges") == 1


def test_passing_test_shows_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PYTEST.format(condition="in (1, 2)"))
    result = pytester.runpytest("-o", "s2mock_advice=off")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*exchange*")
