"""The official Python SDK, unmodified: more small appends at once than a server likes."""

from collections.abc import Callable
from typing import Any

import pytest
from s2_sdk import S2, AppendInput, Endpoints, Record

from s2mock import Stream

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]

APPENDS = 20_000


async def test_a_flood_of_small_appends(observe: Callable[..., Any], log: Stream) -> None:
    """All in flight in one session, which the SDK does not have to open again."""
    observed = observe()
    async with (
        S2(observed.token, endpoints=Endpoints(observed.url, observed.url)) as s2,
        s2["my-basin"].stream("logs").append_session() as session,
    ):
        tickets = [await session.submit(AppendInput([Record(b"%d" % n)])) for n in range(APPENDS)]
        acks = [await ticket for ticket in tickets]

    assert [ack.start.seq_num for ack in acks] == list(range(APPENDS))
    assert [record.body for record in log.records] == [b"%d" % n for n in range(APPENDS)]
    assert [request["REQUEST_METHOD"] for request in observed.requests] == ["POST"]
