"""Timestamps of appended records.

Source: reference: data_plane §3.5, step 5; §10, cases 52 to 60.
"""

import time

import pytest

from s2mock.contract.cases import case
from s2mock.contract.client import Client
from s2mock.contract.forms import APPEND_FORMS, Record, Refused, append_in
from s2mock.contract.records import Stream, create_stream, fence, trim

HOUR = 3_600_000


def milliseconds() -> int:
    """Milliseconds since the Unix epoch, by our clock."""
    return time.time_ns() // 1_000_000


def stamped(*timestamps: int) -> list[dict[str, int]]:
    """Records of these timestamps, without bodies."""
    return [{"timestamp": timestamp} for timestamp in timestamps]


def timestamps(stream: Stream) -> list[int]:
    """The timestamps of all records."""
    return [record["timestamp"] for record in stream.read_ok(seq_num=0)]


@case(52)
def test_a_timestamp_in_the_past_is_kept(stream: Stream) -> None:
    """`client-prefer` is the default: the client's timestamp counts."""
    timestamp = milliseconds() - 1000
    ack = stream.append_ok(*stamped(timestamp))

    assert ack["start"]["timestamp"] == timestamp
    assert timestamps(stream) == [timestamp]


@case(53)
def test_positions_have_the_timestamps_of_first_and_last(stream: Stream) -> None:
    """End and tail have the last record's timestamp (§3.4)."""
    ack = stream.append_ok(*stamped(100, 200, 300))

    assert ack["start"]["timestamp"] == 100
    assert ack["end"]["timestamp"] == ack["tail"]["timestamp"] == 300


@case(54)
def test_timestamps_never_decrease_between_appends(stream: Stream) -> None:
    """A record is not older than the one before it."""
    stream.append_ok(*stamped(1010))
    assert stream.append_ok(*stamped(1000))["start"]["timestamp"] == 1010


@case(60)
def test_timestamps_never_decrease_within_a_batch(stream: Stream) -> None:
    """Each is raised to the one before it, the first to the tail's."""
    stream.append_ok(*stamped(1000, 900, 1000))
    stream.append_ok(*stamped(500, 600))
    stream.append_ok(*stamped(1000, 1100, 1050))

    assert timestamps(stream) == [1000, 1000, 1000, 1000, 1000, 1000, 1100, 1100]


@case(55)
@pytest.mark.parametrize("form", APPEND_FORMS)
@pytest.mark.parametrize(
    "record",
    [Record(b"x"), Record(b"tok", ((b"", b"fence"),))],
    ids=["data", "command"],
)
def test_a_required_timestamp_is_missing(s2: Client, form: str, record: Record) -> None:
    """422, commands included; the whole batch is refused."""
    stream = create_stream(s2, timestamping={"mode": "client-require"})

    with pytest.raises(Refused) as refused:
        append_in(form, stream, Record(timestamp=1), record)
    assert refused.value.status == 422
    assert refused.value.body == {
        "code": "invalid",
        "message": "record timestamp was required but was missing",
    }
    assert stream.tail_ok() == {"seq_num": 0, "timestamp": 0}
    assert stream.append({"timestamp": 1}, fencing_token="").status == 200


@case(56)
def test_a_required_timestamp_is_given(s2: Client) -> None:
    """Any will do, also 0."""
    stream = create_stream(s2, timestamping={"mode": "client-require"})

    ack = stream.append_ok({"timestamp": 0}, {"timestamp": 123}, fence("a") | {"timestamp": 123})
    assert ack["start"] == {"seq_num": 0, "timestamp": 0}
    assert ack["end"] == {"seq_num": 3, "timestamp": 123}


@case(57)
def test_the_future_is_capped(stream: Stream) -> None:
    """A timestamp after the arrival becomes the arrival, by the server's clock."""
    arrival = stream.append_ok({})["start"]["timestamp"]
    ack = stream.append_ok(*stamped(arrival + HOUR))

    assert arrival <= ack["start"]["timestamp"] < arrival + HOUR


@case(58)
@pytest.mark.parametrize("mode", ["client-prefer", "client-require"])
def test_the_future_is_kept_where_uncapped(s2: Client, mode: str) -> None:
    """Exactly as given, up to the highest number."""
    stream = create_stream(s2, timestamping={"mode": mode, "uncapped": True})
    future = milliseconds() + HOUR

    assert stream.append_ok(*stamped(future))["start"]["timestamp"] == future
    stream.append_ok(*stamped(2**64 - 1))
    assert timestamps(stream) == [future, 2**64 - 1]


def test_after_an_uncapped_future_time_goes_on_from_there(s2: Client) -> None:
    """Capping comes before the rule that timestamps do not decrease."""
    stream = create_stream(s2, timestamping={"uncapped": True})
    future = milliseconds() + HOUR
    stream.append_ok(*stamped(future))
    stream.append_ok({})
    stream.reconfigure(timestamping={"uncapped": False})
    stream.append_ok(*stamped(future + HOUR))

    assert timestamps(stream) == [future, future, future]


@case(59)
@pytest.mark.parametrize("uncapped", [False, True])
def test_arrival_ignores_the_client(s2: Client, uncapped: bool) -> None:
    """The server's clock counts, one reading for the whole batch."""
    stream = create_stream(s2, timestamping={"mode": "arrival", "uncapped": uncapped})
    before = create_stream(s2, "clock").append_ok({})["start"]["timestamp"]
    ack = stream.append_ok(*stamped(900, before + HOUR, 950), {})

    assert before <= ack["start"]["timestamp"] < before + HOUR
    assert timestamps(stream) == [ack["start"]["timestamp"]] * 4


def test_no_timestamp_is_arrival(stream: Stream) -> None:
    """In milliseconds, by the server's clock, also beside records that have one."""
    stream.append_ok({}, {"timestamp": 5}, {})
    now, same, again = timestamps(stream)

    assert now == same == again
    # Milliseconds: after 2001 and before 2286.
    assert 10**12 <= now < 10**13


def test_a_reconfigured_mode_counts_for_the_next_append(stream: Stream) -> None:
    """Timestamping is looked up for each batch (§3.5)."""
    stream.append_ok(*stamped(5))
    stream.reconfigure(timestamping={"mode": "client-require"})
    assert stream.append({}).status == 422
    stream.reconfigure(timestamping={"mode": "arrival"})
    assert stream.append_ok(*stamped(6))["start"]["timestamp"] > 10**12


def test_commands_are_stamped_like_records(stream: Stream) -> None:
    """They too have a timestamp of their own (§3.3)."""
    stream.append_ok(fence("a") | {"timestamp": 5}, trim(0) | {"timestamp": 7})

    assert timestamps(stream) == [5, 7]


def test_a_condition_is_reported_before_a_missing_timestamp(s2: Client) -> None:
    """Conditions come first (§3.5)."""
    stream = create_stream(s2, timestamping={"mode": "client-require"})

    assert stream.append({}, match_seq_num=1).json == {"seq_num_mismatch": 0}
    assert stream.append({}, fencing_token="x").json == {"fencing_token_mismatch": ""}
