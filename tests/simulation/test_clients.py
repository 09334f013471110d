"""The official SDK, httpx and aiohttp in worlds with faults, from one seed."""

import asyncio
import contextlib
import itertools
import os
import socket
import subprocess
import sys
from typing import Any

import httpx
import pytest
from s2_sdk import AppendInput, Record, SeqNum

from tests.simulation.scenarios import all_clients, follow, sdk
from tests.simulation.worlds import BASIN, LOG, check, journal_of, run

SEEDS = 1000
SAMPLE = 20
DAY = 24 * 60 * 60.0


@pytest.mark.timeout(3600)
def test_all_clients_with_all_faults_never_leave_the_world(is_whole: bool) -> None:
    journals = set()
    for seed in range(SEEDS if is_whole else SAMPLE):
        result = run(all_clients, seed)
        if result.error is not None:
            raise AssertionError(f"the world of seed {seed} has failed") from result.error
        assert not [event for event in result.log.events if event["kind"] == "escape"]
        journals.add(result.value)
    # The seeds are different worlds.
    assert len(journals) > (SEEDS if is_whole else SAMPLE) * 0.9


@pytest.mark.timeout(600)
def test_same_seed_gives_the_same_journal_in_two_processes(is_whole: bool) -> None:
    for seed in range(30 if is_whole else 2):
        journals = [
            subprocess.run(
                [sys.executable, "-m", "tests.simulation.scenarios", str(seed)],
                env={**os.environ, "PYTHONHASHSEED": hash_seed},
                capture_output=True,
                check=True,
            ).stdout
            for hash_seed in ("1", "2")
        ]
        assert journals[0] == journals[1]
        # And twice in one process.
        assert check(all_clients, seed) == check(all_clients, seed) == journals[0]
        assert journals[0].count(b"\n") > 5


def test_read_session_of_the_sdk_follows_for_a_day() -> None:
    async def main(world: Any) -> None:
        from s2mock.simulation import start_s2

        mock = await start_s2(world, basins=LOG)
        seen: list[str] = []

        async def read() -> None:
            async with sdk(mock, mock.url) as s2:
                await follow(s2, seen, DAY + 60)

        reading = world.host("reader").spawn(read)
        for number in range(25):
            mock.stream(BASIN, "log").append([f"hour {number}"])
            await world.sleep(3600)
        await reading
        assert seen == [f"hour {number}" for number in range(25)]
        # The SDK gives up a session in which it hears nothing for 20 seconds, and opens another.
        assert len(mock.journal.of("read")) == 1
        assert world.time > DAY

    check(main, 1)


def test_heartbeats_come_every_5_to_15_seconds() -> None:
    async def main(world: Any) -> list[float]:
        from s2mock.simulation import start_s2

        mock = await start_s2(world, basins=LOG)
        times: list[float] = []

        async def read() -> None:
            headers = {"s2-basin": BASIN, "accept": "text/event-stream"}
            with contextlib.suppress(TimeoutError):
                async with (
                    asyncio.timeout(1200),
                    httpx.AsyncClient(base_url=mock.url, headers=headers, timeout=None) as http,
                    http.stream("GET", "/v1/streams/log/records?seq_num=0&clamp=true") as answer,
                ):
                    # Each at its time, and those before the timeout too.
                    async for line in answer.aiter_lines():
                        if line == "event: ping":
                            times.append(world.time)  # noqa: PERF401

        await world.host("reader").spawn(read)
        return times

    times = check(main, 1)
    gaps = [after - before for before, after in itertools.pairwise(times)]
    # The network takes up to 20 ms.
    assert 4.9 < min(gaps) < 6
    assert 14 < max(gaps) < 15.1
    # From the tape.
    assert check(main, 2) != times == check(main, 1)


def test_latency_is_that_of_the_network() -> None:
    async def main(world: Any) -> None:
        from s2mock.simulation import start_s2

        world.net.set_latency(2, 2)
        mock = await start_s2(world, basins=LOG)
        async with sdk(mock, mock.url) as s2:
            await s2[BASIN].stream("log").append(AppendInput([Record(b"a")]))
        assert world.time >= 4

    check(main, 1)


