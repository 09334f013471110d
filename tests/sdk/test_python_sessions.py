"""The official Python SDK, unmodified: append sessions, producers and read sessions."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from s2_sdk import (
    S2,
    AppendInput,
    BasinConfig,
    Batching,
    CommandRecord,
    FencingTokenMismatchError,
    ReadLimit,
    ReadSession,
    ReadUnwrittenError,
    Record,
    S2ServerError,
    S2Stream,
    SeqNum,
    SeqNumMismatchError,
    SequencedRecord,
    StreamConfig,
    StreamPosition,
    TailOffset,
    Timestamp,
)

from s2mock import AppendRecord, ManualClock, S2Mock, Stream

pytestmark = pytest.mark.asyncio

DAY = 24 * 60 * 60


def bodies(log: Stream) -> list[bytes]:
    return [record.body for record in log.records]


async def whole(session: ReadSession) -> list[SequencedRecord]:
    """What the session yields until it ends by itself."""
    return [record async for batch in session for record in batch.records]


class TestAppendSession:
    async def test_inputs_are_acknowledged_in_order(self, stream: S2Stream, log: Stream) -> None:
        async with stream.append_session() as session:
            tickets = [
                await session.submit(AppendInput([Record(b"%d" % n)] * (n % 3 + 1)))
                for n in range(30)
            ]
            acks = [await ticket for ticket in tickets]

        assert acks[0].start.seq_num == 0
        assert all(one.end.seq_num == next_.start.seq_num for one, next_ in pairwise(acks))
        assert bodies(log) == [b"%d" % n for n in range(30) for _ in range(n % 3 + 1)]
        assert acks[-1].tail == StreamPosition(*log.tail)

    async def test_each_may_wait_for_its_acknowledgement(self, stream: S2Stream) -> None:
        async with stream.append_session(max_unacked_batches=1) as session:
            for n in range(10):
                ticket = await session.submit(AppendInput([Record(b"x" * 5000)]))
                assert (await ticket).start.seq_num == n

    async def test_without_an_input(self, stream: S2Stream, log: Stream) -> None:
        async with stream.append_session():
            pass

        assert log.tail.seq_num == 0

    async def test_large_inputs_beyond_the_limits_of_the_client(
        self, stream: S2Stream, log: Stream
    ) -> None:
        body = bytes(range(256)) * 4095
        async with stream.append_session(max_unacked_bytes=1024 * 1024) as session:
            for _ in range(8):
                await session.submit(AppendInput([Record(body)]))

        assert bodies(log) == [body] * 8

    async def test_a_condition_ends_the_session(self, stream: S2Stream, log: Stream) -> None:
        session = stream.append_session()
        tickets = [
            await session.submit(AppendInput([Record(b"%d" % n)], match_seq_num=match))
            for n, match in enumerate((0, 0, 1))
        ]

        assert (await tickets[0]).end.seq_num == 1
        for ticket in tickets[1:]:
            with pytest.raises(SeqNumMismatchError) as caught:
                await ticket
            assert caught.value.expected_seq_num == 1
        with pytest.raises(SeqNumMismatchError):
            await session.close()
        assert bodies(log) == [b"0"]

    async def test_a_fence_within_the_session(self, stream: S2Stream, log: Stream) -> None:
        session = stream.append_session()
        fence = await session.submit(AppendInput([CommandRecord.fence("mine")]))
        good = await session.submit(AppendInput([Record(b"a")], fencing_token="mine"))
        bad = await session.submit(AppendInput([Record(b"b")], fencing_token="yours"))

        assert [(await ticket).end.seq_num for ticket in (fence, good)] == [1, 2]
        with pytest.raises(FencingTokenMismatchError) as caught:
            await bad
        assert caught.value.expected_fencing_token == "mine"
        with pytest.raises(FencingTokenMismatchError):
            await session.close()
        assert bodies(log) == [b"mine", b"a"]

    async def test_deletion_of_the_stream(self, s2: S2, stream: S2Stream, s2_mock: S2Mock) -> None:
        session = stream.append_session()
        await (await session.submit(AppendInput([Record(b"a")])))
        await s2["my-basin"].delete_stream("logs")
        late = await session.submit(AppendInput([Record(b"b")]))

        # Told that the stream is missing in action, the SDK tries again, and it is not found.
        with pytest.raises(S2ServerError) as caught:
            await late
        assert (caught.value.status_code, caught.value.code) == (404, "stream_not_found")
        with pytest.raises(S2ServerError):
            await session.close()
        assert s2_mock.basin("my-basin").streams == ()

    async def test_auto_creation_with_a_config(self, s2: S2, s2_mock: S2Mock) -> None:
        await s2.create_basin("my-basin", config=BasinConfig(create_stream_on_append=True))
        basin = s2["my-basin"]
        config = StreamConfig(retention_policy=60)

        async with basin.stream("one").append_session(stream_config=config) as session:
            await session.submit(AppendInput([Record(b"a")]))
        async with basin.stream("two").producer(stream_config=config) as producer:
            await producer.submit(Record(b"b"))

        for name, body in (("one", b"a"), ("two", b"b")):
            created = s2_mock.basin("my-basin").stream(name)
            assert created.config.retention_policy == 60
            assert bodies(created) == [body]


class TestProducer:
    async def test_records_are_numbered_one_by_one(self, stream: S2Stream, log: Stream) -> None:
        batching = Batching(max_records=7, linger=timedelta(seconds=60))
        async with stream.producer(batching=batching) as producer:
            tickets = [await producer.submit(Record(b"%d" % n)) for n in range(40)]

        acks = [await ticket for ticket in tickets]
        assert [ack.seq_num for ack in acks] == list(range(40))
        batches = sorted({(ack.batch.start.seq_num, ack.batch.end.seq_num) for ack in acks})
        assert batches == [(n, min(n + 7, 40)) for n in range(0, 40, 7)]
        assert bodies(log) == [b"%d" % n for n in range(40)]

    async def test_batches_by_bytes(self, stream: S2Stream) -> None:
        batching = Batching(max_bytes=100, linger=timedelta(seconds=60))
        async with stream.producer(batching=batching) as producer:
            tickets = [await producer.submit(Record(b"x" * 32)) for _ in range(6)]

        acks = [await ticket for ticket in tickets]
        assert {(ack.batch.start.seq_num, ack.batch.end.seq_num) for ack in acks} == {
            (0, 2),
            (2, 4),
            (4, 6),
        }

    async def test_conditions_go_with_each_batch(self, stream: S2Stream, log: Stream) -> None:
        log.append([AppendRecord.fence("mine")])
        batching = Batching(max_records=2)
        async with stream.producer(
            fencing_token="mine", match_seq_num=1, batching=batching
        ) as producer:
            for n in range(5):
                await producer.submit(Record(b"%d" % n))

        assert log.tail.seq_num == 6

    async def test_another_writer_has_taken_over(self, stream: S2Stream, log: Stream) -> None:
        log.append([AppendRecord.fence("mine")])
        producer = stream.producer(fencing_token="mine", batching=Batching(max_records=1))
        await (await producer.submit(Record(b"a")))
        log.append([AppendRecord.fence("theirs")])
        late = await producer.submit(Record(b"b"))

        with pytest.raises(FencingTokenMismatchError) as caught:
            await late
        assert caught.value.expected_fencing_token == "theirs"
        with pytest.raises(FencingTokenMismatchError):
            await producer.close()
        assert bodies(log) == [b"mine", b"a", b"theirs"]

    async def test_a_reader_sees_every_record_in_order(self, stream: S2Stream, log: Stream) -> None:
        count = 1200

        async def produce() -> None:
            async with stream.producer(batching=Batching(max_records=50)) as producer:
                for n in range(count):
                    await producer.submit(Record(b"%d" % n))

        reader = asyncio.create_task(
            whole(stream.read_session(start=SeqNum(0), limit=ReadLimit(count=count), wait=60))
        )
        await produce()
        records = await reader

        assert [record.seq_num for record in records] == list(range(count))
        assert [record.body for record in records] == [b"%d" % n for n in range(count)]
        assert log.tail.seq_num == count


class TestCatchingUp:
    @pytest.fixture(autouse=True)
    def _written(self, log: Stream) -> None:
        """Four records, of the timestamps 1000, 2000, 2000 and 3000."""
        times = (1000, 2000, 2000, 3000)
        log.append([AppendRecord(b"%d" % n, timestamp=time) for n, time in enumerate(times)])

    @pytest.mark.parametrize(
        ("bounds", "expected"),
        [
            ({"start": SeqNum(0), "limit": ReadLimit(count=2)}, [0, 1]),
            ({"start": SeqNum(1), "limit": ReadLimit(count=99)}, [1, 2, 3]),
            ({"start": SeqNum(0), "limit": ReadLimit(bytes=27)}, [0, 1, 2]),
            ({"start": SeqNum(0), "limit": ReadLimit(bytes=8)}, []),
            ({"start": Timestamp(1500), "until_timestamp": 3000}, [1, 2]),
            ({"start": TailOffset(2), "until_timestamp": 9000}, [2, 3]),
            ({"start": SeqNum(0), "wait": 0}, [0, 1, 2, 3]),
            ({"start": SeqNum(9), "clamp_to_tail": True, "wait": 0}, []),
        ],
    )
    async def test_a_session_with_an_end(
        self, stream: S2Stream, bounds: dict[str, Any], expected: list[int]
    ) -> None:
        records = await whole(stream.read_session(**bounds))

        assert [record.seq_num for record in records] == expected

    async def test_nothing_is_written_there(self, stream: S2Stream) -> None:
        for bounds in (
            {"start": SeqNum(5)},
            {"start": SeqNum(4), "limit": ReadLimit(count=1)},
            {"start": SeqNum(9), "limit": ReadLimit(count=1), "clamp_to_tail": True},
        ):
            with pytest.raises(ReadUnwrittenError) as caught:
                await whole(stream.read_session(**bounds))
            assert caught.value.tail == StreamPosition(4, 3000)

    async def test_commands_may_be_left_out(self, stream: S2Stream, log: Stream) -> None:
        log.append([AppendRecord.trim(3), b"a"])
        limit = ReadLimit(count=3)

        everything = await whole(stream.read_session(start=SeqNum(0), limit=limit))
        data = await whole(
            stream.read_session(start=SeqNum(0), limit=limit, ignore_command_records=True)
        )

        assert [record.seq_num for record in everything] == [3, 4, 5]
        assert [record.seq_num for record in data] == [3, 5]

    async def test_many_batches(self, stream: S2Stream, log: Stream) -> None:
        for _ in range(3):
            log.append([b"x"] * 1000)

        async with stream.read_session(start=SeqNum(0)) as session:
            sizes = [len((await anext(session)).records) for _ in range(4)]
            await session.caught_up()

        assert sizes == [1000, 1000, 1000, 4]

    async def test_missing_stream(self, s2: S2) -> None:
        with pytest.raises(S2ServerError) as caught:
            await whole(s2["my-basin"].stream("missing").read_session(start=SeqNum(0)))

        assert (caught.value.status_code, caught.value.code) == (404, "stream_not_found")


class TestFollowing:
    async def test_each_append_is_a_batch_with_the_tail(
        self, stream: S2Stream, log: Stream
    ) -> None:
        async with stream.read_session(start=SeqNum(0)) as session:
            assert await session.caught_up() == StreamPosition(0, 0)
            for records in ([b"a"], [b"b", b"c"]):
                ack = log.append(records)
                batch = await anext(session)
                assert [record.body for record in batch.records] == records
                assert batch.tail == StreamPosition(*ack.tail)
                assert session.is_caught_up()

    async def test_catching_up_ends_with_the_last_record(
        self, stream: S2Stream, log: Stream
    ) -> None:
        log.append([b"a", b"b"])
        async with stream.read_session(start=SeqNum(0)) as session:
            caught_up = session.caught_up()
            assert not session.is_caught_up()
            batch = await anext(session)
            assert [record.body for record in batch.records] == [b"a", b"b"]
            assert await caught_up == StreamPosition(*log.tail)

    async def test_from_the_tail_on(self, stream: S2Stream, log: Stream) -> None:
        log.append([b"old"])
        async with (
            stream.read_session(start=TailOffset(0)) as one,
            stream.read_session(start=SeqNum(99), clamp_to_tail=True) as two,
        ):
            await asyncio.gather(one.caught_up(), two.caught_up())
            log.append([b"new"])
            for session in (one, two):
                batch = await anext(session)
                assert [record.body for record in batch.records] == [b"new"]

    async def test_a_limit_is_met_by_what_comes(self, stream: S2Stream, log: Stream) -> None:
        log.append([b"old"])
        session = stream.read_session(start=SeqNum(0), limit=ReadLimit(count=3), wait=60)
        first = await anext(session)
        await session.caught_up()
        log.append([b"1", b"2", b"3"])

        rest = await whole(session)

        assert [record.body for record in (*first.records, *rest)] == [b"old", b"1", b"2"]

    @pytest.mark.s2_mock(clock=ManualClock())
    async def test_a_wait_ends(self, s2_mock: S2Mock, stream: S2Stream, log: Stream) -> None:
        log.append([b"a"])
        session = stream.read_session(start=SeqNum(0), wait=60)
        batch = await anext(session)
        assert await session.caught_up() == batch.tail

        s2_mock.clock.advance(60)

        assert await whole(session) == []

    @pytest.mark.s2_mock(clock=ManualClock())
    async def test_nothing_for_a_day(self, s2_mock: S2Mock, stream: S2Stream, log: Stream) -> None:
        async with stream.read_session(start=SeqNum(0)) as session:
            await session.caught_up()
            s2_mock.clock.advance(DAY)
            ack = log.append([b"a"])
            batch = await anext(session)

        assert batch.records[0].timestamp == ack.start.timestamp

    async def test_many_followers(self, stream: S2Stream, log: Stream) -> None:
        sessions = [stream.read_session(start=SeqNum(0)) for _ in range(40)]
        await asyncio.gather(*[session.caught_up() for session in sessions])
        log.append([b"a"])
        batches = await asyncio.gather(*[anext(session) for session in sessions])
        await asyncio.gather(*[session.close() for session in sessions])

        assert [batch.records[0].body for batch in batches] == [b"a"] * 40

    @pytest.mark.parametrize(
        "delay",
        [
            pytest.param(0, id="at once"),
            pytest.param(
                float("inf"),
                id="pending",
                marks=pytest.mark.s2_mock(deletion_delay=float("inf")),
            ),
        ],
    )
    async def test_a_deletion_is_seen(self, s2: S2, stream: S2Stream, delay: float) -> None:
        session = stream.read_session(start=SeqNum(0))
        await session.caught_up()

        await s2["my-basin"].delete_stream("logs")

        # The deletion's own record, which trims everything; then the SDK looks for the stream.
        [record] = (await anext(session)).records
        assert record.is_command_record()
        assert (record.seq_num, record.body) == (0, b"\xff" * 8)
        with pytest.raises(S2ServerError) as caught:
            await anext(session)
        assert (caught.value.status_code, caught.value.code) == (
            (409, "stream_deletion_pending") if delay else (404, "stream_not_found")
        )

    async def test_auto_creation_with_a_config(self, s2: S2, s2_mock: S2Mock) -> None:
        await s2.create_basin("other-basin", config=BasinConfig(create_stream_on_read=True))
        stream = s2["other-basin"].stream("logs")

        async with stream.read_session(
            start=SeqNum(0), stream_config=StreamConfig(retention_policy=60)
        ) as session:
            await session.caught_up()
            created = s2_mock.basin("other-basin").stream("logs")
            created.append([b"a"])
            batch = await anext(session)

        assert created.config.retention_policy == 60
        assert batch.records[0].body == b"a"
