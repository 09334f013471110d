"""Records and streams that go with time. Source: reference: data_plane §8.2, §8.3.

When exactly a server removes what has expired is its own affair. These cases go far beyond any
delay, which takes a clock that can be turned.
"""

from typing import Any

import pytest

from s2mock.contract.passing_time import PassingTime
from s2mock.contract.records import create_stream, fence

DAY = 86_400


def test_records_expire(timed: PassingTime) -> None:
    """After seven days by default; tail, sequence numbers and token stay (§8.2)."""
    timed.needs(8 * DAY)
    stream = create_stream(timed.s2)
    stream.append_ok(fence("mine"), "a", {"body": "b", "timestamp": 5})
    tail = stream.tail_ok()
    timed.advance(6 * DAY)
    assert stream.seq_nums(seq_num=0) == [0, 1, 2]
    stream.append_ok("later")
    timed.advance(2 * DAY)

    assert stream.bodies(seq_num=0) == ["later"]
    assert stream.seq_nums(timestamp=0) == [3]
    timed.advance(8 * DAY)
    assert stream.read(seq_num=0).body == b'{"records":[]}'
    assert stream.tail_ok()["seq_num"] == tail["seq_num"] + 1
    assert stream.append("c", fencing_token="").json == {"fencing_token_mismatch": "mine"}
    assert stream.append_ok("c", match_seq_num=4)["start"]["seq_num"] == 4


def test_an_infinite_retention(timed: PassingTime) -> None:
    """Records stay (§8.2)."""
    timed.needs(1000 * DAY)
    stream = create_stream(timed.s2, retention_policy={"infinite": {}})
    stream.append_ok("a")
    timed.advance(1000 * DAY)

    assert stream.bodies(seq_num=0) == ["a"]


def test_the_retention_at_the_append_counts(timed: PassingTime) -> None:
    """A later configuration does not touch what is there (§8.2)."""
    timed.needs(3 * DAY)
    stream = create_stream(timed.s2, retention_policy={"age": DAY})
    stream.append_ok("short")
    stream.reconfigure(retention_policy={"age": 10 * DAY})
    stream.append_ok("long")
    stream.reconfigure(retention_policy={"age": DAY})
    timed.advance(3 * DAY)

    assert stream.bodies(seq_num=0) == ["long"]


def test_age_is_counted_from_the_arrival(timed: PassingTime) -> None:
    """Not from the record's timestamp (§8.2)."""
    timed.needs(2 * DAY)
    config: dict[str, Any] = {"retention_policy": {"age": DAY}, "timestamping": {"uncapped": True}}
    stream = create_stream(timed.s2, **config)
    stream.append_ok({"body": "past", "timestamp": 5})
    stream.append_ok({"body": "future", "timestamp": 2**63})
    assert stream.bodies(seq_num=0) == ["past", "future"]
    timed.advance(2 * DAY)

    assert stream.bodies(seq_num=0) == []


@pytest.mark.parametrize("records", [0, 1])
def test_delete_on_empty(timed: PassingTime, records: int) -> None:
    """A stream without records and without writes is deleted (§8.3)."""
    timed.needs(2 * DAY)
    stream = create_stream(
        timed.s2, retention_policy={"age": 3600}, delete_on_empty={"min_age_secs": 3600}
    )
    if records:
        stream.append_ok(*["x"] * records)
    timed.advance(2 * DAY)

    assert stream.info() is None
    assert stream.tail().code == "stream_not_found"


@pytest.mark.parametrize(
    ("retention", "min_age"),
    [({"age": 3600}, 0), ({"infinite": {}}, 3600)],
    ids=["off", "records"],
)
def test_streams_that_stay(timed: PassingTime, retention: dict[str, Any], min_age: int) -> None:
    """Where deletion on empty is off, or there are records (§8.3)."""
    timed.needs(2 * DAY)
    stream = create_stream(
        timed.s2, retention_policy=retention, delete_on_empty={"min_age_secs": min_age}
    )
    stream.append_ok("x")
    timed.advance(2 * DAY)

    assert stream.tail_ok()["seq_num"] == 1


def test_a_stream_that_is_written_to_stays(timed: PassingTime) -> None:
    """However old its first records are (§8.3)."""
    timed.needs(6 * DAY)
    stream = create_stream(
        timed.s2, retention_policy={"age": 60}, delete_on_empty={"min_age_secs": 2 * DAY}
    )
    for number in range(6):
        stream.append_ok("x", match_seq_num=number)
        timed.advance(DAY)
    assert stream.tail_ok()["seq_num"] == 6