def test_partition_holds_a_request_back_until_it_is_healed() -> None:
    async def main(world: Any) -> None:
        from s2mock.simulation import start_s2

        mock = await start_s2(world, basins=LOG)
        service, client = world.host("s2.test"), world.host("client")
        world.net.partition([service], [client])

        async def append() -> None:
            async with httpx.AsyncClient(
                base_url=mock.url, headers={"s2-basin": BASIN}, timeout=None
            ) as http:
                body = {"records": [{"body": "a"}]}
                assert (await http.post("/v1/streams/log/records", json=body)).status_code == 200

        appending = client.spawn(append)
        await world.sleep(600)
        assert mock.stream(BASIN, "log").bodies == ()
        world.net.heal()
        await appending
        assert mock.stream(BASIN, "log").bodies == (b"a",)

    check(main, 1)


def test_service_that_crashes_keeps_what_it_has_acknowledged() -> None:
    async def main(world: Any) -> None:
        from s2mock.simulation import start_s2

        mock = await start_s2(world, basins=LOG)
        service = world.host("s2.test")
        seen: list[str] = []

        async def read() -> None:
            async with sdk(mock, mock.url) as s2:
                await follow(s2, seen, 60)

        reading = world.host("reader").spawn(read)
        mock.stream(BASIN, "log").append(["before"])
        await mock.stream(BASIN, "log").async_wait_for_readers()
        service.crash()
        await world.sleep(5)
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("s2.test", 80)
        mock.stream(BASIN, "log").append(["while it is down"])
        service.restart()
        await reading
        assert seen == ["before", "while it is down"]
        # The session of the server that crashed has ended.
        await world.until(lambda: mock.stream(BASIN, "log").readers == 0, timeout=1)
        assert len(mock.journal.of("read")) > 1

    for seed in range(5):
        check(main, seed)


def test_host_that_crashes_takes_no_callback_of_the_service_with_it() -> None:
    """A program on that host may have caused the callback, by a direct call."""

    async def main(world: Any) -> None:
        import simloom

        from s2mock.simulation import start_s2

        mock = await start_s2(world, basins=LOG)
        seen: list[str] = []
        log = mock.stream(BASIN, "log")

        async def read() -> None:
            async with sdk(mock, mock.url) as s2:
                await follow(s2, seen, 10)

        async def append() -> None:
            log.append(["direct"])
            writer.crash()

        reading = world.host("reader").spawn(read)
        await log.async_wait_for_readers()
        writer = world.host("writer")
        writer.spawn(append)
        await world.sleep(simloom.draw("wait", 3))
        log.append(["later"])
        await reading
        assert sorted(seen) == ["direct", "later"]

    for seed in range(5):
        check(main, seed)


def test_client_that_leaves_ends_its_session() -> None:
    async def main(world: Any) -> None:
        from s2mock.simulation import start_s2

        mock = await start_s2(world, basins=LOG)
        log = mock.stream(BASIN, "log")
        async with sdk(mock, mock.url) as s2:
            async with s2[BASIN].stream("log").read_session(start=SeqNum(0)):
                await log.async_wait_for_readers()
            await world.until(lambda: log.readers == 0, timeout=60)
        headers = {"s2-basin": BASIN, "accept": "text/event-stream"}
        async with httpx.AsyncClient(base_url=mock.url, headers=headers, timeout=None) as http:
            async with http.stream("GET", "/v1/streams/log/records?seq_num=0&clamp=true"):
                await log.async_wait_for_readers()
            await world.until(lambda: log.readers == 0, timeout=60)

    check(main, 1)


class TestNegativeControls:
    def test_a_call_that_leaves_the_world_is_noticed(self) -> None:
        async def main(world: Any) -> None:
            with socket.socket() as own:
                own.bind(("127.0.0.1", 0))
            await world.sleep(1)

        with pytest.raises(AssertionError, match=r"socket\.bind"):
            run(main, 1)

    def test_a_journal_with_the_time_of_the_machine_differs(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from s2mock.runtime import monotonic

        async def main(world: Any) -> bytes:
            from s2mock.simulation import start_s2

            mock = await start_s2(world, basins=LOG)
            async with sdk(mock, mock.url) as s2:
                await s2[BASIN].stream("log").append(AppendInput([Record(b"a")]))
            return journal_of(mock)

        assert check(main, 1) == check(main, 1)
        monkeypatch.setattr(monotonic, "replace_in_this_thread", lambda *_: None)
        assert check(main, 1) != check(main, 1)
