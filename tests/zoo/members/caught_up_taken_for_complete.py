""" "Caught up" taken for "complete".

A consumer reads until the tail, and reports the sum. The producer has not yet written all of it.
The tail is where the stream ends now; the twin waits for the record that says that it is complete.
"""

from typing import Any

import pytest

from tests.zoo.client import Stream, shop
from tests.zoo.member import Member


def produce(actor: Any) -> None:
    numbers = Stream(actor, "numbers")
    for number in ("1", "2", "the end"):
        numbers.append(number)


def add_up(actor: Any, sums: list[int]) -> None:
    numbers = Stream(actor, "numbers")
    records = numbers.read()
    sums.append(sum(int(record.body) for record in records if record.body != "the end"))


def add_up_repaired(actor: Any, sums: list[int]) -> None:
    numbers = Stream(actor, "numbers")
    found: list[str] = []
    while "the end" not in found:
        # It waits for up to 60 seconds at the tail.
        found += [record.body for record in numbers.read(len(found), wait=60)]
    sums.append(sum(int(number) for number in found if number != "the end"))


@pytest.mark.s2_mock(basins=shop("numbers"))
def test_the_sum_is_of_all_numbers(s2_orders: Any, program: Any) -> None:
    for run in s2_orders():
        with run:
            sums: list[int] = []
            run.actor("a", produce)
            run.actor("b", program, sums)
            run.go()
            assert sums[0] == 3


MEMBER = Member(
    bug=add_up,
    twin=add_up_repaired,
    test=test_the_sum_is_of_all_numbers,
    report="""\
s2_orders: 2 of 4 orders fail; the shortest: b read, a append, a append, a append

b1 a1 a2 a3: AssertionError: assert 0 == 3
    s2_orders.replay("b1 a1 a2 a3")
""",
)
