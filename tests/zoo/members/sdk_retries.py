"""The retries of the SDK, on appends without a condition.

S2's SDK for Python tries an append again by itself if it gets no answer, or one of the 500s. A try
that had an effect is there twice then. The twin names the position, so that the second try is
refused.
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from s2_sdk import S2, AppendInput, Endpoints, Record, Retry, SeqNumMismatchError

from s2mock import Drop, Late
from tests.zoo.client import Stream, shop
from tests.zoo.member import Member

# Without pauses, for the test.
AT_ONCE = Retry(min_base_delay=timedelta(0), max_base_delay=timedelta(0))


def client(s2_mock: Any) -> S2:
    return S2(s2_mock.token, endpoints=Endpoints(s2_mock.url, s2_mock.url), retry=AT_ONCE)


async def sell(s2_mock: Any, sold: list[bytes]) -> None:
    async with client(s2_mock) as s2:
        orders = s2.basin("shop-basin").stream("orders")
        for order in sold:
            await orders.append(AppendInput([Record(order)]))


async def sell_repaired(s2_mock: Any, sold: list[bytes]) -> None:
    async with client(s2_mock) as s2:
        orders = s2.basin("shop-basin").stream("orders")
        for number, order in enumerate(sold):
            try:
                await orders.append(AppendInput([Record(order)], match_seq_num=number))
            except SeqNumMismatchError:
                # It is the only writer, so its first try is there.
                pass


@pytest.mark.s2_mock(basins=shop("orders"))
def test_each_order_is_placed_once(s2_sweep: Any, program: Any) -> None:
    for attempt in s2_sweep([Drop(), Drop(committed=True), Late(reads=1)], on="append"):
        with attempt as s2_mock:
            asyncio.run(program(s2_mock, [b"tea", b"cake"]))
            assert len(Stream(s2_mock, "orders").bodies()) == 2


MEMBER = Member(
    bug=sell,
    twin=sell_repaired,
    test=test_each_order_is_placed_once,
    report="""\
s2_sweep: 2 of 6 attempts failed

Drop(committed=True) at append 1 of 2: AssertionError: assert 3 == 2
    s2_sweep.replay('append', 1, Drop(committed=True))
""",
)
