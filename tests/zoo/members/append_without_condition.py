"""Read, then append without a condition.

Two clients look whether the stream is empty, and write the first record if it is. Between the look
and the append of one of them, the other one can write. The twin says in its append what it has
seen, and S2 refuses it if that is no longer so.
"""

from typing import Any

import pytest

from tests.zoo.client import Refused, Stream, shop
from tests.zoo.member import Member


def open_shop(actor: Any, name: str) -> None:
    orders = Stream(actor, "orders")
    if orders.tail() == 0:
        orders.append(name)


def open_shop_repaired(actor: Any, name: str) -> None:
    orders = Stream(actor, "orders")
    if orders.tail() == 0:
        try:
            orders.append(name, match_seq_num=0)
        except Refused as refused:
            # The other client was faster.
            assert refused.status == 412


@pytest.mark.s2_mock(basins=shop("orders"))
def test_the_shop_is_opened_once(s2_orders: Any, program: Any) -> None:
    for run in s2_orders():
        with run as s2_mock:
            run.actor("a", program, "opened by a")
            run.actor("b", program, "opened by b")
            run.go()
            assert len(Stream(s2_mock, "orders").bodies()) == 1


MEMBER = Member(
    bug=open_shop,
    twin=open_shop_repaired,
    test=test_the_shop_is_opened_once,
    report="""\
s2_orders: 2 of 4 orders fail; the shortest: a check-tail, b check-tail, b append, a append

a1 b1 b2 a2: AssertionError: assert 2 == 1
    s2_orders.replay("a1 b1 b2 a2")
""",
)
