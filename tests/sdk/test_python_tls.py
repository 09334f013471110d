"""The official Python SDK, unmodified, over TLS: it trusts what the environment names."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from s2_sdk import S2, AppendInput, Endpoints, Record, SeqNum

from s2mock import Cut, Drop, S2Mock
from s2mock.powers.faults import Fault
from tests.sdk.conftest import AT_ONCE

BASINS = [{"name": "my-basin", "streams": ["log"]}]

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.usefixtures("_trust_as_usual"),
    pytest.mark.s2_mock(tls=True, use_env=True, basins=BASINS),
]


@pytest_asyncio.fixture
async def stream(s2_mock: S2Mock, _trust_as_usual: None) -> AsyncIterator[Any]:
    async with S2(s2_mock.token, endpoints=Endpoints.from_env(), retry=AT_ONCE) as s2:
        yield s2["my-basin"].stream("log")


async def read(stream: Any, count: int) -> list[bytes]:
    seen: list[bytes] = []
    async with stream.read_session(start=SeqNum(0)) as batches:
        async for batch in batches:
            seen += [record.body for record in batch.records]
            if len(seen) >= count:
                break
    return seen


async def test_sessions(s2_mock: S2Mock, stream: Any) -> None:
    bodies = [b"%d" % number for number in range(100)]
    reading = asyncio.create_task(read(stream, len(bodies)))
    async with stream.append_session() as session:
        tickets = [await session.submit(AppendInput([Record(body)])) for body in bodies]
        for ticket in tickets:
            await ticket
    assert await reading == bodies
    assert {exchange.protocol for exchange in s2_mock.journal} == {"h2"}


async def test_large_records(stream: Any) -> None:
    bodies = [bytes([number]) * 900_000 for number in range(3)]
    for body in bodies:
        await stream.append(AppendInput([Record(body)]))
    assert await read(stream, len(bodies)) == bodies


@pytest.mark.parametrize(
    "fault", [Drop(), Drop(committed=True), Drop(connection="reset")], ids=repr
)
async def test_an_append_whose_connection_ends_is_sent_again(
    s2_mock: S2Mock, stream: Any, fault: Fault
) -> None:
    s2_mock.inject(fault, on="append")
    tail = await stream.append(AppendInput([Record(b"x")]))
    expected = 2 if fault == Drop(committed=True) else 1
    assert (tail.tail.seq_num, len(s2_mock.journal.of("append"))) == (expected, 2)


@pytest.mark.parametrize("fault", [Cut(records=3), Cut(records=3, connection="reset")], ids=repr)
async def test_a_read_that_is_cut_goes_on_where_it_was(
    s2_mock: S2Mock, stream: Any, fault: Fault
) -> None:
    s2_mock.stream("my-basin", "log").append([str(number) for number in range(10)])
    s2_mock.inject(fault, on="read")
    assert await read(stream, 10) == [b"%d" % number for number in range(10)]
    assert len(s2_mock.journal.of("read")) == 2


@pytest.mark.s2_mock(tls=True, use_env=False, basins=BASINS)
async def test_an_authority_that_is_not_named_is_not_trusted(s2_mock: S2Mock) -> None:
    endpoints = Endpoints(account=s2_mock.url, basin=s2_mock.url)
    async with S2("token", endpoints=endpoints, retry=AT_ONCE) as s2:
        with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED|certificate verify failed"):
            await s2["my-basin"].stream("log").check_tail()
    assert len(s2_mock.journal) == 0
