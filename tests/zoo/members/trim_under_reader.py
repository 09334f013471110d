"""A trim under a reader.

A reader takes its records in pages, and adds them up. If old records are trimmed between two pages,
S2 begins at the first record that is left, and says nothing of the gap. The twin compares the
position of each record with the one that it expects.
"""

from typing import Any

import pytest

from tests.zoo.client import Stream, shop
from tests.zoo.member import Member


def read_all(actor: Any, found: list[str]) -> None:
    orders = Stream(actor, "orders")
    position = 0
    while records := orders.read(position, count=1):
        found.append(records[0].body)
        position = records[0].seq_num + 1


def read_all_repaired(actor: Any, found: list[str]) -> None:
    orders = Stream(actor, "orders")
    position = 0
    while records := orders.read(position, count=1):
        if records[0].seq_num != position:
            found.append("(a gap)")
        found.append(records[0].body)
        position = records[0].seq_num + 1


def trim(actor: Any) -> None:
    Stream(actor, "orders").trim(2)


@pytest.mark.s2_mock(basins=shop("orders"))
def test_a_gap_is_noticed(s2_orders: Any, program: Any) -> None:
    for run in s2_orders():
        with run as s2_mock:
            s2_mock.stream("shop-basin", "orders").append(["tea", "cake", "bread"])
            found: list[str] = []
            run.actor("a", program, found)
            run.actor("b", trim)
            run.go()
            assert "(a gap)" in found or found[:3] == ["tea", "cake", "bread"], "a hidden gap"


MEMBER = Member(
    bug=read_all,
    twin=read_all_repaired,
    test=test_a_gap_is_noticed,
    report="""\
s2_orders: 2 of 5 orders fail; the shortest: b trim, a read, a read, a read

b1 a1 a2 a3: AssertionError: a hidden gap
    s2_orders.replay("b1 a1 a2 a3")
""",
)
