"""A stream behind a socket of the test's own, on a clock that the test turns."""

from collections.abc import Iterator

import pytest

from s2mock import S2Mock, Stream
from s2mock.contract.client import Client
from s2mock.contract.records import Stream as Remote
from tests.time.watched_clock import WatchedClock


@pytest.fixture
def clock() -> WatchedClock:
    return WatchedClock()


@pytest.fixture
def mock(clock: WatchedClock) -> Iterator[S2Mock]:
    basin = {"name": "my-basin", "streams": [{"name": "s"}]}
    with S2Mock(clock=clock, basins=[basin]) as mock:
        yield mock


@pytest.fixture
def stream(mock: S2Mock) -> Stream:
    """The stream `s`, directly."""
    return mock.basin("my-basin").stream("s")


@pytest.fixture
def remote(mock: S2Mock) -> Remote:
    """The stream `s`, over the socket."""
    return Remote(Client(mock.url, basin="my-basin"), "s")
