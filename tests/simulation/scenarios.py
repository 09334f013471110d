"""The scenario of many seeds: each kind of client, in a world with each kind of fault.

`python -m tests.simulation.scenarios SEED` prints the journal of one seed.
"""

import asyncio
import sys
from typing import Any

import httpx
from s2_sdk import (
    S2,
    AppendInput,
    Batching,
    Endpoints,
    Record,
    Retry,
    SeqNum,
)

from tests.simulation.worlds import BASIN, LOG, check, journal_of

FOLLOWED_SECONDS = 120.0


def sdk(mock: Any, url: str) -> S2:
    """Return a client of the official SDK, which tries for longer than any fault lasts."""
    return S2(mock.token, endpoints=Endpoints(url, url), retry=Retry(max_attempts=100))


def headers_of(mock: Any) -> dict[str, str]:
    """Return the headers of a request to the basin."""
    return {"s2-basin": BASIN, "authorization": f"Bearer {mock.token}"}


async def append_by_sdk(s2: S2, found: list[str]) -> None:
    """Append by single calls, by a producer and by a session."""
    stream = s2[BASIN].stream("log")
    for number in range(2):
        await stream.append(AppendInput([Record(f"unary {number}".encode())]))
        found.append(f"unary {number}")
    async with stream.producer(batching=Batching()) as producer:
        tickets = [
            await producer.submit(Record(f"produced {number}".encode())) for number in range(3)
        ]
        for number, ticket in enumerate(tickets):
            await ticket
            found.append(f"produced {number}")
    async with stream.append_session() as session:
        for number in range(3):
            ticket = await session.submit(AppendInput([Record(f"session {number}".encode())]))
            await ticket
            found.append(f"session {number}")


async def append_by_httpx(mock: Any) -> None:
    """Append with httpx, again and again until it is acknowledged."""
    async with httpx.AsyncClient(
        base_url=mock.url, headers=headers_of(mock), trust_env=False
    ) as http:
        while True:
            try:
                body = {"records": [{"body": "httpx"}]}
                answer = await http.post("/v1/streams/log/records", json=body)
            except httpx.TransportError:
                await asyncio.sleep(0.5)
                continue
            if answer.status_code == 200:
                return
            await asyncio.sleep(0.5)


async def append_by_aiohttp(mock: Any) -> None:
    """Append with aiohttp, again and again until it is acknowledged."""
    import aiohttp

    async with aiohttp.ClientSession(mock.url, headers=headers_of(mock)) as http:
        while True:
            try:
                body = {"records": [{"body": "aiohttp"}]}
                async with http.post("/v1/streams/log/records", json=body) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.5)


async def follow(s2: S2, seen: list[str], seconds: float) -> None:
    """Follow the stream for that time, from its beginning."""
    stream = s2[BASIN].stream("log")
    try:
        async with asyncio.timeout(seconds), stream.read_session(start=SeqNum(0)) as batches:
            async for batch in batches:
                seen += [record.body.decode() for record in batch.records]
    except TimeoutError:
        pass


async def all_clients(world: Any, *, seconds: float = FOLLOWED_SECONDS) -> bytes:
    """Run all kinds of clients in a world with loss, a partition and crashes; return the journal.

    Each acknowledged record is in the stream, and the follower has read the stream.
    """
    import simloom

    from s2mock.simulation import start_s2

    world.net.set_latency(0.001, 0.2)
    world.net.set_loss(10)
    mock = await start_s2(world, basins=LOG)
    service, writer, reader = world.host("s2.test"), world.host("writer"), world.host("reader")
    acknowledged: list[str] = []
    seen: list[str] = []

    async def append() -> None:
        async with sdk(mock, mock.url) as s2:
            await append_by_sdk(s2, acknowledged)

    async def read() -> None:
        async with sdk(mock, mock.url) as s2:
            await follow(s2, seen, seconds)

    tasks = [
        writer.spawn(append),
        world.host("httpx").spawn(lambda: append_by_httpx(mock)),
        world.host("aiohttp").spawn(lambda: append_by_aiohttp(mock)),
        reader.spawn(read),
    ]
    # At times of the tape: the service is cut off from the reader, then its host crashes.
    await world.sleep(simloom.draw("partition", 20) / 10)
    world.net.partition([service], [reader])
    await world.sleep(simloom.draw("heal", 20) / 10)
    world.net.heal()
    await world.sleep(simloom.draw("crash", 20) / 10)
    service.crash()
    await world.sleep(1 + simloom.draw("restart", 20) / 10)
    service.restart()
    await asyncio.gather(*tasks[:3])
    await tasks[3]
    stored = [body.decode() for body in mock.stream(BASIN, "log").bodies]
    assert set(acknowledged) <= set(stored)
    assert {"httpx", "aiohttp"} <= set(stored)
    assert seen == stored
    return journal_of(mock)


if __name__ == "__main__":
    journal = check(all_clients, int(sys.argv[1]))
    assert isinstance(journal, bytes)
    sys.stdout.buffer.write(journal)
