"""The official Python SDK, unmodified: one read at a time."""

import asyncio

import pytest
from s2_sdk import (
    S2,
    AppendInput,
    BasinConfig,
    CommandRecord,
    ReadBatch,
    ReadLimit,
    ReadUnwrittenError,
    Record,
    S2ServerError,
    S2Stream,
    SeqNum,
    StreamConfig,
    StreamPosition,
    TailOffset,
    Timestamp,
)

from s2mock import AppendRecord, ManualClock, S2Mock, Stream
from tests.time.watched_clock import WatchedClock

pytestmark = pytest.mark.asyncio

DAY = 24 * 60 * 60
MIB = 1024 * 1024


@pytest.fixture
def four(log: Stream) -> Stream:
    """The stream with four records, of the timestamps 1000, 2000, 2000 and 3000."""
    times = (1000, 2000, 2000, 3000)
    log.append([AppendRecord(b"%d" % n, timestamp=time) for n, time in enumerate(times)])
    return log


def numbers(batch: ReadBatch) -> list[int]:
    return [record.seq_num for record in batch.records]


async def test_records_come_back_byte_for_byte(stream: S2Stream) -> None:
    headers = [(b"kind", b"\x00\xff"), (b"kind", b""), ("ключ".encode(), b"v")]
    sent = [Record(bytes(range(256)) * 20, headers, timestamp=7), Record(b"", timestamp=8)]
    await stream.append(AppendInput(sent))

    batch = await stream.read(start=SeqNum(0))

    assert [(r.body, r.headers, r.timestamp) for r in batch.records] == [
        (r.body, r.headers, r.timestamp) for r in sent
    ]
    assert numbers(batch) == [0, 1]


@pytest.mark.usefixtures("four")
async def test_where_to_start(stream: S2Stream) -> None:
    starts = {
        (0, 1, 2, 3): [SeqNum(0), TailOffset(4), TailOffset(99), Timestamp(0), Timestamp(1000)],
        (1, 2, 3): [SeqNum(1), TailOffset(3), Timestamp(1001), Timestamp(2000)],
        (3,): [SeqNum(3), TailOffset(1), Timestamp(2001), Timestamp(3000)],
    }
    for expected, equal in starts.items():
        for start in equal:
            assert tuple(numbers(await stream.read(start=start))) == expected


@pytest.mark.usefixtures("four")
async def test_where_to_stop(stream: S2Stream) -> None:
    async def read(limit: ReadLimit | None = None, until: int | None = None) -> list[int]:
        batch = await stream.read(start=SeqNum(0), limit=limit, until_timestamp=until)
        return numbers(batch)

    assert await read(ReadLimit(count=2)) == [0, 1]
    assert await read(ReadLimit(bytes=27)) == [0, 1, 2]
    assert await read(ReadLimit(bytes=26)) == [0, 1]
    assert await read(ReadLimit(bytes=8)) == []
    assert await read(ReadLimit(count=3, bytes=18)) == [0, 1]
    assert await read(until=2000) == [0]
    assert await read(until=3001) == [0, 1, 2, 3]
    assert await read(ReadLimit(count=1), until=3000) == [0]


async def test_at_most_a_thousand_records(stream: S2Stream, log: Stream) -> None:
    log.append([b"x"] * 1000)
    log.append([b"x"] * 5)

    first = await stream.read(start=SeqNum(0), limit=ReadLimit(count=5000))
    second = await stream.read(start=SeqNum(1000))

    assert numbers(first) == list(range(1000))
    assert numbers(second) == list(range(1000, 1005))


async def test_at_most_a_mebibyte(stream: S2Stream, log: Stream) -> None:
    for _ in range(2):
        log.append([b"x" * (MIB - 8)])

    first = await stream.read(start=SeqNum(0), limit=ReadLimit(bytes=4 * MIB))
    second = await stream.read(start=SeqNum(1), limit=ReadLimit(bytes=4 * MIB))

    assert numbers(first) == [0]
    assert numbers(second) == [1]


