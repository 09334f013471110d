"""The three timestamping modes, capping, and time that never goes back.

Source: reference: data_plane §3.5 step 5.
"""

from collections.abc import Callable

import pytest

from s2mock import AppendRecord, Stream
from s2mock.registry.values.config import U64_MAX
from tests.records.staged_clock import StagedClock

NOW = 1_704_067_200_000


def stamps(stream: Stream, *timestamps: int | None) -> list[int]:
    """What one batch of records with those timestamps gets."""
    ack = stream.append([AppendRecord(timestamp=timestamp) for timestamp in timestamps])
    assert ack.end.timestamp == ack.tail.timestamp == stream.tail.timestamp
    got = [record.timestamp for record in stream.records[ack.start.seq_num :]]
    assert got[0] == ack.start.timestamp
    assert got[-1] == ack.end.timestamp
    return got


@pytest.mark.parametrize(
    ("mode", "uncapped", "given", "expected"),
    [
        ("client-prefer", False, [None], [NOW]),
        ("client-prefer", False, [NOW - 1000, None], [NOW - 1000, NOW]),
        ("client-prefer", False, [0], [0]),
        ("client-prefer", False, [NOW + 1], [NOW]),
        ("client-prefer", False, [U64_MAX, None], [NOW, NOW]),
        ("client-prefer", True, [NOW + 1], [NOW + 1]),
        # After the cap: behind a record from the future, time goes on from there.
        ("client-prefer", True, [U64_MAX, None, 5], [U64_MAX, U64_MAX, U64_MAX]),
        ("client-require", False, [3, 7], [3, 7]),
        ("client-require", False, [NOW + 9], [NOW]),
        ("client-require", True, [NOW + 9], [NOW + 9]),
        ("arrival", False, [3, None, NOW + 9], [NOW, NOW, NOW]),
        ("arrival", True, [NOW + 9], [NOW]),
        # Never back, within a batch.
        ("client-prefer", False, [1000, 900, 1100], [1000, 1000, 1100]),
        ("client-prefer", False, [None, 900], [NOW, NOW]),
    ],
)
def test_one_batch(
    new_stream: Callable[..., Stream],
    mode: str,
    uncapped: bool,
    given: list[int | None],
    expected: list[int],
) -> None:
    stream = new_stream(timestamping_mode=mode, timestamping_uncapped=uncapped)

    assert stamps(stream, *given) == expected


def test_never_back_between_batches(stream: Stream) -> None:
    assert stamps(stream, 1000) == [1000]
    assert stamps(stream, 500, 600, 1001) == [1000, 1000, 1001]


def test_never_back_behind_a_trimmed_record(stream: Stream) -> None:
    """The tail keeps its timestamp, also if the log is trimmed (§8.1)."""
    stamps(stream, 1000)
    stream.append([AppendRecord.trim(U64_MAX, timestamp=2000)])
    assert stream.records == ()

    assert stream.append([AppendRecord(timestamp=5)]).start == (2, 2000)


def test_after_the_future(new_stream: Callable[..., Stream], clock: StagedClock) -> None:
    """A record from the future holds time up until the clock has come there."""
    stream = new_stream(timestamping_uncapped=True)
    assert stamps(stream, NOW + 5000) == [NOW + 5000]
    assert stamps(stream, None, NOW) == [NOW + 5000] * 2
    clock.advance(6)
    assert stamps(stream, None) == [NOW + 6000]


def test_capped_again(new_stream: Callable[..., Stream]) -> None:
    """The cap does not go behind the tail (§3.5)."""
    stream = new_stream(timestamping_uncapped=True)
    stamps(stream, NOW + 5000)
    stream.reconfigure(timestamping_uncapped=False)

    assert stamps(stream, NOW + 9000) == [NOW + 5000]


def test_a_change_of_mode_is_for_the_next_append(stream: Stream) -> None:
    assert stamps(stream, 10) == [10]
    stream.reconfigure(timestamping_mode="arrival")
    assert stamps(stream, 20) == [NOW]
    stream.reconfigure(timestamping_mode="client-require", timestamping_uncapped=True)
    assert stamps(stream, NOW + 1) == [NOW + 1]


def test_commands_are_stamped_like_records(stream: Stream) -> None:
    ack = stream.append([AppendRecord.fence("t", timestamp=5), AppendRecord.trim(0, timestamp=4)])

    assert (ack.start.timestamp, ack.end.timestamp) == (5, 5)


def test_now_is_in_whole_milliseconds(stream: Stream, clock: StagedClock) -> None:
    clock.advance(0.0019)

    assert stamps(stream, None) == [NOW + 1]
