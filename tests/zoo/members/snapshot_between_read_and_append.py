"""A snapshot between a read and an append.

A snapshot is a state, and the position from which to go on reading. This program reads all events,
then asks for the tail, and keeps both. An event that was appended between the two is neither in the
state, nor read after it. The twin takes the position from the read itself.
"""

from typing import Any

import pytest

from tests.zoo.client import Stream, shop
from tests.zoo.member import Member


def take_snapshot(actor: Any) -> None:
    events = Stream(actor, "events")
    state = sum(int(record.body) for record in events.read())
    position = events.tail()
    Stream(actor, "snapshots").append(f"{state} {position}")


def take_snapshot_repaired(actor: Any) -> None:
    records = Stream(actor, "events").read()
    state = sum(int(record.body) for record in records)
    position = records[-1].seq_num + 1 if records else 0
    Stream(actor, "snapshots").append(f"{state} {position}")


def pay_in(actor: Any, amount: int) -> None:
    Stream(actor, "events").append(str(amount))


def load(s2_mock: Any) -> int:
    """Return the state by the latest snapshot, and the events after it."""
    state, position = map(int, Stream(s2_mock, "snapshots").bodies()[-1].split())
    return state + sum(int(record.body) for record in Stream(s2_mock, "events").read(position))


@pytest.mark.s2_mock(basins=shop("events", "snapshots"))
def test_no_event_is_lost(s2_orders: Any, program: Any) -> None:
    for run in s2_orders():
        with run as s2_mock:
            run.actor("a", program)
            run.actor("b", pay_in, 5)
            run.go()
            assert load(s2_mock) == 5


MEMBER = Member(
    bug=take_snapshot,
    twin=take_snapshot_repaired,
    test=test_no_event_is_lost,
    report="""\
s2_orders: 1 of 3 orders fails; the shortest: a read, b append, a check-tail, a append

a1 b1 a2 a3: AssertionError: assert 0 == 5
    s2_orders.replay("a1 b1 a2 a3")
""",
)
