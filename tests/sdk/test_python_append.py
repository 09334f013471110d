"""The official Python SDK, unmodified: one append at a time, and the tail."""

import pytest
from s2_sdk import (
    S2,
    AppendAck,
    AppendInput,
    BasinConfig,
    CommandRecord,
    FencingTokenMismatchError,
    Record,
    S2ServerError,
    S2Stream,
    SeqNumMismatchError,
    StreamConfig,
    StreamPosition,
    Timestamping,
    TimestampingMode,
)

from s2mock import ManualClock, S2Mock, Stream

pytestmark = [pytest.mark.asyncio, pytest.mark.s2_mock(clock=ManualClock())]

MIB = 1024 * 1024


def now(s2_mock: S2Mock) -> int:
    """The time of the account's clock, in milliseconds."""
    return s2_mock.clock.now() // 1_000_000


def bodies(log: Stream) -> list[bytes]:
    return [record.body for record in log.records]


async def test_a_batch_is_acknowledged(stream: S2Stream, log: Stream, s2_mock: S2Mock) -> None:
    first = await stream.append(AppendInput([Record(b"a"), Record(b"b")]))
    second = await stream.append(AppendInput([Record(b"c")]))

    t = now(s2_mock)
    assert first == AppendAck(
        StreamPosition(0, t), end=StreamPosition(2, t), tail=StreamPosition(2, t)
    )
    assert second == AppendAck(
        StreamPosition(2, t), end=StreamPosition(3, t), tail=StreamPosition(3, t)
    )
    assert bodies(log) == [b"a", b"b", b"c"]


async def test_records_are_kept_byte_for_byte(stream: S2Stream, log: Stream) -> None:
    headers = [(b"kind", b"\x00\xff"), (b"kind", b""), ("ключ".encode(), b"v")]
    await stream.append(AppendInput([Record(bytes(range(256)), headers), Record(b"")]))

    [full, empty] = log.records
    assert (full.body, list(full.headers)) == (bytes(range(256)), headers)
    assert (empty.body, empty.headers) == (b"", ())


async def test_the_largest_batches(stream: S2Stream, log: Stream) -> None:
    ack = await stream.append(AppendInput([Record(b"x" * (MIB - 8))]))
    assert ack.end.seq_num == 1
    ack = await stream.append(AppendInput([Record(b"x")] * 1000))
    assert ack.end.seq_num == 1001
    assert [record.metered_bytes for record in log.records[:2]] == [MIB, 9]


async def test_tail(stream: S2Stream, s2_mock: S2Mock) -> None:
    assert await stream.check_tail() == StreamPosition(0, 0)

    await stream.append(AppendInput([Record(b"a", timestamp=1000)]))
    assert await stream.check_tail() == StreamPosition(1, 1000)

    await stream.append(AppendInput([Record(b"b")]))
    assert await stream.check_tail() == StreamPosition(2, now(s2_mock))


async def test_timestamps_do_not_run_backwards_nor_ahead(
    stream: S2Stream, log: Stream, s2_mock: S2Mock
) -> None:
    future = now(s2_mock) + 3_600_000
    wanted = (1000, 900, 1100, future)
    ack = await stream.append(AppendInput([Record(b"", timestamp=time) for time in wanted]))

    times = [record.timestamp for record in log.records]
    assert times == [1000, 1000, 1100, now(s2_mock)]
    assert (ack.start.timestamp, ack.end.timestamp) == (1000, now(s2_mock))


async def test_timestamping_modes(stream: S2Stream, log: Stream, s2_mock: S2Mock) -> None:
    log.reconfigure(timestamping_mode="client-require", timestamping_uncapped=True)
    with pytest.raises(S2ServerError) as caught:
        await stream.append(AppendInput([Record(b"none")]))
    future = now(s2_mock) + 3_600_000
    await stream.append(AppendInput([Record(b"required", timestamp=future)]))
    log.reconfigure(timestamping_mode="arrival")
    await stream.append(AppendInput([Record(b"ignored", timestamp=future + 1)]))

    assert (caught.value.status_code, caught.value.code) == (422, "invalid")
    assert caught.value.message == "record timestamp was required but was missing"
    assert [record.timestamp for record in log.records] == [future, future]


