"""A duplicate after an append that was applied late.

A client that gets no answer looks for its order, and then asks for the tail, to have a condition
for its second try. If the first try is applied between the two, that tail is behind it, and so the
second try is not refused. The twin takes the position from the look itself.
"""

from typing import Any

import pytest

from s2mock import Drop, Late
from tests.zoo.client import Refused, Stream, shop
from tests.zoo.member import Member


def place(s2_mock: Any, order: str) -> None:
    orders = Stream(s2_mock, "orders")
    while order not in orders.bodies():
        try:
            orders.append(order, match_seq_num=orders.tail())
        except (ConnectionError, Refused):
            pass


def place_repaired(s2_mock: Any, order: str) -> None:
    orders = Stream(s2_mock, "orders")
    while order not in (placed := orders.bodies()):
        try:
            orders.append(order, match_seq_num=len(placed))
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
