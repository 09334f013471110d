"""How far a read goes: count, bytes, until, and the size of a batch.

Source: reference: data_plane §4.2, §4.4.
"""

import pytest

from s2mock import AppendRecord, Stream
from s2mock.registry.values.records import MAX_BATCH_BYTES
from tests.records.reads import open_read, read, said, seq_nums

FIRST = {"kind": "seq_num", "start": 0}


@pytest.fixture
def four(stream: Stream) -> Stream:
    """Records of 13, 10, 10 and 8 metered bytes, with timestamps 10, 20, 20 and 30."""
    stream.append(
        [
            AppendRecord(b"hello", timestamp=10),
            AppendRecord(b"yo", timestamp=20),
            AppendRecord(b"yo", timestamp=20),
            AppendRecord(b"", timestamp=30),
        ]
    )
    return stream


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"count": 1}, [0]),
        ({"count": 3}, [0, 1, 2]),
        ({"count": 4}, [0, 1, 2, 3]),
        ({"count": 2**64 - 1}, [0, 1, 2, 3]),
        # A byte limit is never exceeded.
        ({"bytes": 12}, []),
        ({"bytes": 13}, [0]),
        ({"bytes": 22}, [0]),
        ({"bytes": 23}, [0, 1]),
        ({"bytes": 40}, [0, 1, 2]),
        ({"bytes": 41}, [0, 1, 2, 3]),
        # The timestamp is excluded.
        ({"until": 0}, []),
        ({"until": 10}, []),
        ({"until": 11}, [0]),
        ({"until": 20}, [0]),
        ({"until": 30}, [0, 1, 2]),
        ({"until": 31}, [0, 1, 2, 3]),
        # Whichever cuts first.
        ({"count": 3, "bytes": 23}, [0, 1]),
        ({"count": 1, "bytes": 23}, [0]),
        ({"count": 3, "until": 20}, [0]),
        ({"bytes": 13, "until": 31, "count": 9}, [0]),
    ],
)
def test_limits(four: Stream, limits: dict[str, int], expected: list[int]) -> None:
    assert seq_nums(four, **FIRST, **limits) == expected


def test_a_record_that_does_not_fit_ends_the_read(four: Stream) -> None:
    """Also where a later, smaller one would fit."""
    assert seq_nums(four, kind="seq_num", start=1, bytes=9) == []
    assert seq_nums(four, kind="seq_num", start=1, bytes=18) == [1]


def test_headers_are_metered(stream: Stream) -> None:
    stream.append([AppendRecord(b"", [(b"ab", b"cd")]), b""])
    assert seq_nums(stream, **FIRST, bytes=13) == []
    assert seq_nums(stream, **FIRST, bytes=14) == [0]


def test_commands_count(stream: Stream) -> None:
    stream.append([AppendRecord.fence("abc"), AppendRecord.trim(0), b""])
    assert seq_nums(stream, **FIRST, count=2) == [0, 1]
    assert seq_nums(stream, **FIRST, bytes=18 + 22) == [0, 1]


class TestBatches:
    """At most 1000 records and 1 MiB each (§4.4)."""

    def test_records(self, stream: Stream) -> None:
        for _ in range(5):
            stream.append([b""] * 401)

        batches = [output.seq_nums for output in read(stream, **FIRST, count=2003)]
        assert [len(batch) for batch in batches] == [1000, 1000, 3]
        assert [seq_num for batch in batches for seq_num in batch] == list(range(2003))

    def test_bytes(self, stream: Stream) -> None:
        half = bytes(MAX_BATCH_BYTES // 2 - 8)
        for body in (half, half, half, half + b"x", half):
            stream.append([body])

        assert [output.seq_nums for output in read(stream, **FIRST, count=9)] == [
            [0, 1],
            [2],
            [3],
            [4],
        ]

    def test_limits_hold_over_batches(self, stream: Stream) -> None:
        stream.append([b"x"] * 1000)
        stream.append([b"x"] * 1000)
        assert len(seq_nums(stream, **FIRST, count=1500)) == 1500
        assert len(seq_nums(stream, **FIRST, bytes=9 * 1500 + 8)) == 1500


class TestTheTail:
    """Catching up says the tail only to sessions, and only where it is reached (§4.6)."""

    def test_told(self, four: Stream) -> None:
        bounded = {"kind": "seq_num", "start": 1, "until": 100}
        assert read(four, tell_tail=True, **bounded) == [(0, [1, 2, 3], 4)]
        assert read(four, **bounded) == [(0, [1, 2, 3], None)]
        assert read(four, tell_tail=True, **{**bounded, "until": 30}) == [(0, [1, 2], None)]

    def test_the_tail_of_now(self, four: Stream) -> None:
        """Not that of the moment when the read began."""
        session = open_read(four, tell_tail=True, **FIRST, until=100)
        four.append([b"new"])
        assert said(four, session) == [(0, [0, 1, 2, 3], None)]


def test_the_end_is_decided_when_the_last_batch_is(four: Stream) -> None:
    """A refused record ends the read, also if it is trimmed before the next batch."""
    session = open_read(four, **FIRST, until=30, wait=60)
    assert said(four, session, most=1) == [(0, [0, 1, 2], None)]
    four.append([AppendRecord.trim(99)])

    assert said(four, session) == []


def test_log_can_change_between_batches(stream: Stream) -> None:
    """What is trimmed before its batch is due is passed over; nothing comes twice."""
    for _ in range(3):
        stream.append([b""] * 1000)
    session = open_read(stream, **FIRST, count=5000)
    assert said(stream, session, most=1)[0].seq_nums == list(range(1000))
    stream.append([AppendRecord.trim(1500)])

    assert [output.seq_nums for output in said(stream, session)] == [
        list(range(1500, 2500)),
        list(range(2500, 3000)),
    ]