async def test_match_seq_num(stream: S2Stream, log: Stream) -> None:
    await stream.append(AppendInput([Record(b"a")], match_seq_num=0))
    await stream.append(AppendInput([Record(b"b"), Record(b"c")], match_seq_num=1))

    with pytest.raises(SeqNumMismatchError) as caught:
        await stream.append(AppendInput([Record(b"d")], match_seq_num=0))

    assert (caught.value.status_code, caught.value.expected_seq_num) == (412, 3)
    assert bodies(log) == [b"a", b"b", b"c"]


async def test_fencing(stream: S2Stream, log: Stream) -> None:
    await stream.append(AppendInput([CommandRecord.fence("mine")], fencing_token=""))
    await stream.append(AppendInput([Record(b"a")], fencing_token="mine"))
    await stream.append(AppendInput([Record(b"no token, no check")]))

    with pytest.raises(FencingTokenMismatchError) as caught:
        await stream.append(AppendInput([Record(b"b")], fencing_token="yours"))

    assert (caught.value.status_code, caught.value.expected_fencing_token) == (412, "mine")
    assert bodies(log) == [b"mine", b"a", b"no token, no check"]
    assert log.records[0].headers == ((b"", b"fence"),)


async def test_a_fence_is_lifted(stream: S2Stream) -> None:
    await stream.append(AppendInput([CommandRecord.fence("mine")]))
    await stream.append(AppendInput([CommandRecord.fence("")], fencing_token="mine"))

    ack = await stream.append(AppendInput([Record(b"a")], fencing_token=""))

    assert ack.end.seq_num == 3


async def test_trim(stream: S2Stream, log: Stream) -> None:
    await stream.append(AppendInput([Record(b"a"), Record(b"b"), Record(b"c")]))
    ack = await stream.append(AppendInput([CommandRecord.trim(2)]))

    assert [record.seq_num for record in log.records] == [2, 3]
    assert ack.tail.seq_num == (await stream.check_tail()).seq_num == 4


async def test_a_command_that_is_none(stream: S2Stream, log: Stream) -> None:
    with pytest.raises(S2ServerError) as caught:
        await stream.append(AppendInput([Record(b"", [(b"", b"explode")]), Record(b"a")]))

    assert (caught.value.status_code, caught.value.code) == (422, "invalid")
    assert caught.value.message == "unknown command"
    assert log.records == ()


async def test_a_missing_stream(s2: S2, s2_mock: S2Mock) -> None:
    s2_mock.create_basin("my-basin")
    stream = s2["my-basin"].stream("logs")

    for call in (stream.append(AppendInput([Record(b"a")])), stream.check_tail()):
        with pytest.raises(S2ServerError) as caught:
            await call
        assert (caught.value.status_code, caught.value.code) == (404, "stream_not_found")
    assert s2_mock.basin("my-basin").streams == ()


async def test_auto_creation_with_a_config(s2: S2, s2_mock: S2Mock) -> None:
    await s2.create_basin(
        "my-basin",
        config=BasinConfig(
            default_stream_config=StreamConfig(storage_class="standard"),
            create_stream_on_append=True,
        ),
    )
    stream = s2["my-basin"].stream("logs/ä")
    config = StreamConfig(
        retention_policy=60, timestamping=Timestamping(mode=TimestampingMode.ARRIVAL)
    )

    ack = await stream.append(AppendInput([Record(b"a", timestamp=1)], stream_config=config))
    other = StreamConfig(retention_policy=61)
    await stream.append(AppendInput([Record(b"b")], stream_config=other))

    assert ack.start == StreamPosition(0, now(s2_mock))
    created = s2_mock.basin("my-basin").stream("logs/ä")
    assert created.config.retention_policy == 60
    assert created.config.storage_class == "standard"
    assert bodies(created) == [b"a", b"b"]
