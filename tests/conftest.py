"""Fixtures and hooks for the tests of all folders."""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import none

from s2mock import ManualClock, S2Mock
from s2mock.runtime.loading import loading
from tests.calls import Api, over_wsgi
from tests.order import long_first
from tests.simulation import not_run

pytest_plugins = [
    # For the tests of the plugin, which run pytest within pytest.
    "pytester",
    # Checks all answers of the fake during any test, also those of the contract suite.
    "tests.openapi.plugin",
    # Runs all tests with `auth="required"` if the environment asks for it.
    "tests.own_token",
    # Marks cases as slow of which a sample is enough for `make check`.
    "tests.sampling",
    # Loads no certificates, which take time for each client.
    "tests.certificates",
    # Both backends of the handles.
    "tests.backends",
]

BASIN = "my-basin"

# The time of an example, and of its generation, depends on the machine. `make check` has fewer.
settings.register_profile(
    "s2mock",
    deadline=None,
    max_examples=int(os.environ.get("S2MOCK_TESTS_EXAMPLES", "50")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("s2mock")


# With a worker for each core, cores are idle: many tests wait for other processes and for threads.
WAITING_WORKERS = 2


# Some tests run others without xdist.
@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Return the number of workers of `-n auto`, unless the environment says it."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return (os.cpu_count() or 1) + WAITING_WORKERS


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the long ones, in each worker."""
    workers: int = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = long_first(items, workers)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect the tests without garbage collection, which looks at each of them many times."""
    with loading():
        return (yield)


def pytest_collection_finish() -> None:
    """Exclude the objects that exist now from garbage collection.

    pytest runs a full collection at the end of a run, and hundreds of tests run pytest within
    pytest: with 10,000 tests in memory each collection takes half a second.
    """
    # Once, since Hypothesis searches all objects for those that refer to its source of randomness.
    given(none())(lambda _: None)()
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print measurements of the tests, which depend on the machine, and tests that were not run."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "measured" and report.when == "call":
                terminalreporter.write_line(f"measured: {value}")
    not_run.write(terminalreporter)


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock at 2024-01-01T00:00:00Z."""
    return ManualClock()


@pytest.fixture
def mock(clock: ManualClock) -> Iterator[S2Mock]:
    """Return an empty account, in which a deletion is complete at once."""
    with S2Mock(clock=clock) as mock:
        yield mock


@pytest.fixture
def api(mock: S2Mock) -> Api:
    """Return the API of `mock` without a socket, without a basin."""
    return Api(over_wsgi(mock.wsgi_app))


@pytest.fixture
def s2(api: Api) -> Api:
    """Return the API of `mock` without a socket, in the empty basin `my-basin`."""
    api.create_basin(BASIN)
    return api.within(BASIN)
