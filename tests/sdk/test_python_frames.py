"""The official Python SDK, unmodified: how its sessions travel."""

from collections.abc import Callable
from typing import Any

import pytest
from s2_sdk import S2, AppendInput, Compression, Endpoints, Record, SeqNum

from s2mock import Stream

pytestmark = pytest.mark.asyncio


def flags(frames: bytes) -> list[int]:
    """The flag byte of each frame."""
    found = []
    while frames:
        length = int.from_bytes(frames[:3], "big")
        found.append(frames[3])
        frames = frames[3 + length :]
    return found


async def test_large_frames_are_compressed_both_ways(
    observe: Callable[..., Any], log: Stream, compression: Compression
) -> None:
    flag = {Compression.NONE: 0, Compression.ZSTD: 0x20, Compression.GZIP: 0x40}[compression]
    observed = observe()
    endpoints = Endpoints(observed.url, observed.url)
    async with S2(observed.token, endpoints=endpoints, compression=compression) as s2:
        stream = s2["my-basin"].stream("logs")
        async with stream.append_session() as session:
            for body in (b"small", b"large" * 1000):
                await session.submit(AppendInput([Record(body)]))
        sent = flags(bytes(observed.received))
        acknowledged = flags(bytes(observed.said))
        observed.said.clear()
        async with stream.read_session(start=SeqNum(0)) as session:
            await anext(session)
            await session.caught_up()

    assert [record.body for record in log.records] == [b"small", b"large" * 1000]
    assert sent == [0, flag]
    assert acknowledged == [0, 0]
    # What is there at once is one batch, which tells the tail already: whether the heartbeat after
    # it, which is small, still goes out depends on how soon the reader has gone.
    batch, *heartbeats = flags(bytes(observed.said))
    assert batch == flag
    assert heartbeats in ([], [0])


async def test_sessions_are_http_2(observe: Callable[..., Any], log: Stream) -> None:
    observed = observe()
    async with S2(observed.token, endpoints=Endpoints(observed.url, observed.url)) as s2:
        stream = s2["my-basin"].stream("logs")
        async with stream.append_session() as session:
            await session.submit(AppendInput([Record(b"a")]))
        async with stream.read_session(start=SeqNum(0)) as session:
            await anext(session)

    assert log.tail.seq_num == 1
    for request in observed.requests:
        assert request["SERVER_PROTOCOL"].startswith("HTTP/2")
        assert request["CONTENT_TYPE"] == "s2s/proto"
