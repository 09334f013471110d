"""The official Python SDK, unmodified: how its requests travel."""

import asyncio
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from s2_sdk import S2, Compression, Endpoints, S2ServerError

from s2mock import ManualClock, S2Mock
from tests.sdk.conftest import AT_ONCE, Observed

pytestmark = pytest.mark.asyncio

Observe = Callable[..., Any]


def client(there: S2Mock | Observed, compression: Compression = Compression.NONE) -> S2:
    endpoints = Endpoints(there.url, there.url)
    return S2(there.token, endpoints=endpoints, retry=AT_ONCE, compression=compression)


async def test_a_retry_of_create_finds_what_the_first_attempt_made(observe: Observe) -> None:
    observed = observe(losing=2)
    async with client(observed) as s2:
        basin = await s2.create_basin("my-basin")
        stream = await s2["my-basin"].create_stream("logs")

    assert (basin.name, stream.name) == ("my-basin", "logs")
    assert observed.results() == ["created", "noop", "noop"] * 2
    tokens = observed.sent("S2_REQUEST_TOKEN")
    assert tokens == tokens[:1] * 3 + tokens[3:4] * 3
    assert None not in tokens


async def test_each_create_has_a_token_of_its_own(observe: Observe) -> None:
    observed = observe()
    async with client(observed) as s2:
        await s2.create_basin("my-basin")
        with pytest.raises(S2ServerError, match="already exists"):
            await s2.create_basin("my-basin")

    assert len(set(observed.sent("S2_REQUEST_TOKEN"))) == 2


async def test_a_conflict_is_not_tried_again(s2_mock: S2Mock, observe: Observe) -> None:
    s2_mock.create_basin("my-basin")
    observed = observe()
    async with client(observed) as s2:
        with pytest.raises(S2ServerError, match="already exists"):
            await s2.create_basin("my-basin")

    assert len(observed.requests) == 1


async def test_bodies_are_compressed_both_ways(
    s2_mock: S2Mock, observe: Observe, compression: Compression
) -> None:
    observed = observe()
    async with client(observed, compression) as s2:
        await s2.create_basin("my-basin")
        for number in range(50):
            s2_mock.basin("my-basin").create_stream(f"logs/{number:02}")
        page = await s2["my-basin"].list_streams()

    assert len(page.items) == 50
    coding = None if compression is Compression.NONE else compression.value
    assert observed.sent("CONTENT_ENCODING") == [coding, None]
    assert [answer.get("content-encoding") for answer in observed.answers] == [None, coding]


async def test_requests_are_http_2_and_carry_the_basin_and_the_token(
    s2_mock: S2Mock, observe: Observe
) -> None:
    s2_mock.create_basin("my-basin")
    observed = observe()
    async with client(observed) as s2:
        await s2["my-basin"].create_stream("logs")

    [request] = observed.requests
    assert request["SERVER_PROTOCOL"].startswith("HTTP/2")
    assert request["HTTP_S2_BASIN"] == "my-basin"
    assert request["HTTP_AUTHORIZATION"] == f"Bearer {observed.token}"


async def test_many_requests_at_once(s2_mock: S2Mock) -> None:
    names = [f"logs/{number:03}" for number in range(150)]
    async with client(s2_mock) as s2:
        basin = s2["my-basin"]
        await s2.create_basin("my-basin")
        created = await asyncio.gather(*[basin.create_stream(name) for name in names])

    assert [info.name for info in created] == names
    assert s2_mock.basin("my-basin").streams == tuple(names)


async def test_one_name_at_once_is_created_once(s2_mock: S2Mock) -> None:
    s2_mock.create_basin("my-basin")
    async with client(s2_mock) as s2:
        outcomes = await asyncio.gather(
            *[s2["my-basin"].create_stream("logs") for _ in range(32)], return_exceptions=True
        )

    codes = [getattr(outcome, "code", "created") for outcome in outcomes]
    assert sorted(codes) == ["created"] + ["resource_already_exists"] * 31


@pytest.mark.s2_mock(use_env=True)
async def test_the_environment_leads_here(s2_mock: S2Mock) -> None:
    async with S2(s2_mock.token, endpoints=Endpoints.from_env()) as s2:
        await s2.create_basin("my-basin")
        await s2["my-basin"].create_stream("logs")

    assert s2_mock.basin("my-basin").streams == ("logs",)


async def test_the_environment_may_be_set_later(
    s2_mock: S2Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    s2_mock.use_env(monkeypatch)

    async with S2(s2_mock.token, endpoints=Endpoints.from_env()) as s2:
        await s2.create_basin("my-basin")

    assert s2_mock.basins == ("my-basin",)


async def test_the_basin_may_be_named_by_the_host(
    s2_mock: S2Mock, observe: Observe, monkeypatch: pytest.MonkeyPatch
) -> None:
    observed = observe()
    resolve = socket.getaddrinfo

    def resolve_here(host: str | bytes | None, *args: Any, **kwargs: Any) -> Any:
        known = host in (b"my-basin.b.s2.test", "my-basin.b.s2.test")
        return resolve("127.0.0.1" if known else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_here)
    endpoints = Endpoints(observed.url, observed.url.replace("127.0.0.1", "{basin}.b.s2.test"))
    async with S2(s2_mock.token, endpoints=endpoints) as s2:
        await s2.create_basin("my-basin")
        await s2["my-basin"].create_stream("logs")

    assert s2_mock.basin("my-basin").streams == ("logs",)
    assert observed.sent("S2_BASIN") == [None, None]


@pytest.mark.s2_mock(clock=ManualClock(), deletion_delay=60)
async def test_times_are_those_of_the_clock(s2_mock: S2Mock) -> None:
    clock = s2_mock.clock
    assert isinstance(clock, ManualClock)
    async with client(s2_mock) as s2:
        basin = s2["my-basin"]
        await s2.create_basin("my-basin")
        first = await basin.create_stream("logs")
        clock.advance(10.5)
        await basin.delete_stream("logs")
        [pending] = (await basin.list_streams()).items
        clock.advance(60)
        second = await basin.create_stream("logs")

    start = datetime(2024, 1, 1, tzinfo=UTC)
    assert first.created_at == pending.created_at == start
    assert pending.deleted_at == start + timedelta(seconds=10.5)
    assert second.created_at == start + timedelta(seconds=70.5)
    assert second.deleted_at is None
