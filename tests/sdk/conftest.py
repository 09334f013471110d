"""Fixtures for the official SDKs, which come here as they are, over the real socket."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from s2_sdk import S2, Compression, Endpoints

from s2mock import S2Mock
from s2mock.server import Server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@pytest.fixture(params=Compression, ids=lambda compression: compression.value)
def compression(request: pytest.FixtureRequest) -> Compression:
    return request.param


@pytest_asyncio.fixture
async def s2(s2_mock: S2Mock, compression: Compression) -> AsyncIterator[S2]:
    """The Python SDK's client, once for each compression."""
    endpoints = Endpoints(account=s2_mock.url, basin=s2_mock.url)
    async with S2("token", endpoints=endpoints, compression=compression) as client:
        yield client


@pytest.fixture
def serve() -> "Iterator[Callable[[WSGIApplication], str]]":
    """Put a WSGI app of the test's own on a socket; the result is its URL."""
    with contextlib.ExitStack() as servers:

        def start(app: "WSGIApplication") -> str:
            server = Server(app)
            servers.callback(server.stop)
            return server.url

        yield start
