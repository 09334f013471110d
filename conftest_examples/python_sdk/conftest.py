from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from audit import Audit, connect
from s2mock import S2Mock


@pytest_asyncio.fixture
async def audit(s2_mock: S2Mock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Audit]:
    s2_mock.use_env(monkeypatch)
    async with connect() as s2:
        yield Audit(s2)
