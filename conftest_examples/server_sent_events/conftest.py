from collections.abc import Iterator

import httpx
import pytest

from feed import Feed
from s2mock import S2Mock, Stream


@pytest.fixture
def log(s2_mock: S2Mock) -> Stream:
    return s2_mock.create_basin("newsroom").create_stream("headlines/today")


@pytest.fixture
def feed(s2_mock: S2Mock, log: Stream) -> Iterator[Feed]:
    with httpx.Client(base_url=s2_mock.url) as client:
        yield Feed(client, log.basin.name, log.name)
