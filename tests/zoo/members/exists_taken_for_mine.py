""" "It exists" taken for "it is mine".

The client that creates the stream `leader` is the leader. A client gets no answer, tries again, and
is told that the stream exists: it believes that this was its own first try. The twin sends a token
with its request, by which S2 knows the second try as the same one.
"""

from typing import Any

import pytest

from s2mock import Drop
from tests.zoo.client import Refused, Stream, shop
from tests.zoo.member import Member


def elect(actor: Any, leaders: list[str]) -> None:
    leader = Stream(actor, "leader")
    is_unsure = False
    while True:
        try:
            leader.create()
            break
        except ConnectionError:
            is_unsure = True
        except Refused:
            if is_unsure:
                break
            return
    leaders.append(actor.name)


def elect_repaired(actor: Any, leaders: list[str]) -> None:
    leader = Stream(actor, "leader")
    while True:
        try:
            leader.create(request_token=f"the election of {actor.name}")
            break
        except ConnectionError:
            pass
        except Refused:
            return
    leaders.append(actor.name)


@pytest.mark.s2_mock(basins=shop())
def test_there_is_one_leader(s2_orders: Any, program: Any) -> None:
    for run in s2_orders(max_faults=1, faults=[Drop(), Drop(committed=True)]):
        with run:
            leaders: list[str] = []
            run.actor("a", program, leaders)
            run.actor("b", program, leaders)
            run.go()
            assert len(leaders) == 1


MEMBER = Member(
    bug=elect,
    twin=elect_repaired,
    test=test_there_is_one_leader,
    report="""\
s2_orders: 6 of 12 orders fail; the shortest: a create-stream, b create-stream with Drop(), b create-stream

a1 b1 b2: AssertionError: assert 2 == 1
    s2_orders.replay("a1 b1 b2", faults={'b1': Drop()})
""",
)
