"""The official Python SDK, unmodified: what its retries of appends do to a log."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from s2_sdk import (
    S2,
    AppendInput,
    AppendRetryPolicy,
    Endpoints,
    Record,
    S2Error,
    S2ServerError,
    S2Stream,
    SeqNum,
    SeqNumMismatchError,
)

from s2mock import Stream
from tests.sdk.conftest import AT_ONCE

pytestmark = pytest.mark.asyncio

Observe = Callable[..., Any]

# Tries again only what cannot have had an effect.
CAREFUL = replace(AT_ONCE, append_retry_policy=AppendRetryPolicy.NO_SIDE_EFFECTS)


def client(observed: Any, retry: Any = AT_ONCE) -> S2:
    return S2(observed.token, endpoints=Endpoints(observed.url, observed.url), retry=retry)


def bodies(log: Stream) -> list[bytes]:
    return [record.body for record in log.records]


async def unary(stream: S2Stream, batch: AppendInput) -> int:
    return (await stream.append(batch)).start.seq_num


async def by_session(stream: S2Stream, batch: AppendInput) -> int:
    async with stream.append_session() as session:
        ticket = await session.submit(batch)
    return (await ticket).start.seq_num


append = pytest.mark.parametrize("append", [unary, by_session])


@append
async def test_a_lost_answer_makes_a_duplicate(observe: Observe, log: Stream, append: Any) -> None:
    observed = observe(losing=2)
    async with client(observed) as s2:
        assert await append(s2["my-basin"].stream("logs"), AppendInput([Record(b"a")])) == 2

    assert bodies(log) == [b"a"] * 3
    assert len(observed.requests) == 3


@append
async def test_a_condition_guards_against_it(observe: Observe, log: Stream, append: Any) -> None:
    observed = observe(losing=1)
    async with client(observed) as s2:
        with pytest.raises(SeqNumMismatchError) as caught:
            await append(
                s2["my-basin"].stream("logs"), AppendInput([Record(b"a")], match_seq_num=0)
            )

    assert caught.value.expected_seq_num == 1
    assert bodies(log) == [b"a"]


@append
async def test_the_careful_do_not_try_again(observe: Observe, log: Stream, append: Any) -> None:
    observed = observe(losing=1)
    async with client(observed, CAREFUL) as s2:
        with pytest.raises(S2ServerError) as caught:
            await append(s2["my-basin"].stream("logs"), AppendInput([Record(b"a")]))

    assert (caught.value.status_code, caught.value.code) == (503, "unavailable")
    assert bodies(log) == [b"a"]


@append
async def test_what_was_refused_is_safe_to_try_again(
    observe: Observe, log: Stream, append: Any
) -> None:
    observed = observe(refusing=2)
    async with client(observed, CAREFUL) as s2:
        assert await append(s2["my-basin"].stream("logs"), AppendInput([Record(b"a")])) == 0

    assert bodies(log) == [b"a"]
    assert len(observed.requests) == 3


@append
async def test_in_the_end_the_outcome_is_unknown(
    observe: Observe, log: Stream, append: Any
) -> None:
    observed = observe(losing=1, refusing=2)
    async with client(observed) as s2:
        with pytest.raises(S2Error, match="append may have taken effect in an earlier attempt"):
            await append(s2["my-basin"].stream("logs"), AppendInput([Record(b"a")]))

    assert bodies(log) == [b"a"]
    assert len(observed.requests) == 3


async def test_a_missing_stream_is_not_looked_for_again(observe: Observe, log: Stream) -> None:
    observed = observe()
    async with client(observed) as s2:
        with pytest.raises(S2ServerError, match="not found"):
            await s2["my-basin"].stream("missing").append(AppendInput([Record(b"a")]))

    assert len(observed.requests) == 1
    assert log.tail.seq_num == 0


async def test_a_reader_goes_on_where_it_was(observe: Observe, log: Stream) -> None:
    for _ in range(3):
        log.append([b"x"] * 1000)
    observed = observe(losing=2)
    async with (
        client(observed) as s2,
        s2["my-basin"].stream("logs").read_session(start=SeqNum(0)) as session,
    ):
        records = [record for _ in range(3) for record in (await anext(session)).records]

    assert [record.seq_num for record in records] == list(range(3000))
    assert [request["QUERY_STRING"] for request in observed.requests] == [
        "seq_num=0",
        "seq_num=1000",
        "seq_num=2000",
    ]
