"""A consumer that resumes one record early.

It follows a stream in a read session. When its connection ends, it begins a new session at the last
record that it has got, and gets that again. The twin begins behind it.
"""

from typing import Any

import pytest

from s2mock import Cut, Drop
from tests.zoo.client import Stream, shop
from tests.zoo.member import Member


def follow(s2_mock: Any, count: int) -> list[str]:
    orders = Stream(s2_mock, "orders")
    found: list[str] = []
    position = 0
    while len(found) < count:
        try:
            for record in orders.follow(position, count=count - len(found)):
                found.append(record.body)
                position = record.seq_num
        except ConnectionError:
            pass
    return found


def follow_repaired(s2_mock: Any, count: int) -> list[str]:
    orders = Stream(s2_mock, "orders")
    found: list[str] = []
    position = 0
    while len(found) < count:
        try:
            for record in orders.follow(position, count=count - len(found)):
                found.append(record.body)
                position = record.seq_num + 1
        except ConnectionError:
            pass
    return found


@pytest.mark.s2_mock(basins=shop("orders"))
def test_each_order_is_read_once(s2_sweep: Any, program: Any) -> None:
    for attempt in s2_sweep([Drop(), Cut(records=1)], on="read"):
        with attempt as s2_mock:
            for order in ("tea", "cake", "bread"):
                s2_mock.stream("shop-basin", "orders").append([order])
            found = program(s2_mock, 3)
            assert found.count("tea") == 1
            assert found == ["tea", "cake", "bread"]


MEMBER = Member(
    bug=follow,
    twin=follow_repaired,
    test=test_each_order_is_read_once,
    report="""\
s2_sweep: 1 of 2 attempts failed

Cut(records=1) at read 1 of 1: AssertionError: assert 2 == 1
    s2_sweep.replay('read', 1, Cut(records=1))
""",
)
