"""An account on a clock of the test's own, a basin and a stream in it."""

from collections.abc import Callable
from itertools import count

import pytest

from s2mock import Basin, S2Mock, Stream, StreamConfig
from tests.records.staged_clock import StagedClock


@pytest.fixture
def clock() -> StagedClock:
    return StagedClock()


@pytest.fixture
def mock(clock: StagedClock) -> S2Mock:
    return S2Mock(clock=clock)


@pytest.fixture
def basin(mock: S2Mock) -> Basin:
    return mock.create_basin("my-basin")


@pytest.fixture
def stream(basin: Basin) -> Stream:
    """A fresh stream of the default configuration."""
    return basin.create_stream("my-stream")


@pytest.fixture
def new_stream(basin: Basin) -> Callable[..., Stream]:
    """Makes fresh streams of a given configuration."""
    numbers = count()

    def make(**config: object) -> Stream:
        return basin.create_stream(f"stream-{next(numbers)}", StreamConfig(**config))

    return make
