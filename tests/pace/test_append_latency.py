"""`append_latency="cloud"`: the bounds of the hosted service, by the stream's storage class."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mock import ManualClock, S2Mock
from s2mock.registry.values.config import StreamConfig
from tests.backends import Make
from tests.pace import EXAMPLES
from tests.powers.conftest import BASIN, FRAMES, PATIENCE, Started, Way
from tests.powers.frames import append_frame, frames

pytestmark = pytest.mark.openapi_unchecked("S2's description has no 429 for appends")

# In milliseconds.
BOUNDS = {"express": 40, "standard": 400}


def config(storage_class: str | None) -> dict[str, Any]:
    return {} if storage_class is None else {"storage_class": storage_class}


@pytest.fixture
def slow(make: Make) -> Any:
    """A mock with a stream of each class, and of another one."""
    streams = [{"name": name, "config": config(name)} for name in (*BOUNDS, "glacial")]
    basins = [{"name": BASIN, "streams": [*streams, "unset"]}]
    return make(clock="manual", append_latency="cloud", basins=basins)


@pytest.fixture
def way(slow: Any) -> Iterator[Way]:
    with closing(Way("http1", slow)) as way:
        yield way


def takes(mock: Any, milliseconds: int, call: Any) -> Any:
    """The result of a call, which ends after exactly that time."""
    started = Started(call)
    mock.wait_for_waiters(timeout=PATIENCE)
    mock.advance((milliseconds - 1) / 1000)
    assert not started.is_over
    mock.advance(0.001)
    return started.result()


@pytest.mark.parametrize(
    ("stream", "milliseconds"),
    # A stream without a class has that of the system; nothing says how fast an unknown class is.
    [("express", 40), ("standard", 400), ("unset", 40), ("glacial", 400)],
)
def test_an_append_takes_the_bound_of_its_class(
    slow: Any, way: Way, stream: str, milliseconds: int
) -> None:
    answer = takes(slow, milliseconds, lambda: way.append("a", stream=stream))
    assert answer.status == 200
    assert [*slow.stream(BASIN, stream).bodies] == [b"a"]


def test_classes_have_groups_of_their_own(slow: Any, way: Way) -> None:
    with closing(Way("http1", slow)) as other:
        standard = Started(lambda: way.append("a", stream="standard"))
        slow.wait_for_waiters(1, timeout=PATIENCE)
        slow.advance(0.1)
        express = Started(lambda: other.append("b", stream="express"))
        slow.wait_for_waiters(2, timeout=PATIENCE)
        slow.advance(0.04)
        assert express.result().status == 200
        assert not standard.is_over
        slow.advance(0.26)
        assert standard.result().status == 200


def test_batches_of_a_session_share_the_bound(slow: Any, way: Way) -> None:
    content = b"".join(append_frame(str(n)) for n in range(100))
    path = "/v1/streams/standard/records"
    received, broke_off = takes(slow, 400, lambda: way.session(path, FRAMES, "POST", content))
    assert not broke_off
    assert [frame.acked for frame in frames(received)] == [(n, n + 1) for n in range(100)]


def test_a_reconfigured_stream_has_the_bound_of_its_new_class(slow: Any, way: Way) -> None:
    slow.stream(BASIN, "express").reconfigure(storage_class="standard")
    assert takes(slow, 400, lambda: way.append("a", stream="express")).status == 200


@pytest.mark.parametrize("default", [*BOUNDS, None])
def test_a_stream_that_the_append_creates_has_the_class_of_its_basin(
    make: Make, default: str | None
) -> None:
    basin = {
        "name": BASIN,
        "config": {"create_stream_on_append": True, "default_stream_config": config(default)},
    }
    mock = make(clock="manual", append_latency="cloud", basins=[basin])
    with closing(Way("http1", mock)) as way:
        milliseconds = BOUNDS[default or "express"]
        assert takes(mock, milliseconds, lambda: way.append("a", stream="new")).status == 200


@EXAMPLES
@given(st.lists(st.sampled_from([*BOUNDS]), min_size=1, max_size=6))
def test_each_append_in_turn_takes_the_bound_of_its_class(classes: list[str]) -> None:
    clock = ManualClock(0)
    with S2Mock(clock=clock, append_latency="cloud", basins=[BASIN]) as mock:
        for name in BOUNDS:
            mock.basin(BASIN).create_stream(name, StreamConfig(storage_class=name))
        way = Way("wsgi", mock)
        expected = 0
        for name in classes:
            expected += BOUNDS[name]
            answer = takes(mock, BOUNDS[name], lambda name=name: way.append("a", stream=name))
            assert answer.json["end"]["timestamp"] == expected == clock.now() // 10**6


def test_with_limits_a_refused_append_does_not_take_it(make: Make) -> None:
    """It is refused at once; one that is accepted takes its time."""
    mock = make(
        clock="manual",
        append_latency="cloud",
        limits={"batches_per_second": 1},
        basins=[{"name": BASIN, "streams": ["log"]}],
    )
    with closing(Way("http1", mock)) as way:
        assert takes(mock, 40, lambda: way.append("a")).status == 200
        refused = way.append("b")
        assert (refused.status, refused.headers["retry-after-ms"]) == (429, "960")


@pytest.mark.parametrize("latency", ["Cloud", "soon", "1"])
def test_another_text_is_refused(latency: Any) -> None:
    with pytest.raises(ValueError, match='append_latency must be a number of seconds, or "cloud"'):
        S2Mock(append_latency=latency)
