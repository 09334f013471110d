"""Two appends that belong together.

A transfer takes money from one account, and adds it to another one. A crash between the two
appends loses it, and the second try finds that the transfer has begun. The twin writes both in one
batch, of which S2 writes all or nothing.
"""

from typing import Any

import pytest

from tests.zoo.client import AsyncStream, Stream, shop
from tests.zoo.member import Member


async def transfer(s2_mock: Any) -> None:
    async with AsyncStream(s2_mock, "ledger") as ledger:
        if "tea -5" not in await ledger.bodies():
            await ledger.append("tea -5", match_seq_num=0)
            await ledger.append("cake +5")


async def transfer_repaired(s2_mock: Any) -> None:
    async with AsyncStream(s2_mock, "ledger") as ledger:
        if "tea -5" not in await ledger.bodies():
            await ledger.append("tea -5", "cake +5", match_seq_num=0)


@pytest.mark.s2_mock(basins=shop("ledger"))
def test_no_money_is_lost(s2_crash: Any, program: Any) -> None:
    for attempt in s2_crash(on="append"):
        with attempt as s2_mock:
            attempt.run(program, s2_mock)
            # It starts again.
            attempt.run(program, s2_mock)
            assert sum(int(body.split()[1]) for body in Stream(s2_mock, "ledger").bodies()) == 0


MEMBER = Member(
    bug=transfer,
    twin=transfer_repaired,
    test=test_no_money_is_lost,
    report="""\
s2_crash: 2 of 4 attempts failed

a crash after append 1 of 2: AssertionError: assert -5 == 0
    s2_crash.replay('after', 'append', 1)
""",
)
