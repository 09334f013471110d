"""A program that uses a server by the official Python SDK, and prints what it sees, as JSON.

It takes the name of a basin that does not exist. What differs in each run is left out: the name,
times, and the identifiers of requests.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import Awaitable
from typing import Any

from s2_sdk import (
    S2,
    AppendInput,
    BasinConfig,
    Batching,
    CommandRecord,
    Endpoints,
    ReadLimit,
    Record,
    S2Error,
    S2Stream,
    SeqNum,
    StreamConfig,
    TailOffset,
)

BASIN = sys.argv[1]
seen: list[Any] = []


async def note(name: str, call: Awaitable[Any]) -> Any:
    """Note and return the result of a call, or the error that it raises."""
    try:
        result = await call
    except S2Error as error:
        status, code = getattr(error, "status_code", None), getattr(error, "code", None)
        seen.append((name, type(error).__name__, status, code, str(error).replace(BASIN, "BASIN")))
        return None
    seen.append((name, plain(result)))
    return result


def plain(value: Any) -> str:
    """A result as text, without what differs in each run."""
    text = re.sub(r"timestamp=\d+|datetime\.datetime\([^()]*\)", "TIME", repr(value))
    return text.replace(BASIN, "BASIN")


async def whole(session: Any) -> list[tuple[int, bytes]]:
    """The numbers and bodies of the records until the session ends."""
    return [(one.seq_num, one.body) async for batch in session for one in batch.records]


async def appends(stream: S2Stream) -> None:
    """Append in each way, with conditions that hold and that do not."""
    await note("append", stream.append(AppendInput([Record(b"a"), Record(bytes(range(256)))])))
    await note("match", stream.append(AppendInput([Record(b"b")], match_seq_num=2)))
    await note("mismatch", stream.append(AppendInput([Record(b"c")], match_seq_num=2)))
    await note("fence", stream.append(AppendInput([CommandRecord.fence("mine")])))
    await note("fenced", stream.append(AppendInput([Record(b"d")], fencing_token="yours")))
    await note("large", stream.append(AppendInput([Record(b"x" * 1_000_000)])))
    session = stream.append_session()
    tickets = [await session.submit(AppendInput([Record(b"%d" % n)])) for n in range(2_000)]
    await note("session", gathered(tickets))
    await note("close", session.close())
    session = stream.append_session()
    tickets = [
        await session.submit(AppendInput([Record(b"e")], match_seq_num=match))
        for match in (2_005, 2_005, 2_006)
    ]
    for number, ticket in enumerate(tickets):
        await note(f"conditional {number}", gathered([ticket]))
    await note("close", session.close())
    async with stream.producer(batching=Batching(max_records=7)) as producer:
        last = [await producer.submit(Record(b"%d" % n)) for n in range(40)]
    await note("producer", numbers(last))


async def gathered(tickets: list[Any]) -> list[Any]:
    """The numbers of the records that the tickets are for; the tail depends on the moment."""
    acks = [await ticket for ticket in tickets]
    return [(ack.start.seq_num, ack.end.seq_num) for ack in acks]


async def numbers(tickets: list[Any]) -> list[int]:
    """The numbers of the records that a producer has appended one by one."""
    return [(await ticket).seq_num for ticket in tickets]


async def reads(stream: S2Stream) -> None:
    """Read in each way, to an end and at the tail."""
    await note("tail", stream.check_tail())
    await note("unary", stream.read(start=SeqNum(0), limit=ReadLimit(count=5)))
    await note("beyond", stream.read(start=SeqNum(99_999)))
    limit = ReadLimit(count=2_046)
    await note("catch up", whole(stream.read_session(start=SeqNum(0), limit=limit)))
    await note("unwritten", whole(stream.read_session(start=SeqNum(99_999))))
    following = stream.read_session(start=TailOffset(0), limit=ReadLimit(count=3), wait=60)
    await following.caught_up()
    reading = asyncio.create_task(whole(following))
    for number in range(3):
        await note("append", stream.append(AppendInput([Record(b"%d" % number)])))
    await note("follow", reading)
    async with stream.read_session(start=TailOffset(0)) as left:
        # A session that is left before its end.
        await note("caught up", left.caught_up())


async def main() -> None:
    endpoints = Endpoints(os.environ["S2_ACCOUNT_ENDPOINT"], os.environ["S2_BASIN_ENDPOINT"])
    async with S2(os.environ["S2_ACCESS_TOKEN"], endpoints=endpoints) as s2:
        await note("no basin", s2[BASIN].create_stream("logs"))
        config = BasinConfig(create_stream_on_append=True)
        await note("create", s2.create_basin(BASIN, config=config))
        await note("again", s2.create_basin(BASIN))
        basin = s2[BASIN]
        await note("config", s2.get_basin_config(BASIN))
        await note("stream", basin.create_stream("logs", config=StreamConfig(retention_policy=60)))
        await note("conflict", basin.create_stream("logs"))
        await note("odd name", basin.create_stream("a/b c%2F?é"))
        await note("list", basin.list_streams())
        await note("stream config", basin.get_stream_config("logs"))
        await note("bad", basin.create_stream("x" * 600))
        await appends(basin.stream("logs"))
        await reads(basin.stream("logs"))
        await note("created", basin.stream("new").append(AppendInput([Record(b"a")])))
        await note("missing", basin.stream("missing").read(start=SeqNum(0)))
        await note("delete stream", basin.delete_stream("new"))
        await note("delete", s2.delete_basin(BASIN))
        await note("delete missing", s2.delete_basin(f"{BASIN}-none"))
    print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
