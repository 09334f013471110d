"""A duplicate after an acknowledgement that was lost.

A client that gets no answer sends its append again, and the first one has been applied. The twin
names the position that its append is for, so that the second one is refused.
"""

from typing import Any

import pytest

from s2mock import Drop, Late
from tests.zoo.client import Refused, Stream, shop
from tests.zoo.member import Member


def sell(s2_mock: Any, sold: list[str]) -> None:
    orders = Stream(s2_mock, "orders")
    for order in sold:
        while True:
            try:
                orders.append(order)
                break
            except ConnectionError:
                pass


def sell_repaired(s2_mock: Any, sold: list[str]) -> None:
    orders = Stream(s2_mock, "orders")
    for number, order in enumerate(sold):
        while True:
            try:
                orders.append(order, match_seq_num=number)
                break
            except ConnectionError:
                pass
            except Refused:
                # It is the only writer, so its first try is there.
                break


@pytest.mark.s2_mock(basins=shop("orders"))
def test_each_order_is_placed_once(s2_sweep: Any, program: Any) -> None:
    for attempt in s2_sweep([Drop(), Drop(committed=True), Late(reads=1)], on="append"):
        with attempt as s2_mock:
            program(s2_mock, ["tea", "cake"])
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
