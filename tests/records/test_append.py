"""Appends in direct use: sequence numbers, acks, limits, and all or nothing.

Source: reference: data_plane §1.7, §3.2, §3.5.
"""

from collections.abc import Callable

import pytest

from s2mock import (
    AppendRecord,
    FencingTokenMismatch,
    Invalid,
    SeqNumMismatch,
    Stream,
    StreamPosition,
)
from s2mock.registry.values.records import MAX_BATCH_BYTES, AppendInput
from tests.handles_inside import engine_of, state_of
from tests.records.reads import log_of
from tests.records.staged_clock import StagedClock

NOW = 1_704_067_200_000


def test_first_append(stream: Stream) -> None:
    ack = stream.append([b"a", "é", AppendRecord(b"c", [(b"k", b"v")])])

    assert ack == (StreamPosition(0, NOW), StreamPosition(3, NOW), StreamPosition(3, NOW))
    assert [(r.seq_num, r.timestamp, r.headers, r.body) for r in stream.records] == [
        (0, NOW, (), b"a"),
        (1, NOW, (), "é".encode()),
        (2, NOW, ((b"k", b"v"),), b"c"),
    ]
    assert stream.tail == StreamPosition(3, NOW)


def test_numbers_go_on(stream: Stream, clock: StagedClock) -> None:
    stream.append([b"a"])
    clock.advance(1)
    ack = stream.append([b"b", b"c"])

    assert ack.start == StreamPosition(1, NOW + 1000)
    assert ack.end == ack.tail == StreamPosition(3, NOW + 1000)


def test_fresh_stream(stream: Stream) -> None:
    assert stream.tail == StreamPosition(0, 0)
    assert stream.records == ()


def test_positions_of_a_batch_with_times_of_its_own(stream: Stream) -> None:
    """The end has the timestamp of the last record (§3.4)."""
    ack = stream.append([AppendRecord(timestamp=10), AppendRecord(timestamp=30)])

    assert ack == (StreamPosition(0, 10), StreamPosition(2, 30), StreamPosition(2, 30))


def test_records_are_kept_as_they_were_given(stream: Stream) -> None:
    """Order and repetition of headers, empty values, empty bodies, any bytes (§3.1)."""
    given = [
        AppendRecord(),
        AppendRecord(bytes(range(256)), [(b"k", b""), (b"k", b"\xff"), (b"j", b"\0")]),
    ]
    stream.append(given)

    assert [(record.body, record.headers) for record in stream.records] == [
        (record.body, record.headers) for record in given
    ]


def test_any_iterable_of_records(stream: Stream) -> None:
    stream.append(body for body in (b"a", b"b"))

    assert stream.tail.seq_num == 2


@pytest.mark.parametrize("records", ["text", b"bytes"])
def test_one_record_without_a_list(stream: Stream, records: str | bytes) -> None:
    """It would be taken apart into characters or numbers."""
    with pytest.raises(TypeError, match=r"records must be an iterable of records, not .*\[.*\]"):
        stream.append(records)
    assert stream.tail.seq_num == 0


