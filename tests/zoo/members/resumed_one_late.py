"""A consumer that resumes one record late.

It reads page by page, and counts each page before it is there. If the answer is lost, the page is
left out. The twin goes on behind the last record that it has got.
"""

from typing import Any

import pytest

from s2mock import Cut, Drop
from tests.zoo.client import Stream, shop
from tests.zoo.member import Member


def consume(s2_mock: Any, count: int) -> list[str]:
    orders = Stream(s2_mock, "orders")
    found = []
    for position in range(count):
        try:
            [record] = orders.read(position, count=1)
        except ConnectionError:
            continue
        found.append(record.body)
    return found


def consume_repaired(s2_mock: Any, count: int) -> list[str]:
    orders = Stream(s2_mock, "orders")
    found: list[str] = []
    while len(found) < count:
        try:
            [record] = orders.read(len(found), count=1)
        except ConnectionError:
            continue
        found.append(record.body)
    return found


@pytest.mark.s2_mock(basins=shop("orders"))
def test_no_order_is_left_out(s2_sweep: Any, program: Any) -> None:
    for attempt in s2_sweep([Drop(), Cut(bytes=10)], on="read"):
        with attempt as s2_mock:
            s2_mock.stream("shop-basin", "orders").append(["tea", "cake", "bread"])
            found = program(s2_mock, 3)
            assert len(found) == 3


MEMBER = Member(
    bug=consume,
    twin=consume_repaired,
    test=test_no_order_is_left_out,
    report="""\
s2_sweep: 6 of 6 attempts failed

Drop() at read 1 of 3: AssertionError: assert 2 == 3
    s2_sweep.replay('read', 1, Drop())
""",
)
