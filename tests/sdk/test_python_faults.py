"""The official Python SDK, unmodified: what it does when something goes wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from s2_sdk import (
    S2,
    AppendInput,
    AppendRetryPolicy,
    Endpoints,
    ReadLimit,
    Record,
    S2ClientError,
    S2ServerError,
    S2Stream,
    SeqNum,
)

# The SDK has no public name for these.
from s2_sdk._exceptions import AppendIndefiniteFailureError, TransportError

from s2mock import Answer, Cut, Drain, Drop, Fail, Fault, S2Mock, Stream
from tests.sdk.conftest import AT_ONCE

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.openapi_unchecked("faults answer what S2 does not"),
]

# Tries again only what cannot have had an effect.
CAREFUL = replace(AT_ONCE, append_retry_policy=AppendRetryPolicy.NO_SIDE_EFFECTS)

Append = Callable[[S2Stream, str], Any]


@pytest_asyncio.fixture
async def writer(s2_mock: S2Mock, log: Stream) -> AsyncIterator[S2Stream]:
    """Retries everything."""
    async with client(s2_mock) as s2:
        yield s2[log.basin.name].stream(log.name)


@pytest_asyncio.fixture
async def careful(s2_mock: S2Mock, log: Stream) -> AsyncIterator[S2Stream]:
    """Retries what has no side effects."""
    async with client(s2_mock, CAREFUL) as s2:
        yield s2[log.basin.name].stream(log.name)


def client(mock: S2Mock, retry: Any = AT_ONCE) -> S2:
    return S2(mock.token, endpoints=Endpoints(mock.url, mock.url), retry=retry)


def bodies(log: Stream) -> list[str]:
    return [record.body.decode() for record in log.records]


async def unary(stream: S2Stream, body: str) -> int:
    return (await stream.append(AppendInput([Record(body.encode())]))).start.seq_num


async def by_session(stream: S2Stream, body: str) -> int:
    async with stream.append_session() as session:
        ticket = await session.submit(AppendInput([Record(body.encode())]))
    return (await ticket).start.seq_num


each_way = pytest.mark.parametrize("append", [unary, by_session])


async def test_a_retry_waits_as_long_as_it_is_told(
    s2_mock: S2Mock, careful: S2Stream, log: Stream
) -> None:
    s2_mock.inject(Fail("rate_limited", retry_after=0.4), on="append")
    assert await unary(careful, "a") == 0
    refused, carried_out = s2_mock.journal.of("append")
    assert refused.ended is not None
    assert carried_out.began - refused.ended >= 0.39
    assert bodies(log) == ["a"]


@each_way
@pytest.mark.parametrize(
    "fault",
    [
        Drop(committed=True),
        Drop(committed=True, connection="reset"),
        Drop(committed=True, connection=False),
        Cut(bytes=3),
        Cut(bytes=3, connection=False),
    ],
    ids=repr,
)
async def test_a_lost_acknowledgement_is_an_error_for_the_careful(
    s2_mock: S2Mock, careful: S2Stream, log: Stream, append: Append, fault: Fault
) -> None:
    s2_mock.inject(fault, on="append")
    with pytest.raises(S2ClientError) as caught:
        await append(careful, "a")
    assert isinstance(caught.value.__cause__, TransportError)
    assert len(s2_mock.journal.of("append")) == 1
    assert bodies(log) == ["a"]


@each_way
@pytest.mark.parametrize("fault", [Drop(committed=True), Fail("unavailable", committed=True)])
async def test_a_lost_acknowledgement_makes_a_duplicate_with_retry_all(
    s2_mock: S2Mock, writer: S2Stream, log: Stream, append: Append, fault: Fault
) -> None:
    s2_mock.inject(fault, on="append")
    assert await append(writer, "a") == 1
    first, second = s2_mock.journal.of("append")
    assert first.request.document == second.request.document
    assert bodies(log) == ["a", "a"]


@each_way
@pytest.mark.parametrize("last", [Fail("rate_limited"), Fail("hot_server")], ids=repr)
async def test_in_the_end_the_outcome_is_unknown(
    s2_mock: S2Mock, writer: S2Stream, log: Stream, append: Append, last: Fault
) -> None:
    """The retries end in a failure without effect, and one before it may have had one."""
    s2_mock.inject([Drop(committed=True), *[last] * 2], on="append")
    with pytest.raises(AppendIndefiniteFailureError):
        await append(writer, "a")
    assert bodies(log) == ["a"]


@each_way
async def test_at_the_end_of_the_service_the_outcome_is_unknown(
    s2_mock: S2Mock, writer: S2Stream, log: Stream, append: Append
) -> None:
    with s2_mock.hold(on="append", at="answer") as held:
        appending = asyncio.create_task(append(writer, "a"))
        await held.async_wait()
        with s2_mock.outage(), pytest.raises(AppendIndefiniteFailureError):
            await appending
    assert bodies(log) == ["a"]


@each_way
async def test_a_refused_stream_is_retried(
    s2_mock: S2Mock, writer: S2Stream, log: Stream, append: Append
) -> None:
    s2_mock.inject(Drop(refused=True), on="append" if append is unary else "append-session")
    assert await append(writer, "a") == 0
    assert bodies(log) == ["a"]


async def test_a_refused_stream_is_as_any_reset_to_the_careful(
    s2_mock: S2Mock, careful: S2Stream, log: Stream
) -> None:
    """The promise that nothing has happened is one that 0.13 does not hear."""
    s2_mock.inject(Drop(refused=True), on="append")
    with pytest.raises(S2ClientError, match="Stream reset with error code 7"):
        await unary(careful, "a")
    assert bodies(log) == []


async def test_a_proxy_is_taken_at_its_status(
    s2_mock: S2Mock, writer: S2Stream, careful: S2Stream, log: Stream
) -> None:
    """Without a code of S2 nothing is known of an effect, so the careful do not try again."""
    html = Answer(502, b"<html>Bad Gateway</html>", headers={"content-type": "text/html"})
    s2_mock.inject(html, on="append")
    with pytest.raises(S2ServerError) as caught:
        await unary(careful, "a")
    assert caught.value.status_code == 502
    s2_mock.inject(html, on="append")
    assert await unary(writer, "b") == 0
    assert bodies(log) == ["b"]


async def read_all(stream: S2Stream, count: int, *, follow: bool = False) -> list[str]:
    found: list[str] = []
    limit = None if follow else ReadLimit(count=count)
    async with stream.read_session(start=SeqNum(0), limit=limit) as session:
        async for batch in session:
            found += [record.body.decode() for record in batch.records]
            if len(found) >= count:
                break
    return found


READ_FAULTS = [
    Cut(records=0),
    Cut(records=3),
    Cut(bytes=0),
    Cut(bytes=2),
    Cut(bytes=60),
    Cut(records=3, connection="reset"),
    Cut(records=3, connection=False),
    Drop(),
    Drop(connection="reset"),
    Drop(connection=False),
    Drop(refused=True),
    Fail("unavailable"),
    Fail("storage", records=4),
    Fail("server_draining", records=2),
    Drain(),
    Drain(records=3),
    Answer(502, b"<html>"),
]


@pytest.mark.sample(4)
@pytest.mark.parametrize("fault", READ_FAULTS, ids=repr)
async def test_a_read_session_goes_on_without_gap_or_duplicate(
    s2_mock: S2Mock, writer: S2Stream, log: Stream, fault: Fault
) -> None:
    wanted = [str(number) for number in range(10)]
    log.append(wanted[:4])
    log.append(wanted[4:])
    s2_mock.inject(fault, on="read")
    assert await read_all(writer, 10) == wanted
    # A client that is advised to reconnect and has all records by then does not.
    assert len(s2_mock.journal.of("read")) == (1 if isinstance(fault, Drain) else 2)


async def test_a_reader_reconnects_when_it_is_advised(
    s2_mock: S2Mock, writer: S2Stream, log: Stream
) -> None:
    log.append(["0", "1"])
    s2_mock.inject(Drain(), on="read")
    reading = asyncio.create_task(read_all(writer, 4, follow=True))
    first, second = await s2_mock.journal.async_wait_for("read", 2)
    await log.async_wait_for_readers()
    log.append(["2", "3"])
    assert await reading == ["0", "1", "2", "3"]
    assert first.connection != second.connection


async def test_a_writer_reconnects_when_it_is_advised(
    s2_mock: S2Mock, careful: S2Stream, log: Stream
) -> None:
    s2_mock.inject(Drain(), on="append", skip=1)
    wanted = [str(number) for number in range(6)]
    async with careful.append_session() as session:
        for body in wanted:
            ticket = await session.submit(AppendInput([Record(body.encode())]))
            await ticket
    assert bodies(log) == wanted
    first, second = s2_mock.journal.of("append-session")
    assert first.connection != second.connection


@pytest.mark.parametrize("name", ["basin", "stream"])
async def test_a_creation_whose_answer_is_lost_is_found_again(s2_mock: S2Mock, name: str) -> None:
    s2_mock.inject(Drop(committed=True), on=f"create-{name}")
    async with client(s2_mock) as s2:
        if name == "basin":
            await s2.create_basin("my-basin")
        else:
            s2_mock.create_basin("my-basin")
            await s2["my-basin"].create_stream("logs")
    lost, found = s2_mock.journal.of(f"create-{name}")
    assert lost.effect.committed
    assert not found.effect.committed
    assert found.response is not None
    assert found.response.headers["s2-provision-result"] == "noop"