async def test_nothing_is_written_there(stream: S2Stream, four: Stream) -> None:
    for start in (SeqNum(4), SeqNum(5), TailOffset(0), Timestamp(3001)):
        with pytest.raises(ReadUnwrittenError) as caught:
            await stream.read(start=start)
        assert caught.value.status_code == 416
        assert caught.value.tail == StreamPosition(*four.tail) == StreamPosition(4, 3000)
    with pytest.raises(ReadUnwrittenError):
        await stream.read(start=SeqNum(99), clamp_to_tail=True)


async def test_until_must_be_after_the_start(stream: S2Stream) -> None:
    with pytest.raises(S2ServerError) as caught:
        await stream.read(start=Timestamp(5), until_timestamp=5)

    assert (caught.value.status_code, caught.value.code) == (422, "invalid")


@pytest.mark.usefixtures("four")
async def test_commands_are_records_that_may_be_left_out(stream: S2Stream) -> None:
    await stream.append(AppendInput([CommandRecord.fence("mine"), CommandRecord.trim(3)]))

    everything = await stream.read(start=SeqNum(0))
    data = await stream.read(start=SeqNum(0), ignore_command_records=True)

    assert numbers(everything) == [3, 4, 5]
    assert [record.is_command_record() for record in everything.records] == [False, True, True]
    assert numbers(data) == [3]


@pytest.mark.s2_mock(clock=WatchedClock())
async def test_a_wait_ends_with_nothing(s2_mock: S2Mock, stream: S2Stream) -> None:
    clock = s2_mock.clock
    assert isinstance(clock, WatchedClock)
    reads = [
        asyncio.create_task(stream.read(start=SeqNum(0), wait=60)),
        asyncio.create_task(stream.read(start=SeqNum(9), clamp_to_tail=True, wait=60)),
    ]
    # With a heartbeat on the way, each time: a single answer has no place for them.
    for _ in range(4):
        await asyncio.to_thread(clock.await_waiters, 2)
        clock.advance(15)

    assert await asyncio.gather(*reads) == [ReadBatch([], None)] * 2


@pytest.mark.s2_mock(clock=WatchedClock())
async def test_a_wait_ends_with_the_first_records(
    s2_mock: S2Mock, stream: S2Stream, log: Stream
) -> None:
    clock = s2_mock.clock
    assert isinstance(clock, WatchedClock)
    read = asyncio.create_task(stream.read(start=TailOffset(0), wait=60))
    await asyncio.to_thread(clock.await_waiters, 1)
    log.append([b"a", b"b"])

    batch = await read

    assert [record.body for record in batch.records] == [b"a", b"b"]
    assert batch.tail == StreamPosition(*log.tail)


@pytest.mark.s2_mock(clock=ManualClock())
async def test_after_eight_days_the_records_are_gone_and_the_tail_is_not(
    s2_mock: S2Mock, stream: S2Stream
) -> None:
    ack = await stream.append(AppendInput([Record(b"a"), Record(b"b")]))

    s2_mock.clock.advance(8 * DAY)

    assert (await stream.read(start=SeqNum(0))).records == []
    assert await stream.check_tail() == ack.tail
    again = await stream.append(AppendInput([Record(b"c")], match_seq_num=2))
    assert [record.body for record in (await stream.read(start=SeqNum(0))).records] == [b"c"]
    assert again.start.timestamp - ack.start.timestamp == 8 * DAY * 1000


async def test_auto_creation_with_a_config(s2: S2, s2_mock: S2Mock) -> None:
    await s2.create_basin("my-basin", config=BasinConfig(create_stream_on_read=True))
    stream = s2["my-basin"].stream("logs")

    with pytest.raises(ReadUnwrittenError) as caught:
        await stream.read(start=SeqNum(0), stream_config=StreamConfig(retention_policy=60))

    assert caught.value.tail == StreamPosition(0, 0)
    assert s2_mock.basin("my-basin").stream("logs").config.retention_policy == 60
    assert await s2["my-basin"].stream("asked-for-its-tail").check_tail() == StreamPosition(0, 0)
    assert s2_mock.basin("my-basin").streams == ("asked-for-its-tail", "logs")


async def test_a_missing_stream(s2: S2, s2_mock: S2Mock) -> None:
    s2_mock.create_basin("my-basin")

    with pytest.raises(S2ServerError) as caught:
        await s2["my-basin"].stream("logs").read(start=SeqNum(0))

    assert (caught.value.status_code, caught.value.code) == (404, "stream_not_found")
