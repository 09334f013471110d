"""Trim: what goes, what stays, and what does not notice. Source: reference: data_plane §8.1."""

import pytest

from s2mock import AppendRecord, Stream
from s2mock.registry.values.config import U64_MAX
from tests.handles_inside import engine_of
from tests.records.reads import log_of


def seq_nums(stream: Stream) -> list[int]:
    return [record.seq_num for record in stream.records]


@pytest.mark.parametrize(
    ("to", "left"),
    [
        (0, [0, 1, 2, 3, 4, 5]),
        (1, [1, 2, 3, 4, 5]),
        (3, [3, 4, 5]),
        (5, [5]),
        # The effective point is min(P, R+1): the trim record itself goes, nothing to come does.
        (6, []),
        (7, []),
        (999_999, []),
        (U64_MAX, []),
    ],
)
def test_what_is_left(stream: Stream, to: int, left: list[int]) -> None:
    stream.append([b"x"] * 5)
    ack = stream.append([AppendRecord.trim(to)])

    assert (ack.start.seq_num, ack.end.seq_num) == (5, 6)
    assert seq_nums(stream) == left
    assert stream.tail == ack.tail
    assert stream.append([b"y"]).start.seq_num == 6
    assert seq_nums(stream) == [*left, 6]


def test_never_back(stream: Stream) -> None:
    stream.append([b"x"] * 5)
    stream.append([AppendRecord.trim(4)])
    stream.append([AppendRecord.trim(2)])

    assert seq_nums(stream) == [4, 5, 6]
    assert log_of(stream).trim_point == 4


def test_in_the_middle_of_a_batch(stream: Stream) -> None:
    """The records behind the trim in its own batch stay, however far it points (§8.1)."""
    stream.append([b"a", AppendRecord.trim(999), b"b"])

    assert seq_nums(stream) == [2]


def test_several_in_a_batch(stream: Stream) -> None:
    """The highest counts, each capped at its own place (§3.3)."""
    stream.append([b"a", b"b", AppendRecord.trim(2), AppendRecord.trim(1), b"c"])

    assert seq_nums(stream) == [2, 3, 4]


def test_a_point_is_capped_for_good(stream: Stream) -> None:
    """A trim to the far future trims nothing later."""
    stream.append([AppendRecord.trim(U64_MAX)])
    stream.append([b"a"] * 3)

    assert log_of(stream).trim_point == 1
    assert seq_nums(stream) == [1, 2, 3]


def test_the_stream_lives_on(stream: Stream) -> None:
    """A user's trim of everything is no deletion (§8.5)."""
    stream.append([AppendRecord.trim(U64_MAX)])

    assert stream.info.deleted_at is None
    assert stream.basin.streams == ("my-stream",)
    assert stream.tail.seq_num == 1


def test_holes_do_not_matter(stream: Stream) -> None:
    """To a number whose record has expired already."""
    stream.reconfigure(retention_policy=10)
    stream.append([b"short"] * 3)
    stream.reconfigure(retention_policy="infinite")
    stream.append([b"long"] * 3)
    engine_of(stream).clock.advance(10)
    assert seq_nums(stream) == [3, 4, 5]

    stream.append([AppendRecord.trim(1)])
    assert seq_nums(stream) == [3, 4, 5, 6]
    stream.append([AppendRecord.trim(5)])
    assert seq_nums(stream) == [5, 6, 7]
