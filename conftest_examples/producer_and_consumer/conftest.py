from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from s2_sdk import S2Stream

from orders import connect
from s2mock import S2Mock, Stream


@pytest.fixture
def log(s2_mock: S2Mock) -> Stream:
    """The stream as the test sees it."""
    return s2_mock.create_basin("shop-one").create_stream("orders")


@pytest_asyncio.fixture
async def stream(
    log: Stream, s2_mock: S2Mock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[S2Stream]:
    """The same stream as the code under test sees it."""
    s2_mock.use_env(monkeypatch)
    async with connect() as s2:
        yield s2[log.basin.name].stream(log.name)
