"""A refusal (412) that is taken for one's own success.

A client tries again after a lost answer, with a condition. If that is refused, it believes that its
first try is what is at that position. It may as well be the record of another client. The twin
looks what is there.
"""

from typing import Any

import pytest

from s2mock import Drop
from tests.zoo.client import Refused, Stream, shop
from tests.zoo.member import Member


def place(actor: Any, order: str) -> None:
    orders = Stream(actor, "orders")
    position, is_unsure = 0, False
    while True:
        try:
            orders.append(order, match_seq_num=position)
        except ConnectionError:
            is_unsure = True
        except Refused:
            if is_unsure:
                # The first try was successful.
                return
            position += 1
        else:
            return


def place_repaired(actor: Any, order: str) -> None:
    orders = Stream(actor, "orders")
    position = 0
    while True:
        try:
            orders.append(order, match_seq_num=position)
            return
        except ConnectionError:
            continue
        except Refused:
            pass
        try:
            [record] = orders.read(position, count=1)
        except ConnectionError:
            continue
        if record.body == order:
            return
        position += 1


@pytest.mark.s2_mock(basins=shop("orders"))
def test_each_order_is_placed_once(s2_orders: Any, program: Any) -> None:
    for run in s2_orders(max_faults=1, faults=[Drop(), Drop(committed=True)]):
        with run as s2_mock:
            run.actor("a", program, "tea")
            run.actor("b", program, "cake")
            run.go()
            assert sorted(Stream(s2_mock, "orders").bodies()) == ["cake", "tea"]


MEMBER = Member(
    bug=place,
    twin=place_repaired,
    test=test_each_order_is_placed_once,
    report="""\
s2_orders: 6 of 18 orders fail; the shortest: a append, b append with Drop(), b append

a1 b1 b2: AssertionError: assert ['tea'] == ['cake', 'tea']
    s2_orders.replay("a1 b1 b2", faults={'b1': Drop()})
""",
)
