"""Two consumers with one cursor.

Both consumers read the position of the next job from the stream `cursor`, do that job, and move the
cursor. Both may do the same job. The twin moves the cursor first, on the condition that no other
consumer has moved it, and so owns the job.
"""

from typing import Any

import pytest

from tests.zoo.client import Refused, Stream, shop
from tests.zoo.member import Member


def consume(actor: Any) -> None:
    cursor, done = Stream(actor, "cursor"), Stream(actor, "done")
    # The number of records in it is the position of the next job.
    position = cursor.tail()
    [job] = Stream(actor, "jobs").read(position, count=1)
    done.append(job.body)
    cursor.append("moved")


def consume_repaired(actor: Any) -> None:
    cursor, done = Stream(actor, "cursor"), Stream(actor, "done")
    position = cursor.tail()
    while True:
        try:
            cursor.append("moved", match_seq_num=position)
            break
        except Refused:
            position += 1
    [job] = Stream(actor, "jobs").read(position, count=1)
    done.append(job.body)


@pytest.mark.s2_mock(basins=shop("jobs", "cursor", "done"))
def test_each_job_is_done_once(s2_orders: Any, program: Any) -> None:
    for run in s2_orders():
        with run as s2_mock:
            s2_mock.stream("shop-basin", "jobs").append(["bake", "brew"])
            run.actor("a", program)
            run.actor("b", program)
            run.go()
            assert len(set(Stream(s2_mock, "done").bodies())) == 2


MEMBER = Member(
    bug=consume,
    twin=consume_repaired,
    test=test_each_job_is_done_once,
    report="""\
s2_orders: 4 of 6 orders fail; the shortest: a check-tail, a read, a append, b check-tail, b read, b append, b append, a append

a1 a2 a3 b1 b2 b3 b4 a4: AssertionError: assert 1 == 2
    s2_orders.replay("a1 a2 a3 b1 b2 b3 b4 a4")
""",
)
