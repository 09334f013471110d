"""Many threads on one account: each operation happens entirely or not at all, one at a time."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from s2mock import Account, BasinNotFound, ResourceAlreadyExists, StreamConfig, StreamNotFound
from s2mock.registry.rules import basins, streams
from s2mock.registry.rules.basins import CreateBasin
from s2mock.registry.rules.streams import CreateStream, EnsureStream

pytestmark = pytest.mark.slow

THREADS = 32


def race(call: Callable[[int], Any]) -> list[Any]:
    """What each of 32 threads that start together got; an error is what it got, too."""
    ready = Barrier(THREADS)

    def run(number: int) -> Any:
        ready.wait()
        try:
            return call(number)
        except (ResourceAlreadyExists, BasinNotFound, StreamNotFound) as error:
            return type(error)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


@pytest.fixture(autouse=True)
def slow_creation(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Between the look for the name and its taking, time for all others to come by."""
    made = []

    def slow(kind: type) -> Callable[..., Any]:
        def create(*arguments: Any) -> Any:
            made.append(kind)
            time.sleep(0.01)
            return kind(*arguments)

        return create

    # The states that `decide` makes, before anything is committed.
    monkeypatch.setattr(basins, "BasinState", slow(basins.BasinState))
    monkeypatch.setattr(streams, "StreamState", slow(streams.StreamState))
    yield
    assert made, "nothing was made slowly"


@pytest.mark.parametrize("kind", ["basin", "stream"])
def test_create_with_one_token(kind: str) -> None:
    home = Account()
    home.create_basin("my-basin")

    def create(_: int) -> Any:
        if kind == "basin":
            return home.engine.carry_out(CreateBasin("new-name", token="t"))
        return home.engine.carry_out(CreateStream("my-basin", "new-name", token="t"))

    made = race(create)
    assert sorted(outcome.result for outcome in made) == ["created"] + ["noop"] * 31
    assert len({outcome.incarnation for outcome in made}) == 1
    assert len({outcome.info for outcome in made}) == 1


@pytest.mark.parametrize("kind", ["basin", "stream"])
@pytest.mark.parametrize("tokens", ["none", "different"])
def test_create_without_a_common_token(kind: str, tokens: str) -> None:
    home = Account()
    basin = home.create_basin("my-basin")
    create = home.create_basin if kind == "basin" else basin.create_stream
    made = race(
        lambda number: create("new-name", request_token=None if tokens == "none" else str(number))
    )
    assert made.count(ResourceAlreadyExists) == 31


def test_ensure_with_different_configs() -> None:
    home = Account()
    home.create_basin("my-basin")

    def ensure(number: int) -> Any:
        operation = EnsureStream("my-basin", "s", StreamConfig(f"{number}"))
        return home.engine.carry_out(operation).result

    made = race(ensure)
    assert sorted(made) == ["created"] + ["updated"] * 31


def test_delete_and_create_leave_one_stream_or_none() -> None:
    home = Account()
    basin = home.create_basin("my-basin")
    basin.create_stream("s")

    def churn(number: int) -> Any:
        if number % 2:
            return home.stream("my-basin", "s").delete()
        return basin.create_stream("s")

    for _ in range(10):
        race(churn)
        names = basin.streams
        assert names in ((), ("s",))
        assert [info.name for info in basin.list_streams().items] == list(names)


def test_reconfigure_loses_no_change() -> None:
    basin = Account().create_basin("my-basin")
    stream = basin.create_stream("s")

    def reconfigure(number: int) -> Any:
        if number % 2:
            return stream.reconfigure(storage_class="x")
        return stream.reconfigure(delete_on_empty_min_age=7)

    race(reconfigure)
    assert (stream.config.storage_class, stream.config.delete_on_empty_min_age) == ("x", 7)