class TestLimits:
    """Exactly the limit passes (§1.7)."""

    @pytest.mark.parametrize("size", [1, 999, 1000])
    def test_records_in_a_batch(self, stream: Stream, size: int) -> None:
        assert stream.append([b""] * size).end.seq_num == size

    @pytest.mark.parametrize(
        ("records", "message"),
        [
            ([], "record batch must not be empty"),
            ([b""] * 1001, "record batch must not exceed 1000 records"),
        ],
    )
    def test_too_few_or_many_records(
        self, stream: Stream, records: list[bytes], message: str
    ) -> None:
        with pytest.raises(Invalid) as refused:
            stream.append(records)
        assert (refused.value.status, refused.value.message) == (422, message)
        assert stream.tail == StreamPosition(0, 0)

    def test_largest_record(self, stream: Stream) -> None:
        stream.append([bytes(MAX_BATCH_BYTES - 8)])

        with pytest.raises(Invalid, match=r"^record must have metered size less than 1 MiB$"):
            stream.append([bytes(MAX_BATCH_BYTES - 7)])
        assert stream.tail.seq_num == 1

    def test_largest_record_with_a_header(self) -> None:
        AppendRecord(bytes(MAX_BATCH_BYTES - 8 - 2 - 5), [(b"abc", b"de")])
        with pytest.raises(Invalid, match="1 MiB"):
            AppendRecord(bytes(MAX_BATCH_BYTES - 8 - 2 - 4), [(b"abc", b"de")])

    def test_largest_batch(self, stream: Stream) -> None:
        half = MAX_BATCH_BYTES // 2 - 8
        stream.append([bytes(half), bytes(half)])

        with pytest.raises(
            Invalid, match=r"^record batch must not exceed a metered size of 1 MiB$"
        ):
            stream.append([bytes(half), bytes(half + 1)])
        assert stream.tail.seq_num == 2

    @pytest.mark.parametrize(
        ("record", "size"),
        [
            (AppendRecord(), 8),
            (AppendRecord(b"hello"), 13),
            (AppendRecord("é".encode(), [(b"ab", b"c"), (b"d", b"")]), 8 + 2 + 5 + 3),
            (AppendRecord.fence("token"), 15 + 5),
            (AppendRecord.fence(""), 15),
            (AppendRecord.trim(0), 22),
        ],
    )
    def test_metering(self, stream: Stream, record: AppendRecord, size: int) -> None:
        stream.append([record])

        assert record.metered_bytes == stream.records[0].metered_bytes == size

    @pytest.mark.parametrize("timestamp", [-1, 2**64])
    def test_timestamps_are_unsigned_and_of_64_bits(self, timestamp: int) -> None:
        with pytest.raises(Invalid, match=f"not {timestamp}"):
            AppendRecord(timestamp=timestamp)
        assert AppendRecord(timestamp=2**64 - 1).timestamp == 2**64 - 1


def state(stream: Stream) -> tuple[object, ...]:
    """All that an append could have changed."""
    log = log_of(stream)
    return (
        stream.records,
        stream.tail,
        log.fencing_token,
        log.trim_point,
        log.last_expiry,
        state_of(stream)._replace(log=None),
    )


LATER = StagedClock().milliseconds + 3_600_000


@pytest.mark.parametrize(
    ("mode", "batch", "options", "error"),
    [
        ("client-prefer", [b"x"], {"match_seq_num": 99}, SeqNumMismatch),
        ("client-prefer", [b"x"], {"fencing_token": "other"}, FencingTokenMismatch),
        # Each brings what would change the state if it were applied before the failure.
        (
            "client-prefer",
            [AppendRecord.fence("new"), AppendRecord.trim(1)],
            {"match_seq_num": 0},
            SeqNumMismatch,
        ),
        ("client-require", [AppendRecord(b"x", timestamp=LATER), b"y"], {}, Invalid),
        (
            "client-require",
            [AppendRecord.fence("new", LATER), AppendRecord.trim(9, LATER), AppendRecord()],
            {},
            Invalid,
        ),
        # Commands need a timestamp, too.
        (
            "client-require",
            [AppendRecord(b"x", timestamp=LATER), AppendRecord.trim(9)],
            {},
            Invalid,
        ),
    ],
)
def test_a_refused_batch_changes_nothing(
    new_stream: Callable[..., Stream],
    mode: str,
    batch: list[AppendRecord | bytes],
    options: dict[str, object],
    error: type[Exception],
) -> None:
    stream = new_stream(timestamping_mode=mode, timestamping_uncapped=True, retention_policy=60)
    stream.append([AppendRecord(b"a", timestamp=1), AppendRecord.fence("old", 2)])
    before = state(stream)
    engine_of(stream).clock.advance(1)

    with pytest.raises(error):
        stream.append(batch, **options)
    assert state(stream) == before
    assert stream.append([AppendRecord(b"b", timestamp=3)], fencing_token="old").start == (2, 3)


def test_missing_timestamp_says_so(new_stream: Callable[..., Stream]) -> None:
    stream = new_stream(timestamping_mode="client-require")
    with pytest.raises(Invalid, match=r"^record timestamp was required but was missing$"):
        stream.append([b"a"])


def test_an_input_is_checked_when_it_is_made() -> None:
    with pytest.raises(Invalid, match="fencing token must not exceed 36 bytes in length"):
        AppendInput([AppendRecord()], fencing_token="é" * 19)
    assert AppendInput([AppendRecord()], fencing_token="é" * 18).fencing_token == "é" * 18
