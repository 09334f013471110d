"""A stream that is created, and not configured.

A program creates a stream, and then sets for how long it keeps its records. After a crash between
the two the stream is there, so it has nothing to do, and the records are gone after the default
time. The twin creates the stream with its configuration.
"""

from typing import Any

import pytest

from tests.zoo.client import AsyncStream, Client, Refused, shop
from tests.zoo.member import Member

YEAR = 365 * 24 * 60 * 60
KEPT = {"retention_policy": {"age": YEAR}}


async def set_up(s2_mock: Any) -> None:
    async with AsyncStream(s2_mock, "orders") as orders:
        try:
            await orders.create()
        except Refused as refused:
            # It is there already.
            assert refused.status == 409
            return
        await orders.configure(KEPT)


async def set_up_repaired(s2_mock: Any) -> None:
    async with AsyncStream(s2_mock, "orders") as orders:
        try:
            await orders.create(KEPT)
        except Refused as refused:
            assert refused.status == 409


@pytest.mark.s2_mock(basins=shop())
def test_orders_are_kept_for_a_year(s2_crash: Any, program: Any) -> None:
    for attempt in s2_crash(on=["create-stream", "reconfigure-stream"]):
        with attempt as s2_mock:
            attempt.run(program, s2_mock)
            # It starts again.
            attempt.run(program, s2_mock)
            config = Client(s2_mock).call("GET", "/v1/streams/orders")
            assert config["retention_policy"]["age"] == YEAR


MEMBER = Member(
    bug=set_up,
    twin=set_up_repaired,
    test=test_orders_are_kept_for_a_year,
    report="""\
s2_crash: 2 of 5 attempts failed

a crash after create-stream 1 of 2: AssertionError: assert 604800 == 31536000
    s2_crash.replay('after', 'create-stream', 1)
""",
)
