"""A program that makes one call by the official Python SDK, and prints its result as JSON.

It takes the name of the call, the seconds of the SDK's timeout, and the number of its attempts.
With a fourth argument it waits for a line on stdin before the second batch. The programs
`typescript/scenario.mjs` and `go/scenario` do the same.
"""

import asyncio
import json
import os
import sys
from datetime import timedelta

from s2_sdk import S2, AppendInput, Endpoints, Record, Retry, S2Error, S2Stream, SeqNum, Timeout

RETRY = Retry(
    max_attempts=int(sys.argv[3]),
    min_base_delay=timedelta(milliseconds=10),
    max_base_delay=timedelta(milliseconds=100),
)


def batch(number: int) -> AppendInput:
    return AppendInput([Record(b"batch-%d" % number)])


async def pause() -> None:
    if sys.argv[4:]:
        print(json.dumps({"paused": True}), flush=True)
        await asyncio.to_thread(sys.stdin.readline)


async def append(stream: S2Stream) -> None:
    await stream.append(batch(0))
    await pause()
    await stream.append(batch(1))
    await stream.append(batch(2))


async def session(stream: S2Stream) -> None:
    async with stream.append_session() as opened:
        for number in range(3):
            if number == 1:
                await pause()
            await (await opened.submit(batch(number)))


async def read(stream: S2Stream, bodies: list[str]) -> None:
    async with stream.read_session(start=SeqNum(0)) as batches:
        async for records in batches:
            bodies += [record.body.decode() for record in records.records]
            if len(bodies) >= 10:
                break


async def main(call: str, timeout: float) -> None:
    endpoints = Endpoints(os.environ["S2_ACCOUNT_ENDPOINT"], os.environ["S2_BASIN_ENDPOINT"])
    token = os.environ["S2_ACCESS_TOKEN"]
    limit = Timeout(request=timedelta(seconds=timeout))
    bodies: list[str] = []
    error = ""
    async with S2(token, endpoints=endpoints, retry=RETRY, timeout=limit) as s2:
        stream = s2["my-basin"].stream("logs")
        try:
            if call == "read":
                await read(stream, bodies)
            else:
                await {"append": append, "session": session}[call](stream)
        except (S2Error, OSError) as caught:
            error = f"{type(caught).__name__}: {caught}"
    print(json.dumps({"error": error, "bodies": bodies}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
