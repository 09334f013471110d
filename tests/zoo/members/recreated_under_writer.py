"""A stream that is deleted and created again under a writer.

A writer appends an order in two parts. Between them, the stream is deleted and created again: the
new one has the second part only. The twin says where its second part belongs, which the new stream
refuses.
"""

from typing import Any

import pytest

from tests.zoo.client import Refused, Stream, shop
from tests.zoo.member import Member


def write(actor: Any) -> None:
    orders = Stream(actor, "orders")
    try:
        orders.append("one tea", match_seq_num=0)
        orders.append("and one cake")
    except Refused as refused:
        # Between the deletion and the creation.
        assert refused.status == 404


def write_repaired(actor: Any) -> None:
    orders = Stream(actor, "orders")
    try:
        position = orders.append("one tea", match_seq_num=0)
        orders.append("and one cake", match_seq_num=position)
    except Refused as refused:
        assert refused.status in {404, 412}


def recreate(actor: Any) -> None:
    orders = Stream(actor, "orders")
    orders.delete()
    orders.create()


@pytest.mark.s2_mock(basins=shop("orders"))
def test_no_order_is_there_in_part(s2_orders: Any, program: Any) -> None:
    for run in s2_orders():
        with run as s2_mock:
            run.actor("a", program)
            run.actor("b", recreate)
            run.go()
            assert len(Stream(s2_mock, "orders").bodies()) in {0, 2}


MEMBER = Member(
    bug=write,
    twin=write_repaired,
    test=test_no_order_is_there_in_part,
    report="""\
s2_orders: 1 of 5 orders fails; the shortest: a append, b delete-stream, b create-stream, a append

a1 b1 b2 a2: AssertionError: assert 1 in {0, 2}
    s2_orders.replay("a1 b1 b2 a2")
""",
)
