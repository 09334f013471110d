"""Acknowledgements that are never awaited.

The orders are sent by a thread in the background, and its results are not looked at: an order that
failed is lost, and the program says that all is well. The twin waits for each acknowledgement.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from s2mock import Drop, Fail
from tests.zoo.client import Refused, Stream, shop
from tests.zoo.member import Member


def sell(s2_mock: Any, sold: list[str]) -> bool:
    orders = Stream(s2_mock, "orders")
    with ThreadPoolExecutor(1) as background:
        for order in sold:
            background.submit(orders.append, order)
    return True


def sell_repaired(s2_mock: Any, sold: list[str]) -> bool:
    orders = Stream(s2_mock, "orders")
    with ThreadPoolExecutor(1) as background:
        sent = [background.submit(orders.append, order) for order in sold]
    try:
        for acknowledgement in sent:
            acknowledgement.result()
    except (ConnectionError, Refused):
        return False
    return True


@pytest.mark.s2_mock(basins=shop("orders"))
def test_what_was_sold_is_there(s2_sweep: Any, program: Any) -> None:
    for attempt in s2_sweep([Drop(), Drop(committed=True), Fail("unavailable")], on="append"):
        with attempt as s2_mock:
            if program(s2_mock, ["tea", "cake"]):
                assert len(Stream(s2_mock, "orders").bodies()) == 2


MEMBER = Member(
    bug=sell,
    twin=sell_repaired,
    test=test_what_was_sold_is_there,
    report="""\
s2_sweep: 4 of 6 attempts failed

Drop() at append 1 of 2: AssertionError: assert 1 == 2
    s2_sweep.replay('append', 1, Drop())
""",
)
