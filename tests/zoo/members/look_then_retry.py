"""Look, then try again.

A client that gets no answer looks whether its order is there, and sends it again if it is not. The
first one may still be on its way. The twin sends it with the position at which it has looked.
"""

from typing import Any

import pytest

from s2mock import Drop, Late
from tests.zoo.client import Refused, Stream, shop
from tests.zoo.member import Member


def place(s2_mock: Any, order: str) -> None:
    orders = Stream(s2_mock, "orders")
    while True:
        try:
            orders.append(order)
            return
        except ConnectionError:
            if order in orders.bodies():
                return


def place_repaired(s2_mock: Any, order: str) -> None:
    orders = Stream(s2_mock, "orders")
    while True:
        placed = orders.bodies()
        if order in placed:
            return
        try:
            orders.append(order, match_seq_num=len(placed))
            return
        except (ConnectionError, Refused):
            pass


@pytest.mark.s2_mock(basins=shop("orders"))
def test_an_order_is_placed_once(s2_sweep: Any, program: Any) -> None:
    for attempt in s2_sweep([Drop(), Drop(committed=True), Late(reads=1)], on="append"):
        with attempt as s2_mock:
            program(s2_mock, "tea")
            assert len(Stream(s2_mock, "orders").bodies()) == 1


MEMBER = Member(
    bug=place,
    twin=place_repaired,
    test=test_an_order_is_placed_once,
    report="""\
s2_sweep: 1 of 3 attempts failed

Late(reads=1) at append 1 of 1: AssertionError: assert 2 == 1
    s2_sweep.replay('append', 1, Late(reads=1))
""",
)
