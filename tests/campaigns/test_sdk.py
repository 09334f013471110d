"""Actors and workers with the official Python SDK, which has sessions and tasks of its own."""

import asyncio
from typing import Any

import pytest
from s2_sdk import S2, AppendInput, Endpoints, Record, Retry, SeqNum

from s2mock import Crashes, Orders, S2Mock
from s2mock.handles.campaigns.orders import Run
from tests.campaigns.clients import BASIN, SEEDS

pytestmark = pytest.mark.slow


def connect(at: Any) -> S2:
    endpoints = Endpoints(account=at.url, basin=at.url)
    return S2(at.token, endpoints=endpoints, retry=Retry(max_attempts=1))


async def place(actor: Any, body: bytes) -> None:
    async with connect(actor) as s2:
        stream = s2[BASIN]["orders"]
        if (await stream.check_tail()).seq_num == 0:
            await stream.append(AppendInput([Record(body)]))


async def submit(actor: Any, *bodies: bytes) -> None:
    async with connect(actor) as s2, s2[BASIN]["orders"].append_session() as session:
        tickets = [await session.submit(AppendInput([Record(body)])) for body in bodies]
        for ticket in tickets:
            await ticket


async def follow(actor: Any, count: int) -> None:
    async with connect(actor) as s2:
        async for batch in s2[BASIN]["orders"].read_session(start=SeqNum(0)):
            count -= len(batch.records)
            if count <= 0:
                return


def orders_of(run_with: Any) -> list[str]:
    campaign = Orders(basins=SEEDS, check=True)
    found = []
    for run in campaign:
        with run:
            run_with(run)
            run.go()
        found.append(run._attempt.instructions.title)
    assert campaign.report().passed, str(campaign.report())
    return found


def test_calls_are_tried_in_all_orders() -> None:
    def run_with(run: Run) -> None:
        run.actor("a", place, b"tea")
        run.actor("b", place, b"cake")

    assert orders_of(run_with) == ["a1 a2 b1", "a1 b1 a2 b2", "a1 b1 b2 a2", "b1 b2 a1"]


def test_batches_of_sessions_are_tried_in_all_orders() -> None:
    def run_with(run: Run) -> None:
        run.actor("a", submit, b"1", b"2")
        run.actor("b", submit, b"3")

    # The openings commute with everything here.
    assert orders_of(run_with) == ["a1 a2 a3 b1 b2", "a1 a2 b1 b2 a3", "a1 b1 b2 a2 a3"]


def test_a_read_session_begins_at_each_place() -> None:
    def run_with(run: Run) -> None:
        run.actor("a", follow, 2)
        run.actor("b", submit, b"1", b"2")

    assert orders_of(run_with) == ["a1 b1 b2 b3", "b1 b2 a1 b3", "b1 b2 b3 a1"]


def test_a_worker_with_a_session_stops_at_each_batch() -> None:
    found = []
    for attempt in Crashes(on=["append", "append-session"], basins=SEEDS):
        with attempt as mock:

            async def work(mock: S2Mock = mock) -> None:
                await submit(mock, b"1", b"2")
                await asyncio.sleep(0)

            attempt.run(work)
            found.append((str(attempt.point), len(mock.stream(BASIN, "orders").bodies)))
    assert found == [
        ("None", 2),
        ("a crash before append 1", 0),
        ("a crash after append 1", 1),
        ("a crash before append 2", 1),
        ("a crash after append 2", 2),
        ("a crash before append-session 1", 0),
    ]
