"""The machine's clock stops, or is set back: dates follow it, durations do not.

As with freezegun or time-machine, or where NTP corrects it.
"""

import sys
import time
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from s2mock import S2Mock, SystemClock
from s2mock.contract.client import Client
from s2mock.contract.records import Stream as Remote
from tests.calls import Api, over_wsgi

pytestmark = pytest.mark.slow

# Later than all times read before: a date never goes back.
NOW = 4_000_000_000
SECOND = 1_000_000_000
# What such tools put in place of the real ones, in every module that has them by name.
WALL = {"time": lambda: float(NOW), "time_ns": lambda: NOW * SECOND}
MONOTONIC = {
    "monotonic": lambda: 5.0,
    "monotonic_ns": lambda: 5 * SECOND,
    "perf_counter": lambda: 5.0,
    "perf_counter_ns": lambda: 5 * SECOND,
}


@pytest.fixture
def mock() -> Iterator[S2Mock]:
    basin = {"name": "my-basin", "streams": [{"name": "s"}]}
    with S2Mock(basins=[basin], clock=SystemClock()) as mock:
        # All that is imported when first needed is there.
        assert Remote(Client(mock.url, basin="my-basin"), "s").tail().status == 200
        yield mock


def replace(monkeypatch: pytest.MonkeyPatch, functions: dict[str, Callable[[], float]]) -> None:
    for name, function in functions.items():
        real = getattr(time, name)
        for module_name, module in [*sys.modules.items()]:
            ours = module_name == "time" or module_name.partition(".")[0] == "s2mock"
            if ours and vars(module).get(name) is real:
                monkeypatch.setattr(module, name, function)


@pytest.fixture(params=[WALL, {**WALL, **MONOTONIC}], ids=["wall", "wall and monotonic"])
def _frozen(
    mock: S2Mock, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[S2Mock]:
    with monkeypatch.context() as patch:
        replace(patch, request.param)
        assert time.time() == NOW
        yield mock


# A second is the shortest wait that there is.


@pytest.mark.usefixtures("_frozen")
def test_a_read_that_waits_ends_over_the_socket(mock: S2Mock) -> None:
    remote = Remote(Client(mock.url, basin="my-basin"), "s")
    with remote.poll(wait=1) as poll, remote.sse(wait=1) as events:
        assert poll.answer().json["records"] == []
        assert [event.name for event in events.events()] == ["ping", None]


@pytest.mark.usefixtures("_frozen")
def test_a_read_that_waits_ends_over_wsgi(mock: S2Mock) -> None:
    api = Api(over_wsgi(mock.wsgi_app), "my-basin")
    answer = api.call("GET", "/v1/streams/s/records?wait=1")
    assert answer.json["records"] == []


@pytest.mark.usefixtures("_frozen")
def test_dates_do_not_advance(mock: S2Mock) -> None:
    stream = mock.basin("my-basin").create_stream("new")
    assert stream.info.created_at == NOW * SECOND
    assert stream.append([b"a"]).end.timestamp == NOW * 1000


def test_a_clock_that_is_set_back_again_and_again(
    mock: S2Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = count(int(time.time()) * SECOND, -3600 * SECOND)
    stream = mock.basin("my-basin").stream("s")
    with monkeypatch.context() as patch:
        replace(patch, {"time_ns": lambda: next(back)})
        stamps = [stream.append([b"a"]).end.timestamp for _ in range(5)]
        answer = Remote(Client(mock.url, basin="my-basin"), "s").read(wait=1)
        assert answer.json["records"] == []
    assert len({*stamps}) == 1
