"""A lease without a fence.

A worker takes the lease on a stream by a fencing token of its own, and writes. If another worker
takes the lease between the two, the first one does not know, and goes on. Only an append that
carries the token is refused then.
"""

from typing import Any

import pytest
from s2_sdk import (
    S2,
    AppendInput,
    CommandRecord,
    Endpoints,
    FencingTokenMismatchError,
    Record,
)

from tests.zoo.client import Stream, shop
from tests.zoo.member import Member


async def work(actor: Any) -> None:
    async with S2(actor.token, endpoints=Endpoints(actor.url, actor.url)) as s2:
        log = s2.basin("shop-basin").stream("log")
        await log.append(AppendInput([CommandRecord.fence(actor.name)]))
        await log.append(AppendInput([Record(f"the work of {actor.name}".encode())]))


async def work_repaired(actor: Any) -> None:
    async with S2(actor.token, endpoints=Endpoints(actor.url, actor.url)) as s2:
        log = s2.basin("shop-basin").stream("log")
        await log.append(AppendInput([CommandRecord.fence(actor.name)]))
        record = Record(f"the work of {actor.name}".encode())
        try:
            await log.append(AppendInput([record], fencing_token=actor.name))
        except FencingTokenMismatchError:
            # The lease was taken by the other worker.
            pass


@pytest.mark.s2_mock(basins=shop("log"))
def test_only_the_holder_of_the_lease_writes(s2_orders: Any, program: Any) -> None:
    for run in s2_orders():
        with run as s2_mock:
            run.actor("a", program)
            run.actor("b", program)
            run.go()
            holder = ""
            for body in Stream(s2_mock, "log").bodies():
                if body.startswith("the work of "):
                    assert body == f"the work of {holder}"
                else:
                    holder = body


MEMBER = Member(
    bug=work,
    twin=work_repaired,
    test=test_only_the_holder_of_the_lease_writes,
    report="""\
s2_orders: 4 of 6 orders fail; the shortest: a fence, b fence, b append, a append

a1 b1 b2 a2: AssertionError: assert 'the work of a' == 'the work of b'
    s2_orders.replay("a1 b1 b2 a2")
""",
)
